//! The table `device_groups`: every device is in one group of its user.

use rusqlite::{Row, named_params};
use serde::Serialize;

use super::row::Id;
use super::{ReadTx, StoreError, WriteTx};

/// A device group.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceGroup {
    /// Its number in the API (`devicegroup_id`).
    pub id: Id,
    /// Whose devices it sorts.
    pub user_id: Id,
    /// What people call it.
    pub name: String,
    /// The group of devices that name none.
    pub is_primary: bool,
}

fn device_group(row: &Row<'_>) -> Result<DeviceGroup, rusqlite::Error> {
    Ok(DeviceGroup {
        id: row.get(0)?,
        user_id: row.get(1)?,
        name: row.get(2)?,
        is_primary: row.get(3)?,
    })
}

const FIND: &str = "
SELECT
  id,
  user_id,
  name,
  is_primary
FROM device_groups
WHERE id = :id";

/// The group with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<DeviceGroup>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, device_group)
}

const FIND_PRIMARY: &str = "
SELECT
  id,
  user_id,
  name,
  is_primary
FROM device_groups
WHERE user_id = :user_id
  AND is_primary = 1";

/// A user's primary group.
pub fn find_primary(tx: &ReadTx<'_>, user_id: Id) -> Result<Option<DeviceGroup>, StoreError> {
    tx.find(
        FIND_PRIMARY,
        named_params! { ":user_id": user_id },
        device_group,
    )
}

const LIST: &str = "
SELECT
  id,
  user_id,
  name,
  is_primary
FROM device_groups
WHERE id > :after
ORDER BY id
LIMIT :limit";

/// Up to `limit` groups with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<DeviceGroup>, StoreError> {
    tx.list(
        LIST,
        named_params! { ":after": after, ":limit": limit },
        device_group,
    )
}

const INSERT: &str = "
INSERT INTO device_groups (
  user_id,
  name,
  is_primary,
  created_ms
) VALUES (
  :user_id,
  :name,
  :is_primary,
  :now_ms
)";

/// Adds a group; its id.
pub fn insert(
    tx: &WriteTx<'_>,
    user_id: Id,
    name: &str,
    is_primary: bool,
    now_ms: i64,
) -> Result<Id, StoreError> {
    tx.insert(
        INSERT,
        named_params! {
            ":user_id": user_id,
            ":name": name,
            ":is_primary": is_primary,
            ":now_ms": now_ms,
        },
    )
}
