//! The table `dids`.

use rusqlite::{Row, named_params};
use serde::Serialize;

use super::row::{Id, text_enum};
use super::{ReadTx, StoreError, WriteTx};

text_enum! {
    /// Where a DID is in its life.
    DidStatus {
        /// Nobody's.
        Free = "free",
        /// For a user, on nothing yet.
        Reserved = "reserved",
        /// On a device or a dial plan.
        Active = "active",
        /// Taken out of use; its user is kept until it is freed.
        Closed = "closed",
        /// History.
        Terminated = "terminated",
    }
}

/// A DID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Did {
    /// Its row.
    pub id: Id,
    /// The number: 1 to 15 digits.
    pub did: String,
    /// Which carrier it comes from.
    pub provider_id: Id,
    /// Whose scope it is in.
    pub owner_id: Id,
    /// Where it is in its life.
    pub status: DidStatus,
    /// Who has it: reserved, active and closed ones.
    pub user_id: Option<Id>,
    /// What it rings, when active.
    pub device_id: Option<Id>,
    /// What answers it instead of a device, when active.
    pub dialplan_id: Option<Id>,
    /// Since when it is closed.
    pub closed_ms: Option<i64>,
}

fn did(row: &Row<'_>) -> Result<Did, rusqlite::Error> {
    Ok(Did {
        id: row.get(0)?,
        did: row.get(1)?,
        provider_id: row.get(2)?,
        owner_id: row.get(3)?,
        status: row.get(4)?,
        user_id: row.get(5)?,
        device_id: row.get(6)?,
        dialplan_id: row.get(7)?,
        closed_ms: row.get(8)?,
    })
}

const FIND_BY_NUMBER: &str = "
SELECT
  id,
  did,
  provider_id,
  owner_id,
  status,
  user_id,
  device_id,
  dialplan_id,
  closed_ms
FROM dids
WHERE did = :did";

/// The DID with this number.
pub fn find_by_number(tx: &ReadTx<'_>, number: &str) -> Result<Option<Did>, StoreError> {
    tx.find(FIND_BY_NUMBER, named_params! { ":did": number }, did)
}

const LIST: &str = "
SELECT
  id,
  did,
  provider_id,
  owner_id,
  status,
  user_id,
  device_id,
  dialplan_id,
  closed_ms
FROM dids
WHERE id > :after
ORDER BY id
LIMIT :limit";

/// Up to `limit` DIDs with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<Did>, StoreError> {
    tx.list(
        LIST,
        named_params! { ":after": after, ":limit": limit },
        did,
    )
}

const LIST_CLOSED: &str = "
SELECT
  id,
  did,
  provider_id,
  owner_id,
  status,
  user_id,
  device_id,
  dialplan_id,
  closed_ms
FROM dids
WHERE closed_ms <= :until_ms
ORDER BY closed_ms
LIMIT :limit";

/// Up to `limit` DIDs that were closed at or before `until_ms`, the oldest first.
pub fn list_closed(tx: &ReadTx<'_>, until_ms: i64, limit: u32) -> Result<Vec<Did>, StoreError> {
    tx.list(
        LIST_CLOSED,
        named_params! { ":until_ms": until_ms, ":limit": limit },
        did,
    )
}

const INSERT: &str = "
INSERT INTO dids (
  did,
  provider_id,
  owner_id,
  status,
  created_ms
) VALUES (
  :did,
  :provider_id,
  :owner_id,
  'free',
  :now_ms
)";

/// Adds a free DID; its id.
pub fn insert(
    tx: &WriteTx<'_>,
    number: &str,
    provider_id: Id,
    owner_id: Id,
    now_ms: i64,
) -> Result<Id, StoreError> {
    tx.insert(
        INSERT,
        named_params! {
            ":did": number,
            ":provider_id": provider_id,
            ":owner_id": owner_id,
            ":now_ms": now_ms,
        },
    )
}

const UPDATE: &str = "
UPDATE dids
SET
  owner_id = :owner_id,
  status = :status,
  user_id = :user_id,
  device_id = :device_id,
  dialplan_id = :dialplan_id,
  closed_ms = :closed_ms
WHERE id = :id";

/// Replaces a DID's state: everything but its number and provider.
pub fn update(tx: &WriteTx<'_>, did: &Did) -> Result<(), StoreError> {
    tx.execute(
        UPDATE,
        named_params! {
            ":id": did.id,
            ":owner_id": did.owner_id,
            ":status": did.status,
            ":user_id": did.user_id,
            ":device_id": did.device_id,
            ":dialplan_id": did.dialplan_id,
            ":closed_ms": did.closed_ms,
        },
    )?;
    Ok(())
}
