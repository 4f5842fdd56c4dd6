//! Every page and every action: its address, who is let through, and its handler. Tests are generated from this table.

use futures_util::FutureExt;

use crate::http::pages::frame::assets;
pub use crate::http::pages::frame::route::{Handler, Route, Verb, Who};
use crate::http::pages::{
    account, bulk, callflow, clis, console, device, device_rules, device_settings, devices, did,
    dids, groups, hash, log, named, overview, periods, phonebooks, provider, providers,
    quickforwards, settings, sign_in, users,
};

macro_rules! routes {
    ($($verb:ident $path:literal $who:ident => $handler:path;)+) => {
        /// All routes.
        pub static ROUTES: &[Route] = &[$(Route {
            verb: Verb::$verb,
            path: $path,
            who: Who::$who,
            handler: |visit| $handler(visit).boxed(),
        },)+];
    };
}

routes! {
    Get "/assets/{name}" Anyone => assets::file;
    Get "/sign-in" Anyone => sign_in::form;
    Post "/sign-in" Anyone => sign_in::enter;
    Get "/welcome/{name}" Anyone => sign_in::welcome;
    Post "/welcome/{name}" Anyone => sign_in::set_first_password;
    Get "/admin" Anyone => sign_in::admin;

    Post "/sign-out" SignedIn => account::leave;
    Get "/" SignedIn => overview::show;
    Get "/account" SignedIn => account::show;
    Post "/account/password" SignedIn => account::set_password;
    Post "/account/sessions/end" SignedIn => account::end_session;
    Post "/account/sessions/end-others" SignedIn => account::end_others;

    Get "/devices" SignedIn => devices::list;
    Get "/devices.csv" SignedIn => devices::export;
    Get "/devices/new" SignedIn => devices::new;
    Post "/devices/new" SignedIn => devices::create;
    Get "/devices/bulk" SignedIn => bulk::choose;
    Post "/devices/bulk" SignedIn => bulk::act;
    Get "/devices/{id}" SignedIn => device::show;
    Post "/devices/{id}/edit" SignedIn => device::edit;
    Post "/devices/{id}/secret" SignedIn => device::show_secret;
    Post "/devices/{id}/pin" SignedIn => device::show_pin;
    Post "/devices/{id}/new-secret" SignedIn => device::new_secret;
    Post "/devices/{id}/trunk" SignedIn => device::set_trunk;
    Post "/devices/{id}/hide" SignedIn => device::hide;
    Get "/devices/{id}/settings" SignedIn => device_settings::form;
    Post "/devices/{id}/settings" SignedIn => device_settings::save;
    Post "/devices/{id}/block" SignedIn => device_settings::block;

    Get "/devices/{id}/callflow" SignedIn => callflow::show;
    Get "/devices/{id}/callflow/{name}" SignedIn => callflow::form;
    Post "/devices/{id}/callflow/{name}" SignedIn => callflow::save;
    Get "/devices/{id}/rules" SignedIn => device_rules::show;
    Post "/devices/{id}/rules/new" SignedIn => device_rules::create;
    Post "/devices/{id}/rules/delete" SignedIn => device_rules::delete;

    Get "/dids" SignedIn => dids::list;
    Get "/dids.csv" SignedIn => dids::export;
    Get "/dids/new" SignedIn => dids::new;
    Post "/dids/new" SignedIn => dids::create;
    Get "/dids/bulk" SignedIn => bulk::choose;
    Post "/dids/bulk" SignedIn => bulk::act;
    Get "/dids/{id}" SignedIn => did::show;
    Post "/dids/{id}/{name}" SignedIn => did::step;

    Get "/clis" SignedIn => clis::list;
    Get "/clis.csv" SignedIn => clis::export;
    Get "/clis/new" SignedIn => clis::new;
    Post "/clis/new" SignedIn => clis::create;
    Get "/clis/{id}" SignedIn => clis::show;
    Post "/clis/{id}/edit" SignedIn => clis::edit;
    Post "/clis/{id}/delete" SignedIn => clis::delete;

    Get "/users" SignedIn => users::list;
    Get "/users.csv" SignedIn => users::export;
    Get "/users/new" SignedIn => users::new;
    Post "/users/new" SignedIn => users::create;
    Get "/users/{id}" SignedIn => users::show;
    Post "/users/{id}/password" SignedIn => users::set_password;
    Post "/users/{id}/permissions" SignedIn => users::set_permissions;
    Post "/users/{id}/block" SignedIn => users::block;
    Post "/users/{id}/unblock" SignedIn => users::unblock;

    Get "/groups" SignedIn => groups::list;
    Get "/groups.csv" SignedIn => groups::export;
    Get "/groups/new" SignedIn => groups::new;
    Post "/groups/new" SignedIn => groups::create;
    Get "/groups/{id}" SignedIn => groups::show;
    Post "/groups/{id}/edit" SignedIn => groups::edit;
    Post "/groups/{id}/hide" SignedIn => groups::hide;

    Get "/providers" SignedIn => providers::list;
    Get "/providers.csv" SignedIn => providers::export;
    Get "/providers/new" SignedIn => providers::new;
    Post "/providers/new" SignedIn => providers::create;
    Get "/providers/{id}" SignedIn => provider::show;
    Post "/providers/{id}/edit" SignedIn => provider::edit;
    Post "/providers/{id}/hide" SignedIn => provider::hide;
    Post "/providers/{id}/rules" SignedIn => provider::add_rule;
    Post "/provider-rules/{id}/delete" SignedIn => provider::delete_rule;

    Get "/ivrs" SignedIn => named::list;
    Get "/ivrs.csv" SignedIn => named::export;
    Get "/ivrs/new" SignedIn => named::new;
    Post "/ivrs/new" SignedIn => named::create;
    Get "/ivrs/{id}" SignedIn => named::show;
    Post "/ivrs/{id}/edit" SignedIn => named::edit;
    Post "/ivrs/{id}/hide" SignedIn => named::hide;

    Get "/dialplans" SignedIn => named::list;
    Get "/dialplans.csv" SignedIn => named::export;
    Get "/dialplans/new" SignedIn => named::new;
    Post "/dialplans/new" SignedIn => named::create;
    Get "/dialplans/{id}" SignedIn => named::show;
    Post "/dialplans/{id}/edit" SignedIn => named::edit;
    Post "/dialplans/{id}/hide" SignedIn => named::hide;

    Get "/periods" SignedIn => periods::list;
    Get "/periods.csv" SignedIn => periods::export;
    Get "/periods/new" SignedIn => periods::new;
    Post "/periods/new" SignedIn => periods::create;
    Get "/periods/{id}" SignedIn => periods::show;
    Post "/periods/{id}/edit" SignedIn => periods::edit;
    Post "/periods/{id}/hide" SignedIn => periods::hide;

    Get "/quickforwards" SignedIn => quickforwards::show;
    Get "/quickforwards/{id}" SignedIn => quickforwards::show;
    Post "/quickforwards/{id}/set" SignedIn => quickforwards::set;
    Post "/quickforwards/{id}/delete" SignedIn => quickforwards::delete_one;
    Post "/quickforwards/{id}/pattern" SignedIn => quickforwards::set_pattern;

    Get "/phonebook" SignedIn => phonebooks::show;
    Get "/phonebooks/{id}" SignedIn => phonebooks::show;
    Post "/phonebooks/{id}/new" SignedIn => phonebooks::create;
    Get "/records/{id}" SignedIn => phonebooks::record;
    Post "/records/{id}/edit" SignedIn => phonebooks::edit;

    Get "/settings" SignedIn => settings::show;
    Post "/settings/set" SignedIn => settings::set;
    Post "/settings/allow" SignedIn => settings::allow;
    Post "/settings/disallow" SignedIn => settings::disallow;
    Post "/settings/keys/new" SignedIn => settings::add_key;
    Post "/settings/keys/{id}/replace" SignedIn => settings::replace_key;
    Post "/settings/keys/{id}/revoke" SignedIn => settings::revoke_key;

    Get "/hash" SignedIn => hash::form;
    Post "/hash" SignedIn => hash::explain;
    Get "/console" SignedIn => console::choose;
    Get "/console/{name}" SignedIn => console::form;
    Post "/console/{name}" SignedIn => console::call;

    Get "/log" SignedIn => log::list;
    Get "/log.csv" SignedIn => log::export;
}
