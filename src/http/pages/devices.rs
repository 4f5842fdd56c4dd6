//! Devices: the list, and a new one.

use maud::html;

use crate::api::parameters::Parameters;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::choices::{BY_NAME, offered_users};
use crate::http::pages::frame::filters::{DEVICE_FILTERS, device_filter};
use crate::http::pages::frame::list::{Column, List};
use crate::http::pages::frame::parts::{self, Field, Problem, badge, or_dash, select, yes_no};
use crate::http::pages::frame::problem::problem;
use crate::http::pages::frame::visit::Visit;
use crate::service::device_create::{self, NewDevice, Pin};
use crate::service::device_lists;
use crate::service::guard::access::{Actor, Right};
use crate::service::lists::Slice;
use crate::service::{Error, users};
use crate::store::ReadTx;
use crate::store::row::Cursor;
use crate::store::tables::devices::{Device, DeviceType};
use crate::store::tables::users::Permission;

/// Stands for a secret or a PIN that nobody asked to see.
pub(super) const MASK: &str = "••••••••";

/// Shows that a device has a PIN, but not which.
fn masked(device: &Device) -> &'static str {
    match device.pin {
        Some(_) => MASK,
        None => "",
    }
}

/// A device, and its user's name.
pub struct Row {
    device: Device,
    username: String,
}

static LIST: List<Row> = List {
    path: "/devices",
    noun: "devices",
    columns: &[
        Column {
            name: "Extension",
            sort: Some("extension"),
            html: Some(
                |row| html! { a href={ "/devices/" (row.device.id) } { (row.device.extension) } },
            ),
            text: |row| row.device.extension.clone(),
        },
        Column {
            name: "Description",
            sort: Some("description"),
            html: Some(|row| or_dash(&row.device.description)),
            text: |row| row.device.description.clone(),
        },
        Column {
            name: "User",
            sort: None,
            html: Some(|row| html! { (row.username) }),
            text: |row| row.username.clone(),
        },
        Column {
            name: "Type",
            sort: None,
            html: Some(
                |row| html! { (row.device.device_type) @if row.device.is_trunk { " " (badge("trunk")) } @if row.device.blocked_ms.is_some() { " " (badge("blocked")) } },
            ),
            text: |row| row.device.device_type.to_string(),
        },
        Column {
            name: "Trunk",
            sort: None,
            html: None,
            text: |row| yes_no(row.device.is_trunk).into(),
        },
        Column {
            name: "Blocked",
            sort: None,
            html: None,
            text: |row| yes_no(row.device.blocked_ms.is_some()).into(),
        },
        Column {
            name: "Caller ID",
            sort: None,
            html: Some(|row| or_dash(&row.device.caller_id)),
            text: |row| row.device.caller_id.clone(),
        },
        Column {
            name: "PIN",
            sort: None,
            html: Some(|row| or_dash(masked(&row.device))),
            text: |row| masked(&row.device).into(),
        },
        Column {
            name: "ID",
            sort: Some("newest"),
            html: Some(|row| html! { span.id { (row.device.id) } }),
            text: |row| row.device.id.to_string(),
        },
        Column {
            name: "Address",
            sort: None,
            html: None,
            text: |row| format!("{}:{}", row.device.ipaddr, row.device.port),
        },
    ],
    filters: DEVICE_FILTERS,
    searched: "The search looks at the beginning of extensions and descriptions, and at whole IDs.",
    empty: "There are no devices yet. A device is a phone, a gateway or a trunk of a user.",
    fetch,
};

fn fetch(
    tx: &ReadTx<'_>,
    by: &Actor,
    sent: &Parameters,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Row>, Error> {
    let filter = device_filter(tx, by, sent)?.filter;
    let slice = device_lists::list(tx, by, &filter, after, limit)?;
    slice.try_map(|device| {
        Ok(Row {
            username: users::name_of(tx, device.user_id)?,
            device,
        })
    })
}

/// The list.
pub async fn list(visit: Visit) -> Result<Answer, Trouble> {
    let offers = offered_users(&visit)?;
    let text = |name| visit.sent.get(name).unwrap_or_default();
    let any = |words: &[&str]| {
        let mut options = vec![(String::new(), "any".to_owned())];
        options.extend(parts::options(words));
        options
    };
    let types: Vec<&str> = DeviceType::ALL.iter().map(|known| known.as_str()).collect();
    let filter = html! {
        (Field::text("q", "Search", text("q")).kind("search").render(&None))
        @if visit.by().only_user().is_none() {
            (Field::text("user", "User", text("user")).among(&offers, BY_NAME).render(&None))
        }
        (select("type", "Type", &any(&types), text("type"), "", &None))
        (select("trunk", "Trunk", &any(&["yes", "no"]), text("trunk"), "", &None))
        (select("blocked", "Blocked", &any(&["yes", "no"]), text("blocked"), "", &None))
        (select("caller_id", "Caller ID", &any(&["yes", "no"]), text("caller_id"), "", &None))
        @if let Some(group) = visit.sent.get("group") {
            (Field::text("group", "Group", group).render(&None))
        }
    };
    let head = html! {
        @if visit.may(Right::ManageDevices) {
            a.button href="/devices/new" { "New device" }
            a.button.quiet href={ "/devices/bulk" (LIST.query(&visit.sent, &[])) } { "All of these…" }
        }
    };
    LIST.show(&visit, "Devices", head, filter)
}

/// The list as a CSV file.
pub async fn export(visit: Visit) -> Result<Answer, Trouble> {
    LIST.export(&visit)
}

/// An empty form.
pub async fn new(visit: Visit) -> Result<Answer, Trouble> {
    new_form(&visit, &None)
}

fn new_form(visit: &Visit, problem: &Problem) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDevices)?;
    let offers = offered_users(visit)?;
    let text = |name: &str| visit.sent.raw(name).unwrap_or_default().to_owned();
    let types: Vec<&str> = DeviceType::ALL.iter().map(|known| known.as_str()).collect();
    let mut types = parts::options(&types);
    types.insert(
        0,
        (String::new(), "default (as in the API settings)".into()),
    );
    let pins = [
        ("random", "a random one"),
        ("none", "none"),
        ("chosen", "the one below"),
    ]
    .map(|(sent, shown)| (sent.to_owned(), shown.to_owned()));
    let body = parts::form(
        visit,
        "/devices/new",
        "Create the device",
        problem,
        html! {
            (Field::text("user_id", "User", &text("user_id")).required().among(&offers, BY_NAME)
                .hint("Whose device it will be").render(problem))
            (Field::text("description", "Description", &text("description"))
                .hint("What people call it").render(problem))
            (select("type", "Type", &types, &text("type"), "", problem))
            (Field::text("devicegroup_id", "Device group", &text("devicegroup_id"))
                .hint("The ID of one of this user's groups; blank: the primary one").render(problem))
            (select("pin_kind", "PIN", &pins, &text("pin_kind"), "", &None))
            (Field::text("pin", "Chosen PIN", &text("pin")).hint("Up to 20 digits, and no other device has it").render(problem))
            @if visit.by().may(Permission::ManageCallerId) {
                (Field::text("caller_id", "Caller ID", &text("caller_id"))
                    .hint("37060000000, Name <37060000000>, or blank").render(problem))
            }
            p.hint { "It gets an extension, a username and a secret, and can register at once." }
        },
    );
    Ok(visit.page_or_problem("New device", problem.is_some(), body))
}

/// Creates a device as `device_create` does.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    let text = |name: &str| visit.text(name);
    let pin = match (text("pin_kind").as_str(), text("pin")) {
        ("none", _) => Pin::Pinless,
        // A typed PIN counts.
        (_, pin) if !pin.is_empty() => Pin::Chosen(pin),
        ("chosen", pin) => Pin::Chosen(pin),
        _ => Pin::Random,
    };
    let user = text("user_id");
    let new = NewDevice {
        user_id: None,
        device_type: visit.sent.text("type"),
        device_group_id: visit.sent.id("devicegroup_id"),
        pin,
        caller_id: visit.sent.text("caller_id"),
        description: text("description"),
        extension: None,
        options: Vec::new(),
    };
    let ambient = visit.app.core.ambient.clone();
    let made = visit.write(move |tx, by| {
        let user = users::get_named(tx, by, &user)?;
        device_create::create(
            tx,
            by,
            &ambient,
            NewDevice {
                user_id: Some(user.id),
                ..new
            },
        )
    });
    match made.await {
        Ok(device) => Ok(Answer::SeeOther(format!(
            "/devices/{}?done=created",
            device.id
        ))),
        Err(error) => {
            let problem = problem(error, "device_create")?;
            new_form(&visit, &problem)
        }
    }
}
