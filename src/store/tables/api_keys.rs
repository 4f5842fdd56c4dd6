//! The table `api_keys`: the secrets that sign API calls.

use rusqlite::named_params;

use crate::store::row::{Id, row, select};
use crate::store::{ReadTx, StoreError, WriteTx};

row! {
    /// An active key. Its `Debug` and every list show it masked.
    #[derive(Clone)]
    pub struct ApiKey from api_keys {
        /// Its row. A key is revoked by this id.
        id: Id,
        /// Whose calls it signs.
        user_id: Id,
        /// The key itself.
        secret: String,
        /// When it was made, in milliseconds since 1970-01-01 UTC.
        created_ms: i64,
    }
}

impl ApiKey {
    /// The key as it may be shown: its first two characters.
    pub fn masked(&self) -> String {
        mask(&self.secret)
    }
}

/// A secret as it may be shown: its first two characters, and stars however long it is.
pub fn mask(secret: &str) -> String {
    let head: String = secret.chars().take(2).collect();
    format!("{head}******")
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "ApiKey {} of {}: {}",
            self.id,
            self.user_id,
            self.masked()
        )
    }
}

const FIND_ACTIVE: &str = select!(
    ApiKey,
    "WHERE id = :id
  AND revoked_ms IS NULL"
);

/// The active key with this id.
pub fn find_active(tx: &ReadTx<'_>, id: Id) -> Result<Option<ApiKey>, StoreError> {
    tx.find(FIND_ACTIVE, named_params! { ":id": id }, ApiKey::read)
}

const LIST: &str = select!(
    ApiKey,
    "WHERE id > :after
  AND revoked_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` active keys with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<ApiKey>, StoreError> {
    tx.list(
        LIST,
        named_params! { ":after": after, ":limit": limit },
        ApiKey::read,
    )
}

const LIST_ACTIVE: &str = select!(
    ApiKey,
    "WHERE user_id = :user_id
  AND revoked_ms IS NULL
ORDER BY id"
);

/// A user's active keys, oldest first.
pub fn list_active(tx: &ReadTx<'_>, user_id: Id) -> Result<Vec<ApiKey>, StoreError> {
    tx.list(
        LIST_ACTIVE,
        named_params! { ":user_id": user_id },
        ApiKey::read,
    )
}

const INSERT: &str = "
INSERT INTO api_keys (
  user_id,
  secret,
  created_ms
) VALUES (
  :user_id,
  :secret,
  :now_ms
)";

/// Adds an active key; its id.
pub fn insert(tx: &WriteTx<'_>, user_id: Id, secret: &str, now_ms: i64) -> Result<Id, StoreError> {
    tx.insert(
        INSERT,
        named_params! { ":user_id": user_id, ":secret": secret, ":now_ms": now_ms },
    )
}

const REVOKE: &str = "
UPDATE api_keys
SET revoked_ms = :now_ms
WHERE id = :id
  AND revoked_ms IS NULL";

/// Revokes an active key; false when there is none with this id.
pub fn revoke(tx: &WriteTx<'_>, id: Id, now_ms: i64) -> Result<bool, StoreError> {
    let changed = tx.execute(REVOKE, named_params! { ":id": id, ":now_ms": now_ms })?;
    Ok(changed == 1)
}
