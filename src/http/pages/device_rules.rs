//! The rules that rewrite the numbers of a device's calls: the list, a new one, one to delete.

use maud::{Markup, html};

use crate::api::parameters::parse_id;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::parts::{self, Field, Problem, select, tick};
use crate::http::pages::frame::problem::problem_on_page;
use crate::http::pages::frame::visit::Visit;
use crate::service::device_rules::{self, NewRule};
use crate::service::guard::access::Right;
use crate::service::{Error, Rule, Thing, devices};
use crate::store::tables::device_rules::{AppliesTo, DeviceRule};

/// The list, and the form of a new one.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, &None)
}

fn render(visit: &Visit, problem: &Problem) -> Result<Answer, Trouble> {
    let (by, id) = (visit.by(), visit.id());
    let found = visit.read(|tx| {
        let device = devices::find_own(tx, by, id)?.ok_or(Rule::NotFound(Thing::Device))?;
        Ok::<_, Error>((device, device_rules::list_on(tx, by, id)?))
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
                (parts::form(visit, &format!("{path}/new"), "Add it", problem, fields(visit, problem)))
            }
        }
    };
    let title = format!("Rules of {}", device.extension);
    Ok(visit.page_or_problem(&title, problem.is_some(), body))
}

fn line(visit: &Visit, path: &str, rule: &DeviceRule) -> Markup {
    let number = match rule.applies_to {
        AppliesTo::Source => "the caller's number",
        AppliesTo::Destination => "the called number",
    };
    html! {
        b { (rule.name) } ": "
        @if !rule.cut.is_empty() { "takes " code { (rule.cut) } " off " }
        @if !rule.cut.is_empty() && !rule.prefix.is_empty() { "and " }
        @if !rule.prefix.is_empty() { "puts " code { (rule.prefix) } " before " }
        (number) ", if that has " (rule.min_length) " to " (rule.max_length) " digits"
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

fn fields(visit: &Visit, problem: &Problem) -> Markup {
    let typed = |name: &str| visit.text(name);
    let numbers = [
        ("dst".to_owned(), "the called number".to_owned()),
        ("src".to_owned(), "the caller's number".to_owned()),
    ];
    let number = match typed("pr_type") {
        none if none.is_empty() => "dst".into(),
        sent => sent,
    };
    html! {
        h2 { "New rule" }
        (Field::text("name", "Name", &typed("name")).required().render(problem))
        (Field::text("cut", "Take this off the beginning", &typed("cut")).hint("This or the next one is needed").render(problem))
        (Field::text("add", "Put this there", &typed("add")).render(problem))
        (select("pr_type", "Of", &numbers, &number, "", problem))
        (Field::text("minlen", "Shortest number", &typed("minlen")).hint("1 to 100 digits; blank: 1").render(problem))
        (Field::text("maxlen", "Longest number", &typed("maxlen")).hint("blank: 100").render(problem))
        (tick("change_callerid_name", "Rewrite the caller's name, too", visit.is_on("change_callerid_name"), "", problem))
    }
}

/// Adds a rule.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDevices)?;
    let sent = |name: &str| Some(visit.text(name)).filter(|text| !text.is_empty());
    let new = NewRule {
        device_id: Some(visit.id()),
        name: visit.text("name"),
        cut: visit.text("cut"),
        prefix: visit.text("add"),
        min_length: sent("minlen"),
        max_length: sent("maxlen"),
        applies_to: sent("pr_type"),
        changes_name: visit.is_on("change_callerid_name").then(|| "1".into()),
    };
    let added = visit.write(move |tx, by| device_rules::create(tx, by, new));
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
        let known = device_rules::list_on(tx, by, device_id)?;
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
