//! The action log: who changed what, when, through which door and from where, before and after.

use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::ambient::{parse_day, rfc3339};
use crate::api::parameters::Parameters;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::change::{Change, what};
use crate::http::pages::frame::list::{Column, List};
use crate::http::pages::frame::parts::{Field, select, time};
use crate::http::pages::frame::visit::Visit;
use crate::service::Error;
use crate::service::guard::access::Actor;
use crate::service::lists::Slice;
use crate::service::log::{self, Filter};
use crate::store::ReadTx;
use crate::store::row::Cursor;
use crate::store::tables::action_log::{Entry, Through};
use crate::store::tables::users::UserType;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

static LIST: List<Change> = List {
    path: "/log",
    noun: "action-log",
    columns: &[
        Column {
            name: "When (UTC)",
            sort: None,
            html: Some(|Change { entry, .. }| time(entry.at_ms)),
            text: |Change { entry, .. }| rfc3339(entry.at_ms),
        },
        Column {
            name: "Who",
            sort: None,
            html: Some(|Change { entry, .. }| html! { (entry.actor) }),
            text: |Change { entry, .. }| entry.actor.clone(),
        },
        Column {
            name: "What",
            sort: None,
            html: Some(what),
            text: |Change { entry, .. }| entry.action.clone(),
        },
        Column {
            name: "Object",
            sort: None,
            html: None,
            text: |Change { entry, .. }| {
                entry
                    .object_id
                    .map_or_else(String::new, |id| id.to_string())
            },
        },
        Column {
            name: "Before and after",
            sort: None,
            html: Some(|Change { entry, .. }| changes(entry)),
            text: |Change { entry, .. }| entry.before.clone().unwrap_or_default(),
        },
        Column {
            name: "After",
            sort: None,
            html: None,
            text: |Change { entry, .. }| entry.after.clone().unwrap_or_default(),
        },
        Column {
            name: "Through",
            sort: None,
            html: Some(|Change { entry, .. }| {
                html! {
                    (entry.through) @if let Some(address) = &entry.address { br; span.none { (address) } }
                }
            }),
            text: |Change { entry, .. }| entry.through.to_string(),
        },
        Column {
            name: "Address",
            sort: None,
            html: None,
            text: |Change { entry, .. }| entry.address.clone().unwrap_or_default(),
        },
        Column {
            name: "Request",
            sort: None,
            html: None,
            text: |Change { entry, .. }| entry.request_id.clone().unwrap_or_default(),
        },
    ],
    filters: &["actor", "action", "object", "through", "since", "until"],
    searched: "",
    empty: "Nothing was changed yet.",
    fetch,
};

fn fetch(
    tx: &ReadTx<'_>,
    by: &Actor,
    sent: &Parameters,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Change>, Error> {
    let text = |name| sent.get(name).unwrap_or_default().trim();
    let filter = Filter {
        actor: text("actor").into(),
        action: text("action").into(),
        object_id: sent.id("object").map(|id| id.unwrap_or(-1)),
        through: text("through").parse().ok(),
        since_ms: parse_day(text("since")),
        until_ms: parse_day(text("until")).map(|day| day + DAY_MS),
        without_sessions: false,
    };
    let part = log::list(tx, by, &filter, after, limit)?;
    Ok(part.try_map(|(_, entry)| Change::of(tx, by, entry))?)
}

fn changes(entry: &Entry) -> Markup {
    let read = |text: &Option<String>| {
        let text = text.as_deref().unwrap_or("{}");
        serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default()
    };
    let (before, after) = (read(&entry.before), read(&entry.after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    html! {
        @if names.is_empty() { span.none { "–" } }
        ul.changes {
            @for name in names {
                li {
                    span.key { (name) } " "
                    @if let Some(was) = before.get(name) { del { (plain(was)) } " " }
                    @if let Some(is) = after.get(name) { ins { (plain(is)) } }
                }
            }
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "(blank)".into(),
        Value::String(text) => text.clone(),
        Value::Null => "none".into(),
        other => other.to_string(),
    }
}

/// The list.
pub async fn list(visit: Visit) -> Result<Answer, Trouble> {
    let text = |name| visit.sent.get(name).unwrap_or_default();
    let mut doors = vec![(String::new(), "any".to_owned())];
    doors.extend(
        Through::ALL
            .iter()
            .map(|door| (door.to_string(), door.to_string())),
    );
    let filter = html! {
        @if visit.by().user_type == UserType::Admin {
            (Field::text("actor", "Who", text("actor")).render(&None))
        }
        (Field::text("action", "Action", text("action")).render(&None))
        (Field::text("object", "Object ID", text("object")).render(&None))
        (select("through", "Through", &doors, text("through"), "", &None))
        (Field::text("since", "From", text("since")).kind("date").render(&None))
        (Field::text("until", "To", text("until")).kind("date").render(&None))
    };
    LIST.show(&visit, "Action log", html! {}, filter)
}

/// The list as a CSV file.
pub async fn export(visit: Visit) -> Result<Answer, Trouble> {
    LIST.export(&visit)
}
