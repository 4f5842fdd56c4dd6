//! Device: its settings, its secret, its CLIs and its DIDs.

use maud::{Markup, html};

use super::devices::MASK;
use crate::api::parameters::parse_id;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::options::own;
use crate::http::pages::frame::parts::{
    self, Action, Field, Problem, badge, facts, or_dash, select, tick,
};
use crate::http::pages::frame::problem::problem_on_page;
use crate::http::pages::frame::visit::Visit;
use crate::service::device_delete::Goes;
use crate::service::device_details::Details;
use crate::service::devices::{self, Edit};
use crate::service::guard::access::Right;
use crate::service::{Error, Thing, clis, device_delete, device_details, dids, groups, users};
use crate::store::row::Id;
use crate::store::tables::clis::Cli;
use crate::store::tables::device_groups::DeviceGroup;
use crate::store::tables::devices::Device;
use crate::store::tables::dids::Did;
use crate::store::tables::users::Permission;

/// The most CLIs and DIDs on a device's page. The lists have the others.
const SHOWN: usize = 20;

/// One device.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, Shown::default())
}

/// What the page of a device shows besides the device.
#[derive(Default)]
struct Shown {
    secret: Option<String>,
    pin: Option<String>,
    edit_problem: Problem,
    hide_problem: Problem,
}

/// The things that belong to a device.
struct Whole {
    device: Device,
    username: String,
    groups: Vec<DeviceGroup>,
    clis: Vec<Cli>,
    dids: Vec<Did>,
    /// What would go with it, and its options, for someone who may change it.
    managed: Option<(Goes, Details)>,
}

fn find(visit: &Visit, id: Id) -> Result<Whole, Trouble> {
    let by = visit.by();
    let found = visit.read(|tx| {
        let device = devices::get_own(tx, by, id)?;
        let on_device = clis::Filter {
            device_id: Some(id),
            ..Default::default()
        };
        Ok::<_, Error>(Whole {
            username: users::name_of(tx, device.user_id)?,
            groups: groups::list_offered(tx, by, device.user_id)?,
            clis: clis::list(tx, by, &on_device, None, SHOWN)?.rows,
            dids: match by.has(Right::SeeDids) {
                true => dids::list_on_device(tx, by, id, SHOWN as u32)?,
                false => Vec::new(),
            },
            managed: match by.has(Right::ManageDevices) {
                true => Some((
                    device_delete::preview(tx, by, id)?,
                    device_details::get(tx, by, Some(id))?,
                )),
                false => None,
            },
            device,
        })
    });
    Ok(found?)
}

fn render(visit: &Visit, shown: Shown) -> Result<Answer, Trouble> {
    let whole = find(visit, visit.id())?;
    let device = &whole.device;
    let manages = visit.may(Right::ManageDevices);
    let has_problem = shown.edit_problem.is_some() || shown.hide_problem.is_some();
    let body = html! {
        p.crumbs { a href="/devices" { "Devices" } " / " (device.extension) }
        div.columns {
            div {
                (registration(visit, &whole, &shown, manages))
                (belongings(visit, &whole, manages))
            }
            @if manages { div { (edit_form(visit, &whole, &shown.edit_problem)) (settings(&whole)) (actions(visit, &whole, &shown.hide_problem)) } }
        }
    };
    let title = match device.description.is_empty() {
        true => format!("Device {}", device.extension),
        false => format!("{} ({})", device.description, device.extension),
    };
    Ok(visit.page_or_problem(&title, has_problem, body))
}

fn registration(visit: &Visit, whole: &Whole, shown: &Shown, manages: bool) -> Markup {
    let device = &whole.device;
    let group = whole
        .groups
        .iter()
        .find(|group| group.id == device.device_group_id);
    html! {
        section.card {
            h2 { "Settings of the phone" }
            (facts(&[
                ("Username", html! { code { (device.username) } }),
                ("Secret", hidden(visit, device, "secret", shown.secret.as_deref(), manages)),
                ("Extension", html! { (device.extension) }),
                ("Type", html! { (device.device_type) @if device.is_trunk { " " (badge("trunk")) } @if device.blocked_ms.is_some() { " " (badge("blocked")) } }),
                ("Address", html! {
                    @if !device.hostname.is_empty() { (device.hostname) ":" (device.port) ", by which it is known" }
                    @else if device.ip_auth { (device.ipaddr) ":" (device.port) ", by which it is known" }
                    @else if device.ipaddr == "0.0.0.0" { "wherever it registers from, port " (device.port) }
                    @else { (device.ipaddr) ":" (device.port) }
                }),
                ("Caller ID", or_dash(&device.caller_id)),
                ("PIN", match device.pin {
                    Some(_) => hidden(visit, device, "pin", shown.pin.as_deref(), manages),
                    None => or_dash(""),
                }),
                ("User", html! {
                    @if visit.may(Right::ManageUsers) { a href={ "/users/" (device.user_id) } { (whole.username) } }
                    @else { (whole.username) }
                }),
                ("Group", html! { @if let Some(group) = group { (group.name) } }),
                ("In the API", html! { code { "device_id=" (device.id) } }),
            ]))
        }
    }
}

/// A secret that proves a device's user: shown to someone who has asked for it, otherwise a button to ask.
fn hidden(
    visit: &Visit,
    device: &Device,
    what: &str,
    shown: Option<&str>,
    manages: bool,
) -> Markup {
    html! {
        @match shown {
            Some(shown) => { code id={ "shown-" (what) } { (shown) } p.hint { "The action log notes that it was shown." } }
            None if manages => form.inline method="post" action={ "/devices/" (device.id) "/" (what) } {
                (parts::form_token(visit))
                (MASK) " " button.quiet type="submit" { "Show" span.hidden { " the " (what) } }
            },
            None => (MASK),
        }
    }
}

fn belongings(visit: &Visit, whole: &Whole, manages: bool) -> Markup {
    let id = whole.device.id;
    html! {
        @if visit.may(Right::SeeDids) {
            section.card {
                h2 { "DIDs on it" }
                @if whole.dids.is_empty() {
                    p.none { "None." @if visit.may(Right::ManageDids) { " A DID that is reserved for " (whole.username) " can be assigned from its own page." } }
                }
                ul.plain { @for did in &whole.dids { li { a href={ "/dids/" (did.id) } { (did.did) } " " (badge(did.status.as_str())) } } }
            }
        }
        section.card {
            h2 { "CLIs on it" }
            @if whole.clis.is_empty() { p.none { "None." } }
            ul.plain {
                @for cli in &whole.clis {
                    li {
                        a href={ "/clis/" (cli.id) } { (cli.number.as_deref().or(cli.domain.as_deref()).unwrap_or_default()) }
                        " " (cli.description) @if cli.banned { " " (badge("banned")) }
                    }
                }
            }
            p {
                @if whole.clis.len() == SHOWN { a href={ "/clis?device=" (id) } { "All of them" } " " }
                @if manages { a href={ "/clis/new?device_id=" (id) } { "Add a CLI" } }
            }
        }
        section.card {
            h2 { "Its calls" }
            ul.plain {
                li { a href={ "/devices/" (id) "/callflow" } { "What happens to a call for it" } }
                li { a href={ "/devices/" (id) "/rules" } { "Rules that rewrite numbers" } }
            }
        }
        @if visit.may(Right::SeeLog) {
            p { a href={ "/log?object=" (id) "&action=device" } { "What was done to this device" } }
        }
    }
}

fn edit_form(visit: &Visit, whole: &Whole, problem: &Problem) -> Markup {
    let device = &whole.device;
    // Typed text stays in the form when it was refused.
    let typed = |name: &str, stored: &str| match problem {
        Some(_) => visit.sent.raw(name).unwrap_or_default().to_owned(),
        None => stored.to_owned(),
    };
    let groups: Vec<(String, String)> = whole
        .groups
        .iter()
        .map(|group| (group.id.to_string(), group.name.clone()))
        .collect();
    let fields = html! {
        h2 { "Edit" }
        (Field::text("description", "Description", &typed("description", &device.description)).render(problem))
        (Field::text("pin", "New PIN", &typed("pin", ""))
            .hint("Up to 20 digits, unique; blank: it stays as it is").render(problem))
        @if device.pin.is_some() { (tick("no_pin", "Without a PIN", visit.is_on("no_pin"), "", &None)) }
        @if visit.by().may(Permission::ManageCallerId) {
            (Field::text("caller_id", "Caller ID", &typed("caller_id", &device.caller_id)).render(problem))
        }
        (select("devicegroup_id", "Device group", &groups, &typed("devicegroup_id", &device.device_group_id.to_string()), "", problem))
    };
    parts::form(
        visit,
        &format!("/devices/{}/edit", device.id),
        "Save",
        problem,
        fields,
    )
}

/// The options that differ from the defaults, and the way to all settings.
fn settings(whole: &Whole) -> Markup {
    html! {
        @if let Some((_, details)) = &whole.managed {
            section.card {
                h2 { "Options" }
                (own(&details.options))
                @if !details.fax_emails.is_empty() { p { "Faxes are sent to " (details.fax_emails.join(", ")) "." } }
                p { a href={ "/devices/" (whole.device.id) "/settings" } { "Login, address, balance and all options" } }
            }
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What goes with a device that is deleted.
fn going(whole: &Whole) -> Markup {
    let Some((goes, details)) = &whole.managed else {
        return html! {};
    };
    let clis = goes.clis.iter();
    let clis = clis.filter_map(|cli| cli.number.as_deref().or(cli.domain.as_deref()));
    let clis: Vec<&str> = clis.take(SHOWN).collect();
    html! {
        @if let Some(refusal) = &goes.obstacle { p.notice.warn { "Not now: " (refusal) "." } }
        ul {
            @if !goes.dids.is_empty() {
                li { (counted(goes.dids.len(), "DID")) " on it: taken off, and reserved for " (whole.username) " as before." }
            }
            @if !goes.clis.is_empty() {
                li { (counted(goes.clis.len(), "CLI")) " to be deleted: " (clis.join(", ")) @if goes.clis.len() > SHOWN { ", …" } }
            }
            @if goes.options > 0 { li { (counted(goes.options, "option")) " of its own." } }
            @if goes.rules > 0 { li { (counted(goes.rules, "device rule")) "." } }
            @if goes.callflow > 0 { li { "What its call flow does at " (counted(goes.callflow, "moment")) " of a call." } }
            @if goes.fax_emails > 0 { li { "Faxes are no longer sent to " (details.fax_emails.join(", ")) "." } }
            li { "The extension " (whole.device.extension) ", the username and the PIN are free again." }
        }
    }
}

fn actions(visit: &Visit, whole: &Whole, hide_problem: &Problem) -> Markup {
    let device = &whole.device;
    let is_blocked = device.blocked_ms.is_some();
    let path = |action: &str| format!("/devices/{}/{action}", device.id);
    html! {
        section.actions {
            (Action {
                path: &path("trunk"),
                title: if device.is_trunk { "Make it an ordinary device" } else { "Make it a trunk" },
                consequence: if device.is_trunk {
                    "The API will refuse to assign DIDs to it. DIDs that are on it stay."
                } else {
                    "DIDs can then be assigned to it through the API."
                },
                button: if device.is_trunk { "Make it an ordinary device" } else { "Make it a trunk" },
                is_grave: false,
            }.render(visit, &None, html! {
                @if !device.is_trunk { input type="hidden" name="is_trunk" value="1"; }
            }))
            (Action {
                path: &path("new-secret"),
                title: "New secret",
                consequence: "The device can register again only once the new secret is typed into it. The old one is gone.",
                button: "Make a new secret",
                is_grave: true,
            }.render(visit, &None, html! {}))
            (Action {
                path: &path("block"),
                title: if is_blocked { "Unblock this device" } else { "Block this device" },
                consequence: if is_blocked {
                    "It can register, call and be called again."
                } else {
                    "It neither registers nor calls nor is called, and no PIN and no CLI leads to it. It keeps everything, and can be unblocked."
                },
                button: if is_blocked { "Unblock it" } else { "Block it" },
                is_grave: !is_blocked,
            }.render(visit, &None, html! {
                @if !is_blocked { input type="hidden" name="blocked" value="1"; }
            }))
            (Action {
                path: &path("hide"),
                title: "Delete this device",
                consequence: "It disappears from every list and from the API, and cannot be brought back. Its row stays, because calls and the action log point to it.",
                button: "Delete it",
                is_grave: true,
            }.render(visit, hide_problem, going(whole)))
        }
    }
}

/// Changes the fields that can be edited.
pub async fn edit(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDevices)?;
    let id = visit.id();
    let whole = find(&visit, id)?;
    let edit = Edit {
        description: visit.text("description"),
        pin: match (visit.text("pin"), visit.is_on("no_pin")) {
            (pin, false) if pin.is_empty() => None,
            (pin, _) => Some(pin),
        },
        caller_id: match visit.sent.raw("caller_id") {
            Some(_) => visit.text("caller_id"),
            None => whole.device.caller_id,
        },
        device_group_id: parse_id(&visit.text("devicegroup_id")),
    };
    match visit
        .write(move |tx, by| devices::update(tx, by, id, edit))
        .await
    {
        Ok(()) => Ok(Answer::SeeOther(format!("/devices/{id}?done=saved"))),
        Err(error) => {
            let edit_problem = problem_on_page(Thing::Device, error, "device_create")?;
            render(
                &visit,
                Shown {
                    edit_problem,
                    ..Default::default()
                },
            )
        }
    }
}

/// Shows the secret, this once.
pub async fn show_secret(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    let secret = visit
        .write(move |tx, by| devices::show_secret(tx, by, id))
        .await?;
    render(
        &visit,
        Shown {
            secret: Some(secret),
            ..Default::default()
        },
    )
}

/// Shows the PIN, this once.
pub async fn show_pin(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    let pin = visit
        .write(move |tx, by| devices::show_pin(tx, by, id))
        .await?;
    render(
        &visit,
        Shown {
            pin,
            ..Default::default()
        },
    )
}

/// Makes a new secret, and shows it.
pub async fn new_secret(visit: Visit) -> Result<Answer, Trouble> {
    let (id, ambient) = (visit.id(), visit.app.core.ambient.clone());
    let made = visit.write(move |tx, by| devices::renew_secret(tx, by, &ambient, id));
    let secret = made.await?;
    render(
        &visit,
        Shown {
            secret: Some(secret),
            ..Default::default()
        },
    )
}

/// Makes it a trunk, or an ordinary device.
pub async fn set_trunk(visit: Visit) -> Result<Answer, Trouble> {
    let (id, is_trunk) = (visit.id(), visit.is_on("is_trunk"));
    visit
        .write(move |tx, by| devices::set_trunk(tx, by, id, is_trunk))
        .await?;
    let done = if is_trunk { "trunk" } else { "not-trunk" };
    Ok(Answer::SeeOther(format!("/devices/{id}?done={done}")))
}

/// Hides it.
pub async fn hide(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    match visit
        .write(move |tx, by| device_delete::remove(tx, by, Some(id)))
        .await
    {
        Ok(()) => Ok(Answer::SeeOther("/devices?done=deleted".into())),
        Err(error) => {
            let hide_problem = problem_on_page(Thing::Device, error, "")?;
            render(
                &visit,
                Shown {
                    hide_problem,
                    ..Default::default()
                },
            )
        }
    }
}
