//! The table `action_log`: who changed what. Rows are only ever added.

use rusqlite::{Row, named_params};
use serde::Serialize;

use crate::store::row::{Id, Values, row, select, text_enum};
use crate::store::{ReadTx, StoreError, WriteTx};

text_enum! {
    /// The door that a change came through.
    Through {
        /// An API method.
        Api = "api",
        /// The command line.
        Cli = "cli",
        /// A web page.
        Pages = "pages",
        /// The server itself.
        System = "system",
    }
}

row! {
    /// One change.
    #[derive(Debug, Clone, Serialize)]
    pub struct Entry from action_log {
        /// Milliseconds since 1970-01-01 UTC.
        at_ms: i64,
        /// The user who did it; none for the operator and the server itself.
        actor_id: Option<Id>,
        /// Their username, `operator` or `system`.
        actor: String,
        /// The door.
        through: Through,
        /// The address it came from, where there is one.
        address: Option<String>,
        /// The request's id, where there is one.
        request_id: Option<String>,
        /// `device.create`, `did.reserve`, ...
        action: String,
        /// The id of the object that the action's first word names.
        object_id: Option<Id>,
        /// JSON of the changed fields, as they were.
        before: Option<String>,
        /// JSON of the changed fields, as they are now.
        after: Option<String>,
    }
}

const INSERT: &str = "
INSERT INTO action_log (
  at_ms,
  actor_id,
  actor,
  through,
  address,
  request_id,
  action,
  object_id,
  before,
  after
) VALUES (
  :at_ms,
  :actor_id,
  :actor,
  :through,
  :address,
  :request_id,
  :action,
  :object_id,
  :before,
  :after
)";

/// Adds one entry.
pub fn insert(tx: &WriteTx<'_>, entry: &Entry) -> Result<Id, StoreError> {
    tx.insert(
        INSERT,
        named_params! {
            ":at_ms": entry.at_ms,
            ":actor_id": entry.actor_id,
            ":actor": entry.actor,
            ":through": entry.through,
            ":address": entry.address,
            ":request_id": entry.request_id,
            ":action": entry.action,
            ":object_id": entry.object_id,
            ":before": entry.before,
            ":after": entry.after,
        },
    )
}

const LIST: &str = select!(
    Entry + id,
    "WHERE id < :before_id
ORDER BY id DESC
LIMIT :limit"
);

/// The newest `limit` entries with ids below `before_id`, newest first.
pub fn list(tx: &ReadTx<'_>, before_id: Id, limit: u32) -> Result<Vec<(Id, Entry)>, StoreError> {
    tx.list(
        LIST,
        named_params! { ":before_id": before_id, ":limit": limit },
        entry,
    )
}

fn entry(row: &Row<'_>) -> Result<(Id, Entry), rusqlite::Error> {
    let mut values = Values::of(row);
    let entry = Entry::take(&mut values)?;
    Ok((values.take()?, entry))
}

const LIST_OF_ACTOR: &str = select!(
    Entry + id,
    "INDEXED BY action_log_of_actor
WHERE actor_id = :actor_id
  AND actor_id > 0
  AND id < :before_id
ORDER BY id DESC
LIMIT :limit"
);

/// The newest `limit` entries of a user, not of admin, with ids below `before_id`, newest first.
pub fn list_of_actor(
    tx: &ReadTx<'_>,
    actor_id: Id,
    before_id: Id,
    limit: u32,
) -> Result<Vec<(Id, Entry)>, StoreError> {
    tx.list(
        LIST_OF_ACTOR,
        named_params! { ":actor_id": actor_id, ":before_id": before_id, ":limit": limit },
        entry,
    )
}

const LIST_OF_OBJECT: &str = select!(
    Entry + id,
    "INDEXED BY action_log_of_object
WHERE object_id = :object_id
  AND id < :before_id
ORDER BY id DESC
LIMIT :limit"
);

/// The newest `limit` entries about objects of this number with ids below `before_id`, newest first.
pub fn list_of_object(
    tx: &ReadTx<'_>,
    object_id: Id,
    before_id: Id,
    limit: u32,
) -> Result<Vec<(Id, Entry)>, StoreError> {
    tx.list(
        LIST_OF_OBJECT,
        named_params! { ":object_id": object_id, ":before_id": before_id, ":limit": limit },
        entry,
    )
}
