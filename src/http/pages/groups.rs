//! Device groups: the list, a new one, one to rename or hide.

use maud::{Markup, html};

use crate::api::parameters::Parameters;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::choices::{BY_NAME, offered_users};
use crate::http::pages::frame::list::{Column, List};
use crate::http::pages::frame::named_form::{Kind, One};
use crate::http::pages::frame::parts::{Field, Problem, badge, facts};
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::access::{Actor, Right};
use crate::service::lists::Slice;
use crate::service::{Error, Thing, groups, users};
use crate::store::ReadTx;
use crate::store::row::Cursor;
use crate::store::tables::device_groups::DeviceGroup;

const KIND: Kind = Kind {
    thing: Thing::DeviceGroup,
    path: "/groups",
    plural: "Device groups",
    singular: "device group",
    hiding: "Devices can no longer be put into it. It is refused while devices are in it, and for a user's primary group. It is not deleted: the action log points to it.",
};

/// A group, and its user's name.
pub struct Row {
    group: DeviceGroup,
    username: String,
}

static LIST: List<Row> = List {
    path: "/groups",
    noun: "groups",
    columns: &[
        Column {
            name: "Name",
            sort: None,
            html: Some(
                |row| html! { a href={ "/groups/" (row.group.id) } { (row.group.name) @if row.group.is_primary { " " (badge("primary")) } } },
            ),
            text: |row| row.group.name.clone(),
        },
        Column {
            name: "User",
            sort: None,
            html: Some(|row| html! { (row.username) }),
            text: |row| row.username.clone(),
        },
        Column {
            name: "ID",
            sort: None,
            html: Some(|row| html! { span.id { (row.group.id) } }),
            text: |row| row.group.id.to_string(),
        },
    ],
    filters: &["user"],
    searched: "",
    empty: "There are no device groups yet. Every user has a primary one.",
    fetch,
};

fn fetch(
    tx: &ReadTx<'_>,
    by: &Actor,
    sent: &Parameters,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Row>, Error> {
    let user_id = match sent.get("user").unwrap_or_default().trim() {
        "" => None,
        name => Some(users::get_named(tx, by, name).map_or(-1, |user| user.id)),
    };
    let slice = groups::list(tx, by, user_id, after, limit)?;
    slice.try_map(|group| {
        Ok(Row {
            username: users::name_of(tx, group.user_id)?,
            group,
        })
    })
}

/// The list.
pub async fn list(visit: Visit) -> Result<Answer, Trouble> {
    let offers = offered_users(&visit)?;
    let user = visit.sent.get("user").unwrap_or_default();
    let filter = Field::text("user", "User", user)
        .among(&offers, BY_NAME)
        .render(&None);
    LIST.show(
        &visit,
        "Device groups",
        html! { a.button href="/groups/new" { "New device group" } },
        filter,
    )
}

/// The list as a CSV file.
pub async fn export(visit: Visit) -> Result<Answer, Trouble> {
    LIST.export(&visit)
}

/// An empty form.
pub async fn new(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDevices)?;
    Ok(KIND.new_form(&visit, &None, user_field(&visit, &None)?))
}

/// The field for the user whose devices it sorts.
fn user_field(visit: &Visit, problem: &Problem) -> Result<Markup, Trouble> {
    let offers = offered_users(visit)?;
    let user = visit.sent.get("user_id").unwrap_or_default();
    let field = Field::text("user_id", "User", user);
    Ok(field
        .required()
        .among(&offers, BY_NAME)
        .hint("Whose devices it sorts")
        .render(problem))
}

/// Adds one.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDevices)?;
    let (name, user) = (visit.text("name"), visit.text("user_id"));
    let added = visit.write(move |tx, by| {
        let user = users::get_named(tx, by, &user)?;
        groups::create(tx, by, user.id, &name)
    });
    let added = added.await;
    KIND.added(&visit, added, |problem| {
        user_field(&visit, problem).unwrap_or_default()
    })
}

/// One of them.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, None, None)
}

fn render(visit: &Visit, edit_problem: Problem, hide_problem: Problem) -> Result<Answer, Trouble> {
    let (found, username) = visit.read(|tx| {
        let group = groups::get(tx, visit.by(), visit.id())?;
        let username = users::name_of(tx, group.user_id)?;
        Ok::<_, Error>((group, username))
    })?;
    Ok(KIND.show(
        visit,
        &One {
            id: found.id,
            name: &found.name,
            facts: facts(&[
                ("Name", html! { (found.name) }),
                ("User", html! { (username) }),
                (
                    "Devices",
                    html! { a href={ "/devices?group=" (found.id) } { "those in it" } },
                ),
                (
                    "In the API",
                    html! { code { "devicegroup_id=" (found.id) } },
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
    let saved = visit.write(move |tx, by| groups::update(tx, by, id, &name));
    KIND.saved(id, saved.await)?
        .or_else(|problem| render(&visit, problem, None))
}

/// Hides it.
pub async fn hide(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    let hidden = visit.write(move |tx, by| groups::hide(tx, by, id));
    KIND.hidden(hidden.await)?
        .or_else(|problem| render(&visit, None, problem))
}
