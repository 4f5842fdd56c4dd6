//! Time periods of dial plans: the list, a new one, one to change or hide.

use maud::{Markup, html};

use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::list::{Column, List};
use crate::http::pages::frame::parts::{self, Action, Field, Problem, facts, select};
use crate::http::pages::frame::problem::problem_on_page;
use crate::http::pages::frame::visit::Visit;
use crate::service::Thing;
use crate::service::guard::access::Right;
use crate::service::time_periods::{self, Edit, FIELDS, LIMITS, WEEKDAYS};
use crate::store::tables::time_periods::TimePeriod;

static LIST: List<TimePeriod> = List {
    path: "/periods",
    noun: "periods",
    columns: &[
        Column {
            name: "Name",
            sort: None,
            html: Some(|row| html! { a href={ "/periods/" (row.id) } { (row.name) } }),
            text: |row| row.name.clone(),
        },
        Column {
            name: "When",
            sort: None,
            html: None,
            text: time_periods::in_words,
        },
        Column {
            name: "ID",
            sort: None,
            html: Some(|row| html! { span.id { (row.id) } }),
            text: |row| row.id.to_string(),
        },
    ],
    filters: &[],
    searched: "",
    empty: "There are no time periods yet. A dial plan that is a voice menu can be for up to three.",
    fetch: |tx, by, _, after, limit| time_periods::list(tx, by, after, limit),
};

/// The names of the fields, in the order of the rule's.
const LABELS: [&str; LIMITS] = [
    "First hour",
    "Last hour",
    "Minute of the first hour",
    "Minute of the last hour",
    "First day of the week",
    "Last day of the week",
    "First month",
    "Last month",
    "First day of the month",
    "Last day of the month",
];

/// The list.
pub async fn list(visit: Visit) -> Result<Answer, Trouble> {
    let new = html! { a.button href="/periods/new" { "New period" } };
    LIST.show(&visit, "Time periods", new, html! {})
}

/// The list as a CSV file.
pub async fn export(visit: Visit) -> Result<Answer, Trouble> {
    LIST.export(&visit)
}

/// The fields of a period. `stored` are its values.
fn fields(visit: &Visit, name: &str, stored: &[String; LIMITS], problem: &Problem) -> Markup {
    let value = |field: &str, stored: &str| match problem {
        Some(_) => visit.text(field),
        None => stored.to_owned(),
    };
    let days: Vec<(String, String)> = std::iter::once(("".to_owned(), "any".to_owned()))
        .chain(WEEKDAYS.iter().map(|day| ((*day).into(), (*day).into())))
        .collect();
    html! {
        (Field::text("name", "Name", &value("name", name)).required().render(problem))
        div.grid {
            @for (place, (field, least, most)) in FIELDS.into_iter().enumerate() {
                @let shown = value(field.name(), &stored[place]);
                @if WEEKDAYS.len() == most as usize {
                    (select(field.name(), LABELS[place], &days, &shown, "", problem))
                } @else {
                    (Field::text(field.name(), LABELS[place], &shown).hint(&format!("{least} to {most}")).render(problem))
                }
            }
        }
        p.hint { "Each limit is part of the period. A blank day or month is no limit." }
    }
}

fn edit_of(visit: &Visit) -> Edit {
    Edit {
        name: Some(visit.text("name")),
        limits: FIELDS.map(|(field, ..)| visit.sent.raw(field.name()).map(Into::into)),
    }
}

/// An empty form.
pub async fn new(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageSetup)?;
    Ok(new_form(&visit, &None))
}

fn new_form(visit: &Visit, problem: &Problem) -> Answer {
    let whole = ["0", "23", "0", "59", "", "", "", "", "", ""].map(String::from);
    let fields = fields(visit, "", &whole, problem);
    let body = parts::form(visit, "/periods/new", "Add it", problem, fields);
    visit.page_or_problem("New time period", problem.is_some(), body)
}

/// Adds one.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    let edit = edit_of(&visit);
    let added = visit.write(move |tx, by| time_periods::create(tx, by, by.owner_id(), &edit));
    match added.await {
        Ok(id) => Ok(Answer::SeeOther(format!("/periods/{id}?done=added"))),
        Err(error) => Ok(new_form(
            &visit,
            &problem_on_page(Thing::TimePeriod, error, "")?,
        )),
    }
}

/// One of them.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, &None, &None)
}

fn render(visit: &Visit, problem: &Problem, hide_problem: &Problem) -> Result<Answer, Trouble> {
    let id = visit.id();
    let period = visit.read(|tx| time_periods::get(tx, visit.by(), Some(id)))?;
    let fields = fields(visit, &period.name, &time_periods::sent(&period), problem);
    let body = html! {
        p.crumbs { a href="/periods" { "Time periods" } " / " (period.name) }
        section.card {
            (facts(&[
                ("When", html! { (time_periods::in_words(&period)) }),
                ("In the API", html! { code { "ivr_time_period_id=" (id) } }),
            ]))
        }
        (parts::form(visit, &format!("/periods/{id}/edit"), "Save", problem, fields))
        section.actions {
            (Action {
                path: &format!("/periods/{id}/hide"),
                title: "Hide",
                consequence: "Dial plans can no longer be for it. It is refused while some are. It is not deleted: the action log points to it.",
                button: "Hide it",
                is_grave: true,
            }.render(visit, hide_problem, html! {}))
        }
    };
    let has_problem = problem.is_some() || hide_problem.is_some();
    Ok(visit.page_or_problem(&period.name, has_problem, body))
}

/// Changes it.
pub async fn edit(visit: Visit) -> Result<Answer, Trouble> {
    let (id, edit) = (visit.id(), edit_of(&visit));
    let saved = visit.write(move |tx, by| time_periods::update(tx, by, Some(id), &edit));
    match saved.await {
        Ok(()) => Ok(Answer::SeeOther(format!("/periods/{id}?done=saved"))),
        Err(error) => render(
            &visit,
            &problem_on_page(Thing::TimePeriod, error, "")?,
            &None,
        ),
    }
}

/// Hides it.
pub async fn hide(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    let hidden = visit.write(move |tx, by| time_periods::hide(tx, by, id));
    match hidden.await {
        Ok(()) => Ok(Answer::SeeOther("/periods?done=hidden".into())),
        Err(error) => render(
            &visit,
            &None,
            &problem_on_page(Thing::TimePeriod, error, "")?,
        ),
    }
}
