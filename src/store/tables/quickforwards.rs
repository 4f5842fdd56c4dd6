//! The table `quickforwards`, the pattern of the users who may have rows in it, and the DIDs that the rows are for.

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Id, row, select};
use crate::store::{ReadTx, StoreError, WriteTx};

row! {
    /// Where a DID takes a user who calls it.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct Quickforward from quickforwards {
        /// The user.
        user_id: Id,
        /// The DID.
        did_id: Id,
        /// The number; blank: none.
        forward_to: String,
        /// At most 255 characters.
        description: String,
    }
}

const FIND: &str = select!(
    Quickforward,
    "WHERE user_id = :user_id
  AND did_id = :did_id"
);

/// Where a DID takes a user.
pub fn find(tx: &ReadTx<'_>, user_id: Id, did_id: Id) -> Result<Option<Quickforward>, StoreError> {
    let params = named_params! { ":user_id": user_id, ":did_id": did_id };
    tx.find(FIND, params, Quickforward::read)
}

/// A DID that a user may forward, and where it takes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offered {
    /// The DID.
    pub did_id: Id,
    /// Its number.
    pub did: String,
    /// Where it takes the user; blank: nowhere.
    pub forward_to: String,
    /// What the user calls it.
    pub description: String,
}

const LIST_ON_DIALPLAN: &str = "
SELECT
  dids.id,
  did,
  ifnull(forward_to, ''),
  ifnull(description, '')
FROM dids INDEXED BY dids_for_quickforwards
LEFT JOIN quickforwards
  ON quickforwards.user_id = :user_id
  AND did_id = dids.id
WHERE dialplan_id = :dialplan_id
  AND dids.id > :after
ORDER BY dids.id
LIMIT :limit";

/// Up to `limit` DIDs on a dial plan with ids above `after`, in id order, and where each takes a user.
pub fn list_on_dialplan(
    tx: &ReadTx<'_>,
    user_id: Id,
    dialplan_id: Id,
    after: Id,
    limit: u32,
) -> Result<Vec<Offered>, StoreError> {
    let params = named_params! {
        ":user_id": user_id,
        ":dialplan_id": dialplan_id,
        ":after": after,
        ":limit": limit,
    };
    tx.list(LIST_ON_DIALPLAN, params, |row| {
        Ok(Offered {
            did_id: row.get(0)?,
            did: row.get(1)?,
            forward_to: row.get(2)?,
            description: row.get(3)?,
        })
    })
}

const PUT: &str = "
INSERT INTO quickforwards (
  user_id,
  did_id,
  forward_to,
  description
) VALUES (
  :user_id,
  :did_id,
  :forward_to,
  :description
)
ON CONFLICT (user_id, did_id) DO UPDATE SET
  forward_to = excluded.forward_to,
  description = excluded.description";

/// Sets where a DID takes a user.
pub fn put(tx: &WriteTx<'_>, row: &Quickforward) -> Result<(), StoreError> {
    tx.execute(
        PUT,
        named_params! {
            ":user_id": row.user_id,
            ":did_id": row.did_id,
            ":forward_to": row.forward_to,
            ":description": row.description,
        },
    )?;
    Ok(())
}

const DELETE: &str = "
DELETE FROM quickforwards
WHERE user_id = :user_id
  AND did_id = :did_id";

/// Lets a DID take a user nowhere.
pub fn delete(tx: &WriteTx<'_>, user_id: Id, did_id: Id) -> Result<(), StoreError> {
    let params = named_params! { ":user_id": user_id, ":did_id": did_id };
    tx.execute(DELETE, params)?;
    Ok(())
}

const DELETE_OF_DID: &str = "
DELETE FROM quickforwards
WHERE did_id = :did_id";

/// Lets a DID take nobody anywhere.
pub fn delete_of_did(tx: &WriteTx<'_>, did_id: Id) -> Result<(), StoreError> {
    tx.execute(DELETE_OF_DID, named_params! { ":did_id": did_id })?;
    Ok(())
}

const PATTERN: &str = "
SELECT quickforwards
FROM users
WHERE id = :user_id";

/// The pattern of the DIDs that a user may forward; blank: none.
pub fn pattern(tx: &ReadTx<'_>, user_id: Id) -> Result<String, StoreError> {
    let found = tx.find(PATTERN, named_params! { ":user_id": user_id }, |row| {
        row.get(0)
    })?;
    Ok(found.unwrap_or_default())
}

const UPDATE_PATTERN: &str = "
UPDATE users
SET quickforwards = :pattern
WHERE id = :user_id";

/// Sets the pattern of a user.
pub fn update_pattern(tx: &WriteTx<'_>, user_id: Id, pattern: &str) -> Result<(), StoreError> {
    let params = named_params! { ":user_id": user_id, ":pattern": pattern };
    tx.execute(UPDATE_PATTERN, params)?;
    Ok(())
}
