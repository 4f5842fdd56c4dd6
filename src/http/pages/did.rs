//! DID edit: one DID, and the steps that its state allows.

use maud::{Markup, html};

use super::dids::{Row, row};
use crate::api::encoding::percent_encode;
use crate::api::parameters::parse_id;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::choices::{BY_NAME, offered_takers};
use crate::http::pages::frame::did_form;
use crate::http::pages::frame::parts::{
    Action, Field, Problem, badge, facts, or_dash, select, time,
};
use crate::http::pages::frame::problem::problem_on_page;
use crate::http::pages::frame::visit::Visit;
use crate::service::did_details as rules;
use crate::service::did_life::{self, Asks, STEPS, Step};
use crate::service::guard::access::{Actor, Right};
use crate::service::named::DIALPLANS;
use crate::service::{Error, Rule, Thing, devices, did_steps, dids, settings, users};
use crate::store::row::Id;
use crate::store::tables::dids::{Did, DidStatus};

/// The words of a step in a DID's life, for its page.
struct Words {
    step: &'static Step,
    title: &'static str,
    consequence: &'static str,
    button: &'static str,
    is_grave: bool,
}

/// Every step, in the order of the page.
static WORDS: [Words; STEPS.len()] = [
    Words {
        step: &did_life::ASSIGN,
        title: "Assign to a device or trunk",
        consequence: "Calls to this number ring there from now on.",
        button: "Assign it",
        is_grave: false,
    },
    Words {
        step: &did_life::DIALPLAN,
        title: "Put on a dial plan",
        consequence: "The dial plan answers calls to this number from now on, and no device does.",
        button: "Put it there",
        is_grave: false,
    },
    Words {
        step: &did_life::RESERVE,
        title: "Reserve for a user",
        consequence: "Only this user's devices can take it then. Reserving it for a reseller lends it to them: it moves into their scope, where they assign it or pass it on. It can be taken back as long as none of their users has it.",
        button: "Reserve it",
        is_grave: false,
    },
    Words {
        step: &did_life::UNRESERVE,
        title: "Take the reservation back",
        consequence: "The DID is free again, and anyone in this scope can get it.",
        button: "Make it free",
        is_grave: false,
    },
    Words {
        step: &did_life::UNASSIGN,
        title: "Take off",
        consequence: "Calls to this number reach nothing any more. It stays reserved for its user, who can have it on another device.",
        button: "Take it off",
        is_grave: true,
    },
    Words {
        step: &did_life::CLOSE,
        title: "Close",
        consequence: "It is taken off, and its user keeps it, out of use, until it is freed.",
        button: "Close it",
        is_grave: true,
    },
    Words {
        step: &did_life::REOPEN,
        title: "Reserve again",
        consequence: "The user who has it can have it on a device again.",
        button: "Reserve it again",
        is_grave: false,
    },
    Words {
        step: &did_life::RELEASE,
        title: "Free at once",
        consequence: "Calls to this number reach nothing any more, and its user loses it, together with its call limit, times, SIP header and the reseller's comment.",
        button: "Free it at once",
        is_grave: true,
    },
    Words {
        step: &did_life::FREE,
        title: "Free",
        consequence: "Its last user is forgotten here (the action log keeps them), and it can be reserved for anyone.",
        button: "Free it",
        is_grave: false,
    },
    Words {
        step: &did_life::TAKE_BACK,
        title: "Take back from the reseller",
        consequence: "It leaves the reseller's scope and is free in the one that it came from, without the details that they gave it.",
        button: "Take it back",
        is_grave: true,
    },
    Words {
        step: &did_life::TERMINATE,
        title: "Terminate",
        consequence: "Nobody can reserve or assign it, and its user is forgotten here. Freeing it brings it back.",
        button: "Terminate it",
        is_grave: true,
    },
];

/// The word in the address that changes the details.
const EDIT: &str = "edit";
/// The word in the address that deletes a terminated DID.
const DELETE: &str = "delete";

/// The steps that a DID's state offers: those of its own scope, or the way back for whoever has lent it. The rules
/// decide whether one is taken.
fn offered(by: &Actor, did: &Did) -> impl Iterator<Item = &'static Words> {
    let is_own = by.owns(did.owner_id);
    let is_open = |words: &&Words| words.step.is_open_to(did);
    let open: Vec<&Words> = WORDS.iter().filter(is_open).collect();
    open.into_iter()
        .filter(move |words| is_own != (words.step == &did_life::TAKE_BACK))
}

/// One DID.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, "", &None)
}

/// The choices for a DID's next step.
struct Choices {
    /// The user it is reserved for, if they have no device.
    deviceless: Option<String>,
    users: Vec<(String, String)>,
    devices: Vec<(String, String)>,
    dialplans: Vec<(String, String)>,
}

fn choices(visit: &Visit, did: &Did, username: &str) -> Result<Choices, Trouble> {
    let by = visit.by();
    let mut choices = Choices {
        deviceless: None,
        users: offered_takers(visit)?,
        devices: Vec::new(),
        dialplans: Vec::new(),
    };
    if let Some(user_id) = did.user_id {
        let found = match visit.read(|tx| devices::list_offered(tx, by, user_id)) {
            Ok(found) => Some(found),
            // Its user may be in another scope, and not everyone sees devices.
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
        // Someone else was faster, and the failed step is not offered any more.
        @if let (Some((_, text)), false) = (problem, failed == EDIT || offered(by, did).any(|offered| offered.step.name == failed)) {
            p.notice.bad role="alert" { (text) }
        }
        div.columns {
            (summary(visit, &found, days))
            @if visit.may(Right::ManageDids) {
              div {
                @if by.owns(did.owner_id) {
                    @let problem = if failed == EDIT { problem } else { &None };
                    (did_form::form(visit, did, problem)?)
                }
                section.actions {
                    h2 { "What can be done with it" }
                    @let choices = choices(visit, did, &found.username)?;
                    @for words in offered(by, did) {
                        @let problem = if words.step.name == failed { problem } else { &None };
                        (offer(visit, did, words, &choices, problem))
                    }
                    @if did.status == DidStatus::Terminated && by.owns(did.owner_id) { (deletion(visit, did)) }
                }
              }
            }
        }
    };
    Ok(visit.page_or_problem(&format!("DID {}", did.did), problem.is_some(), body))
}

fn summary(visit: &Visit, found: &Row, days: i64) -> Markup {
    let (by, did) = (visit.by(), &found.did);
    html! {
        section.card {
            (facts(&[[
                ("Status", badge(did.status.as_str())),
                ("User", html! {
                    @match did.user_id {
                        Some(id) if visit.may(Right::ManageUsers) && (by.owns(did.owner_id) || did_life::is_owners(did)) => a href={ "/users/" (id) } { (found.username) },
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
                ("On loan", match (did.lent_by_id, by.owns(did.owner_id)) {
                    (None, _) => or_dash(""),
                    (Some(_), true) => html! { "from admin" },
                    (Some(_), false) => html! { "to a reseller" },
                }),
                ("In the API", html! { code { "did=" (did.did) } ", " code { "dids_id=" (did.id) } }),
            ].to_vec(), did_form::facts(visit.by(), did)].concat()))
            @if let Some(closed_ms) = did.closed_ms {
                p.hint { "Closed since " (time(closed_ms)) "; the server frees it after " (days) " days." }
            }
            @if visit.may(Right::SeeLog) {
                p { a href={ "/log?object=" (did.id) "&action=did" } { "What was done to this DID" } }
            }
        }
    }
}

fn offer(visit: &Visit, did: &Did, words: &Words, choices: &Choices, problem: &Problem) -> Markup {
    let step = words.step;
    let fields = match step.asks {
        Asks::Nothing => html! {},
        Asks::User => Field::text("user_id", "User", &visit.text("user_id"))
            .required()
            .among(&choices.users, BY_NAME)
            .render(problem),
        Asks::Device => Field::text("device_id", "Device", &visit.text("device_id"))
            .required()
            .offers(&choices.devices)
            .hint("The device's ID; those of its user are offered")
            .render(problem),
        Asks::Dialplan => select(
            "dialplan_id",
            "Dial plan",
            &choices.dialplans,
            &visit.text("dialplan_id"),
            "",
            problem,
        ),
    };
    let fields = match (step.asks, choices.devices.as_slice()) {
        // A choice among the owner's devices would leave out those of their users.
        (Asks::Device, [_, ..]) if !did_life::is_owners(did) => select(
            "device_id",
            "Device",
            &choices.devices,
            &visit.text("device_id"),
            "",
            problem,
        ),
        _ => fields,
    };
    let missing = choices.deviceless.as_deref().filter(|_| {
        step.asks == Asks::Device && visit.may(Right::ManageDevices) && !did_life::is_owners(did)
    });
    let fields = html! {
        @if let Some(username) = missing {
            p.notice.warn {
                (username) " has no device yet. "
                a href={ "/devices/new?user_id=" (percent_encode(username)) } { "Create one" } " first."
            }
        }
        (fields)
    };
    Action {
        path: &format!("/dids/{}/{}", did.id, step.name),
        title: words.title,
        consequence: words.consequence,
        button: words.button,
        is_grave: words.is_grave,
    }
    .render(visit, problem, fields)
}

/// The way out of the list.
fn deletion(visit: &Visit, did: &Did) -> Markup {
    Action {
        path: &format!("/dids/{}/{DELETE}", did.id),
        title: "Delete this DID",
        consequence: "The number is gone from here, with its details, and can be added again as a new DID. The action log keeps what it was.",
        button: "Delete it",
        is_grave: true,
    }
    .render(visit, &None, html! {})
}

/// Changes the details.
async fn edit(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    let did = visit.read(|tx| dids::get(tx, visit.by(), id))?;
    let edit = did_form::sent(&visit, &did);
    let done = visit.write(move |tx, by| rules::update(tx, by, id, None, edit));
    match done.await {
        Ok(_) => Ok(Answer::SeeOther(format!("/dids/{id}?done=saved"))),
        Err(error) => {
            let problem = problem_on_page(Thing::Did, error, "did_details_update")?;
            render(&visit, EDIT, &problem)
        }
    }
}

/// Deletes it.
async fn delete(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    match visit.write(move |tx, by| rules::delete(tx, by, id)).await {
        Ok(_) => Ok(Answer::SeeOther("/dids?done=deleted".into())),
        Err(error) => {
            let problem = problem_on_page(Thing::Did, error, "did_delete")?;
            render(&visit, DELETE, &problem)
        }
    }
}

/// Takes a step, changes the details, or deletes it.
pub async fn step(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDids)?;
    match visit.name.as_str() {
        EDIT => return edit(visit).await,
        DELETE => return delete(visit).await,
        _ => {}
    }
    let (id, name) = (visit.id(), visit.name.clone());
    let (user, device, dialplan) = (
        visit.text("user_id"),
        parse_id(&visit.text("device_id")),
        parse_id(&visit.text("dialplan_id")),
    );
    let taken = visit.write(move |tx, by| {
        let id_of = |id: Option<Id>, thing: Thing| id.ok_or(Error::from(Rule::NotFound(thing)));
        let step = Step::find(&name).ok_or(Rule::NotFound(Thing::Did))?;
        match step.asks {
            Asks::Nothing => did_steps::take(tx, by, step, id),
            Asks::User => {
                let user = users::get_named(tx, by, &user)?;
                did_steps::reserve(tx, by, id, user.id)
            }
            Asks::Device => {
                let device = id_of(device, Thing::Device)?;
                did_steps::assign_to_device(tx, by, id, device)
            }
            Asks::Dialplan => {
                let dialplan = id_of(dialplan, Thing::Dialplan)?;
                did_steps::assign_to_dialplan(tx, by, id, dialplan)
            }
        }
    });
    match taken.await {
        // It may be in another scope now.
        Ok(did) if !visit.by().owns(did.owner_id) => {
            Ok(Answer::SeeOther("/dids?done=handed-over".into()))
        }
        Ok(_) => {
            let done = done(&visit.name);
            Ok(Answer::SeeOther(format!("/dids/{id}?done={done}")))
        }
        Err(error) => {
            let problem = problem_on_page(Thing::Did, error, "")?;
            render(&visit, &visit.name, &problem)
        }
    }
}

/// The word that makes the next page say what was done.
fn done(step: &str) -> &str {
    if step == "dialplan" { "assign" } else { step }
}
