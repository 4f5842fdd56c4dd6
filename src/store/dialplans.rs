//! The table `dialplans`: what can answer a DID instead of a device.

use rusqlite::{Row, named_params};
use serde::Serialize;

use super::row::Id;
use super::{ReadTx, StoreError, WriteTx};

/// A dial plan.
#[derive(Debug, Clone, Serialize)]
pub struct Dialplan {
    /// Its number in the API (`dialplan_id`).
    pub id: Id,
    /// Admin, or the reseller it belongs to.
    pub owner_id: Id,
    /// What people call it.
    pub name: String,
}

fn dialplan(row: &Row<'_>) -> Result<Dialplan, rusqlite::Error> {
    Ok(Dialplan {
        id: row.get(0)?,
        owner_id: row.get(1)?,
        name: row.get(2)?,
    })
}

const FIND: &str = "
SELECT
  id,
  owner_id,
  name
FROM dialplans
WHERE id = :id";

/// The dial plan with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<Dialplan>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, dialplan)
}

const LIST: &str = "
SELECT
  id,
  owner_id,
  name
FROM dialplans
WHERE id > :after
ORDER BY id
LIMIT :limit";

/// Up to `limit` dial plans with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<Dialplan>, StoreError> {
    tx.list(
        LIST,
        named_params! { ":after": after, ":limit": limit },
        dialplan,
    )
}

const INSERT: &str = "
INSERT INTO dialplans (
  owner_id,
  name,
  created_ms
) VALUES (
  :owner_id,
  :name,
  :now_ms
)";

/// Adds a dial plan; its id.
pub fn insert(tx: &WriteTx<'_>, owner_id: Id, name: &str, now_ms: i64) -> Result<Id, StoreError> {
    tx.insert(
        INSERT,
        named_params! {
            ":owner_id": owner_id,
            ":name": name,
            ":now_ms": now_ms,
        },
    )
}
