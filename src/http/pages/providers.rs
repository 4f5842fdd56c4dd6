//! Providers: the list, a new one, one to rename or hide.

use maud::{Markup, html};

use crate::api::parameters::Parameters;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::list::{Column, List};
use crate::http::pages::frame::named_form::{Kind, One};
use crate::http::pages::frame::parts::{Problem, facts, tick, yes_no};
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::access::{Actor, Right};
use crate::service::lists::Slice;
use crate::service::{Error, Thing, providers};
use crate::store::ReadTx;
use crate::store::row::Cursor;
use crate::store::tables::providers::Provider;
use crate::store::tables::users::UserType;

const KIND: Kind = Kind {
    thing: Thing::Provider,
    path: "/providers",
    plural: "Providers",
    singular: "provider",
    hiding: "No DID can be added to it any more; those on it stay and go on working. It is not deleted: DIDs and the action log point to it.",
};

static LIST: List<Provider> = List {
    path: "/providers",
    noun: "providers",
    columns: &[
        Column {
            name: "Name",
            sort: None,
            html: Some(|row| html! { a href={ "/providers/" (row.id) } { (row.name) } }),
            text: |row| row.name.clone(),
        },
        Column {
            name: "Common use",
            sort: None,
            html: Some(|row| html! { (yes_no(row.common_use)) }),
            text: |row| yes_no(row.common_use).into(),
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
    empty: "There are no providers yet. DIDs come from a provider.",
    fetch,
};

fn fetch(
    tx: &ReadTx<'_>,
    by: &Actor,
    _: &Parameters,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Provider>, Error> {
    providers::list(tx, by, after, limit)
}

/// The list.
pub async fn list(visit: Visit) -> Result<Answer, Trouble> {
    LIST.show(
        &visit,
        "Providers",
        html! { a.button href="/providers/new" { "New provider" } },
        html! {},
    )
}

/// The list as a CSV file.
pub async fn export(visit: Visit) -> Result<Answer, Trouble> {
    LIST.export(&visit)
}

/// An empty form.
pub async fn new(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageSetup)?;
    Ok(KIND.new_form(&visit, &None, common_use(&visit, false, &None)))
}

/// The field that only admin may tick.
fn common_use(visit: &Visit, is_on: bool, problem: &Problem) -> Markup {
    html! {
        @if visit.by().user_type == UserType::Admin {
            (tick("common_use", "Common use", is_on, "Resellers may add DIDs to it too", problem))
        } @else if is_on {
            input type="hidden" name="common_use" value="1";
        }
    }
}

/// Adds one.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    let (name, is_common) = (visit.text("name"), visit.is_on("common_use"));
    let added =
        visit.write(move |tx, by| providers::create(tx, by, by.owner_id(), &name, is_common));
    KIND.added(&visit, added.await, |problem| {
        common_use(&visit, is_common, problem)
    })
}

/// One of them.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, None, None)
}

fn render(visit: &Visit, edit_problem: Problem, hide_problem: Problem) -> Result<Answer, Trouble> {
    let found = visit.read(|tx| providers::get(tx, visit.by(), visit.id()))?;
    Ok(KIND.show(
        visit,
        &One {
            id: found.id,
            name: &found.name,
            facts: facts(&[
                ("Name", html! { (found.name) }),
                ("Common use", html! { (yes_no(found.common_use)) }),
                (
                    "DIDs",
                    html! { a href={ "/dids?provider=" (found.id) } { "those that come from it" } },
                ),
                ("In the API", html! { code { "provider_id=" (found.id) } }),
            ]),
            more: common_use(visit, found.common_use, &edit_problem),
            edit_problem,
            hide_problem,
        },
    ))
}

/// Renames it, and sets whether everyone may use it.
pub async fn edit(visit: Visit) -> Result<Answer, Trouble> {
    let (id, name) = (visit.id(), visit.text("name"));
    let is_common = visit.is_on("common_use");
    let saved = visit.write(move |tx, by| providers::update(tx, by, id, &name, is_common));
    KIND.saved(id, saved.await)?
        .or_else(|problem| render(&visit, problem, None))
}

/// Hides it.
pub async fn hide(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    let hidden = visit.write(move |tx, by| providers::hide(tx, by, id));
    KIND.hidden(hidden.await)?
        .or_else(|problem| render(&visit, None, problem))
}
