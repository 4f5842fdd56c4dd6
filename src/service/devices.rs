//! Devices: finding one's own, changing them.

use serde_json::{Map, Value, json};

use super::lists::MAX_OFFERED;
use super::{Error, Field, Rule, Thing, log, text};
use crate::ambient::Ambient;
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::store::row::Id;
use crate::store::tables::device_groups;
use crate::store::tables::device_lists::{self, Address};
use crate::store::tables::devices::{self, Device, DeviceType};
use crate::store::tables::users::{Permission, User};
use crate::store::{ReadTx, StoreError, WriteTx};

/// Longest description, in characters.
pub const MAX_DESCRIPTION: usize = 255;
/// Longest caller ID, in characters.
pub const MAX_CALLER_ID: usize = 80;
/// Longest PIN, in digits.
pub const MAX_PIN: usize = 20;
/// Length of a device's secret, in characters.
pub(super) const SECRET: usize = 16;

/// A device as the action log shows it: without the secrets that prove its user.
pub(super) fn logged(device: &Device) -> Value {
    let mut fields = json!(device);
    fields.as_object_mut().map(|fields| fields.remove("pin"));
    fields["has_pin"] = device.pin.is_some().into();
    fields
}

/// The actor's own user with this id.
pub(super) fn find_user(tx: &ReadTx<'_>, by: &Actor, id: Option<Id>) -> Result<User, Error> {
    match id {
        Some(id) => by.own_user(tx, id)?,
        None => None,
    }
    .ok_or_else(|| Rule::NotFound(Thing::User).into())
}

/// The type of this name, in any letter case.
pub fn find_type(name: &str) -> Option<DeviceType> {
    DeviceType::ALL
        .iter()
        .copied()
        .find(|known| known.as_str().eq_ignore_ascii_case(name))
}

/// The group that is asked for, if it is the user's; none is asked for: the primary one.
pub(super) fn group(tx: &WriteTx<'_>, user: &User, asked: Option<Option<Id>>) -> Result<Id, Error> {
    let found = match asked {
        None => device_groups::find_primary(tx, user.id)?,
        Some(None) => None,
        Some(Some(id)) => device_groups::find(tx, id)?.filter(|group| group.user_id == user.id),
    };
    found
        .map(|group| group.id)
        .ok_or_else(|| Rule::NotFound(Thing::DeviceGroup).into())
}

/// Refuses a PIN that is not one, or that a device has.
pub(super) fn check_pin(tx: &WriteTx<'_>, pin: &str) -> Result<(), Error> {
    if !text::is_digits(pin) {
        return Err(Rule::Invalid(Field::Pin).into());
    }
    if devices::pin_is_used(tx, pin)? {
        return Err(Rule::Taken(Field::Pin).into());
    }
    Ok(())
}

/// Refuses values that do not fit into a device.
pub(super) fn check_lengths(
    pin: Option<&str>,
    description: &str,
    caller_id: &str,
) -> Result<(), Error> {
    if pin.is_some_and(|pin| pin.len() > MAX_PIN) {
        let detail = format!("pin is longer than {MAX_PIN} digits");
        return Err(Rule::TooLong(Field::Pin).with(detail));
    }
    if text::is_longer(description, MAX_DESCRIPTION) {
        let detail = format!("description is longer than {MAX_DESCRIPTION} characters");
        return Err(Rule::TooLong(Field::Description).with(detail));
    }
    if text::is_longer(caller_id, MAX_CALLER_ID) {
        let detail = format!("caller_id is longer than {MAX_CALLER_ID} characters");
        return Err(Rule::TooLong(Field::CallerId).with(detail));
    }
    if !caller_id.is_empty() && !text::is_caller_id(caller_id) {
        let detail = "caller_id is not NUMBER, Name <NUMBER> or \"Name\" <NUMBER>";
        return Err(Rule::Invalid(Field::CallerId).with(detail));
    }
    Ok(())
}

/// The address of a new device until it registers: none yet, with its protocol's port.
pub(super) fn address(device_type: DeviceType) -> (&'static str, u16) {
    let port = match device_type {
        DeviceType::Sip => 5060,
        DeviceType::Iax2 => 4569,
        DeviceType::H323 => 1720,
        DeviceType::Fax | DeviceType::Virtual | DeviceType::Zap | DeviceType::Skype => 0,
    };
    ("0.0.0.0", port)
}

/// Up to `limit` devices of an own user with ids above `after`, in id order, with blocked devices or without them.
pub fn list_of_user(
    tx: &ReadTx<'_>,
    by: &Actor,
    user_id: Option<Id>,
    with_blocked: bool,
    after: Id,
    limit: u32,
) -> Result<Vec<Device>, Error> {
    by.require(Right::SeeDevices)?;
    let user = find_user(tx, by, user_id)?;
    let listed = device_lists::list_of_user(tx, user.id, with_blocked, after, limit)?;
    Ok(listed)
}

/// The addresses of the devices that [`list_of_user`] lists. No secret is read where none is shown.
pub fn addresses_of_user(
    tx: &ReadTx<'_>,
    by: &Actor,
    user_id: Option<Id>,
    with_blocked: bool,
    after: Id,
    limit: u32,
) -> Result<Vec<Address>, Error> {
    by.require(Right::SeeDevices)?;
    let user = find_user(tx, by, user_id)?;
    Ok(device_lists::addresses_of_user(
        tx,
        user.id,
        with_blocked,
        after,
        limit,
    )?)
}

/// The device with this id, if its user is the actor's own.
pub fn find_own(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<Option<Device>, Error> {
    by.require(Right::SeeDevices)?;
    let Some(device) = devices::find(tx, id)? else {
        return Ok(None);
    };
    Ok(by.own_user(tx, device.user_id)?.map(|_| device))
}

/// The actor's own device with this id; none: an id that cannot be one.
pub fn get_own(tx: &ReadTx<'_>, by: &Actor, id: impl Into<Option<Id>>) -> Result<Device, Error> {
    by.require(Right::SeeDevices)?;
    let found = match id.into() {
        Some(id) => find_own(tx, by, id)?,
        None => None,
    };
    found.ok_or_else(|| Rule::NotFound(Thing::Device).into())
}

/// The extension of the device behind something that the actor may see; blank: the device is not theirs.
pub fn extension_of(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<String, StoreError> {
    if !by.has(Right::SeeDevices) {
        return Ok(String::new());
    }
    let Some(device) = devices::find(tx, id)? else {
        return Ok(String::new());
    };
    let user = by.own_user(tx, device.user_id)?;
    Ok(user.map_or_else(String::new, |_| device.extension))
}

/// Makes a device a trunk, or an ordinary one.
pub fn set_trunk(tx: &WriteTx<'_>, by: &Actor, id: Id, is_trunk: bool) -> Result<(), Error> {
    by.require(Right::ManageDevices)?;
    let device = get_own(tx, by, id)?;
    devices::update_trunk(tx, id, is_trunk, false)?;
    log::record(
        tx,
        by,
        Action::DeviceTrunk,
        id,
        Some(json!({ "is_trunk": device.is_trunk })),
        Some(json!({ "is_trunk": is_trunk })),
    )?;
    Ok(())
}

/// The devices of a user that a form offers.
pub fn list_offered(tx: &ReadTx<'_>, by: &Actor, user_id: Id) -> Result<Vec<Device>, Error> {
    by.require(Right::SeeDevices)?;
    list_of_user(tx, by, Some(user_id), true, 0, MAX_OFFERED)
}

/// The fields of a device that can be edited.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Its description.
    pub description: String,
    /// Its PIN; blank: without one; none: the present one.
    pub pin: Option<String>,
    /// The caller ID of its calls; blank: none.
    pub caller_id: String,
    /// Its group; none: an id that cannot be a group's.
    pub device_group_id: Option<Id>,
}

/// Changes a device, by the rules for new ones.
pub fn update(tx: &WriteTx<'_>, by: &Actor, id: Id, edit: Edit) -> Result<(), Error> {
    by.require(Right::ManageDevices)?;
    let before = get_own(tx, by, id)?;
    let user = find_user(tx, by, Some(before.user_id))?;
    let device_group_id = group(tx, &user, Some(edit.device_group_id))?;
    let pin = match edit.pin {
        Some(pin) => Some(pin).filter(|pin| !pin.is_empty()),
        None => before.pin.clone(),
    };
    if pin != before.pin
        && let Some(pin) = &pin
    {
        check_pin(tx, pin)?;
    }
    if edit.caller_id != before.caller_id && !by.may(Permission::ManageCallerId) {
        return Err(Rule::NotPermitted(Field::CallerId).into());
    }
    // A caller ID that has lost its number stays as it is, though nobody could type it in here.
    let caller_id = match edit.caller_id == before.caller_id {
        true => "",
        false => &edit.caller_id,
    };
    check_lengths(pin.as_deref(), &edit.description, caller_id)?;
    let after = Device {
        description: edit.description,
        pin,
        caller_id: edit.caller_id,
        device_group_id,
        ..before.clone()
    };
    if after == before {
        return Ok(());
    }
    devices::update(tx, &before, &after)?;
    let (was, is) = changes(&before, &after);
    let (was, is) = (Some(was.into()), Some(is.into()));
    log::record(tx, by, Action::DeviceUpdate, id, was, is)?;
    Ok(())
}

/// The fields in which two states of a device differ, for the action log: of secret and PIN only that they do.
pub(super) fn changes(before: &Device, after: &Device) -> (Map<String, Value>, Map<String, Value>) {
    let (was, is) = log::difference(&logged(before), &logged(after));
    let map = |value| match value {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let (was, mut is) = (map(was), map(is));
    if after.pin != before.pin {
        is.insert("pin_changed".into(), true.into());
    }
    if after.secret != before.secret {
        is.insert("secret_changed".into(), true.into());
    }
    (was, is)
}

/// Gives a device a new secret, with which it registers from now on. The action log notes the change without the
/// secret.
pub fn renew_secret(
    tx: &WriteTx<'_>,
    by: &Actor,
    ambient: &Ambient,
    id: Id,
) -> Result<String, Error> {
    by.require(Right::ManageDevices)?;
    let device = get_own(tx, by, id)?;
    let after = Device {
        secret: ambient.secret(SECRET),
        ..device.clone()
    };
    devices::update(tx, &device, &after)?;
    log::record(tx, by, Action::DeviceNewSecret, id, None, None)?;
    Ok(after.secret)
}

/// A device's secret. The action log notes that it was shown.
pub fn show_secret(tx: &WriteTx<'_>, by: &Actor, id: Id) -> Result<String, Error> {
    by.require(Right::ManageDevices)?;
    let device = get_own(tx, by, id)?;
    log::record(tx, by, Action::DeviceShowSecret, id, None, None)?;
    Ok(device.secret)
}

/// A device's PIN, which proves its user, too. The action log notes that it was shown.
pub fn show_pin(tx: &WriteTx<'_>, by: &Actor, id: Id) -> Result<Option<String>, Error> {
    by.require(Right::ManageDevices)?;
    let device = get_own(tx, by, id)?;
    log::record(tx, by, Action::DeviceShowPin, id, None, None)?;
    Ok(device.pin)
}

/// Up to `limit` of everyone's devices with ids above `after`, in id order, for actors who reach everything.
pub fn list_all(tx: &ReadTx<'_>, by: &Actor, after: Id, limit: u32) -> Result<Vec<Device>, Error> {
    by.require(Right::SeeDevices)?;
    by.require_everything()?;
    Ok(device_lists::list(tx, after, limit)?)
}
