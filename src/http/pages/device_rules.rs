//! The rules that rewrite the numbers of a device's calls: the list, a new one, one to delete.

use maud::{Markup, html};

use crate::api::parameters::parse_id;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::parts::{self, Problem};
use crate::http::pages::frame::problem::problem_on_page;
use crate::http::pages::frame::rule_form;
use crate::http::pages::frame::visit::Visit;
use crate::service::device_rules;
use crate::service::guard::access::Right;
use crate::service::number_rules::MAX_RULES;
use crate::service::{Error, Rule, Thing, devices};
use crate::store::tables::device_rules::DeviceRule;

/// The list, and the form of a new one.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, &None)
}

fn render(visit: &Visit, problem: &Problem) -> Result<Answer, Trouble> {
    let (by, id) = (visit.by(), visit.id());
    let found = visit.read(|tx| {
        let device = devices::get_own(tx, by, id)?;
        let rules = device_rules::list(tx, by, Some(id), 0, MAX_RULES)?;
        Ok::<_, Error>((device, rules))
    });
    let (device, rules) = found?;
    let path = format!("/devices/{id}/rules");
    let body = html! {
        p.crumbs { a href="/devices" { "Devices" } " / " a href={ "/devices/" (id) } { (device.extension) } " / Rules" }
        p { "A rule rewrites the numbers of calls that reach the device through a DID. Rules are kept for a PBX, which applies them." }
        div.columns {
            section.card {
                h2 { "Rules" }
                @if rules.is_empty() { p.none { "None." } }
                ul.plain { @for rule in &rules { li { (line(visit, &path, rule)) } } }
            }
            @if visit.may(Right::ManageDevices) {
                (parts::form(visit, &format!("{path}/new"), "Add it", problem, new_rule(visit, problem)))
            }
        }
    };
    let title = format!("Rules of {}", device.extension);
    Ok(visit.page_or_problem(&title, problem.is_some(), body))
}

fn new_rule(visit: &Visit, problem: &Problem) -> Markup {
    html! {
        h2 { "New rule" }
        (rule_form::fields(visit, "name", problem, html! {}))
    }
}

fn line(visit: &Visit, path: &str, rule: &DeviceRule) -> Markup {
    html! {
        b { (rule.name) } ": "
        @if !rule.cut.is_empty() { "takes " code { (rule.cut) } " off " }
        @if !rule.cut.is_empty() && !rule.prefix.is_empty() { "and " }
        @if !rule.prefix.is_empty() { "puts " code { (rule.prefix) } " before " }
        (rule_form::number(rule.applies_to)) ", if that has " (rule.min_length) " to " (rule.max_length) " digits"
        @if rule.changes_name { ", and the caller's name" } ". "
        @if visit.may(Right::ManageDevices) {
            form.inline method="post" action={ (path) "/delete" } {
                (parts::form_token(visit))
                input type="hidden" name="device_rule_id" value=(rule.id);
                button.quiet type="submit" { "Delete" span.hidden { " the rule " (rule.name) } }
            }
        }
    }
}

/// Adds a rule.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDevices)?;
    let (id, new) = (visit.id(), rule_form::sent(&visit, "name"));
    let added = visit.write(move |tx, by| device_rules::create(tx, by, Some(id), &new));
    match added.await {
        Ok(_) => Ok(back(&visit, "added")),
        Err(error) => {
            let problem = problem_on_page(Thing::Device, error, "")?;
            render(&visit, &problem)
        }
    }
}

fn back(visit: &Visit, done: &str) -> Answer {
    Answer::SeeOther(format!("/devices/{}/rules?done={done}", visit.id()))
}

/// Deletes a rule of this device.
pub async fn delete(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDevices)?;
    let (device_id, rule_id) = (visit.id(), parse_id(&visit.text("device_rule_id")));
    let deleted = visit.write(move |tx, by| {
        let known = device_rules::list(tx, by, Some(device_id), 0, MAX_RULES)?;
        match known.iter().any(|rule| Some(rule.id) == rule_id) {
            true => device_rules::delete(tx, by, rule_id).map(drop),
            false => Err(Rule::NotFound(Thing::DeviceRule).into()),
        }
    });
    match deleted.await {
        Ok(()) => Ok(back(&visit, "deleted")),
        Err(error) => render(&visit, &problem_on_page(Thing::Device, error, "")?),
    }
}
