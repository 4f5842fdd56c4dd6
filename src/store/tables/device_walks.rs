//! Walks along the indexes of the table `devices`: lists of a million devices without a sort. A hidden device is in none.

use rusqlite::{ToSql, named_params};

use crate::store::row::{Cursor, Id, Range, select};
use crate::store::tables::devices::{Device, DeviceType};
use crate::store::{ReadTx, StoreError};

/// The index that a part of a list of devices walks along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk<'a> {
    /// A scope's, the newest first.
    Newest {
        /// The scope.
        owner_id: Id,
    },
    /// A scope's of one type, the newest first.
    OfType {
        /// The scope.
        owner_id: Id,
        /// The type.
        device_type: DeviceType,
    },
    /// A scope's trunks, the newest first.
    Trunks {
        /// The scope.
        owner_id: Id,
    },
    /// A scope's blocked ones, the newest first.
    Blocked {
        /// The scope.
        owner_id: Id,
    },
    /// A user's, the newest first.
    OfUser {
        /// The user.
        user_id: Id,
    },
    /// A scope's, by extension, if it begins with a text.
    ByExtension {
        /// The scope.
        owner_id: Id,
        /// The beginning of the extension; blank: any.
        start: &'a str,
    },
    /// A scope's, by description, if it begins with a text in any letter case (ASCII).
    ByDescription {
        /// The scope.
        owner_id: Id,
        /// The beginning of the description; blank: any.
        start: &'a str,
    },
}

// One walk per type, side by side: SQLite takes the newest of the seven, row by row. An index of the scope alone would cost
// each new device more than it spares here.
const NEWEST: &str = select!(
    Device,
    "WHERE id IN (
  SELECT id
  FROM devices INDEXED BY devices_by_type
  WHERE owner_id = :owner_id
    AND type = 'SIP'
    AND id < :id
    AND hidden_ms IS NULL
  UNION ALL
  SELECT id
  FROM devices INDEXED BY devices_by_type
  WHERE owner_id = :owner_id
    AND type = 'IAX2'
    AND id < :id
    AND hidden_ms IS NULL
  UNION ALL
  SELECT id
  FROM devices INDEXED BY devices_by_type
  WHERE owner_id = :owner_id
    AND type = 'FAX'
    AND id < :id
    AND hidden_ms IS NULL
  UNION ALL
  SELECT id
  FROM devices INDEXED BY devices_by_type
  WHERE owner_id = :owner_id
    AND type = 'Virtual'
    AND id < :id
    AND hidden_ms IS NULL
  UNION ALL
  SELECT id
  FROM devices INDEXED BY devices_by_type
  WHERE owner_id = :owner_id
    AND type = 'H323'
    AND id < :id
    AND hidden_ms IS NULL
  UNION ALL
  SELECT id
  FROM devices INDEXED BY devices_by_type
  WHERE owner_id = :owner_id
    AND type = 'ZAP'
    AND id < :id
    AND hidden_ms IS NULL
  UNION ALL
  SELECT id
  FROM devices INDEXED BY devices_by_type
  WHERE owner_id = :owner_id
    AND type = 'Skype'
    AND id < :id
    AND hidden_ms IS NULL
  ORDER BY id DESC
  LIMIT :limit
)
ORDER BY id DESC"
);

const OF_TYPE: &str = select!(
    Device,
    "  INDEXED BY devices_by_type
WHERE owner_id = :owner_id
  AND type = :type
  AND id < :id
  AND hidden_ms IS NULL
ORDER BY id DESC
LIMIT :limit"
);

const TRUNKS: &str = select!(
    Device,
    "  INDEXED BY devices_trunks
WHERE owner_id = :owner_id
  AND is_trunk = 1
  AND id < :id
  AND hidden_ms IS NULL
ORDER BY id DESC
LIMIT :limit"
);

const BLOCKED: &str = select!(
    Device,
    "  INDEXED BY devices_blocked
WHERE owner_id = :owner_id
  AND blocked_ms IS NOT NULL
  AND id < :id
  AND hidden_ms IS NULL
ORDER BY id DESC
LIMIT :limit"
);

const OF_USER: &str = select!(
    Device,
    "WHERE user_id = :user_id
  AND id < :id
  AND hidden_ms IS NULL
ORDER BY id DESC
LIMIT :limit"
);

const BY_EXTENSION: &str = select!(
    Device,
    "  INDEXED BY devices_by_extension
WHERE owner_id = :owner_id
  AND (extension, id) > (:after, :id)
  AND extension < :until
  AND hidden_ms IS NULL
ORDER BY extension, id
LIMIT :limit"
);

// Where a collation is named, SQLite does not use a comparison of rows as the start of a range, and thousands of
// devices may have one description. So first the rest of those is read, then the later ones.
const OF_DESCRIPTION: &str = select!(
    Device,
    "  INDEXED BY devices_by_description
WHERE owner_id = :owner_id
  AND description COLLATE NOCASE = :after
  AND description COLLATE NOCASE < :until
  AND id > :id
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

const BY_DESCRIPTION: &str = select!(
    Device,
    "  INDEXED BY devices_by_description
WHERE owner_id = :owner_id
  AND description COLLATE NOCASE > :after
  AND description COLLATE NOCASE < :until
  AND hidden_ms IS NULL
ORDER BY description COLLATE NOCASE, id
LIMIT :limit"
);

/// Up to `limit` devices of a walk, after the one at `after`.
pub fn walk(
    tx: &ReadTx<'_>,
    walk: Walk<'_>,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Vec<Device>, StoreError> {
    let id = after.map_or(Id::MAX, |after| after.id);
    let list = |sql, sent: Sent<'_>| tx.list(sql, sent, Device::read);
    match walk {
        Walk::Newest { owner_id } => list(
            NEWEST,
            named_params! { ":owner_id": owner_id, ":id": id, ":limit": limit },
        ),
        Walk::OfType {
            owner_id,
            device_type,
        } => list(
            OF_TYPE,
            named_params! { ":owner_id": owner_id, ":type": device_type, ":id": id, ":limit": limit },
        ),
        Walk::Trunks { owner_id } => list(
            TRUNKS,
            named_params! { ":owner_id": owner_id, ":id": id, ":limit": limit },
        ),
        Walk::Blocked { owner_id } => list(
            BLOCKED,
            named_params! { ":owner_id": owner_id, ":id": id, ":limit": limit },
        ),
        Walk::OfUser { user_id } => list(
            OF_USER,
            named_params! { ":user_id": user_id, ":id": id, ":limit": limit },
        ),
        Walk::ByExtension { owner_id, start } => {
            in_range(tx, BY_EXTENSION, owner_id, &Range::new(start, after), limit)
        }
        Walk::ByDescription { owner_id, start } => {
            by_description(tx, owner_id, &Range::new(start, after), limit)
        }
    }
}

/// The parameters of a statement.
type Sent<'a> = &'a [(&'a str, &'a dyn ToSql)];

/// The devices of a scope whose extension or description, whichever `sql` walks, lies in a range.
fn in_range(
    tx: &ReadTx<'_>,
    sql: &str,
    owner_id: Id,
    range: &Range,
    limit: u32,
) -> Result<Vec<Device>, StoreError> {
    let sent = named_params! {
        ":owner_id": owner_id,
        ":after": range.after,
        ":id": range.id,
        ":until": range.until,
        ":limit": limit,
    };
    tx.list(sql, sent, Device::read)
}

/// First the rest of the devices that share a description, then those with a later one.
fn by_description(
    tx: &ReadTx<'_>,
    owner_id: Id,
    range: &Range,
    limit: u32,
) -> Result<Vec<Device>, StoreError> {
    let mut found = in_range(tx, OF_DESCRIPTION, owner_id, range, limit)?;
    let left = limit - found.len() as u32;
    if left > 0 {
        let sent = named_params! {
            ":owner_id": owner_id,
            ":after": range.after,
            ":until": range.until,
            ":limit": left,
        };
        found.extend(tx.list(BY_DESCRIPTION, sent, Device::read)?);
    }
    Ok(found)
}
