//! The form of a rule that rewrites numbers, for a device's calls or a provider's.

use maud::{Markup, html};

use crate::http::pages::frame::parts::{Field, Problem, select, tick};
use crate::http::pages::frame::visit::Visit;
use crate::service::number_rules::NewNumberRule;
use crate::store::tables::number_rules::AppliesTo;

/// The number that a rule rewrites, in words.
pub fn number(applies_to: AppliesTo) -> &'static str {
    match applies_to {
        AppliesTo::Destination => "the called number",
        AppliesTo::Source => "the caller's number",
    }
}

/// The fields of a new rule, with what was typed where it was refused. `name` is the field of its name: on a page with
/// several forms, another one may have a `name`. `more` stands before the switch.
pub fn fields(visit: &Visit, name: &'static str, problem: &Problem, more: Markup) -> Markup {
    let typed = |name: &str| match problem {
        Some(_) => visit.text(name),
        None => String::new(),
    };
    let numbers = AppliesTo::ALL.iter();
    let numbers: Vec<_> = numbers
        .map(|one| (one.as_str().to_owned(), number(*one).to_owned()))
        .collect();
    let names_caller = problem.is_some() && visit.is_on("change_callerid_name");
    html! {
        (Field::text(name, "Name", &typed(name)).required().render(problem))
        (Field::text("cut", "Take this off the beginning", &typed("cut")).hint("This or the next one is needed").render(problem))
        (Field::text("add", "Put this there", &typed("add")).render(problem))
        (select("pr_type", "Of", &numbers, &typed("pr_type"), "", problem))
        (Field::text("minlen", "Shortest number", &typed("minlen")).hint("1 to 100 digits; blank: 1").render(problem))
        (Field::text("maxlen", "Longest number", &typed("maxlen")).hint("blank: 100").render(problem))
        (more)
        (tick("change_callerid_name", "Rewrite the caller's name, too", names_caller, "", problem))
    }
}

/// What it sends.
pub fn sent(visit: &Visit, name: &str) -> NewNumberRule {
    let text = |name: &str| Some(visit.text(name));
    NewNumberRule {
        name: visit.text(name),
        cut: visit.text("cut"),
        prefix: visit.text("add"),
        min_length: text("minlen"),
        max_length: text("maxlen"),
        applies_to: text("pr_type"),
        changes_name: visit.is_on("change_callerid_name").then(|| "1".into()),
    }
}
