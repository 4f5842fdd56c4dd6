//! The table `device_options`: what a device has instead of the defaults.

use rusqlite::named_params;

use crate::store::row::Id;
use crate::store::{ReadTx, StoreError, WriteTx};

const LIST: &str = "
SELECT
  name,
  value
FROM device_options
WHERE device_id = :device_id
ORDER BY name";

/// The names and values of a device's options that differ from the defaults.
pub fn list(tx: &ReadTx<'_>, device_id: Id) -> Result<Vec<(String, String)>, StoreError> {
    tx.list(LIST, named_params! { ":device_id": device_id }, |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

const SET: &str = "
INSERT INTO device_options (
  device_id,
  name,
  value
) VALUES (
  :device_id,
  :name,
  :value
)
ON CONFLICT (device_id, name) DO UPDATE
SET value = excluded.value";

/// Sets one option of a device.
pub fn set(tx: &WriteTx<'_>, device_id: Id, name: &str, value: &str) -> Result<(), StoreError> {
    let sent = named_params! { ":device_id": device_id, ":name": name, ":value": value };
    tx.execute(SET, sent)?;
    Ok(())
}

const DELETE: &str = "
DELETE FROM device_options
WHERE device_id = :device_id
  AND name = :name";

/// Gives one option of a device its default again.
pub fn delete(tx: &WriteTx<'_>, device_id: Id, name: &str) -> Result<(), StoreError> {
    let sent = named_params! { ":device_id": device_id, ":name": name };
    tx.execute(DELETE, sent)?;
    Ok(())
}

const DELETE_ALL: &str = "
DELETE FROM device_options
WHERE device_id = :device_id";

/// Deletes every option of a device.
pub fn delete_all(tx: &WriteTx<'_>, device_id: Id) -> Result<(), StoreError> {
    tx.execute(DELETE_ALL, named_params! { ":device_id": device_id })?;
    Ok(())
}
