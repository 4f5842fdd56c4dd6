//! The table `providers`: the carriers that DIDs come from.

use rusqlite::{Row, named_params};
use serde::Serialize;

use super::row::Id;
use super::{ReadTx, StoreError, WriteTx};

/// A provider.
#[derive(Debug, Clone, Serialize)]
pub struct Provider {
    /// Its number in the API (`provider_id`).
    pub id: Id,
    /// Admin, or the reseller it belongs to.
    pub owner_id: Id,
    /// What people call it.
    pub name: String,
    /// Resellers may use it too.
    pub common_use: bool,
}

fn provider(row: &Row<'_>) -> Result<Provider, rusqlite::Error> {
    Ok(Provider {
        id: row.get(0)?,
        owner_id: row.get(1)?,
        name: row.get(2)?,
        common_use: row.get(3)?,
    })
}

const FIND: &str = "
SELECT
  id,
  owner_id,
  name,
  common_use
FROM providers
WHERE id = :id";

/// The provider with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<Provider>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, provider)
}

const LIST: &str = "
SELECT
  id,
  owner_id,
  name,
  common_use
FROM providers
WHERE id > :after
ORDER BY id
LIMIT :limit";

/// Up to `limit` providers with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<Provider>, StoreError> {
    tx.list(
        LIST,
        named_params! { ":after": after, ":limit": limit },
        provider,
    )
}

const INSERT: &str = "
INSERT INTO providers (
  owner_id,
  name,
  common_use,
  created_ms
) VALUES (
  :owner_id,
  :name,
  :common_use,
  :now_ms
)";

/// Adds a provider; its id.
pub fn insert(
    tx: &WriteTx<'_>,
    owner_id: Id,
    name: &str,
    common_use: bool,
    now_ms: i64,
) -> Result<Id, StoreError> {
    tx.insert(
        INSERT,
        named_params! {
            ":owner_id": owner_id,
            ":name": name,
            ":common_use": common_use,
            ":now_ms": now_ms,
        },
    )
}
