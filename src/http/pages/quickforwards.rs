//! Where DIDs take a user who calls them: the list, the form of one, and the pattern that says which DIDs these are.

use maud::{Markup, html};

use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::parts::{self, Field, Problem};
use crate::http::pages::frame::problem::problem_on_page;
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::access::Right;
use crate::service::quickforwards::{self, Part};
use crate::service::{AccessError, Error, Refusal, Rule, Thing};
use crate::store::row::Id;
use crate::store::tables::users::ADMIN;

/// The most DIDs of one part of the page.
const SHOWN: usize = 100;

/// The user who is meant: the one in the path, or whoever asks.
fn user_id(visit: &Visit) -> Option<Id> {
    visit.ids.first().copied().or(visit.by().user_id)
}

/// What the page shows besides the list.
#[derive(Default)]
struct Shown {
    problem: Problem,
    pattern_problem: Problem,
}

/// The list.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, &Shown::default())
}

fn render(visit: &Visit, shown: &Shown) -> Result<Answer, Trouble> {
    let by = visit.by();
    let id = user_id(visit).unwrap_or(ADMIN);
    let after = visit.text("after").parse().unwrap_or(0);
    let found = visit.read(|tx| {
        let pattern = quickforwards::pattern(tx, by, id)?;
        let part = match quickforwards::list(tx, by, Some(id), after, SHOWN) {
            // Without a pattern, or where it fits nothing, there is nothing to show.
            Err(Error::Refused(Refusal {
                rule: Rule::NoneFound(_) | Rule::Access(AccessError::NotPermitted),
                ..
            })) => Part {
                rows: Vec::new(),
                next: None,
            },
            other => other?,
        };
        Ok::<_, Error>((pattern, part))
    });
    let (pattern, part) = found?;
    let path = format!("/quickforwards/{id}");
    let may_set_pattern = visit.may(Right::ManageUsers) && (by.user_id != Some(id) || id == ADMIN);
    let body = html! {
        p { "A DID on a dial plan for quickforwards serves many callers. It takes each to the number that they have set here." }
        div.columns {
            section.card {
                h2 { "Numbers" }
                @if part.rows.is_empty() { p.none { "None." } }
                ul.plain {
                    @for row in &part.rows {
                        li {
                            b { (row.did) } " "
                            @if row.forward_to.is_empty() { span.none { "takes nowhere" } }
                            @else { "takes to " b { (row.forward_to) } " " (row.description) " " (delete(visit, &path, &row.did)) }
                        }
                    }
                }
                @if let Some(next) = part.next { p { a rel="next" href={ (path) "?after=" (next) } { "More" } } }
            }
            div {
                @if !pattern.is_empty() || shown.problem.is_some() { (form(visit, &path, &part, &shown.problem)) }
                @else { p.none { "No DIDs are allowed." } }
                @if may_set_pattern { (pattern_form(visit, &path, &pattern, &shown.pattern_problem)) }
            }
        }
    };
    let has_problem = shown.problem.is_some() || shown.pattern_problem.is_some();
    Ok(visit.page_or_problem("Quickforwards", has_problem, body))
}

fn delete(visit: &Visit, path: &str, did: &str) -> Markup {
    html! {
        form.inline method="post" action={ (path) "/delete" } {
            (parts::form_token(visit))
            input type="hidden" name="did" value=(did);
            button.quiet type="submit" { "Delete" span.hidden { " the number of DID " (did) } }
        }
    }
}

fn form(visit: &Visit, path: &str, part: &Part, problem: &Problem) -> Markup {
    let typed = |name: &str| visit.text(name);
    let first = part.rows.first().map(|row| row.did.clone());
    let did = match problem {
        Some(_) => typed("did"),
        None => first.unwrap_or_default(),
    };
    parts::form(
        visit,
        &format!("{path}/set"),
        "Save",
        problem,
        html! {
            h2 { "Set a number" }
            (Field::text("did", "DID", &did).required().render(problem))
            (Field::text("forward_to", "Takes to", &typed("forward_to")).required().hint("1 to 20 digits").render(problem))
            (Field::text("description", "Description", &typed("description")).render(problem))
        },
    )
}

fn pattern_form(visit: &Visit, path: &str, pattern: &str, problem: &Problem) -> Markup {
    let value = match problem {
        Some(_) => visit.text("quickforwards"),
        None => pattern.to_owned(),
    };
    let hint = "Digits, with , or | between alternatives, % for any digits and [..] for one of several. Blank: none.";
    parts::form(
        visit,
        &format!("{path}/pattern"),
        "Save",
        problem,
        html! {
            h2 { "Which DIDs" }
            (Field::text("quickforwards", "Pattern", &value).hint(hint).render(problem))
        },
    )
}

fn back(visit: &Visit, done: &str) -> Answer {
    let id = user_id(visit).unwrap_or(ADMIN);
    Answer::SeeOther(format!("/quickforwards/{id}?done={done}"))
}

/// The problem of a form about a DID. A user without a pattern may use none.
fn problem_of(error: Error, method: &str) -> Result<Problem, Trouble> {
    match error {
        Error::Refused(Refusal {
            rule: Rule::Access(AccessError::NotPermitted),
            ..
        }) => Ok(Some(("did", "This user may use no DID".into()))),
        error => problem_on_page(Thing::User, error, method),
    }
}

/// Says where a DID takes the user.
pub async fn set(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::UseQuickforwards)?;
    let id = user_id(&visit);
    let (did, number) = (visit.text("did"), Some(visit.text("forward_to")));
    let description = Some(visit.text("description")).filter(|text| !text.is_empty());
    let saved =
        visit.write(move |tx, by| quickforwards::update(tx, by, id, &did, number, description));
    match saved.await {
        Ok(_) => Ok(back(&visit, "saved")),
        Err(error) => {
            let problem = problem_of(error, "quickforwards_did_update")?;
            render(
                &visit,
                &Shown {
                    problem,
                    ..Shown::default()
                },
            )
        }
    }
}

/// Lets a DID take the user nowhere.
pub async fn delete_one(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::UseQuickforwards)?;
    let (id, did) = (user_id(&visit), visit.text("did"));
    let deleted = visit.write(move |tx, by| quickforwards::delete(tx, by, id, &did));
    match deleted.await {
        Ok(()) => Ok(back(&visit, "deleted")),
        Err(error) => {
            let problem = problem_of(error, "quickforwards_did_delete")?;
            render(
                &visit,
                &Shown {
                    problem,
                    ..Shown::default()
                },
            )
        }
    }
}

/// Sets the pattern.
pub async fn set_pattern(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageUsers)?;
    let (id, pattern) = (visit.id(), visit.text("quickforwards"));
    let saved = visit.write(move |tx, by| quickforwards::set_pattern(tx, by, id, &pattern));
    match saved.await {
        Ok(()) => Ok(back(&visit, "saved")),
        Err(error) => {
            let pattern_problem = problem_on_page(Thing::User, error, "")?;
            render(
                &visit,
                &Shown {
                    pattern_problem,
                    ..Shown::default()
                },
            )
        }
    }
}
