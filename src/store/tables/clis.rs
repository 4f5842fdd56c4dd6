//! The table `clis`.

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Cursor, Id, Range, row, select};
use crate::store::tables::devices::DeviceType;
use crate::store::{ReadTx, StoreError, WriteTx};

row! {
    /// A CLI: a calling number or domain that identifies a device.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct Cli from clis {
        /// Its row.
        id: Id,
        /// The device it stands for.
        device_id: Id,
        /// 1 to 20 digits.
        number: Option<String>,
        /// A host name in lower case.
        domain: Option<String>,
        /// At most 255 characters.
        description: String,
        /// At most 255 characters.
        comment: String,
        /// Calls from it are refused.
        banned: bool,
        /// The voice menu its calls go to.
        ivr_id: Option<Id>,
    }
}

const FIND: &str = select!(Cli, "WHERE id = :id");

/// The CLI with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<Cli>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, Cli::read)
}

const FIND_BY_NUMBER: &str = select!(Cli, "WHERE number = :number");

/// The CLI of this number.
pub fn find_by_number(tx: &ReadTx<'_>, number: &str) -> Result<Option<Cli>, StoreError> {
    tx.find(
        FIND_BY_NUMBER,
        named_params! { ":number": number },
        Cli::read,
    )
}

const FIND_BY_DOMAIN: &str = select!(Cli, "WHERE domain = :domain");

/// The CLI of this domain (in lower case).
pub fn find_by_domain(tx: &ReadTx<'_>, domain: &str) -> Result<Option<Cli>, StoreError> {
    tx.find(
        FIND_BY_DOMAIN,
        named_params! { ":domain": domain },
        Cli::read,
    )
}

const LIST: &str = select!(
    Cli,
    "WHERE id > :after
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` CLIs with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<Cli>, StoreError> {
    tx.list(
        LIST,
        named_params! { ":after": after, ":limit": limit },
        Cli::read,
    )
}

row! {
    /// A CLI in a list that says of its device what people know it by.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct CliOnDevice from clis {
        /// Its row.
        id: Id = (clis.id),
        /// The device it stands for.
        device_id: Id,
        /// 1 to 20 digits.
        number: Option<String>,
        /// A host name in lower case.
        domain: Option<String>,
        /// At most 255 characters.
        description: String = (clis.description),
        /// At most 255 characters.
        comment: String,
        /// Calls from it are refused.
        banned: bool,
        /// The voice menu its calls go to.
        ivr_id: Option<Id>,
        /// When it was added.
        created_ms: i64 = (clis.created_ms),
        /// When it was last changed.
        updated_ms: Option<i64>,
        /// The protocol or kind of its device.
        device_type: DeviceType = type,
        /// The username with which its device registers.
        device_username: String = username,
    }
}

/// Whose CLIs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A device's.
    Device(Id),
    /// A user's.
    User(Id),
    /// A scope's.
    Owner(Id),
}

const LIST_ON_DEVICE: &str = select!(
    CliOnDevice,
    "  INDEXED BY clis_on_device
JOIN devices
  ON devices.id = clis.device_id
WHERE clis.device_id = :whose
  AND clis.id > :after
ORDER BY clis.id
LIMIT :limit"
);

const ALL_ON_DEVICE: &str = select!(
    Cli,
    "WHERE device_id = :device_id
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` CLIs on a device, in id order.
pub fn list_on_device(tx: &ReadTx<'_>, device_id: Id, limit: u32) -> Result<Vec<Cli>, StoreError> {
    let sent = named_params! { ":device_id": device_id, ":limit": limit };
    tx.list(ALL_ON_DEVICE, sent, Cli::read)
}

const LIST_OF_USER: &str = select!(
    CliOnDevice,
    "  INDEXED BY clis_of_user
JOIN devices
  ON devices.id = clis.device_id
WHERE clis.user_id = :whose
  AND clis.id > :after
ORDER BY clis.id
LIMIT :limit"
);

const LIST_OF_OWNER: &str = select!(
    CliOnDevice,
    "  INDEXED BY clis_of_owner
JOIN devices
  ON devices.id = clis.device_id
WHERE clis.owner_id = :whose
  AND clis.id > :after
ORDER BY clis.id
LIMIT :limit"
);

/// Up to `limit` of somebody's CLIs with ids above `after`, in id order.
pub fn list_of(
    tx: &ReadTx<'_>,
    whose: Whose,
    after: Id,
    limit: u32,
) -> Result<Vec<CliOnDevice>, StoreError> {
    let (sql, whose) = match whose {
        Whose::Device(id) => (LIST_ON_DEVICE, id),
        Whose::User(id) => (LIST_OF_USER, id),
        Whose::Owner(id) => (LIST_OF_OWNER, id),
    };
    tx.list(
        sql,
        named_params! { ":whose": whose, ":after": after, ":limit": limit },
        CliOnDevice::read,
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
  created_ms,
  user_id,
  owner_id
) VALUES (
  :device_id,
  :number,
  :domain,
  :description,
  :comment,
  :banned,
  :ivr_id,
  :now_ms,
  (SELECT user_id FROM devices WHERE id = :device_id),
  (SELECT owner_id FROM devices WHERE id = :device_id)
)";

/// Adds a CLI (ignoring its `id`), and gives the new id.
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

/// The index that a part of a list of CLIs walks along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk<'a> {
    /// A scope's, the newest first.
    OfOwner(Id),
    /// A user's, the newest first.
    OfUser(Id),
    /// A device's, the newest first.
    OnDevice(Id),
    /// A scope's, by number, if it begins with this text.
    ByNumber(Id, &'a str),
    /// A scope's, by domain, if it begins with this text (in lower case).
    ByDomain(Id, &'a str),
}

const OF_OWNER: &str = select!(
    Cli,
    "  INDEXED BY clis_of_owner
WHERE owner_id = :whose
  AND id < :id
ORDER BY id DESC
LIMIT :limit"
);

const OF_USER: &str = select!(
    Cli,
    "  INDEXED BY clis_of_user
WHERE user_id = :whose
  AND id < :id
ORDER BY id DESC
LIMIT :limit"
);

const ON_DEVICE: &str = select!(
    Cli,
    "  INDEXED BY clis_on_device
WHERE device_id = :whose
  AND id < :id
ORDER BY id DESC
LIMIT :limit"
);

const BY_NUMBER: &str = select!(
    Cli,
    "  INDEXED BY clis_by_number
WHERE owner_id = :whose
  AND (number, id) > (:after, :id)
  AND number < :until
ORDER BY number, id
LIMIT :limit"
);

const BY_DOMAIN: &str = select!(
    Cli,
    "  INDEXED BY clis_by_domain
WHERE owner_id = :whose
  AND (domain, id) > (:after, :id)
  AND domain < :until
ORDER BY domain, id
LIMIT :limit"
);

/// Up to `limit` CLIs of a walk, after the one at `after`.
pub fn walk(
    tx: &ReadTx<'_>,
    walk: Walk<'_>,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Vec<Cli>, StoreError> {
    let (sql, whose, start) = match walk {
        Walk::OfOwner(id) => (OF_OWNER, id, None),
        Walk::OfUser(id) => (OF_USER, id, None),
        Walk::OnDevice(id) => (ON_DEVICE, id, None),
        Walk::ByNumber(id, start) => (BY_NUMBER, id, Some(start)),
        Walk::ByDomain(id, start) => (BY_DOMAIN, id, Some(start)),
    };
    match start {
        None => {
            let id = after.map_or(Id::MAX, |after| after.id);
            let sent = named_params! { ":whose": whose, ":id": id, ":limit": limit };
            tx.list(sql, sent, Cli::read)
        }
        Some(start) => {
            let range = Range::new(start, after);
            let sent = named_params! {
                ":whose": whose,
                ":after": range.after,
                ":id": range.id,
                ":until": range.until,
                ":limit": limit,
            };
            tx.list(sql, sent, Cli::read)
        }
    }
}

const COUNT: &str = "
SELECT count(*)
FROM (
  SELECT 1
  FROM clis INDEXED BY clis_of_owner
  WHERE owner_id = :owner_id
  LIMIT :limit
) AS counted";

/// How many CLIs a scope has, counted up to `limit`.
pub fn count(tx: &ReadTx<'_>, owner_id: Id, limit: u32) -> Result<u32, StoreError> {
    tx.get(
        COUNT,
        named_params! { ":owner_id": owner_id, ":limit": limit },
        |row| row.get(0),
    )
}

const UPDATE: &str = "
UPDATE clis
SET
  description = :description,
  comment = :comment,
  banned = :banned,
  ivr_id = :ivr_id,
  updated_ms = :now_ms
WHERE id = :id";

/// Replaces what can be edited of a CLI: everything but its device, number and domain.
pub fn update(tx: &WriteTx<'_>, cli: &Cli) -> Result<(), StoreError> {
    tx.execute(
        UPDATE,
        named_params! {
            ":id": cli.id,
            ":description": cli.description,
            ":comment": cli.comment,
            ":banned": cli.banned,
            ":ivr_id": cli.ivr_id,
            ":now_ms": tx.now_ms(),
        },
    )?;
    Ok(())
}

const IVR_IS_USED: &str = "
SELECT EXISTS (
  SELECT 1
  FROM clis
  WHERE ivr_id = :ivr_id
)";

/// Whether a CLI's calls go to this IVR.
pub fn ivr_is_used(tx: &ReadTx<'_>, ivr_id: Id) -> Result<bool, StoreError> {
    tx.get(IVR_IS_USED, named_params! { ":ivr_id": ivr_id }, |row| {
        row.get(0)
    })
}
