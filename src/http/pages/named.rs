//! IVRs and dial plans, which have only a name: the lists, a new one, one to rename or hide.

use maud::{Markup, html};

use crate::api::parameters::parse_id;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::list::{Column, Fetch, List};
use crate::http::pages::frame::named_form::{Kind, One};
use crate::http::pages::frame::parts::{Problem, facts, select};
use crate::http::pages::frame::visit::Visit;
use crate::service::dialplans::{self, Period};
use crate::service::guard::access::{Actor, Right};
use crate::service::lists::Slice;
use crate::service::named::{self, Kind as Rules};
use crate::service::{Error, Thing, time_periods};
use crate::store::ReadTx;
use crate::store::row::{Cursor, Id};
use crate::store::tables::dialplans::DialplanKind;
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

/// The names of a dial plan's periods.
const PERIOD_LABELS: [&str; 3] = [
    "First time period",
    "Second time period",
    "Third time period",
];

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

    /// The kind of a new dial plan.
    fn kind_field(&self, visit: &Visit, problem: &Problem) -> Markup {
        if self.kind.thing != Thing::Dialplan {
            return html! {};
        }
        let kinds = [
            (DialplanKind::Ivr, "a voice menu"),
            (
                DialplanKind::Quickforwards,
                "quickforwards: each user's own number",
            ),
        ];
        let kinds = kinds.map(|(kind, shown)| (kind.as_str().to_owned(), shown.to_owned()));
        select(
            "kind",
            "What it does",
            &kinds,
            &visit.text("kind"),
            "It stays so",
            problem,
        )
    }

    /// What only a dial plan has: its kind, and the periods of a voice menu.
    fn more(&self, visit: &Visit, id: Id, problem: &Problem) -> Result<Markup, Trouble> {
        if self.kind.thing != Thing::Dialplan {
            return Ok(html! {});
        }
        let by = visit.by();
        let (plan, offered) = visit.read(|tx| {
            let plan = dialplans::get(tx, by, Some(id))?;
            Ok::<_, Error>((plan, time_periods::list_offered(tx, by)?))
        })?;
        if plan.kind != DialplanKind::Ivr {
            return Ok(
                html! { p.hint { "It takes each user who calls to the number that they have set." } },
            );
        }
        let none = ("".to_owned(), "none".to_owned());
        let known = offered
            .iter()
            .map(|period| (period.id.to_string(), period.name.clone()));
        let options: Vec<(String, String)> = std::iter::once(none).chain(known).collect();
        let value = |place: usize, name: &str| match problem {
            Some(_) => visit.text(name),
            None => plan.periods()[place]
                .map(|id| id.to_string())
                .unwrap_or_default(),
        };
        Ok(html! {
            @for (place, field) in dialplans::PERIODS.into_iter().enumerate() {
                (select(field.name(), PERIOD_LABELS[place], &options, &value(place, field.name()), "", problem))
            }
        })
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
                more: self.more(visit, found.id, &edit_problem)?,
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
    let area = area(&visit);
    let more = area.kind_field(&visit, &None);
    Ok(area.kind.new_form(&visit, &None, more))
}

/// Adds one.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    let area = area(&visit);
    let (name, kind) = (visit.text("name"), visit.text("kind"));
    let is_plan = area.kind.thing == Thing::Dialplan;
    let added = visit.write(move |tx, by| match is_plan {
        true => dialplans::create(tx, by, by.owner_id(), &name, &kind),
        false => area.rules.create(tx, by, by.owner_id(), &name),
    });
    area.kind.added(&visit, added.await, |problem| {
        area.kind_field(&visit, problem)
    })
}

/// One of them.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    area(&visit).render(&visit, None, None)
}

/// Renames it.
pub async fn edit(visit: Visit) -> Result<Answer, Trouble> {
    let area = area(&visit);
    let (id, name) = (visit.id(), visit.text("name"));
    let periods = dialplans::PERIODS.map(|field| match visit.sent.raw(field.name()) {
        None => Period::Kept,
        Some(sent) if sent.trim().is_empty() => Period::Cleared,
        Some(sent) => Period::Set(parse_id(sent)),
    });
    let saved = visit.write(move |tx, by| {
        area.rules.update(tx, by, id, &name)?;
        match periods == [Period::Kept; 3] {
            true => Ok(()),
            false => dialplans::set_periods(tx, by, Some(id), periods),
        }
    });
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
