//! One action for everything that a list's filter finds: choosing it, its preview, and doing it.

use maud::{Markup, html};

use crate::api::parameters::parse_id;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::choices::{BY_NAME, offered_takers};
use crate::http::pages::frame::filters::{
    DEVICE_FILTERS, DID_FILTERS, device_filter, did_filter, label,
};
use crate::http::pages::frame::parts::{self, Field, Problem, badge, form_token, select};
use crate::http::pages::frame::problem::problem;
use crate::http::pages::frame::visit::Visit;
use crate::service::bulk::{self, Bulk, Goal, MAX_ROWS, Tried};
use crate::service::did_life::{Asks, Lent, STEPS, Step};
use crate::service::guard::access::{Actor, Right};
use crate::service::lists::grouped;
use crate::service::named::DIALPLANS;
use crate::service::{Error, Field as Value, Rule};
use crate::store::ReadTx;
use crate::store::tables::users::ADMIN;

/// The two lists, and what differs between them.
struct Area {
    path: &'static str,
    list: &'static str,
    title: &'static str,
    filters: &'static [&'static str],
    right: Right,
    /// The sent actions, and their titles.
    actions: fn(&Actor) -> Vec<(String, String)>,
    bulk: fn(&ReadTx<'_>, &Actor, &Visit, &str) -> Result<Bulk, Error>,
    /// The words of the filter whose values mean nothing.
    unread: fn(&ReadTx<'_>, &Actor, &Visit) -> Result<Vec<&'static str>, Error>,
}

static DIDS: Area = Area {
    path: "/dids/bulk",
    list: "/dids",
    title: "DIDs: one step for all of these",
    filters: DID_FILTERS,
    right: Right::ManageDids,
    actions: |by| {
        // What is on loan is admin's.
        let steps = STEPS.into_iter();
        let steps = steps.filter(|step| step.lent != Lent::Only || by.owns(ADMIN));
        let mut actions: Vec<(String, String)> = steps
            .map(|step| (step.name.into(), title(step).into()))
            .collect();
        // The first one asks for something that people have at hand.
        actions.sort_by_key(|(name, _)| name != "reserve");
        actions
    },
    bulk: |tx, by, visit, action| {
        let step = Step::find(action).ok_or(Rule::Invalid(Value::Action))?;
        let goal = Goal {
            user: visit.text("user_id"),
            device_id: parse_id(&visit.text("device_id")),
            dialplan_id: parse_id(&visit.text("dialplan_id")),
        };
        let filter = did_filter(tx, by, &visit.sent)?.filter;
        Ok(Bulk::Dids(Box::new(filter), step, goal))
    },
    unread: |tx, by, visit| Ok(did_filter(tx, by, &visit.sent)?.unread),
};

static DEVICES: Area = Area {
    path: "/devices/bulk",
    list: "/devices",
    title: "Devices: one action for all of these",
    filters: DEVICE_FILTERS,
    right: Right::ManageDevices,
    actions: |_| {
        vec![
            (
                "block".into(),
                "Block: they neither call nor are called".into(),
            ),
            ("unblock".into(), "Unblock".into()),
        ]
    },
    bulk: |tx, by, visit, action| {
        let blocks = match action {
            "block" => true,
            "unblock" => false,
            _ => return Err(Rule::Invalid(Value::Action).into()),
        };
        let filter = device_filter(tx, by, &visit.sent)?.filter;
        Ok(Bulk::Devices(Box::new(filter), blocks))
    },
    unread: |tx, by, visit| Ok(device_filter(tx, by, &visit.sent)?.unread),
};

fn title(step: &Step) -> &'static str {
    match step.name {
        "assign" => "Assign to a device",
        "dialplan" => "Put on a dial plan",
        "reserve" => "Reserve for a user",
        "unreserve" => "Take the reservations back",
        "unassign" => "Take off; their users keep them",
        "close" => "Close",
        "reopen" => "Reserve closed ones again for their users",
        "release" => "Take active ones from their users, and free them",
        "take-back" => "Take lent ones back",
        "terminate" => "Terminate",
        _ => "Free closed and terminated ones",
    }
}

/// The list that is asked for.
fn area(visit: &Visit) -> &'static Area {
    match visit.route {
        path if path == DIDS.path => &DIDS,
        _ => &DEVICES,
    }
}

/// The choice of an action, and the form with what it asks for.
pub async fn choose(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(area(&visit).right)?;
    match refused(&visit)? {
        Some(answer) => Ok(answer),
        None => render(&visit, &None, html! {}),
    }
}

/// The refusal of a filter with a value that means nothing: without it, the filter would find more than was meant.
fn refused(visit: &Visit) -> Result<Option<Answer>, Trouble> {
    let area = area(visit);
    let unread = visit.read(|tx| (area.unread)(tx, visit.by(), visit))?;
    if unread.is_empty() {
        return Ok(None);
    }
    let body = html! {
        p.crumbs { a href=(area.list) { "Back to the list" } }
        p.notice.bad role="alert" {
            "Nothing is done: this part of the filter means nothing here. "
            @for (place, name) in unread.iter().enumerate() {
                @if place > 0 { ", " } (label(area.path, name)) " " b { (visit.text(name)) }
            }
        }
    };
    Ok(Some(visit.refused(area.title, body)))
}

fn render(visit: &Visit, problem: &Problem, more: Markup) -> Result<Answer, Trouble> {
    let area = area(visit);
    let actions = (area.actions)(visit.by());
    let action = action(visit, &actions);
    let hidden = hidden(visit, area);
    let said: Vec<(&str, &str)> = sent_filters(visit, area).collect();
    let body = html! {
        p.crumbs { a href=(area.list) { "Back to the list" } }
        p {
            @if said.is_empty() { "It is for everything on the list" } @else {
                "It is for those with "
                @for (place, (name, value)) in said.iter().enumerate() {
                    @if place > 0 { ", " } (label(area.path, name)) " " b { (value) }
                }
            }
            ": up to " (grouped(MAX_ROWS as u32)) " of them, and all or none."
        }
        form.card method="get" action=(area.path) {
            (hidden)
            (select("action", "Action", &actions, &action, "", problem))
            div.buttons { button.quiet type="submit" { "Choose it" } }
        }
        (parts::form(visit, area.path, "Preview", problem, html! {
            (hidden)
            input type="hidden" name="action" value=(action);
            @if let Some(step) = Step::find(&action) { (goal(visit, step, problem)?) }
        }))
        (more)
    };
    Ok(visit.page_or_problem(area.title, problem.is_some(), body))
}

/// The chosen action, or the first one.
fn action(visit: &Visit, actions: &[(String, String)]) -> String {
    match visit.text("action") {
        sent if !sent.is_empty() => sent,
        _ => actions
            .first()
            .map(|(name, _)| name.clone())
            .unwrap_or_default(),
    }
}

fn sent_filters<'a>(
    visit: &'a Visit,
    area: &Area,
) -> impl Iterator<Item = (&'static str, &'a str)> {
    let names = area.filters.iter().copied();
    names.filter_map(|name| Some((name, visit.sent.get(name)?)))
}

/// The filter, to be sent on.
fn hidden(visit: &Visit, area: &Area) -> Markup {
    html! {
        @for (name, value) in sent_filters(visit, area) { input type="hidden" name=(name) value=(value); }
    }
}

/// The field for what a step asks for.
fn goal(visit: &Visit, step: &Step, problem: &Problem) -> Result<Markup, Trouble> {
    Ok(match step.asks {
        Asks::Nothing => html! {},
        Asks::User => Field::text("user_id", "User", &visit.text("user_id"))
            .required()
            .among(&offered_takers(visit)?, BY_NAME)
            .render(problem),
        Asks::Device => Field::text("device_id", "Device", &visit.text("device_id"))
            .required()
            .hint("The device's ID")
            .render(problem),
        Asks::Dialplan => {
            let plans = visit.read(|tx| DIALPLANS.list_offered(tx, visit.by()))?;
            let plans: Vec<(String, String)> = plans
                .into_iter()
                .map(|plan| (plan.id.to_string(), plan.name))
                .collect();
            let chosen = visit.text("dialplan_id");
            select("dialplan_id", "Dial plan", &plans, &chosen, "", problem)
        }
    })
}

/// Shows what would become of each, and does it once that is confirmed.
pub async fn act(visit: Visit) -> Result<Answer, Trouble> {
    let area = area(&visit);
    visit.require(area.right)?;
    if let Some(answer) = refused(&visit)? {
        return Ok(answer);
    }
    // A form that leaves the choice out means the one that its page shows. A blank choice is none.
    let action = match visit.sent.raw("action") {
        Some(_) => visit.text("action"),
        None => action(&visit, &(area.actions)(visit.by())),
    };
    let bulk = visit.read(|tx| (area.bulk)(tx, visit.by(), &visit, &action));
    let bulk = match bulk {
        Ok(bulk) => bulk,
        Err(error) => return render(&visit, &problem(error, "")?, html! {}),
    };
    if !visit.is_on("confirmed") {
        let tried = visit
            .try_out(move |tx, by| bulk::preview(tx, by, &bulk))
            .await;
        return match tried {
            Ok(tried) => render(&visit, &None, preview(&visit, area, &action, &tried)),
            Err(error) => render(&visit, &problem(error, "")?, html! {}),
        };
    }
    let stamp = visit.text("stamp");
    let done = visit.write(move |tx, by| bulk::perform(tx, by, &bulk, Some(&stamp)));
    match done.await {
        Ok(_) => Ok(Answer::SeeOther(format!("{}?done=each", area.list))),
        Err(error) => render(&visit, &problem(error, "")?, html! {}),
    }
}

fn preview(visit: &Visit, area: &Area, action: &str, tried: &Tried) -> Markup {
    let (count, problems) = (tried.outcomes.len(), tried.problems());
    html! {
        section.card #preview {
            h2 { "Preview" }
            @if problems > 0 {
                p.problem { "It cannot be done to " (problems) " of " (count) ", so nothing would be. Narrow the filter." }
            } @else {
                p { "This would become of " (count) @if count == 1 { " of them." } @else { ", all of them." } }
            }
            div.scroll tabindex="0" role="region" aria-label="Preview" {
                table {
                    thead { tr { th scope="col" { "Which" } th scope="col" { "Is" } th scope="col" { "Becomes" } } }
                    tbody { @for it in &tried.outcomes { tr {
                        td data-name="Which" { div { a href={ (area.list) "/" (it.id) } { (it.name) } } }
                        td data-name="Is" { div { (badge(&it.before)) } }
                        td data-name="Becomes" { div {
                            @match (&it.after, &it.problem) {
                                (Some(after), _) => (badge(after)),
                                (None, problem) => span.problem { (problem.as_deref().unwrap_or_default()) },
                            }
                        } }
                    } } }
                }
            }
            @if problems == 0 {
                form method="post" action=(area.path) {
                    (form_token(visit))
                    (hidden(visit, area))
                    input type="hidden" name="action" value=(action);
                    @for name in ["user_id", "device_id", "dialplan_id"] {
                        @if let Some(value) = visit.sent.get(name) { input type="hidden" name=(name) value=(value); }
                    }
                    input type="hidden" name="stamp" value=(tried.stamp);
                    input type="hidden" name="confirmed" value="1";
                    div.buttons { button.grave type="submit" { "Do it to " @if count == 1 { "it" } @else { "all " (count) } } }
                }
            }
        }
    }
}
