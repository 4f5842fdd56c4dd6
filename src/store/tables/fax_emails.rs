//! The table `fax_emails`: where the faxes of a device are sent.

use rusqlite::named_params;

use crate::store::row::Id;
use crate::store::{ReadTx, StoreError, WriteTx};

const LIST: &str = "
SELECT email
FROM fax_emails
WHERE device_id = :device_id
ORDER BY email";

/// The addresses of a device.
pub fn list(tx: &ReadTx<'_>, device_id: Id) -> Result<Vec<String>, StoreError> {
    tx.list(LIST, named_params! { ":device_id": device_id }, |row| {
        row.get(0)
    })
}

const INSERT: &str = "
INSERT INTO fax_emails (
  device_id,
  email
) VALUES (
  :device_id,
  :email
)";

/// Adds an address (in lower case) to a device.
pub fn insert(tx: &WriteTx<'_>, device_id: Id, email: &str) -> Result<(), StoreError> {
    tx.execute(
        INSERT,
        named_params! { ":device_id": device_id, ":email": email },
    )?;
    Ok(())
}

const DELETE: &str = "
DELETE FROM fax_emails
WHERE device_id = :device_id
  AND email = :email";

/// Takes an address off a device.
pub fn delete(tx: &WriteTx<'_>, device_id: Id, email: &str) -> Result<(), StoreError> {
    tx.execute(
        DELETE,
        named_params! { ":device_id": device_id, ":email": email },
    )?;
    Ok(())
}

const DELETE_ALL: &str = "
DELETE FROM fax_emails
WHERE device_id = :device_id";

/// Takes every address off a device.
pub fn delete_all(tx: &WriteTx<'_>, device_id: Id) -> Result<(), StoreError> {
    tx.execute(DELETE_ALL, named_params! { ":device_id": device_id })?;
    Ok(())
}
