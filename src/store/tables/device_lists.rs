//! Lists and counts of the table `devices`. A hidden device is in none.

use rusqlite::named_params;

use crate::store::row::{Id, row, select};
use crate::store::tables::devices::{Device, DeviceType};
use crate::store::{ReadTx, StoreError};

const LIST: &str = select!(
    Device,
    "WHERE id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` devices with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<Device>, StoreError> {
    tx.list(
        LIST,
        named_params! { ":after": after, ":limit": limit },
        Device::read,
    )
}

const LIST_OF_USER: &str = select!(
    Device,
    "WHERE user_id = :user_id
  AND id > :after
  AND (:with_blocked OR blocked_ms IS NULL)
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` devices of a user with ids above `after`, in id order, with blocked ones or without.
pub fn list_of_user(
    tx: &ReadTx<'_>,
    user_id: Id,
    with_blocked: bool,
    after: Id,
    limit: u32,
) -> Result<Vec<Device>, StoreError> {
    tx.list(
        LIST_OF_USER,
        named_params! { ":user_id": user_id, ":with_blocked": with_blocked, ":after": after, ":limit": limit },
        Device::read,
    )
}

row! {
    /// The address of a device.
    pub struct Address from devices {
        /// The device's number in the API (`device_id`).
        device_id: Id = id,
        /// Its protocol or kind.
        device_type: DeviceType = type,
        /// 0.0.0.0: wherever it registers from.
        ipaddr: String,
        /// The port of that address.
        port: u16,
    }
}

const ADDRESSES_OF_USER: &str = select!(
    Address,
    "  INDEXED BY devices_of_user
WHERE user_id = :user_id
  AND id > :after
  AND (:with_blocked OR blocked_ms IS NULL)
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// As [`list_of_user`], but reads only the devices' addresses.
pub fn addresses_of_user(
    tx: &ReadTx<'_>,
    user_id: Id,
    with_blocked: bool,
    after: Id,
    limit: u32,
) -> Result<Vec<Address>, StoreError> {
    tx.list(
        ADDRESSES_OF_USER,
        named_params! { ":user_id": user_id, ":with_blocked": with_blocked, ":after": after, ":limit": limit },
        Address::read,
    )
}

const COUNT: &str = "
SELECT count(*)
FROM (
  SELECT 1
  FROM devices INDEXED BY devices_by_type
  WHERE owner_id = :owner_id
    AND hidden_ms IS NULL
  LIMIT :limit
) AS counted";

/// How many devices a scope has, counted up to `limit`.
pub fn count(tx: &ReadTx<'_>, owner_id: Id, limit: u32) -> Result<u32, StoreError> {
    tx.get(
        COUNT,
        named_params! { ":owner_id": owner_id, ":limit": limit },
        |row| row.get(0),
    )
}

const COUNT_TRUNKS: &str = "
SELECT count(*)
FROM (
  SELECT 1
  FROM devices INDEXED BY devices_trunks
  WHERE owner_id = :owner_id
    AND is_trunk = 1
    AND hidden_ms IS NULL
  LIMIT :limit
) AS counted";

/// How many trunks a scope has, counted up to `limit`.
pub fn count_trunks(tx: &ReadTx<'_>, owner_id: Id, limit: u32) -> Result<u32, StoreError> {
    tx.get(
        COUNT_TRUNKS,
        named_params! { ":owner_id": owner_id, ":limit": limit },
        |row| row.get(0),
    )
}

const COUNT_WITHOUT_CALLER_ID: &str = "
SELECT count(*)
FROM devices
WHERE caller_id = ''
  AND id IN (
    SELECT id
    FROM devices INDEXED BY devices_by_type
    WHERE owner_id = :owner_id
      AND type = 'SIP'
      AND hidden_ms IS NULL
    UNION ALL
    SELECT id
    FROM devices INDEXED BY devices_by_type
    WHERE owner_id = :owner_id
      AND type = 'IAX2'
      AND hidden_ms IS NULL
    UNION ALL
    SELECT id
    FROM devices INDEXED BY devices_by_type
    WHERE owner_id = :owner_id
      AND type = 'FAX'
      AND hidden_ms IS NULL
    UNION ALL
    SELECT id
    FROM devices INDEXED BY devices_by_type
    WHERE owner_id = :owner_id
      AND type = 'Virtual'
      AND hidden_ms IS NULL
    UNION ALL
    SELECT id
    FROM devices INDEXED BY devices_by_type
    WHERE owner_id = :owner_id
      AND type = 'H323'
      AND hidden_ms IS NULL
    UNION ALL
    SELECT id
    FROM devices INDEXED BY devices_by_type
    WHERE owner_id = :owner_id
      AND type = 'ZAP'
      AND hidden_ms IS NULL
    UNION ALL
    SELECT id
    FROM devices INDEXED BY devices_by_type
    WHERE owner_id = :owner_id
      AND type = 'Skype'
      AND hidden_ms IS NULL
    ORDER BY id DESC
    LIMIT :limit
  )";

/// How many of a scope's newest `limit` devices have no caller ID.
pub fn count_without_caller_id(
    tx: &ReadTx<'_>,
    owner_id: Id,
    limit: u32,
) -> Result<u32, StoreError> {
    tx.get(
        COUNT_WITHOUT_CALLER_ID,
        named_params! { ":owner_id": owner_id, ":limit": limit },
        |row| row.get(0),
    )
}
