//! The tables `settings` (for everyone), `owner_settings` and `allowed_networks` (per owner).

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Id, row, select, text_enum};
use crate::store::{ReadTx, StoreError, WriteTx};

text_enum! {
    /// When the XML of "file" methods is gzipped.
    Gzip {
        /// Always, unless the request says that it cannot take it.
        Documented = "documented",
        /// Only when the request asks for it.
        Negotiated = "negotiated",
    }
}

text_enum! {
    /// When the parameter `p` is looked at.
    RequirePassword {
        /// Required where MOR's manual requires it; elsewhere checked when sent.
        Documented = "documented",
        /// Required by every method.
        Always = "always",
        /// Never looked at.
        Never = "never",
    }
}

text_enum! {
    /// Which orders of the hashed parameters are accepted.
    HashCheck {
        /// Orders that sign everything that MOR's manual lists.
        Strict = "strict",
        /// Also the orders of the manual's printed examples.
        Documented = "documented",
        /// Also orders that clients are known to use.
        Lenient = "lenient",
        /// The hash is not looked at.
        Off = "off",
    }
}

text_enum! {
    /// Which revision of MOR's manual the answers follow.
    Dialect {
        /// The manual's five documented methods.
        Classic = "classic",
        /// The later revisions of those.
        Current = "current",
    }
}

row! {
    /// The switches that hold for everyone.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct Settings from settings {
        /// The API answers at all.
        allow_api: bool,
        /// Methods may be called with GET.
        allow_get: bool,
        /// When file methods are gzipped.
        gzip: Gzip,
        /// When `p` is looked at.
        require_password: RequirePassword,
        /// Admin's keys also sign for their accountants and managers.
        shared_admin_key: bool,
        /// The type of a device whose `type` was not sent; blank: SIP.
        default_device_type: String,
        /// The first extension that is handed out.
        first_extension: i64,
        /// Days after which a closed DID is freed.
        did_closed_days: i64,
    }
}

const FIND: &str = select!(Settings);

/// The settings.
pub fn get(tx: &ReadTx<'_>) -> Result<Settings, StoreError> {
    tx.get(FIND, [], Settings::read)
}

const DEFAULT_DEVICE_TYPE: &str = "
SELECT default_device_type
FROM settings";

/// The type of a new device; blank: SIP.
pub fn default_device_type(tx: &ReadTx<'_>) -> Result<String, StoreError> {
    tx.get(DEFAULT_DEVICE_TYPE, [], |row| row.get(0))
}

const INSERT: &str = "
INSERT INTO settings (id)
VALUES (1)";

/// Makes the row of a new database, with the defaults of the schema.
pub fn insert_defaults(tx: &WriteTx<'_>) -> Result<(), StoreError> {
    tx.insert(INSERT, [])?;
    Ok(())
}

const UPDATE: &str = "
UPDATE settings
SET
  allow_api = :allow_api,
  allow_get = :allow_get,
  gzip = :gzip,
  require_password = :require_password,
  shared_admin_key = :shared_admin_key,
  default_device_type = :default_device_type,
  first_extension = :first_extension,
  did_closed_days = :did_closed_days";

/// Replaces the settings.
pub fn update(tx: &WriteTx<'_>, settings: &Settings) -> Result<(), StoreError> {
    tx.execute(
        UPDATE,
        named_params! {
            ":allow_api": settings.allow_api,
            ":allow_get": settings.allow_get,
            ":gzip": settings.gzip,
            ":require_password": settings.require_password,
            ":shared_admin_key": settings.shared_admin_key,
            ":default_device_type": settings.default_device_type,
            ":first_extension": settings.first_extension,
            ":did_closed_days": settings.did_closed_days,
        },
    )?;
    Ok(())
}

row! {
    /// How one owner's calls are checked and answered.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
    pub struct OwnerSettings from owner_settings {
        /// Which hash orders are accepted.
        hash_check: HashCheck,
        /// Which revision of MOR's manual the answers follow.
        dialect: Dialect,
    }
}

impl Default for OwnerSettings {
    fn default() -> Self {
        Self {
            hash_check: HashCheck::Documented,
            dialect: Dialect::Classic,
        }
    }
}

const FIND_OWNER: &str = select!(OwnerSettings, "WHERE owner_id = :owner_id");

/// An owner's settings; the defaults where none were set.
pub fn get_owner(tx: &ReadTx<'_>, owner_id: Id) -> Result<OwnerSettings, StoreError> {
    let found = tx.find(
        FIND_OWNER,
        named_params! { ":owner_id": owner_id },
        OwnerSettings::read,
    )?;
    Ok(found.unwrap_or_default())
}

const UPSERT_OWNER: &str = "
INSERT INTO owner_settings (
  owner_id,
  hash_check,
  dialect
) VALUES (
  :owner_id,
  :hash_check,
  :dialect
)
ON CONFLICT (owner_id) DO UPDATE SET
  hash_check = excluded.hash_check,
  dialect = excluded.dialect";

/// Replaces an owner's settings.
pub fn update_owner(
    tx: &WriteTx<'_>,
    owner_id: Id,
    settings: OwnerSettings,
) -> Result<(), StoreError> {
    tx.execute(
        UPSERT_OWNER,
        named_params! {
            ":owner_id": owner_id,
            ":hash_check": settings.hash_check,
            ":dialect": settings.dialect,
        },
    )?;
    Ok(())
}

const OWNERS_WITHOUT_HASH: &str = "
SELECT owner_id
FROM owner_settings
WHERE hash_check = 'off'
ORDER BY owner_id";

/// The owners whose calls need no hash.
pub fn owners_without_hash(tx: &ReadTx<'_>) -> Result<Vec<Id>, StoreError> {
    tx.list(OWNERS_WITHOUT_HASH, [], |row| row.get(0))
}

const NETWORKS: &str = "
SELECT network
FROM allowed_networks
WHERE owner_id = :owner_id
ORDER BY network";

/// An owner's IP allow-list, as CIDR blocks; empty: from anywhere.
pub fn networks(tx: &ReadTx<'_>, owner_id: Id) -> Result<Vec<String>, StoreError> {
    tx.list(NETWORKS, named_params! { ":owner_id": owner_id }, |row| {
        row.get(0)
    })
}

const INSERT_NETWORK: &str = "
INSERT INTO allowed_networks (
  owner_id,
  network
) VALUES (
  :owner_id,
  :network
)
ON CONFLICT DO NOTHING";

const DELETE_NETWORK: &str = "
DELETE FROM allowed_networks
WHERE owner_id = :owner_id
  AND network = :network";

/// Adds a block to an owner's allow-list, or removes it; false when nothing changed.
pub fn update_network(
    tx: &WriteTx<'_>,
    owner_id: Id,
    network: &str,
    allowed: bool,
) -> Result<bool, StoreError> {
    let sql = if allowed {
        INSERT_NETWORK
    } else {
        DELETE_NETWORK
    };
    let changed = tx.execute(
        sql,
        named_params! { ":owner_id": owner_id, ":network": network },
    )?;
    Ok(changed == 1)
}
