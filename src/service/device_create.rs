//! New devices, which can be used at once: each gets what was not sent for it.

use serde_json::Map;

use super::devices::{
    MAX_PIN, SECRET, address, check_lengths, check_pin, find_type, find_user, group, logged,
};
use super::{Error, Field, Rule, device_options, extensions, log};
use crate::ambient::Ambient;
use crate::amount::Amount;
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::store::WriteTx;
use crate::store::row::Id;
use crate::store::tables::devices::{self, Device, DeviceType};
use crate::store::tables::settings;
use crate::store::tables::users::Permission;

/// Length in digits of the PIN that a device gets when none was sent, as long as free ones are easy to find.
const RANDOM_PIN: usize = 8;
/// How often a PIN of one length is drawn before a longer one is tried.
const PIN_DRAWS: usize = 8;

/// The PIN of a device to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pin {
    /// Draw a free one.
    Random,
    /// None.
    Pinless,
    /// This one.
    Chosen(String),
}

/// A device to create, with its values as they were sent.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// Its user; `None`: an id that cannot be anyone's.
    pub user_id: Option<Id>,
    /// The name of its type in any letter case; none: the default type.
    pub device_type: Option<String>,
    /// Its group (`Some(None)`: an id that cannot be a group's); none: the user's primary group.
    pub device_group_id: Option<Option<Id>>,
    /// Its PIN.
    pub pin: Pin,
    /// The caller ID of its calls.
    pub caller_id: Option<String>,
    /// Its description.
    pub description: String,
    /// Its extension; none: the next free number.
    pub extension: Option<String>,
    /// Options by their names, as they were sent.
    pub options: Vec<(&'static str, String)>,
}

/// Creates a device that is ready for use, with extension, username, secret, group, PIN and address.
pub fn create(
    tx: &WriteTx<'_>,
    by: &Actor,
    ambient: &Ambient,
    new: NewDevice,
) -> Result<Device, Error> {
    by.require(Right::ManageDevices)?;
    let user = find_user(tx, by, new.user_id)?;
    let device_type = device_type(tx, new.device_type.as_deref())?;
    let device_group_id = group(tx, &user, new.device_group_id)?;
    if let Pin::Chosen(pin) = &new.pin {
        check_pin(tx, pin)?;
    }
    if new.caller_id.is_some() && !by.may(Permission::ManageCallerId) {
        return Err(Rule::NotPermitted(Field::CallerId).into());
    }
    check_texts(&new)?;
    let options = read_options(&new)?;
    if let Some(extension) = &new.extension {
        extensions::check_form(extension)?;
        extensions::check_length(extension)?;
        extensions::check_free(tx, extension)?;
    }

    let pin = match new.pin {
        Pin::Random => Some(draw_pin(tx, ambient)?),
        Pin::Pinless => None,
        Pin::Chosen(pin) => Some(pin),
    };
    let (extension, username) = names(tx, new.extension)?;
    let (ipaddr, port) = address(device_type);
    let mut device = Device {
        id: 0,
        user_id: user.id,
        device_group_id,
        device_type,
        description: new.description,
        username,
        extension,
        secret: ambient.secret(SECRET),
        pin,
        caller_id: new.caller_id.unwrap_or_default(),
        ip_auth: false,
        ipaddr: ipaddr.into(),
        hostname: String::new(),
        port,
        is_trunk: false,
        with_ani: false,
        balance: Amount::ZERO,
        blocked_ms: None,
    };
    device.id = devices::insert(tx, &device, tx.now_ms())?;
    let mut after = logged(&device);
    let mut set = Map::new();
    device_options::set(tx, device.id, &options, (&mut Map::new(), &mut set))?;
    for (name, value) in set {
        after[name] = value;
    }
    log::record(tx, by, Action::DeviceCreate, device.id, None, Some(after))?;
    Ok(device)
}

/// The extension and the username. A number that is handed out is both.
fn names(tx: &WriteTx<'_>, chosen: Option<String>) -> Result<(String, String), Error> {
    if let Some(extension) = chosen {
        let username = extensions::username(tx, &extension)?;
        return Ok((extension, username));
    }
    let number = extensions::take(tx)?;
    Ok((number.clone(), number))
}

/// The options of a new device. Their refusals name the parameter, and say no more than that it is wrong.
fn read_options(new: &NewDevice) -> Result<Vec<device_options::Change>, Error> {
    let mut options = Vec::new();
    for (name, sent) in &new.options {
        let Some(option) = crate::device_options::find(name) else {
            continue;
        };
        let change = device_options::read(option, sent);
        let change =
            change.map_err(|error| device_options::saying(error, "is incorrect format"))?;
        device_options::check_length(&change)
            .map_err(|error| device_options::saying(error, "is too long"))?;
        options.push(change);
    }
    Ok(options)
}

fn device_type(tx: &WriteTx<'_>, asked: Option<&str>) -> Result<DeviceType, Error> {
    let default;
    let name = match asked {
        Some(name) => name,
        None => {
            default = settings::default_device_type(tx)?;
            if default.is_empty() {
                DeviceType::Sip.as_str()
            } else {
                &default
            }
        }
    };
    find_type(name).ok_or_else(|| Rule::Invalid(Field::DeviceType).into())
}

fn check_texts(new: &NewDevice) -> Result<(), Error> {
    let pin = match &new.pin {
        Pin::Chosen(pin) => Some(pin.as_str()),
        Pin::Random | Pin::Pinless => None,
    };
    let caller_id = new.caller_id.as_deref().unwrap_or_default();
    check_lengths(pin, &new.description, caller_id)
}

/// A free PIN of [`RANDOM_PIN`] digits, or a longer one when those are crowded.
fn draw_pin(tx: &WriteTx<'_>, ambient: &Ambient) -> Result<String, Error> {
    for length in RANDOM_PIN..=MAX_PIN {
        for _ in 0..PIN_DRAWS {
            let pin = ambient.digits(length);
            if !devices::pin_is_used(tx, &pin)? {
                return Ok(pin);
            }
        }
    }
    Err(Rule::Failed.with("no free PIN was found"))
}
