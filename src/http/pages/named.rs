//! IVRs and dial plans, which have only a name: the lists, a new one, one to rename or hide.

use maud::html;

use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::list::{Column, Fetch, List};
use crate::http::pages::frame::named_form::{Kind, One};
use crate::http::pages::frame::parts::{Problem, facts};
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::access::{Actor, Right};
use crate::service::lists::Slice;
use crate::service::named::{self, Kind as Rules};
use crate::service::{Error, Thing};
use crate::store::ReadTx;
use crate::store::row::Cursor;
use crate::store::tables::named::Named;

/// The differences between the two.
struct Area {
    rules: &'static Rules,
    kind: Kind,
    /// Its name in the API.
    parameter: &'static str,
    list: List<Row>,
}

static IVRS: Area = Area {
    rules: &named::IVRS,
    kind: Kind {
        thing: Thing::Ivr,
        path: "/ivrs",
        plural: "IVRs",
        singular: "IVR",
        hiding: "CLIs can no longer send calls to it. It is refused while some do. It is not deleted: the action log points to it.",
    },
    parameter: "ivr_id",
    list: list_of(
        "/ivrs",
        "ivrs",
        "There are no IVRs yet. An IVR is the voice menu that a CLI's calls can go to.",
        |tx, by, _, after, limit| IVRS.fetch(tx, by, after, limit),
    ),
};

static DIALPLANS: Area = Area {
    rules: &named::DIALPLANS,
    kind: Kind {
        thing: Thing::Dialplan,
        path: "/dialplans",
        plural: "Dial plans",
        singular: "dial plan",
        hiding: "DIDs can no longer be put on it. It is refused while some are. It is not deleted: the action log points to it.",
    },
    parameter: "dialplan_id",
    list: list_of(
        "/dialplans",
        "dialplans",
        "There are no dial plans yet. A dial plan can answer a DID instead of a device.",
        |tx, by, _, after, limit| DIALPLANS.fetch(tx, by, after, limit),
    ),
};

/// The one of the two that is asked for.
fn area(visit: &Visit) -> &'static Area {
    match visit.route.starts_with(IVRS.kind.path) {
        true => &IVRS,
        false => &DIALPLANS,
    }
}

/// A row of a list, and the path of its page.
struct Row {
    path: &'static str,
    named: Named,
}

const fn list_of(
    path: &'static str,
    noun: &'static str,
    empty: &'static str,
    fetch: Fetch<Row>,
) -> List<Row> {
    List {
        path,
        noun,
        columns: &[
            Column {
                name: "Name",
                sort: None,
                html: Some(
                    |row| html! { a href={ (row.path) "/" (row.named.id) } { (row.named.name) } },
                ),
                text: |row| row.named.name.clone(),
            },
            Column {
                name: "ID",
                sort: None,
                html: Some(|row| html! { span.id { (row.named.id) } }),
                text: |row| row.named.id.to_string(),
            },
        ],
        filters: &[],
        searched: "",
        empty,
        fetch,
    }
}

impl Area {
    fn fetch(
        &self,
        tx: &ReadTx<'_>,
        by: &Actor,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Slice<Row>, Error> {
        let slice = self.rules.list(tx, by, after, limit)?;
        let path = self.kind.path;
        Ok(slice.map(|named| Row { path, named }))
    }

    fn render(
        &self,
        visit: &Visit,
        edit_problem: Problem,
        hide_problem: Problem,
    ) -> Result<Answer, Trouble> {
        let found = visit.read(|tx| self.rules.get(tx, visit.by(), visit.id()))?;
        Ok(self.kind.show(
            visit,
            &One {
                id: found.id,
                name: &found.name,
                facts: facts(&[
                    ("Name", html! { (found.name) }),
                    (
                        "In the API",
                        html! { code { (self.parameter) "=" (found.id) } },
                    ),
                ]),
                more: html! {},
                edit_problem,
                hide_problem,
            },
        ))
    }
}

/// The list.
pub async fn list(visit: Visit) -> Result<Answer, Trouble> {
    let Area { kind, list, .. } = area(&visit);
    let new = html! { a.button href={ (kind.path) "/new" } { "New " (kind.singular) } };
    list.show(&visit, kind.plural, new, html! {})
}

/// The list as a CSV file.
pub async fn export(visit: Visit) -> Result<Answer, Trouble> {
    area(&visit).list.export(&visit)
}

/// An empty form.
pub async fn new(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageSetup)?;
    Ok(area(&visit).kind.new_form(&visit, &None, html! {}))
}

/// Adds one.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    let Area { kind, rules, .. } = area(&visit);
    let name = visit.text("name");
    let added = visit.write(move |tx, by| rules.create(tx, by, by.owner_id(), &name));
    kind.added(&visit, added.await, |_| html! {})
}

/// One of them.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    area(&visit).render(&visit, None, None)
}

/// Renames it.
pub async fn edit(visit: Visit) -> Result<Answer, Trouble> {
    let area = area(&visit);
    let (id, name) = (visit.id(), visit.text("name"));
    let saved = visit.write(move |tx, by| area.rules.update(tx, by, id, &name));
    area.kind
        .saved(id, saved.await)?
        .or_else(|problem| area.render(&visit, problem, None))
}

/// Hides it.
pub async fn hide(visit: Visit) -> Result<Answer, Trouble> {
    let area = area(&visit);
    let id = visit.id();
    let hidden = visit.write(move |tx, by| area.rules.hide(tx, by, id));
    area.kind
        .hidden(hidden.await)?
        .or_else(|problem| area.render(&visit, None, problem))
}
