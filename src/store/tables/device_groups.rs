//! The table `device_groups`: every device is in one group of its user.

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Id, row, select};
use crate::store::{ReadTx, StoreError, WriteTx};

row! {
    /// A device group.
    #[derive(Debug, Clone, Serialize)]
    pub struct DeviceGroup from device_groups {
        /// Its number in the API (`devicegroup_id`).
        id: Id,
        /// Whose devices it sorts.
        user_id: Id,
        /// Its name.
        name: String,
        /// The group of devices that were created without one.
        is_primary: bool,
    }
}

const FIND: &str = select!(
    DeviceGroup,
    "WHERE id = :id
  AND hidden_ms IS NULL"
);

/// The group with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<DeviceGroup>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, DeviceGroup::read)
}

const FIND_PRIMARY: &str = select!(
    DeviceGroup,
    "WHERE user_id = :user_id
  AND is_primary = 1"
);

/// A user's primary group.
pub fn find_primary(tx: &ReadTx<'_>, user_id: Id) -> Result<Option<DeviceGroup>, StoreError> {
    tx.find(
        FIND_PRIMARY,
        named_params! { ":user_id": user_id },
        DeviceGroup::read,
    )
}

const LIST: &str = select!(
    DeviceGroup,
    "WHERE id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` groups with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<DeviceGroup>, StoreError> {
    tx.list(
        LIST,
        named_params! { ":after": after, ":limit": limit },
        DeviceGroup::read,
    )
}

const INSERT: &str = "
INSERT INTO device_groups (
  user_id,
  name,
  is_primary,
  created_ms,
  owner_id
) VALUES (
  :user_id,
  :name,
  :is_primary,
  :now_ms,
  (
    SELECT CASE WHEN type IN ('admin', 'reseller') THEN id ELSE owner_id END
    FROM users
    WHERE id = :user_id
  )
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

const WALK: &str = select!(
    DeviceGroup,
    "  INDEXED BY device_groups_of_owner
WHERE owner_id = :owner_id
  AND id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` groups of a scope with ids above `after`, in id order.
pub fn walk(
    tx: &ReadTx<'_>,
    owner_id: Id,
    after: Id,
    limit: u32,
) -> Result<Vec<DeviceGroup>, StoreError> {
    tx.list(
        WALK,
        named_params! { ":owner_id": owner_id, ":after": after, ":limit": limit },
        DeviceGroup::read,
    )
}

const LIST_OF_USER: &str = select!(
    DeviceGroup,
    "WHERE user_id = :user_id
  AND id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` groups of a user with ids above `after`, in id order.
pub fn list_of_user(
    tx: &ReadTx<'_>,
    user_id: Id,
    after: Id,
    limit: u32,
) -> Result<Vec<DeviceGroup>, StoreError> {
    tx.list(
        LIST_OF_USER,
        named_params! { ":user_id": user_id, ":after": after, ":limit": limit },
        DeviceGroup::read,
    )
}

const UPDATE: &str = "
UPDATE device_groups
SET name = :name
WHERE id = :id";

/// Renames a group.
pub fn update(tx: &WriteTx<'_>, id: Id, name: &str) -> Result<(), StoreError> {
    tx.execute(UPDATE, named_params! { ":id": id, ":name": name })?;
    Ok(())
}

const HIDE: &str = "
UPDATE device_groups
SET hidden_ms = :now_ms
WHERE id = :id";

/// Hides a group.
pub fn hide(tx: &WriteTx<'_>, id: Id, now_ms: i64) -> Result<(), StoreError> {
    tx.execute(HIDE, named_params! { ":id": id, ":now_ms": now_ms })?;
    Ok(())
}
