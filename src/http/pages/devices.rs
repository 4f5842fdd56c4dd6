//! Devices: the list, a new one, one with its settings, its secret, its CLIs and its DIDs.

use maud::{Markup, html};

use crate::api::methods;
use crate::api::parameters::{Parameters, parse_id};
use crate::http::pages::frame::list::{Column, List};
use crate::http::pages::frame::parts::{
    self, Action, Field, Problem, badge, facts, or_dash, select, tick, yes_no,
};
use crate::http::pages::frame::visit::{Answer, Trouble, Visit, refusal, words};
use crate::service::devices::{self, Edit, Filter, NewDevice, Pin, Sort};
use crate::service::guard::access::{Actor, Right};
use crate::service::lists::Slice;
use crate::service::{
    CliError, DeviceError, Error, Refusal, Rule, UserError, clis, dids, groups, users,
};
use crate::store::ReadTx;
use crate::store::row::{Cursor, Id};
use crate::store::tables::clis::Cli;
use crate::store::tables::device_groups::DeviceGroup;
use crate::store::tables::devices::{Device, DeviceType};
use crate::store::tables::dids::Did;
use crate::store::tables::users::Permission;

/// CLIs and DIDs that a device's page shows at most; the lists have the others.
const SHOWN: usize = 20;

/// What stands for a secret or a PIN that nobody asked for.
const MASK: &str = "••••••••";

/// That a device has a PIN, and not which.
fn masked(device: &Device) -> &'static str {
    match device.pin {
        Some(_) => MASK,
        None => "",
    }
}

/// A device, and what its user is called.
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
                |row| html! { (row.device.device_type) @if row.device.is_trunk { " " (badge("trunk")) } },
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
    filters: &["q", "user", "type", "trunk", "caller_id", "group"],
    searched: "Searched is what an extension or a description begins with, and a whole ID.",
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
    let slice = devices::list(tx, by, &filter(tx, by, sent)?, after, limit)?;
    slice.try_map(|device| {
        Ok(Row {
            username: users::name_of(tx, device.user_id)?,
            device,
        })
    })
}

fn filter(tx: &ReadTx<'_>, by: &Actor, sent: &Parameters) -> Result<Filter, Error> {
    let yes = |name| sent.get(name).map(|value| value == "yes");
    let text = |name| sent.get(name).unwrap_or_default().trim();
    Ok(Filter {
        search: text("q").into(),
        // A name that nobody has, or somebody else's user, has no devices.
        user_id: match text("user") {
            "" => None,
            name => Some(users::get_named(tx, by, name).map_or(-1, |user| user.id)),
        },
        device_group_id: sent.id("group").map(|id| id.unwrap_or(-1)),
        device_type: devices::find_type(text("type")),
        is_trunk: yes("trunk"),
        has_caller_id: yes("caller_id"),
        sort: match text("sort") {
            "extension" => Sort::Extension,
            "description" => Sort::Description,
            _ => Sort::Newest,
        },
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
        (select("caller_id", "Caller ID", &any(&["yes", "no"]), text("caller_id"), "", &None))
        @if let Some(group) = visit.sent.get("group") {
            (Field::text("group", "Group", group).render(&None))
        }
    };
    let head = html! {
        @if visit.may(Right::ManageDevices) { a.button href="/devices/new" { "New device" } }
    };
    LIST.show(&visit, "Devices", head, filter)
}

/// The list as a file.
pub async fn export(visit: Visit) -> Result<Answer, Trouble> {
    LIST.export(&visit)
}

/// How a user is typed where there are too many to choose from.
pub const BY_NAME: &str = "a username or an ID";

/// Users that a field offers; where they are too many to choose from, it takes any own one by name or ID.
pub fn offered_users(visit: &Visit) -> Result<Vec<(String, String)>, Trouble> {
    let users = visit.read(|tx| users::list_offered(tx, visit.by()))?;
    Ok(users
        .into_iter()
        .map(|user| {
            let shown = format!("{} ({}, ID {})", user.username, user.user_type, user.id);
            // A name of digits would be read as an ID.
            let is_digits = user.username.bytes().all(|byte| byte.is_ascii_digit());
            let sent = if is_digits {
                user.id.to_string()
            } else {
                user.username
            };
            (sent, shown)
        })
        .collect())
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
            (Field::text("user", "User", &text("user")).required().among(&offers, BY_NAME)
                .hint("Whose device it will be").render(problem))
            (Field::text("description", "Description", &text("description"))
                .hint("What people call it").render(problem))
            (select("type", "Type", &types, &text("type"), "", problem))
            (Field::text("group", "Device group", &text("group"))
                .hint("The ID of one of this user's groups; blank: his primary one").render(problem))
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
        // Whoever typed a PIN means it.
        (_, pin) if !pin.is_empty() => Pin::Chosen(pin),
        ("chosen", pin) => Pin::Chosen(pin),
        _ => Pin::Random,
    };
    let user = text("user");
    let new = NewDevice {
        user_id: None,
        device_type: visit.sent.text("type"),
        device_group_id: visit.sent.id("group"),
        pin,
        caller_id: visit.sent.text("caller_id"),
        description: text("description"),
    };
    let ambient = visit.app.ambient.clone();
    let made = visit.write(move |tx, by| {
        let user = users::get_named(tx, by, &user)?;
        devices::create(
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
            let problem = Some(problem_of(&refusal(error)?));
            new_form(&visit, &problem)
        }
    }
}

/// Beside which field a refusal stands, and in which words: those of the API.
fn problem_of(refusal: &Refusal) -> (&'static str, String) {
    let method = methods::find("device_create");
    let field = match refusal.rule {
        Rule::User(UserError::NotFound) => "user",
        Rule::Device(DeviceError::TypeInvalid) => "type",
        Rule::Device(DeviceError::GroupInvalid) => "group",
        Rule::Device(DeviceError::PinNotNumeric | DeviceError::PinUsed) => "pin",
        Rule::Device(DeviceError::CallerIdNotPermitted) => "caller_id",
        Rule::Device(DeviceError::NotCreated | DeviceError::NotChanged) => {
            match refusal
                .detail
                .as_deref()
                .and_then(|detail| detail.split(' ').next())
            {
                Some("pin") => "pin",
                Some("description") => "description",
                Some("caller_id") => "caller_id",
                _ => "",
            }
        }
        _ => "",
    };
    (field, words(refusal, method))
}

/// One device.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, Shown::default())
}

/// What the page of a device shows beyond the device.
#[derive(Default)]
struct Shown {
    secret: Option<String>,
    pin: Option<String>,
    edit_problem: Problem,
    hide_problem: Problem,
}

/// What belongs to a device.
struct Whole {
    device: Device,
    username: String,
    groups: Vec<DeviceGroup>,
    clis: Vec<Cli>,
    dids: Vec<Did>,
}

fn find(visit: &Visit, id: Id) -> Result<Whole, Trouble> {
    let by = visit.by();
    let found = visit.read(|tx| {
        let device = devices::find_own(tx, by, id)?.ok_or(DeviceError::NotFound)?;
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
            @if manages { div { (edit_form(visit, &whole, &shown.edit_problem)) (actions(visit, device, &shown.hide_problem)) } }
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
                ("Type", html! { (device.device_type) @if device.is_trunk { " " (badge("trunk")) } }),
                ("Address", html! {
                    @if device.ipaddr == "0.0.0.0" { "wherever it registers from, port " (device.port) }
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

/// What a device's user proves himself with: shown to whoever has asked for it, and else with a button that does.
fn hidden(
    visit: &Visit,
    device: &Device,
    what: &str,
    shown: Option<&str>,
    manages: bool,
) -> Markup {
    html! {
        @match shown {
            Some(shown) => { code id={ "shown-" (what) } { (shown) } p.hint { "That it was shown is in the action log." } }
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
                @if manages { a href={ "/clis/new?device=" (id) } { "Add a CLI" } }
            }
        }
        @if visit.may(Right::SeeLog) {
            p { a href={ "/log?object=" (id) "&action=device" } { "What was done to this device" } }
        }
    }
}

fn edit_form(visit: &Visit, whole: &Whole, problem: &Problem) -> Markup {
    let device = &whole.device;
    // What was typed stays when it was refused.
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
        @if device.pin.is_some() { (tick("no_pin", "Without a PIN", visit.is_on("no_pin"), "")) }
        @if visit.by().may(Permission::ManageCallerId) {
            (Field::text("caller_id", "Caller ID", &typed("caller_id", &device.caller_id)).render(problem))
        }
        (select("group", "Device group", &groups, &typed("group", &device.device_group_id.to_string()), "", problem))
    };
    parts::form(
        visit,
        &format!("/devices/{}/edit", device.id),
        "Save",
        problem,
        fields,
    )
}

fn actions(visit: &Visit, device: &Device, hide_problem: &Problem) -> Markup {
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
                path: &path("hide"),
                title: "Hide this device",
                consequence: "It disappears from every list and from the API, and its PIN becomes free. It is not deleted: calls and the action log point to it. It cannot be brought back here.",
                button: "Hide it",
                is_grave: true,
            }.render(visit, hide_problem, html! {}))
        }
    }
}

/// Changes what can be edited.
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
        device_group_id: parse_id(&visit.text("group")),
    };
    match visit
        .write(move |tx, by| devices::update(tx, by, id, edit))
        .await
    {
        Ok(()) => Ok(Answer::SeeOther(format!("/devices/{id}?done=saved"))),
        Err(error) => {
            let edit_problem = Some(problem_of(&refusal(error)?));
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
    let (id, ambient) = (visit.id(), visit.app.ambient.clone());
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
    match visit.write(move |tx, by| devices::hide(tx, by, id)).await {
        Ok(()) => Ok(Answer::SeeOther("/devices?done=hidden".into())),
        Err(Error::Refused(refused)) if refused.rule == DeviceError::InUse.into() => {
            let hide_problem = Some(("", words(&refused, None)));
            render(
                &visit,
                Shown {
                    hide_problem,
                    ..Default::default()
                },
            )
        }
        Err(error) => Err(error.into()),
    }
}

/// Beside which field of a CLI's form a refusal stands, and in which words: those of the API.
pub fn problem_of_cli(refusal: &Refusal) -> (&'static str, String) {
    let field = match refusal.rule {
        Rule::Cli(CliError::DeviceMissing | CliError::DeviceNotFound) => "device",
        Rule::Cli(
            CliError::NumberMissing
            | CliError::NotNumeric
            | CliError::TakenBy
            | CliError::TakenByAnother,
        ) => "number",
        Rule::Cli(CliError::DomainInvalid) => "domain",
        Rule::Cli(CliError::IvrNotFound) => "ivr",
        Rule::Cli(CliError::TooLong) => match refusal.detail.as_deref() {
            Some("cli_number") => "number",
            Some("comment") => "comment",
            _ => "description",
        },
        _ => "",
    };
    (field, words(refusal, methods::find("cli_add")))
}
