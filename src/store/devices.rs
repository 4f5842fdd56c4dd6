//! The table `devices`. A hidden device is never found or listed here.

use rusqlite::{Row, named_params};
use serde::Serialize;

use super::row::{Id, text_enum};
use super::{ReadTx, StoreError, WriteTx};

text_enum! {
    /// What a device speaks.
    DeviceType {
        /// Session Initiation Protocol.
        Sip = "SIP",
        /// Inter-Asterisk eXchange.
        Iax2 = "IAX2",
        /// A fax extension.
        Fax = "FAX",
        /// No hardware behind it.
        Virtual = "Virtual",
        /// ITU-T H.323.
        H323 = "H323",
        /// A Zaptel channel.
        Zap = "ZAP",
        /// Skype for SIP.
        Skype = "Skype",
    }
}

/// A device. Its `Debug` and its JSON leave the secret out.
#[derive(Clone, Serialize)]
pub struct Device {
    /// Its number in the API (`device_id`).
    pub id: Id,
    /// Whose it is.
    pub user_id: Id,
    /// The group of that user it is in.
    pub device_group_id: Id,
    /// What it speaks.
    #[serde(rename = "type")]
    pub device_type: DeviceType,
    /// At most 255 characters.
    pub description: String,
    /// The number by which other devices reach it.
    pub extension: String,
    /// What it registers as.
    pub username: String,
    /// What it registers with.
    #[serde(skip)]
    pub secret: String,
    /// 1 to 20 digits; none: pinless.
    pub pin: Option<String>,
    /// What it shows when it calls; blank: nothing.
    pub caller_id: String,
    /// Where it is; 0.0.0.0: wherever it registers from.
    pub ipaddr: String,
    /// The port of that address.
    pub port: u16,
    /// DIDs can be assigned to it through the API.
    pub is_trunk: bool,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "device {} of user {}", self.id, self.user_id)
    }
}

fn device(row: &Row<'_>) -> Result<Device, rusqlite::Error> {
    Ok(Device {
        id: row.get(0)?,
        user_id: row.get(1)?,
        device_group_id: row.get(2)?,
        device_type: row.get(3)?,
        description: row.get(4)?,
        extension: row.get(5)?,
        username: row.get(6)?,
        secret: row.get(7)?,
        pin: row.get(8)?,
        caller_id: row.get(9)?,
        ipaddr: row.get(10)?,
        port: row.get(11)?,
        is_trunk: row.get(12)?,
    })
}

const FIND: &str = "
SELECT
  id,
  user_id,
  device_group_id,
  type,
  description,
  extension,
  username,
  secret,
  pin,
  caller_id,
  ipaddr,
  port,
  is_trunk
FROM devices
WHERE id = :id
  AND hidden_ms IS NULL";

/// The device with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<Device>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, device)
}

const LIST: &str = "
SELECT
  id,
  user_id,
  device_group_id,
  type,
  description,
  extension,
  username,
  secret,
  pin,
  caller_id,
  ipaddr,
  port,
  is_trunk
FROM devices
WHERE id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit";

/// Up to `limit` devices with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<Device>, StoreError> {
    tx.list(
        LIST,
        named_params! { ":after": after, ":limit": limit },
        device,
    )
}

const LIST_OF_USER: &str = "
SELECT
  id,
  user_id,
  device_group_id,
  type,
  description,
  extension,
  username,
  secret,
  pin,
  caller_id,
  ipaddr,
  port,
  is_trunk
FROM devices
WHERE user_id = :user_id
  AND id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit";

/// Up to `limit` devices of a user with ids above `after`, in id order.
pub fn list_of_user(
    tx: &ReadTx<'_>,
    user_id: Id,
    after: Id,
    limit: u32,
) -> Result<Vec<Device>, StoreError> {
    tx.list(
        LIST_OF_USER,
        named_params! { ":user_id": user_id, ":after": after, ":limit": limit },
        device,
    )
}

const PIN_IS_USED: &str = "
SELECT EXISTS (
  SELECT 1
  FROM devices
  WHERE pin = :pin
)";

/// Whether any device has this PIN.
pub fn pin_is_used(tx: &ReadTx<'_>, pin: &str) -> Result<bool, StoreError> {
    tx.get(PIN_IS_USED, named_params! { ":pin": pin }, |row| row.get(0))
}

const EXTENSION_IS_USED: &str = "
SELECT
  EXISTS (
    SELECT 1
    FROM devices
    WHERE extension = :extension
  )
  OR EXISTS (
    SELECT 1
    FROM devices
    WHERE username = :extension
  )";

/// Whether any device, hidden ones too, has this extension, or it as its username.
pub fn extension_is_used(tx: &ReadTx<'_>, extension: &str) -> Result<bool, StoreError> {
    tx.get(
        EXTENSION_IS_USED,
        named_params! { ":extension": extension },
        |row| row.get(0),
    )
}

const INSERT: &str = "
INSERT INTO devices (
  user_id,
  device_group_id,
  type,
  description,
  extension,
  username,
  secret,
  pin,
  caller_id,
  ipaddr,
  port,
  is_trunk,
  created_ms
) VALUES (
  :user_id,
  :device_group_id,
  :type,
  :description,
  :extension,
  :username,
  :secret,
  :pin,
  :caller_id,
  :ipaddr,
  :port,
  :is_trunk,
  :now_ms
)";

/// Adds a device (its `id` is not looked at); its id.
pub fn insert(tx: &WriteTx<'_>, new: &Device, now_ms: i64) -> Result<Id, StoreError> {
    tx.insert(
        INSERT,
        named_params! {
            ":user_id": new.user_id,
            ":device_group_id": new.device_group_id,
            ":type": new.device_type,
            ":description": new.description,
            ":extension": new.extension,
            ":username": new.username,
            ":secret": new.secret,
            ":pin": new.pin,
            ":caller_id": new.caller_id,
            ":ipaddr": new.ipaddr,
            ":port": new.port,
            ":is_trunk": new.is_trunk,
            ":now_ms": now_ms,
        },
    )
}

const UPDATE_TRUNK: &str = "
UPDATE devices
SET is_trunk = :is_trunk
WHERE id = :id";

/// Makes a device a trunk, or an ordinary one.
pub fn update_trunk(tx: &WriteTx<'_>, id: Id, is_trunk: bool) -> Result<(), StoreError> {
    tx.execute(
        UPDATE_TRUNK,
        named_params! { ":id": id, ":is_trunk": is_trunk },
    )?;
    Ok(())
}

const HIDE: &str = "
UPDATE devices
SET
  hidden_ms = :now_ms,
  pin = NULL
WHERE id = :id";

/// Hides a device and gives its PIN back; its extension stays taken.
pub fn hide(tx: &WriteTx<'_>, id: Id, now_ms: i64) -> Result<(), StoreError> {
    tx.execute(HIDE, named_params! { ":id": id, ":now_ms": now_ms })?;
    Ok(())
}

const IN_USE: &str = "
SELECT
  EXISTS (
    SELECT 1
    FROM dids
    WHERE device_id = :id
  )
  OR EXISTS (
    SELECT 1
    FROM clis
    WHERE device_id = :id
  )";

/// Whether a DID or a CLI is on the device.
pub fn in_use(tx: &ReadTx<'_>, id: Id) -> Result<bool, StoreError> {
    tx.get(IN_USE, named_params! { ":id": id }, |row| row.get(0))
}
