//! The table `ivrs`: voice menus, as far as a CLI can name one.

use rusqlite::{Row, named_params};
use serde::Serialize;

use super::row::Id;
use super::{ReadTx, StoreError, WriteTx};

/// An IVR.
#[derive(Debug, Clone, Serialize)]
pub struct Ivr {
    /// Its number in the API (`ivr_id`).
    pub id: Id,
    /// Admin, or the reseller it belongs to.
    pub owner_id: Id,
    /// What people call it.
    pub name: String,
}

fn ivr(row: &Row<'_>) -> Result<Ivr, rusqlite::Error> {
    Ok(Ivr {
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
FROM ivrs
WHERE id = :id
  AND hidden_ms IS NULL";

/// The IVR with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<Ivr>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, ivr)
}

const LIST: &str = "
SELECT
  id,
  owner_id,
  name
FROM ivrs
WHERE id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit";

/// Up to `limit` IVRs with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<Ivr>, StoreError> {
    tx.list(
        LIST,
        named_params! { ":after": after, ":limit": limit },
        ivr,
    )
}

const INSERT: &str = "
INSERT INTO ivrs (
  owner_id,
  name,
  created_ms
) VALUES (
  :owner_id,
  :name,
  :now_ms
)";

/// Adds an IVR; its id.
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

const WALK: &str = "
SELECT
  id,
  owner_id,
  name
FROM ivrs INDEXED BY ivrs_of_owner
WHERE owner_id = :owner_id
  AND id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit";

/// Up to `limit` of an owner's with ids above `after`, in id order.
pub fn walk(tx: &ReadTx<'_>, owner_id: Id, after: Id, limit: u32) -> Result<Vec<Ivr>, StoreError> {
    tx.list(
        WALK,
        named_params! { ":owner_id": owner_id, ":after": after, ":limit": limit },
        ivr,
    )
}

const FIND_NAME: &str = "
SELECT name
FROM ivrs
WHERE id = :id";

/// The name of a IVR, hidden or not: for what already refers to it.
pub fn find_name(tx: &ReadTx<'_>, id: Id) -> Result<Option<String>, StoreError> {
    tx.find(FIND_NAME, named_params! { ":id": id }, |row| row.get(0))
}

const UPDATE: &str = "
UPDATE ivrs
SET name = :name
WHERE id = :id";

/// Replaces what can be edited of a IVR.
pub fn update(tx: &WriteTx<'_>, id: Id, name: &str) -> Result<(), StoreError> {
    tx.execute(UPDATE, named_params! { ":id": id, ":name": name })?;
    Ok(())
}

const HIDE: &str = "
UPDATE ivrs
SET hidden_ms = :now_ms
WHERE id = :id";

/// Hides a IVR.
pub fn hide(tx: &WriteTx<'_>, id: Id, now_ms: i64) -> Result<(), StoreError> {
    tx.execute(HIDE, named_params! { ":id": id, ":now_ms": now_ms })?;
    Ok(())
}
