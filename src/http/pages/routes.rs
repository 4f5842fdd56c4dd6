//! Every page and every action: its address, who may, and what it does. Tests generate from this table.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::visit::{Answer, Trouble, Visit};
use super::{
    account, assets, clis, console, devices, dids, groups, hash, log, named, overview, providers,
    settings, sign_in, users,
};
use crate::service::access::Right;

/// How it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A page: it changes nothing.
    Get,
    /// An action: its form carries a token.
    Post,
}

/// What answers.
pub type Handler = fn(Visit) -> LocalBoxFuture<'static, Result<Answer, Trouble>>;

/// A page or an action.
pub struct Route {
    /// How it is asked for.
    pub verb: Verb,
    /// Its path; `{id}` is digits, `{name}` one word.
    pub path: &'static str,
    /// What whoever asks must be allowed; none: anyone may.
    pub right: Option<Right>,
    /// What answers.
    pub handler: Handler,
}

macro_rules! routes {
    ($($verb:ident $path:literal $right:expr => $handler:path;)+) => {
        /// All of them.
        pub static ROUTES: &[Route] = &[$(Route {
            verb: Verb::$verb,
            path: $path,
            right: $right,
            handler: |visit| $handler(visit).boxed_local(),
        },)+];
    };
}

routes! {
    Get "/assets/{name}" None => assets::file;
    Get "/sign-in" None => sign_in::form;
    Post "/sign-in" None => sign_in::enter;
    Get "/welcome/{name}" None => sign_in::welcome;
    Post "/welcome/{name}" None => sign_in::set_first_password;
    Get "/admin" None => sign_in::admin;

    Post "/sign-out" Some(Right::SignedIn) => sign_in::leave;
    Get "/" Some(Right::SignedIn) => overview::show;
    Get "/account" Some(Right::SignedIn) => account::show;
    Post "/account/password" Some(Right::SignedIn) => account::set_password;

    Get "/devices" Some(Right::SeeDevices) => devices::list;
    Get "/devices.csv" Some(Right::SeeDevices) => devices::export;
    Get "/devices/new" Some(Right::ManageDevices) => devices::new;
    Post "/devices/new" Some(Right::ManageDevices) => devices::create;
    Get "/devices/{id}" Some(Right::SeeDevices) => devices::show;
    Post "/devices/{id}/edit" Some(Right::ManageDevices) => devices::edit;
    Post "/devices/{id}/secret" Some(Right::ManageDevices) => devices::show_secret;
    Post "/devices/{id}/new-secret" Some(Right::ManageDevices) => devices::new_secret;
    Post "/devices/{id}/trunk" Some(Right::ManageDevices) => devices::set_trunk;
    Post "/devices/{id}/hide" Some(Right::ManageDevices) => devices::hide;

    Get "/dids" Some(Right::SeeDids) => dids::list;
    Get "/dids.csv" Some(Right::SeeDids) => dids::export;
    Get "/dids/new" Some(Right::ManageDids) => dids::new;
    Post "/dids/new" Some(Right::ManageDids) => dids::create;
    Get "/dids/{id}" Some(Right::SeeDids) => dids::show;
    Post "/dids/{id}/{name}" Some(Right::ManageDids) => dids::step;

    Get "/clis" Some(Right::SeeDevices) => clis::list;
    Get "/clis.csv" Some(Right::SeeDevices) => clis::export;
    Get "/clis/new" Some(Right::ManageDevices) => clis::new;
    Post "/clis/new" Some(Right::ManageDevices) => clis::create;
    Get "/clis/{id}" Some(Right::SeeDevices) => clis::show;
    Post "/clis/{id}/edit" Some(Right::ManageDevices) => clis::edit;
    Post "/clis/{id}/delete" Some(Right::ManageDevices) => clis::delete;

    Get "/users" Some(Right::ManageUsers) => users::list;
    Get "/users.csv" Some(Right::ManageUsers) => users::export;
    Get "/users/new" Some(Right::ManageUsers) => users::new;
    Post "/users/new" Some(Right::ManageUsers) => users::create;
    Get "/users/{id}" Some(Right::ManageUsers) => users::show;
    Post "/users/{id}/password" Some(Right::ManageUsers) => users::set_password;
    Post "/users/{id}/permissions" Some(Right::ManagePermissions) => users::set_permissions;
    Post "/users/{id}/block" Some(Right::ManageUsers) => users::block;
    Post "/users/{id}/unblock" Some(Right::ManageUsers) => users::unblock;

    Get "/groups" Some(Right::ManageDevices) => groups::list;
    Get "/groups.csv" Some(Right::ManageDevices) => groups::export;
    Get "/groups/new" Some(Right::ManageDevices) => groups::new;
    Post "/groups/new" Some(Right::ManageDevices) => groups::create;
    Get "/groups/{id}" Some(Right::ManageDevices) => groups::show;
    Post "/groups/{id}/edit" Some(Right::ManageDevices) => groups::edit;
    Post "/groups/{id}/hide" Some(Right::ManageDevices) => groups::hide;

    Get "/providers" Some(Right::ManageSetup) => providers::list;
    Get "/providers.csv" Some(Right::ManageSetup) => providers::export;
    Get "/providers/new" Some(Right::ManageSetup) => providers::new;
    Post "/providers/new" Some(Right::ManageSetup) => providers::create;
    Get "/providers/{id}" Some(Right::ManageSetup) => providers::show;
    Post "/providers/{id}/edit" Some(Right::ManageSetup) => providers::edit;
    Post "/providers/{id}/hide" Some(Right::ManageSetup) => providers::hide;

    Get "/ivrs" Some(Right::ManageSetup) => named::list;
    Get "/ivrs.csv" Some(Right::ManageSetup) => named::export;
    Get "/ivrs/new" Some(Right::ManageSetup) => named::new;
    Post "/ivrs/new" Some(Right::ManageSetup) => named::create;
    Get "/ivrs/{id}" Some(Right::ManageSetup) => named::show;
    Post "/ivrs/{id}/edit" Some(Right::ManageSetup) => named::edit;
    Post "/ivrs/{id}/hide" Some(Right::ManageSetup) => named::hide;

    Get "/dialplans" Some(Right::ManageSetup) => named::list;
    Get "/dialplans.csv" Some(Right::ManageSetup) => named::export;
    Get "/dialplans/new" Some(Right::ManageSetup) => named::new;
    Post "/dialplans/new" Some(Right::ManageSetup) => named::create;
    Get "/dialplans/{id}" Some(Right::ManageSetup) => named::show;
    Post "/dialplans/{id}/edit" Some(Right::ManageSetup) => named::edit;
    Post "/dialplans/{id}/hide" Some(Right::ManageSetup) => named::hide;

    Get "/settings" Some(Right::ManageApi) => settings::show;
    Post "/settings/set" Some(Right::ManageApi) => settings::set;
    Post "/settings/allow" Some(Right::ManageApi) => settings::allow;
    Post "/settings/disallow" Some(Right::ManageApi) => settings::disallow;
    Post "/settings/keys/new" Some(Right::ManageApi) => settings::add_key;
    Post "/settings/keys/{id}/replace" Some(Right::ManageApi) => settings::replace_key;
    Post "/settings/keys/{id}/revoke" Some(Right::ManageApi) => settings::revoke_key;

    Get "/hash" Some(Right::ManageApi) => hash::form;
    Post "/hash" Some(Right::ManageApi) => hash::explain;
    Get "/console" Some(Right::ManageApi) => console::choose;
    Get "/console/{name}" Some(Right::ManageApi) => console::form;
    Post "/console/{name}" Some(Right::ManageApi) => console::call;

    Get "/log" Some(Right::SeeLog) => log::list;
    Get "/log.csv" Some(Right::SeeLog) => log::export;
}
