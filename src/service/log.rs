//! The action log. The rules write it in the transaction of the change, with its time, and never with a secret.

use serde_json::Value;

use super::Error;
use super::action::{Action, Area};
use super::lists::{self, Slice};
use crate::service::guard::access::{Actor, Right};
use crate::store::row::{Cursor, Id};
use crate::store::tables::action_log::{self, Entry, Through};
use crate::store::tables::users::UserType;
use crate::store::{ReadTx, StoreError, WriteTx};

/// Records that `by` did `action` to the object `object_id`; `before` and `after` are the fields that changed.
pub fn record(
    tx: &WriteTx<'_>,
    by: &Actor,
    action: Action,
    object_id: impl Into<Option<Id>>,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), StoreError> {
    let entry = Entry {
        at_ms: tx.now_ms(),
        actor_id: by.user_id,
        actor: by.name.clone(),
        through: by.through,
        address: by.address.map(|address| address.to_string()),
        request_id: by.request_id.clone(),
        action: action.as_str().into(),
        object_id: object_id.into(),
        before: before.map(|value| value.to_string()),
        after: after.map(|value| value.to_string()),
    };
    action_log::insert(tx, &entry)?;
    Ok(())
}

/// Which entries a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// By the actor of this name.
    pub actor: String,
    /// The beginning of the action: `device`, `did.reserve`.
    pub action: String,
    /// About the object of this number.
    pub object_id: Option<Id>,
    /// Through this door.
    pub through: Option<Through>,
    /// Not before this time, in milliseconds since 1970-01-01 UTC.
    pub since_ms: Option<i64>,
    /// Leaves out who signed in and out.
    pub without_sessions: bool,
    /// Before this time.
    pub until_ms: Option<i64>,
}

/// A part of the action log, the newest first: for admin all of it, for everyone else their own actions.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<(Id, Entry)>, Error> {
    by.require(Right::SeeLog)?;
    let sees_all = by.user_type == UserType::Admin;
    let own = by.user_id.unwrap_or(-1);
    Ok(lists::walk(
        after,
        limit,
        |after, limit| {
            let before_id = after.map_or(Id::MAX, |after| after.id);
            match (sees_all, filter.object_id) {
                (true, None) => action_log::list(tx, before_id, limit),
                (true, Some(id)) => action_log::list_of_object(tx, id, before_id, limit),
                (false, _) => action_log::list_of_actor(tx, own, before_id, limit),
            }
        },
        |(id, _)| lists::id_cursor(*id),
        |(_, entry)| is_kept(filter, entry),
    )?)
}

fn is_kept(filter: &Filter, entry: &Entry) -> bool {
    (filter.actor.is_empty() || entry.actor == filter.actor)
        && entry.action.starts_with(&filter.action)
        && !(filter.without_sessions && Area::of(&entry.action) == Some(Area::Session))
        && filter
            .object_id
            .is_none_or(|id| entry.object_id == Some(id))
        && filter
            .through
            .is_none_or(|through| through == entry.through)
        && filter.since_ms.is_none_or(|since| entry.at_ms >= since)
        && filter.until_ms.is_none_or(|until| entry.at_ms < until)
}

/// The fields in which two objects differ, before and after.
pub(super) fn difference(before: &Value, after: &Value) -> (Value, Value) {
    let mut was = serde_json::Map::new();
    let mut is = serde_json::Map::new();
    for (name, old) in before.as_object().into_iter().flatten() {
        let new = &after[name];
        if old != new {
            was.insert(name.clone(), old.clone());
            is.insert(name.clone(), new.clone());
        }
    }
    (was.into(), is.into())
}

/// The newest `limit` entries with ids below `before_id`, newest first, for actors who reach everything.
pub fn list_all(
    tx: &ReadTx<'_>,
    by: &Actor,
    before_id: Id,
    limit: u32,
) -> Result<Vec<(Id, Entry)>, Error> {
    by.require(Right::SeeLog)?;
    by.require_everything()?;
    Ok(action_log::list(tx, before_id, limit)?)
}
