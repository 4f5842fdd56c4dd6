//! The phonebook of a user or of everyone: its records, a new one, one to change.

use maud::{Markup, html};

use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::parts::{self, Field, Problem};
use crate::http::pages::frame::problem::problem_on_page;
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::access::Right;
use crate::service::phonebooks::{self, Entry};
use crate::service::{Error, Thing};
use crate::store::row::Id;
use crate::store::tables::phonebook_records::PhonebookRecord;

/// The most records of one part of the page.
const SHOWN: u32 = 100;

/// The user whose phonebook is meant: the one in the path, or whoever asks.
fn user_id(visit: &Visit) -> Option<Id> {
    visit.ids.first().copied().or(visit.by().user_id)
}

/// The records, and the form of a new one.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    let id = user_id(&visit);
    render(&visit, id, &None)
}

fn render(visit: &Visit, id: Option<Id>, problem: &Problem) -> Result<Answer, Trouble> {
    let by = visit.by();
    let after = visit.text("after").parse().unwrap_or(0);
    let records = visit.read(|tx| phonebooks::list(tx, by, id, after, SHOWN))?;
    let id = id.unwrap_or_default();
    let path = format!("/phonebooks/{id}");
    let last = records.last().map(|record| record.id);
    let body = html! {
        @if id == 0 { p { "These records are for everyone. A user's own come first." } }
        div.columns {
            section.card {
                h2 { "Records" }
                @if records.is_empty() { p.none { "None." } }
                ul.plain {
                    @for record in &records {
                        li {
                            a href={ "/records/" (record.id) } { (record.name) } " " (record.number)
                            ", speed dial " b { (record.speeddial) }
                        }
                    }
                }
                @if let Some(last) = last.filter(|_| records.len() == SHOWN as usize) {
                    p { a rel="next" href={ (path) "?after=" (last) } { "More" } }
                }
            }
            (parts::form(visit, &format!("{path}/new"), "Add it", problem, html! {
                h2 { "New record" }
                (fields(&visit.text("name"), &visit.text("number"), &visit.text("speeddial"), problem))
            }))
        }
    };
    let title = match id {
        0 => "Everyone's phonebook",
        id if by.user_id == Some(id) => "My phonebook",
        _ => "Phonebook",
    };
    Ok(visit.page_or_problem(title, problem.is_some(), body))
}

fn fields(name: &str, number: &str, speeddial: &str, problem: &Problem) -> Markup {
    html! {
        (Field::text("name", "Name", name).required().render(problem))
        (Field::text("number", "Number", number).required().hint("1 to 20 digits").render(problem))
        (Field::text("speeddial", "Speed dial", speeddial).required().hint("2 to 20 digits, unique").render(problem))
    }
}

/// What was typed: a blank text is one, too, so that it is refused.
fn entry(visit: &Visit) -> Entry {
    Entry {
        name: Some(visit.text("name")),
        number: Some(visit.text("number")),
        speeddial: Some(visit.text("speeddial")),
    }
}

/// Adds a record.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    let id = user_id(&visit);
    let entry = entry(&visit);
    let added = visit.write(move |tx, by| phonebooks::create(tx, by, id, entry));
    match added.await {
        Ok(_) => {
            let id = id.unwrap_or_default();
            Ok(Answer::SeeOther(format!("/phonebooks/{id}?done=added")))
        }
        Err(error) => {
            let problem = problem_on_page(Thing::User, error, "phonebook_record_create")?;
            render(&visit, id, &problem)
        }
    }
}

/// A record, and the form that changes it.
pub async fn record(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManagePhonebooks)?;
    render_record(&visit, &None)
}

fn render_record(visit: &Visit, problem: &Problem) -> Result<Answer, Trouble> {
    let id = Some(visit.id());
    let record: PhonebookRecord = visit.read(|tx| phonebooks::get(tx, visit.by(), id))?;
    let value = |name: &str, stored: &str| match problem {
        Some(_) => visit.text(name),
        None => stored.to_owned(),
    };
    let body = html! {
        p.crumbs { a href={ "/phonebooks/" (record.user_id) } { "Phonebook" } " / " (record.name) }
        (parts::form(visit, &format!("/records/{}/edit", record.id), "Save", problem, html! {
            (fields(&value("name", &record.name), &value("number", &record.number), &value("speeddial", &record.speeddial), problem))
        }))
    };
    Ok(visit.page_or_problem(&record.name, problem.is_some(), body))
}

/// Changes a record.
pub async fn edit(visit: Visit) -> Result<Answer, Trouble> {
    let (id, entry) = (visit.id(), entry(&visit));
    let saved = visit.write(move |tx, by| {
        phonebooks::update(tx, by, Some(id), entry)?;
        phonebooks::get(tx, by, Some(id))
    });
    match saved.await {
        Ok(record) => {
            let path = format!("/phonebooks/{}?done=saved", record.user_id);
            Ok(Answer::SeeOther(path))
        }
        Err(error) => render_record(&visit, &words(error)?),
    }
}

/// The text of the API for a change is the same for all problems; that of a new record says more.
fn words(error: Error) -> Result<Problem, Trouble> {
    problem_on_page(Thing::PhonebookRecord, error, "phonebook_record_create")
}
