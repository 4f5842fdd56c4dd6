//! The table `providers`: the carriers that DIDs come from.

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Id, row, select};
use crate::store::{ReadTx, StoreError, WriteTx};

row! {
    /// A provider.
    #[derive(Debug, Clone, Serialize)]
    pub struct Provider from providers {
        /// Its number in the API (`provider_id`).
        id: Id,
        /// Admin, or the reseller it belongs to.
        owner_id: Id,
        /// Its name.
        name: String,
        /// Resellers may use it, too.
        common_use: bool,
    }
}

const FIND: &str = select!(
    Provider,
    "WHERE id = :id
  AND hidden_ms IS NULL"
);

/// The provider with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<Provider>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, Provider::read)
}

const LIST: &str = select!(
    Provider,
    "WHERE id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` providers with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<Provider>, StoreError> {
    tx.list(
        LIST,
        named_params! { ":after": after, ":limit": limit },
        Provider::read,
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

const WALK: &str = select!(
    Provider,
    "  INDEXED BY providers_of_owner
WHERE owner_id = :owner_id
  AND id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` of an owner's with ids above `after`, in id order.
pub fn walk(
    tx: &ReadTx<'_>,
    owner_id: Id,
    after: Id,
    limit: u32,
) -> Result<Vec<Provider>, StoreError> {
    tx.list(
        WALK,
        named_params! { ":owner_id": owner_id, ":after": after, ":limit": limit },
        Provider::read,
    )
}

const FIND_ANY: &str = select!(Provider, "WHERE id = :id");

/// The provider with this id, hidden or not: for what already refers to it.
pub fn find_any(tx: &ReadTx<'_>, id: Id) -> Result<Option<Provider>, StoreError> {
    tx.find(FIND_ANY, named_params! { ":id": id }, Provider::read)
}

const UPDATE: &str = "
UPDATE providers
SET
  name = :name,
  common_use = :common_use
WHERE id = :id";

/// Replaces what can be edited of a provider.
pub fn update(tx: &WriteTx<'_>, id: Id, name: &str, common_use: bool) -> Result<(), StoreError> {
    tx.execute(
        UPDATE,
        named_params! { ":id": id, ":name": name, ":common_use": common_use },
    )?;
    Ok(())
}

const HIDE: &str = "
UPDATE providers
SET hidden_ms = :now_ms
WHERE id = :id";

/// Hides a provider.
pub fn hide(tx: &WriteTx<'_>, id: Id, now_ms: i64) -> Result<(), StoreError> {
    tx.execute(HIDE, named_params! { ":id": id, ":now_ms": now_ms })?;
    Ok(())
}

const LIST_COMMON: &str = select!(
    Provider,
    "WHERE common_use = 1
  AND owner_id <> :owner_id
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` providers of others that everyone may use.
pub fn list_common(tx: &ReadTx<'_>, owner_id: Id, limit: u32) -> Result<Vec<Provider>, StoreError> {
    tx.list(
        LIST_COMMON,
        named_params! { ":owner_id": owner_id, ":limit": limit },
        Provider::read,
    )
}
