//! The table `devices`. A removed device is never found or listed here; a blocked one is.

use rusqlite::named_params;
use serde::Serialize;

use crate::amount::Amount;
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
        /// It is known by its address or host name, and does not register.
        ip_auth: bool,
        /// Where it is; 0.0.0.0: wherever it registers from.
        ipaddr: String,
        /// Stands for the address; blank: none.
        hostname: String,
        /// The port of that address.
        port: u16,
        /// DIDs can be assigned to it through the API.
        is_trunk: bool,
        /// A trunk that also passes on the number of who calls.
        with_ani: bool,
        /// Its own balance.
        balance: Amount = balance_e8,
        /// When it was blocked; none: it is not.
        blocked_ms: Option<i64>,
    }
}

impl Device {
    /// How it is known, and where it is.
    fn place(&self) -> (bool, &str, &str, u16) {
        (self.ip_auth, &self.ipaddr, &self.hostname, self.port)
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

const NUMBER_WAS_USED: &str = "
SELECT
  EXISTS (
    SELECT 1
    FROM devices INDEXED BY devices_extensions
    WHERE extension = :number
      AND hidden_ms IS NULL
  )
  OR EXISTS (
    SELECT 1
    FROM devices INDEXED BY devices_usernames
    WHERE username = :number
      AND hidden_ms IS NULL
  )
  OR EXISTS (
    SELECT 1
    FROM devices INDEXED BY devices_given_back
    WHERE extension = :number
      AND hidden_ms IS NOT NULL
  )";

/// Whether a device has this number as its extension or as its username, or a removed one had it as its extension.
pub fn number_was_used(tx: &ReadTx<'_>, number: &str) -> Result<bool, StoreError> {
    tx.get(
        NUMBER_WAS_USED,
        named_params! { ":number": number },
        |row| row.get(0),
    )
}

const FIND_BY_EXTENSION: &str = select!(
    Device,
    "  INDEXED BY devices_extensions
WHERE extension = :extension
  AND hidden_ms IS NULL"
);

/// The device with this extension.
pub fn find_by_extension(tx: &ReadTx<'_>, extension: &str) -> Result<Option<Device>, StoreError> {
    let sent = named_params! { ":extension": extension };
    tx.find(FIND_BY_EXTENSION, sent, Device::read)
}

const FIND_BY_USERNAME: &str = select!(
    Device,
    "  INDEXED BY devices_usernames
WHERE username = :username
  AND hidden_ms IS NULL"
);

/// The device that registers with this username.
pub fn find_by_username(tx: &ReadTx<'_>, username: &str) -> Result<Option<Device>, StoreError> {
    let sent = named_params! { ":username": username };
    tx.find(FIND_BY_USERNAME, sent, Device::read)
}

const FIND_AT: &str = select!(
    Device,
    "  INDEXED BY devices_hosts
WHERE ipaddr = :ipaddr
  AND port = :port
  AND ip_auth = 1
  AND hostname = ''
  AND hidden_ms IS NULL"
);

/// The device that is known by this address and port.
pub fn find_at(tx: &ReadTx<'_>, ipaddr: &str, port: u16) -> Result<Option<Device>, StoreError> {
    let sent = named_params! { ":ipaddr": ipaddr, ":port": port };
    tx.find(FIND_AT, sent, Device::read)
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
SET
  is_trunk = :is_trunk,
  with_ani = :with_ani
WHERE id = :id";

/// Makes a device a trunk (with the number of who calls, or without), or an ordinary one.
pub fn update_trunk(
    tx: &WriteTx<'_>,
    id: Id,
    is_trunk: bool,
    with_ani: bool,
) -> Result<(), StoreError> {
    tx.execute(
        UPDATE_TRUNK,
        named_params! { ":id": id, ":is_trunk": is_trunk, ":with_ani": with_ani },
    )?;
    Ok(())
}

const BLOCK: &str = "
UPDATE devices
SET blocked_ms = :blocked_ms
WHERE id = :id";

/// Blocks a device from this time on; none: unblocks it.
pub fn block(tx: &WriteTx<'_>, id: Id, blocked_ms: Option<i64>) -> Result<(), StoreError> {
    tx.execute(
        BLOCK,
        named_params! { ":id": id, ":blocked_ms": blocked_ms },
    )?;
    Ok(())
}

const REMOVE: &str = "
UPDATE devices
SET
  hidden_ms = :now_ms,
  pin = NULL
WHERE id = :id";

/// Removes a device for good, and gives its PIN, extension and username back.
pub fn remove(tx: &WriteTx<'_>, id: Id, now_ms: i64) -> Result<(), StoreError> {
    tx.execute(REMOVE, named_params! { ":id": id, ":now_ms": now_ms })?;
    Ok(())
}

const UPDATE: &str = "
UPDATE devices
SET
  secret = :secret,
  caller_id = :caller_id,
  balance_e8 = :balance_e8
WHERE id = :id";

const UPDATE_PIN: &str = "
UPDATE devices
SET pin = :pin
WHERE id = :id";

const UPDATE_DESCRIPTION: &str = "
UPDATE devices
SET description = :description
WHERE id = :id";

const UPDATE_GROUP: &str = "
UPDATE devices
SET device_group_id = :device_group_id
WHERE id = :id";

const UPDATE_NAMES: &str = "
UPDATE devices
SET
  extension = :extension,
  username = :username
WHERE id = :id";

const UPDATE_PLACE: &str = "
UPDATE devices
SET
  ip_auth = :ip_auth,
  ipaddr = :ipaddr,
  hostname = :hostname,
  port = :port
WHERE id = :id";

/// Replaces what can be edited of a device: everything but its user, its type, and whether it is blocked.
/// SQLite writes each index anew whose columns a statement names, so only those that differ are named.
pub fn update(tx: &WriteTx<'_>, before: &Device, device: &Device) -> Result<(), StoreError> {
    let id = device.id;
    if before.description != device.description {
        let sent = named_params! { ":id": id, ":description": device.description };
        tx.execute(UPDATE_DESCRIPTION, sent)?;
    }
    if before.device_group_id != device.device_group_id {
        let sent = named_params! { ":id": id, ":device_group_id": device.device_group_id };
        tx.execute(UPDATE_GROUP, sent)?;
    }
    if (&before.extension, &before.username) != (&device.extension, &device.username) {
        let sent = named_params! {
            ":id": id, ":extension": device.extension, ":username": device.username,
        };
        tx.execute(UPDATE_NAMES, sent)?;
    }
    if before.pin != device.pin {
        let sent = named_params! { ":id": id, ":pin": device.pin };
        tx.execute(UPDATE_PIN, sent)?;
    }
    if (before.is_trunk, before.with_ani) != (device.is_trunk, device.with_ani) {
        update_trunk(tx, id, device.is_trunk, device.with_ani)?;
    }
    if before.place() != device.place() {
        let sent = named_params! {
            ":id": id,
            ":ip_auth": device.ip_auth,
            ":ipaddr": device.ipaddr,
            ":hostname": device.hostname,
            ":port": device.port,
        };
        tx.execute(UPDATE_PLACE, sent)?;
    }
    let sent = named_params! {
        ":id": id,
        ":secret": device.secret,
        ":caller_id": device.caller_id,
        ":balance_e8": device.balance,
    };
    tx.execute(UPDATE, sent)?;
    Ok(())
}

const GROUP_IS_USED: &str = "
SELECT EXISTS (
  SELECT 1
  FROM devices INDEXED BY devices_of_user
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
