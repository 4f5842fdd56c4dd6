//! Provider edit: one provider, the rules for numbers in calls through it, and hiding it.

use maud::{Markup, html};

use super::providers::{KIND, address, fields, problem_of, registration, sent, status};
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::parts::{
    self, Action, Field as Input, Problem, badge, facts, form_token, or_dash, tick, yes_no,
};
use crate::http::pages::frame::problem::problem_on_page;
use crate::http::pages::frame::rule_form;
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::access::Right;
use crate::service::number_rules::MAX_RULES;
use crate::service::provider_rules::{self, NewRule};
use crate::service::{Error, Thing, providers};
use crate::store::row::Id;
use crate::store::tables::provider_rules::ProviderRule;
use crate::store::tables::providers::Details;

/// What went wrong, and with which form.
#[derive(Default)]
struct Problems {
    edit: Problem,
    rule: Problem,
    hide: Problem,
}

/// One of them.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, Problems::default())
}

fn render(visit: &Visit, problems: Problems) -> Result<Answer, Trouble> {
    let may_change = visit.may(Right::ManageSetup);
    let (found, rules) = visit.read(|tx| {
        let (by, id) = (visit.by(), visit.id());
        let rules = match may_change {
            true => provider_rules::list(tx, by, Some(id), 0, MAX_RULES)?,
            false => Vec::new(),
        };
        Ok::<_, Error>((providers::get(tx, by, id)?, rules))
    })?;
    let Problems { edit, rule, hide } = &problems;
    let path = |action: &str| format!("/providers/{}/{action}", found.id);
    let body = html! {
        p.crumbs { a href="/providers" { "Providers" } " / " (found.name) }
        div.columns {
            section.card { (summary(&found)) }
            @if may_change { section.actions {
                (Action {
                    path: &path("rules"),
                    title: "Add a rule",
                    consequence: "Rules say how numbers change in calls through this provider. They are kept for a PBX.",
                    button: "Add it",
                    is_grave: false,
                }.render(visit, rule, rule_fields(visit, rule)))
                (Action {
                    path: &path("hide"),
                    title: "Hide",
                    consequence: KIND.hiding,
                    button: "Hide it",
                    is_grave: true,
                }.render(visit, hide, html! {}))
            } }
        }
        @if !rules.is_empty() { (rule_list(visit, &rules)) }
        @if may_change { (parts::form(visit, &path("edit"), "Save", edit, fields(visit, &found, edit))) }
    };
    let has_problem = edit.is_some() || rule.is_some() || hide.is_some();
    Ok(visit.page_or_problem(&found.name, has_problem, body))
}

fn summary(found: &Details) -> Markup {
    facts(&[
        ("Status", badge(status(found))),
        ("Technology", html! { (found.tech) }),
        ("Address", or_dash(&address(found))),
        ("Registration", or_dash(registration(found))),
        ("Common use", html! { (yes_no(found.common_use)) }),
        (
            "DIDs",
            html! { a href={ "/dids?provider=" (found.id) } { "those that come from it" } },
        ),
        ("In the API", html! { code { "provider_id=" (found.id) } }),
    ])
}

fn rule_list(visit: &Visit, rules: &[ProviderRule]) -> Markup {
    html! {
        section.card {
            h2 { "Rules for numbers" }
            div.scroll tabindex="0" role="region" aria-label="Rules" {
                table {
                    thead { tr {
                        th scope="col" { "Name" } th scope="col" { "Changes" } th scope="col" { "Length" }
                        th scope="col" { "In" } th scope="col" { span.hidden { "Delete" } }
                    } }
                    tbody { @for rule in rules { tr {
                        td data-name="Name" { div { (rule.name) } }
                        td data-name="Changes" { div { (change(rule)) } }
                        td data-name="Length" { div { (rule.min_length) " to " (rule.max_length) } }
                        td data-name="In" { div { (rule_form::number(rule.applies_to)) } }
                        td { div { form.inline method="post" action={ "/provider-rules/" (rule.id) "/delete" } {
                            (form_token(visit))
                            button.quiet type="submit" aria-label={ "Delete the rule " (rule.name) } { "Delete" }
                        } } }
                    } } }
                }
            }
        }
    }
}

/// `353… → 0…`, and what else it does.
fn change(rule: &ProviderRule) -> Markup {
    html! {
        code { (rule.cut) "…" } " → " code { (rule.prefix) "…" (rule.suffix) }
        @if rule.changes_name { ", the name too" }
        @if rule.sets_pai { ", as P-Asserted-Identity too" }
    }
}

/// The form of the provider has a field `name`, too.
const RULE_NAME: &str = "rule_name";

fn rule_fields(visit: &Visit, problem: &Problem) -> Markup {
    let suffix = problem.is_some().then(|| visit.text("suffix"));
    let suffix = suffix.unwrap_or_default();
    let sets_pai = problem.is_some() && visit.is_on("set_pai");
    let more = html! {
        (Input::text("suffix", "Put this behind", &suffix).hint("For called numbers only").render(problem))
        (tick("set_pai", "Set the P-Asserted-Identity, too", sets_pai, "", problem))
    };
    rule_form::fields(visit, RULE_NAME, problem, more)
}

/// Changes it.
pub async fn edit(visit: Visit) -> Result<Answer, Trouble> {
    let (id, sent) = (visit.id(), sent(&visit));
    let saved = visit.write(move |tx, by| providers::update(tx, by, id, &sent));
    match saved.await {
        Ok(()) => Ok(to_provider(id, "saved")),
        Err(error) => {
            let edit = problem_of(error)?;
            render(
                &visit,
                Problems {
                    edit,
                    ..Problems::default()
                },
            )
        }
    }
}

/// Hides it.
pub async fn hide(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    let hidden = visit.write(move |tx, by| providers::hide(tx, by, id));
    KIND.hidden(hidden.await)?.or_else(|hide| {
        render(
            &visit,
            Problems {
                hide,
                ..Problems::default()
            },
        )
    })
}

/// Adds a rule to it.
pub async fn add_rule(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    let new = NewRule {
        number: rule_form::sent(&visit, RULE_NAME),
        tariff_id: None,
        sets_pai: visit.is_on("set_pai").then(|| "1".into()),
        suffix: Some(visit.text("suffix")),
    };
    let added = visit.write(move |tx, by| provider_rules::create(tx, by, Some(id), &new));
    match added.await {
        Ok(_) => Ok(to_provider(id, "added")),
        Err(error) => {
            let rule = problem_on_page(Thing::Provider, error, "")?;
            let rule = rule.map(|(field, text)| match field {
                "name" => (RULE_NAME, text),
                field => (field, text),
            });
            render(
                &visit,
                Problems {
                    rule,
                    ..Problems::default()
                },
            )
        }
    }
}

/// Deletes a rule.
pub async fn delete_rule(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    let deleted = visit.write(move |tx, by| provider_rules::delete(tx, by, Some(id)));
    Ok(to_provider(deleted.await?.provider_id, "deleted"))
}

fn to_provider(id: Id, done: &str) -> Answer {
    Answer::SeeOther(format!("/providers/{id}?done={done}"))
}
