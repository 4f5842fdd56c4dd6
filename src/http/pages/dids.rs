//! DIDs: the list, new ones one by one or as a range, and DID edit: the steps that a DID's state allows.

use maud::{Markup, html};

use super::devices::{BY_NAME, offered_users};
use crate::api::curl::percent_encode;
use crate::api::methods;
use crate::api::parameters::{Parameters, parse_id};
use crate::http::pages::frame::list::{Column, List};
use crate::http::pages::frame::parts::{
    self, Action, Field, Problem, badge, facts, or_dash, select, time,
};
use crate::http::pages::frame::visit::{Answer, Trouble, Visit, refusal, words};
use crate::service::dids::{self, Filter, MAX_RANGE};
use crate::service::guard::access::{Actor, Right};
use crate::service::lists::Slice;
use crate::service::named::DIALPLANS;
use crate::service::{
    DidError, Error, Refusal, Rule, UserError, devices, providers, settings, users,
};
use crate::store::ReadTx;
use crate::store::row::{Cursor, Id};
use crate::store::tables::dids::{Did, DidStatus};

/// Numbers of a range that the preview shows from each of its ends.
const PREVIEWED: usize = 5;

/// A DID, and the names of what it is tied to.
pub struct Row {
    did: Did,
    username: String,
    /// For whoever may know it.
    provider: Option<String>,
    /// The device it is on, for whoever may look at that.
    device_id: Option<Id>,
    on: String,
}

static LIST: List<Row> = List {
    path: "/dids",
    noun: "dids",
    columns: &[
        Column {
            name: "DID",
            sort: None,
            html: Some(|row| html! { a href={ "/dids/" (row.did.id) } { (row.did.did) } }),
            text: |row| row.did.did.clone(),
        },
        Column {
            name: "Status",
            sort: None,
            html: Some(|row| badge(row.did.status.as_str())),
            text: |row| row.did.status.to_string(),
        },
        Column {
            name: "User",
            sort: None,
            html: Some(|row| or_dash(&row.username)),
            text: |row| row.username.clone(),
        },
        Column {
            name: "On",
            sort: None,
            html: Some(|row| {
                html! {
                    @match row.device_id {
                        Some(id) => a href={ "/devices/" (id) } { (row.on) },
                        None => (or_dash(&row.on)),
                    }
                }
            }),
            text: |row| row.on.clone(),
        },
        Column {
            name: "Provider",
            sort: None,
            html: Some(|row| or_dash(row.provider.as_deref().unwrap_or_default())),
            text: |row| row.provider.clone().unwrap_or_default(),
        },
    ],
    filters: &["q", "status", "user", "provider"],
    searched: "",
    empty: "There are no DIDs yet. A DID is a number that can be called from outside; it comes from a provider.",
    fetch,
};

fn fetch(
    tx: &ReadTx<'_>,
    by: &Actor,
    sent: &Parameters,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Row>, Error> {
    let text = |name| sent.get(name).unwrap_or_default().trim();
    let filter = Filter {
        start: text("q").into(),
        status: text("status").parse().ok(),
        // One whose name is not told has no DIDs here: they would tell which of them are its.
        provider_id: match sent.id("provider") {
            None => None,
            Some(id) => {
                let id = id.unwrap_or(-1);
                Some(providers::name_of(tx, by, id)?.map_or(-1, |_| id))
            }
        },
        user_id: match text("user") {
            "" => None,
            name => Some(users::get_named(tx, by, name).map_or(-1, |user| user.id)),
        },
    };
    let slice = dids::list(tx, by, &filter, after, limit)?;
    slice.try_map(|did| row(tx, by, did))
}

fn row(tx: &ReadTx<'_>, by: &Actor, did: Did) -> Result<Row, Error> {
    let on = match (did.device_id, did.dialplan_id) {
        (Some(id), _) => match devices::extension_of(tx, by, id)? {
            extension if extension.is_empty() => extension,
            extension => format!("device {extension}"),
        },
        (None, Some(id)) => DIALPLANS.name_of(tx, id)?,
        (None, None) => String::new(),
    };
    Ok(Row {
        username: match did.user_id {
            Some(id) => users::name_of(tx, id)?,
            None => String::new(),
        },
        provider: providers::name_of(tx, by, did.provider_id)?,
        device_id: did.device_id.filter(|_| by.has(Right::SeeDevices)),
        on,
        did,
    })
}

/// The list.
pub async fn list(visit: Visit) -> Result<Answer, Trouble> {
    let text = |name| visit.sent.get(name).unwrap_or_default();
    let mut states = vec![(String::new(), "any".to_owned())];
    states.extend(
        DidStatus::ALL
            .iter()
            .map(|state| (state.to_string(), state.to_string())),
    );
    let mut from = vec![(String::new(), "any".to_owned())];
    from.extend(offered_providers(&visit)?);
    let offers = offered_users(&visit)?;
    let filter = html! {
        (Field::text("q", "Number begins with", text("q")).kind("search").render(&None))
        (select("status", "Status", &states, text("status"), "", &None))
        @if visit.by().only_user().is_none() {
            (Field::text("user", "User", text("user")).among(&offers, BY_NAME).render(&None))
            (select("provider", "Provider", &from, text("provider"), "", &None))
        }
    };
    let head = html! {
        @if visit.may(Right::ManageDids) { a.button href="/dids/new" { "New DIDs" } }
    };
    LIST.show(&visit, "DIDs", head, filter)
}

/// The list as a file.
pub async fn export(visit: Visit) -> Result<Answer, Trouble> {
    LIST.export(&visit)
}

fn offered_providers(visit: &Visit) -> Result<Vec<(String, String)>, Trouble> {
    let usable = visit.read(|tx| providers::list_usable(tx, visit.by()))?;
    Ok(usable
        .into_iter()
        .map(|found| (found.id.to_string(), found.name))
        .collect())
}

/// An empty form.
pub async fn new(visit: Visit) -> Result<Answer, Trouble> {
    new_form(&visit, &None, html! {})
}

fn new_form(visit: &Visit, problem: &Problem, preview: Markup) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDids)?;
    let text = |name: &str| visit.sent.raw(name).unwrap_or_default().to_owned();
    let from = offered_providers(visit)?;
    let limit = format!(
        "Blank: just the one. A range has up to {MAX_RANGE} numbers of the same length; all of them are added, or none."
    );
    let body = html! {
        @if from.is_empty() { p.notice.bad { "DIDs come from a provider, and there is none yet. " a href="/providers/new" { "Add a provider" } } }
        (parts::form(visit, "/dids/new", "Preview", problem, html! {
            (select("provider", "Provider", &from, &text("provider"), "", problem))
            (Field::text("first", "Number, or the first of a range", &text("first")).required().hint("1 to 15 digits").render(problem))
            (Field::text("last", "Last of the range", &text("last")).hint(&limit).render(problem))
        }))
        (preview)
    };
    Ok(visit.page_or_problem("New DIDs", problem.is_some(), body))
}

/// Shows what would be added; adds it once that was confirmed.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    let first = visit.text("first");
    let last = match visit.text("last") {
        last if last.is_empty() => first.clone(),
        last => last,
    };
    let numbers = match dids::range(&first, &last) {
        Ok(numbers) => numbers,
        Err(error) => return new_form(&visit, &Some(problem_of_new(&refusal(error)?)), html! {}),
    };
    let provider_id = parse_id(&visit.text("provider"));
    if !visit.is_on("confirmed") {
        let preview = preview(&visit, &numbers)?;
        return new_form(&visit, &None, preview);
    }
    let made = visit.write(move |tx, by| dids::create_range(tx, by, &first, &last, provider_id));
    match made.await {
        Ok(_) => {
            let start = common_start(&numbers);
            Ok(Answer::SeeOther(format!("/dids?q={start}&done=added")))
        }
        Err(error) => {
            let problem = Some(problem_of_new(&refusal(error)?));
            new_form(&visit, &problem, html! {})
        }
    }
}

/// What all numbers of a range begin with.
fn common_start(numbers: &[String]) -> String {
    let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else {
        return String::new();
    };
    let same = first.chars().zip(last.chars()).take_while(|(a, b)| a == b);
    same.map(|(digit, _)| digit).collect()
}

fn preview(visit: &Visit, numbers: &[String]) -> Result<Markup, Trouble> {
    let taken = visit.read(|tx| dids::taken(tx, visit.by(), numbers))?;
    let count = numbers.len();
    Ok(html! {
        section.card #preview {
            h2 { "Preview" }
            @if taken.is_empty() {
                p { (count) @if count == 1 { " DID" } @else { " DIDs" } " would be added, each free:" }
                p.numbers {
                    @for number in numbers.iter().take(PREVIEWED) { code { (number) } " " }
                    @if count > 2 * PREVIEWED { "… " }
                    @for number in numbers.iter().skip(PREVIEWED.max(count.saturating_sub(PREVIEWED))) { code { (number) } " " }
                }
                form method="post" action="/dids/new" {
                    (parts::form_token(visit))
                    @for name in ["provider", "first", "last"] { input type="hidden" name=(name) value=(visit.text(name)); }
                    input type="hidden" name="confirmed" value="1";
                    div.buttons { button type="submit" { "Add " @if count == 1 { "it" } @else { "all " (count) } } }
                }
            } @else {
                p.problem { (taken.len()) " of " (count) " exist already, so none would be added:" }
                p.numbers { @for number in taken.iter().take(2 * PREVIEWED) { code { (number) } " " } @if taken.len() > 2 * PREVIEWED { "…" } }
            }
        }
    })
}

fn problem_of_new(refusal: &Refusal) -> (&'static str, String) {
    let field = match refusal.rule {
        Rule::Did(DidError::ProviderNotFound | DidError::ProviderNotPermitted) => "provider",
        Rule::Did(DidError::NumberInvalid | DidError::Exists) => "first",
        Rule::Did(DidError::RangeInvalid) => "last",
        _ => "",
    };
    let text = words(refusal, methods::find("did_create"));
    match (&refusal.detail, refusal.rule) {
        // The API's words do not say which of a range.
        (Some(number), Rule::Did(DidError::Exists)) => (field, format!("{text}: {number}")),
        _ => (field, text),
    }
}

/// A step in a DID's life, as its page offers it.
struct Step {
    /// The word in its address.
    name: &'static str,
    title: &'static str,
    consequence: &'static str,
    button: &'static str,
    is_grave: bool,
    asks: Asks,
}

/// What a step needs to know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    Nothing,
    User,
    Device,
    Dialplan,
}

const RESERVE: Step = Step {
    name: "reserve",
    title: "Reserve for a user",
    consequence: "Only this user's devices can take it then. Reserving it for a reseller hands it over: it moves into his scope, where he assigns it or reserves it onward, and it cannot be taken back here.",
    button: "Reserve it",
    is_grave: false,
    asks: Asks::User,
};
const UNRESERVE: Step = Step {
    name: "unreserve",
    title: "Take the reservation back",
    consequence: "The DID is free again, and anyone in this scope can get it.",
    button: "Make it free",
    is_grave: false,
    asks: Asks::Nothing,
};
const ASSIGN: Step = Step {
    name: "assign",
    title: "Assign to a device or trunk",
    consequence: "Calls to this number ring there from now on.",
    button: "Assign it",
    is_grave: false,
    asks: Asks::Device,
};
const DIALPLAN: Step = Step {
    name: "dialplan",
    title: "Put on a dial plan",
    consequence: "The dial plan answers calls to this number from now on, and no device does.",
    button: "Put it there",
    is_grave: false,
    asks: Asks::Dialplan,
};
const UNASSIGN: Step = Step {
    name: "unassign",
    title: "Take off",
    consequence: "Calls to this number reach nothing any more. It stays reserved for its user, who can have it on another device.",
    button: "Take it off",
    is_grave: true,
    asks: Asks::Nothing,
};
const CLOSE: Step = Step {
    name: "close",
    title: "Close",
    consequence: "It is taken off, and rests with its user's name on it until it is freed.",
    button: "Close it",
    is_grave: true,
    asks: Asks::Nothing,
};
const FREE: Step = Step {
    name: "free",
    title: "Free",
    consequence: "Its last user is forgotten here (the action log keeps him), and it can be reserved for anyone.",
    button: "Free it",
    is_grave: false,
    asks: Asks::Nothing,
};
const TERMINATE: Step = Step {
    name: "terminate",
    title: "Terminate",
    consequence: "It is history: nobody can reserve or assign it, and its user is forgotten here. Freeing it brings it back.",
    button: "Terminate it",
    is_grave: true,
    asks: Asks::Nothing,
};

/// Whether it is reserved for the owner of its scope, who may use it for any of his users.
fn is_owners(did: &Did) -> bool {
    did.user_id == Some(did.owner_id)
}

/// The steps that a DID's state offers. Whether one is taken is the rules' to say.
fn steps(did: &Did) -> &'static [Step] {
    match did.status {
        DidStatus::Free => &[RESERVE, TERMINATE],
        DidStatus::Reserved if is_owners(did) => &[ASSIGN, DIALPLAN, RESERVE, UNRESERVE],
        DidStatus::Reserved => &[ASSIGN, DIALPLAN, UNRESERVE],
        DidStatus::Active => &[UNASSIGN, CLOSE],
        DidStatus::Closed => &[FREE, TERMINATE],
        DidStatus::Terminated => &[FREE],
    }
}

/// One DID.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, "", &None)
}

/// What there is to choose from for a DID's next step.
struct Choices {
    /// Whom it is reserved for, if he has no device.
    deviceless: Option<String>,
    users: Vec<(String, String)>,
    devices: Vec<(String, String)>,
    dialplans: Vec<(String, String)>,
}

fn choices(visit: &Visit, did: &Did, username: &str) -> Result<Choices, Trouble> {
    let by = visit.by();
    let mut choices = Choices {
        deviceless: None,
        users: offered_users(visit)?,
        devices: Vec::new(),
        dialplans: Vec::new(),
    };
    if let Some(user_id) = did.user_id {
        let found = match visit.read(|tx| devices::list_offered(tx, by, user_id)) {
            Ok(found) => Some(found),
            // Its user may be someone whom only another scope reaches, and not everyone sees devices.
            Err(Error::Refused(_)) => None,
            Err(Error::Store(error)) => return Err(error.into()),
        };
        let is_deviceless = found.as_ref().is_some_and(Vec::is_empty);
        choices.deviceless = is_deviceless.then(|| username.into());
        let found = found.unwrap_or_default();
        choices.devices = found
            .into_iter()
            .map(|device| {
                let kind = if device.is_trunk { ", trunk" } else { "" };
                (
                    device.id.to_string(),
                    format!("{} {}{kind}", device.extension, device.description),
                )
            })
            .collect();
    }
    let plans = visit.read(|tx| DIALPLANS.list_offered(tx, by))?;
    choices.dialplans = plans
        .into_iter()
        .map(|plan| (plan.id.to_string(), plan.name))
        .collect();
    Ok(choices)
}

fn render(visit: &Visit, failed: &str, problem: &Problem) -> Result<Answer, Trouble> {
    let by = visit.by();
    let (found, days) = visit.read(|tx| {
        let did = dids::get(tx, by, visit.id())?;
        Ok::<_, Error>((row(tx, by, did)?, settings::did_closed_days(tx)?))
    })?;
    let did = &found.did;
    let body = html! {
        p.crumbs { a href="/dids" { "DIDs" } " / " (did.did) }
        // Someone else was faster: the step that failed is not offered any more.
        @if let (Some((_, text)), false) = (problem, steps(did).iter().any(|step| step.name == failed)) {
            p.notice.bad role="alert" { (text) }
        }
        div.columns {
            section.card {
                (facts(&[
                    ("Status", badge(did.status.as_str())),
                    ("User", html! {
                        @match did.user_id {
                            Some(id) if visit.may(Right::ManageUsers) => a href={ "/users/" (id) } { (found.username) },
                            _ => (or_dash(&found.username)),
                        }
                    }),
                    ("On", html! {
                        @match found.device_id {
                            Some(id) => a href={ "/devices/" (id) } { (found.on) },
                            None => (or_dash(&found.on)),
                        }
                    }),
                    ("Provider", or_dash(found.provider.as_deref().unwrap_or_default())),
                    ("In the API", html! { code { "did=" (did.did) } }),
                ]))
                @if let Some(closed_ms) = did.closed_ms {
                    p.hint { "Closed since " (time(closed_ms)) "; the server frees it after " (days) " days." }
                }
                @if visit.may(Right::SeeLog) {
                    p { a href={ "/log?object=" (did.id) "&action=did" } { "What was done to this DID" } }
                }
            }
            @if visit.may(Right::ManageDids) {
                section.actions {
                    h2 { "What can be done with it" }
                    @let choices = choices(visit, did, &found.username)?;
                    @for step in steps(did) {
                        @let problem = if step.name == failed { problem } else { &None };
                        (offer(visit, did, step, &choices, problem))
                    }
                }
            }
        }
    };
    Ok(visit.page_or_problem(&format!("DID {}", did.did), problem.is_some(), body))
}

fn offer(visit: &Visit, did: &Did, step: &Step, choices: &Choices, problem: &Problem) -> Markup {
    let fields = match step.asks {
        Asks::Nothing => html! {},
        Asks::User => Field::text("user", "User", &visit.text("user"))
            .required()
            .among(&choices.users, BY_NAME)
            .render(problem),
        Asks::Device => Field::text("device", "Device", &visit.text("device"))
            .required()
            .offers(&choices.devices)
            .hint("The device's ID; those of its user are offered")
            .render(problem),
        Asks::Dialplan => select(
            "dialplan",
            "Dial plan",
            &choices.dialplans,
            &visit.text("dialplan"),
            "",
            problem,
        ),
    };
    let fields = match (step.asks, choices.devices.as_slice()) {
        // A choice of the owner's devices would keep those of his users out.
        (Asks::Device, [_, ..]) if !is_owners(did) => select(
            "device",
            "Device",
            &choices.devices,
            &visit.text("device"),
            "",
            problem,
        ),
        _ => fields,
    };
    let missing = choices.deviceless.as_deref().filter(|_| {
        step.asks == Asks::Device && visit.may(Right::ManageDevices) && !is_owners(did)
    });
    let fields = html! {
        @if let Some(username) = missing {
            p.notice.warn {
                (username) " has no device yet. "
                a href={ "/devices/new?user=" (percent_encode(username)) } { "Create one" } " first."
            }
        }
        (fields)
    };
    Action {
        path: &format!("/dids/{}/{}", did.id, step.name),
        title: step.title,
        consequence: step.consequence,
        button: step.button,
        is_grave: step.is_grave,
    }
    .render(visit, problem, fields)
}

/// Takes a step.
pub async fn step(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDids)?;
    let (id, name) = (visit.id(), visit.name.clone());
    let (user, device, dialplan) = (
        visit.text("user"),
        parse_id(&visit.text("device")),
        parse_id(&visit.text("dialplan")),
    );
    let did = visit.read(|tx| dids::get(tx, visit.by(), id))?.did;
    let taken = visit.write(move |tx, by| {
        let id_of = |id: Option<Id>, error: DidError| id.ok_or(Error::from(error));
        match name.as_str() {
            "reserve" => {
                let user = users::get_named(tx, by, &user)?;
                dids::reserve(tx, by, &did, user.id)
            }
            "unreserve" => dids::unreserve(tx, by, &did),
            "assign" => {
                let device = id_of(device, DidError::DeviceNotFound)?;
                dids::assign_to_device(tx, by, &did, device)
            }
            "dialplan" => {
                let dialplan = id_of(dialplan, DidError::DialplanNotFound)?;
                dids::assign_to_dialplan(tx, by, &did, dialplan)
            }
            "unassign" => dids::unassign(tx, by, &did),
            "close" => dids::close(tx, by, &did),
            "free" => dids::free(tx, by, &did),
            "terminate" => dids::terminate(tx, by, &did),
            _ => Err(DidError::NotFound.into()),
        }
    });
    match taken.await {
        Ok(()) => after_step(&visit, id),
        Err(Error::Refused(refused)) if refused.rule == DidError::NotFound.into() => {
            Err(Trouble::NotFound)
        }
        Err(error) => {
            let problem = Some(problem_of_step(&refusal(error)?));
            render(&visit, &visit.name, &problem)
        }
    }
}

/// Back to the DID; to the list when it is in another scope now.
fn after_step(visit: &Visit, id: Id) -> Result<Answer, Trouble> {
    match visit.read(|tx| dids::get(tx, visit.by(), id)) {
        Err(Error::Store(error)) => Err(error.into()),
        Err(Error::Refused(_)) => Ok(Answer::SeeOther("/dids?done=handed-over".into())),
        Ok(_) => {
            let done = done(&visit.name);
            Ok(Answer::SeeOther(format!("/dids/{id}?done={done}")))
        }
    }
}

/// The word under which the next page says what was done.
fn done(step: &str) -> &str {
    if step == "dialplan" { "assign" } else { step }
}

fn problem_of_step(refusal: &Refusal) -> (&'static str, String) {
    match refusal.rule {
        Rule::User(UserError::NotFound) => ("user", words(refusal, None)),
        Rule::Did(
            DidError::DeviceNotFound | DidError::DeviceNotPermitted | DidError::NotPermitted,
        ) => (
            "device",
            words(refusal, methods::find("did_trunk_device_assign")),
        ),
        Rule::Did(DidError::DialplanNotFound) => ("dialplan", words(refusal, None)),
        _ => ("", words(refusal, None)),
    }
}
