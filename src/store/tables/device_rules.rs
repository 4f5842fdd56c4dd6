//! The table `device_rules`: how the numbers of a device's calls are rewritten.

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Id, row, select};
use crate::store::tables::number_rules::AppliesTo;
use crate::store::{ReadTx, StoreError, WriteTx};

row! {
    /// A rule of a device.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct DeviceRule from device_rules {
        /// Its row.
        id: Id,
        /// The device whose calls it is for.
        device_id: Id,
        /// What people call it.
        name: String,
        /// What it takes off the beginning of a number.
        cut: String,
        /// What it puts there instead: `add` in the API.
        prefix: String,
        /// The shortest number that it is for.
        min_length: u32,
        /// The longest one.
        max_length: u32,
        /// The number that it rewrites.
        applies_to: AppliesTo,
        /// The caller's name is rewritten, too.
        changes_name: bool,
    }
}

const FIND: &str = select!(DeviceRule, "WHERE id = :id");

/// The rule with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<DeviceRule>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, DeviceRule::read)
}

const LIST_OF_DEVICE: &str = select!(
    DeviceRule,
    "  INDEXED BY device_rules_on_device
WHERE device_id = :device_id
  AND id > :after
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` rules of a device with ids above `after`, in id order.
pub fn list_of_device(
    tx: &ReadTx<'_>,
    device_id: Id,
    after: Id,
    limit: u32,
) -> Result<Vec<DeviceRule>, StoreError> {
    let params = named_params! { ":device_id": device_id, ":after": after, ":limit": limit };
    tx.list(LIST_OF_DEVICE, params, DeviceRule::read)
}

const COUNT: &str = "
SELECT count(*)
FROM device_rules
WHERE device_id = :device_id";

/// The number of a device's rules.
pub fn count(tx: &ReadTx<'_>, device_id: Id) -> Result<u32, StoreError> {
    tx.get(COUNT, named_params! { ":device_id": device_id }, |row| {
        row.get(0)
    })
}

const INSERT: &str = "
INSERT INTO device_rules (
  device_id,
  name,
  cut,
  prefix,
  min_length,
  max_length,
  applies_to,
  changes_name,
  created_ms
) VALUES (
  :device_id,
  :name,
  :cut,
  :prefix,
  :min_length,
  :max_length,
  :applies_to,
  :changes_name,
  :now_ms
)";

/// Adds a rule (ignoring its `id`), and gives the new id.
pub fn insert(tx: &WriteTx<'_>, new: &DeviceRule, now_ms: i64) -> Result<Id, StoreError> {
    tx.insert(
        INSERT,
        named_params! {
            ":device_id": new.device_id,
            ":name": new.name,
            ":cut": new.cut,
            ":prefix": new.prefix,
            ":min_length": new.min_length,
            ":max_length": new.max_length,
            ":applies_to": new.applies_to,
            ":changes_name": new.changes_name,
            ":now_ms": now_ms,
        },
    )
}

const DELETE: &str = "
DELETE FROM device_rules
WHERE id = :id";

/// Deletes a rule.
pub fn delete(tx: &WriteTx<'_>, id: Id) -> Result<(), StoreError> {
    tx.execute(DELETE, named_params! { ":id": id })?;
    Ok(())
}

const DELETE_OF_DEVICE: &str = "
DELETE FROM device_rules
WHERE device_id = :device_id";

/// Deletes every rule of a device.
pub fn delete_of_device(tx: &WriteTx<'_>, device_id: Id) -> Result<(), StoreError> {
    tx.execute(DELETE_OF_DEVICE, named_params! { ":device_id": device_id })?;
    Ok(())
}
