//! The table `devices`. A hidden device is never found or listed here.

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Id, row, select, text_enum};
use crate::store::{ReadTx, StoreError, WriteTx};

text_enum! {
    /// The protocol or kind of a device.
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

row! {
    /// A device. Its `Debug` and its JSON leave the secret out.
    #[derive(Clone, PartialEq, Eq, Serialize)]
    pub struct Device from devices {
        /// Its number in the API (`device_id`).
        id: Id,
        /// Whose it is.
        user_id: Id,
        /// The group of that user it is in.
        device_group_id: Id,
        /// Its protocol or kind.
        #[serde(rename = "type")]
        device_type: DeviceType = type,
        /// At most 255 characters.
        description: String,
        /// The number by which other devices reach it.
        extension: String,
        /// The username with which it registers.
        username: String,
        /// The secret with which it registers.
        #[serde(skip)]
        secret: String,
        /// 1 to 20 digits; none: pinless.
        pin: Option<String>,
        /// The caller ID that its calls show; blank: none.
        caller_id: String,
        /// Where it is; 0.0.0.0: wherever it registers from.
        ipaddr: String,
        /// The port of that address.
        port: u16,
        /// DIDs can be assigned to it through the API.
        is_trunk: bool,
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "device {} of user {}", self.id, self.user_id)
    }
}

const FIND: &str = select!(
    Device,
    "WHERE id = :id
  AND hidden_ms IS NULL"
);

/// The device with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<Device>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, Device::read)
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

/// Whether any device, even a hidden one, has this extension, or has it as its username.
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
  created_ms,
  owner_id
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
  :now_ms,
  (
    SELECT CASE WHEN type IN ('admin', 'reseller') THEN id ELSE owner_id END
    FROM users
    WHERE id = :user_id
  )
)";

/// Adds a device (ignoring its `id`), and gives the new id.
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

const UPDATE: &str = "
UPDATE devices
SET
  device_group_id = :device_group_id,
  description = :description,
  secret = :secret,
  pin = :pin,
  caller_id = :caller_id
WHERE id = :id";

/// Replaces what can be edited of a device: group, description, secret, PIN, caller ID.
pub fn update(tx: &WriteTx<'_>, device: &Device) -> Result<(), StoreError> {
    tx.execute(
        UPDATE,
        named_params! {
            ":id": device.id,
            ":device_group_id": device.device_group_id,
            ":description": device.description,
            ":secret": device.secret,
            ":pin": device.pin,
            ":caller_id": device.caller_id,
        },
    )?;
    Ok(())
}

const GROUP_IS_USED: &str = "
SELECT EXISTS (
  SELECT 1
  FROM devices INDEXED BY devices_in_group
  WHERE user_id = :user_id
    AND device_group_id = :device_group_id
    AND hidden_ms IS NULL
)";

/// Whether a device is in this group.
pub fn group_is_used(
    tx: &ReadTx<'_>,
    user_id: Id,
    device_group_id: Id,
) -> Result<bool, StoreError> {
    tx.get(
        GROUP_IS_USED,
        named_params! { ":user_id": user_id, ":device_group_id": device_group_id },
        |row| row.get(0),
    )
}
