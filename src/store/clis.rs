//! The table `clis`.

use rusqlite::{Row, named_params};
use serde::Serialize;

use super::row::Id;
use super::{ReadTx, StoreError, WriteTx};

/// A CLI: a calling number or domain by which a device is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cli {
    /// Its row.
    pub id: Id,
    /// The device it stands for.
    pub device_id: Id,
    /// 1 to 20 digits.
    pub number: Option<String>,
    /// A host name in lower case.
    pub domain: Option<String>,
    /// At most 255 characters.
    pub description: String,
    /// At most 255 characters.
    pub comment: String,
    /// Calls from it are refused.
    pub banned: bool,
    /// The voice menu its calls go to.
    pub ivr_id: Option<Id>,
}

fn cli(row: &Row<'_>) -> Result<Cli, rusqlite::Error> {
    Ok(Cli {
        id: row.get(0)?,
        device_id: row.get(1)?,
        number: row.get(2)?,
        domain: row.get(3)?,
        description: row.get(4)?,
        comment: row.get(5)?,
        banned: row.get(6)?,
        ivr_id: row.get(7)?,
    })
}

const FIND: &str = "
SELECT
  id,
  device_id,
  number,
  domain,
  description,
  comment,
  banned,
  ivr_id
FROM clis
WHERE id = :id";

/// The CLI with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<Cli>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, cli)
}

const DEVICE_WITH_NUMBER: &str = "
SELECT device_id
FROM clis
WHERE number = :number";

/// The device that has the CLI of this number.
pub fn device_with_number(tx: &ReadTx<'_>, number: &str) -> Result<Option<Id>, StoreError> {
    tx.find(
        DEVICE_WITH_NUMBER,
        named_params! { ":number": number },
        |row| row.get(0),
    )
}

const DEVICE_WITH_DOMAIN: &str = "
SELECT device_id
FROM clis
WHERE domain = :domain";

/// The device that has the CLI of this domain (in lower case).
pub fn device_with_domain(tx: &ReadTx<'_>, domain: &str) -> Result<Option<Id>, StoreError> {
    tx.find(
        DEVICE_WITH_DOMAIN,
        named_params! { ":domain": domain },
        |row| row.get(0),
    )
}

const LIST: &str = "
SELECT
  id,
  device_id,
  number,
  domain,
  description,
  comment,
  banned,
  ivr_id
FROM clis
WHERE id > :after
ORDER BY id
LIMIT :limit";

/// Up to `limit` CLIs with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<Cli>, StoreError> {
    tx.list(
        LIST,
        named_params! { ":after": after, ":limit": limit },
        cli,
    )
}

const INSERT: &str = "
INSERT INTO clis (
  device_id,
  number,
  domain,
  description,
  comment,
  banned,
  ivr_id,
  created_ms
) VALUES (
  :device_id,
  :number,
  :domain,
  :description,
  :comment,
  :banned,
  :ivr_id,
  :now_ms
)";

/// Adds a CLI (its `id` is not looked at); its id.
pub fn insert(tx: &WriteTx<'_>, new: &Cli, now_ms: i64) -> Result<Id, StoreError> {
    tx.insert(
        INSERT,
        named_params! {
            ":device_id": new.device_id,
            ":number": new.number,
            ":domain": new.domain,
            ":description": new.description,
            ":comment": new.comment,
            ":banned": new.banned,
            ":ivr_id": new.ivr_id,
            ":now_ms": now_ms,
        },
    )
}

const DELETE: &str = "
DELETE FROM clis
WHERE id = :id";

/// Deletes a CLI.
pub fn delete(tx: &WriteTx<'_>, id: Id) -> Result<(), StoreError> {
    tx.execute(DELETE, named_params! { ":id": id })?;
    Ok(())
}
