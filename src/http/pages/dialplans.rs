//! Dial plans: the list, a new one, one to rename or hide.

use maud::html;

use super::list::{Column, List};
use super::named::{Kind, One};
use super::parts::{Problem, facts};
use super::visit::{Answer, Trouble, Visit};
use crate::api::parameters::Parameters;
use crate::service::access::Actor;
use crate::service::lists::Slice;
use crate::service::{Error, dialplans};
use crate::store::ReadTx;
use crate::store::dialplans::Dialplan;
use crate::store::row::Cursor;

const KIND: Kind = Kind {
    path: "/dialplans",
    plural: "Dial plans",
    singular: "dial plan",
    hiding: "DIDs can no longer be put on it. It is refused while some are. It is not deleted: the action log points to it.",
};

static LIST: List<Dialplan> = List {
    path: "/dialplans",
    noun: "dialplans",
    columns: &[
        Column {
            name: "Name",
            sort: None,
            html: Some(|row| html! { a href={ "/dialplans/" (row.id) } { (row.name) } }),
            text: |row| row.name.clone(),
        },
        Column {
            name: "Number",
            sort: None,
            html: Some(|row| html! { span.id { (row.id) } }),
            text: |row| row.id.to_string(),
        },
    ],
    filters: &[],
    empty: "There are no dial plans yet. A dial plan can answer a DID instead of a device.",
    fetch,
};

fn fetch(
    tx: &ReadTx<'_>,
    by: &Actor,
    _: &Parameters,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Dialplan>, Error> {
    Ok(dialplans::list(tx, by, after, limit)?)
}

/// The list.
pub async fn list(visit: Visit) -> Result<Answer, Trouble> {
    LIST.show(
        &visit,
        "Dial plans",
        html! { a.button href="/dialplans/new" { "New dial plan" } },
        html! {},
    )
}

/// The list as a file.
pub async fn export(visit: Visit) -> Result<Answer, Trouble> {
    LIST.export(&visit)
}

/// An empty form.
pub async fn new(visit: Visit) -> Result<Answer, Trouble> {
    Ok(KIND.new_form(&visit, &None, html! {}))
}

/// Adds one.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    let name = visit.text("name");
    let added = visit.write(move |tx, by| dialplans::create(tx, by, by.owner_id(), &name));
    KIND.added(&visit, added.await, |_| html! {})
}

/// One of them.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, None, None)
}

fn render(visit: &Visit, edit_problem: Problem, hide_problem: Problem) -> Result<Answer, Trouble> {
    let found = visit.read(|tx| dialplans::get(tx, visit.by(), visit.id()))?;
    Ok(KIND.show(
        visit,
        &One {
            id: found.id,
            name: &found.name,
            facts: facts(&[
                ("Name", html! { (found.name) }),
                (
                    "Number in the API",
                    html! { code { "dialplan_id=" (found.id) } },
                ),
            ]),
            more: html! {},
            edit_problem,
            hide_problem,
        },
    ))
}

/// Renames it.
pub async fn edit(visit: Visit) -> Result<Answer, Trouble> {
    let (id, name) = (visit.id(), visit.text("name"));
    let saved = visit.write(move |tx, by| dialplans::update(tx, by, id, &name));
    KIND.saved(id, saved.await)?
        .or_else(|problem| render(&visit, problem, None))
}

/// Hides it.
pub async fn hide(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    let hidden = visit.write(move |tx, by| dialplans::hide(tx, by, id));
    KIND.hidden(hidden.await)?
        .or_else(|problem| render(&visit, None, problem))
}
