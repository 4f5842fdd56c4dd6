//! Changing a device field by field, as the API does: what is sent changes, all of it or nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::device_options::{self as options, check_length, refused};
use super::devices::{self, MAX_CALLER_ID, MAX_DESCRIPTION, MAX_PIN};
use super::extensions::{self, MAX_EXTENSION};
use super::{Error, Field, Rule, Thing, log, text};
use crate::amount::Amount;
use crate::device_options::{DeviceOption, OPTIONS};
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::store::row::Id;
use crate::store::tables::devices::{self as rows, Device};
use crate::store::tables::fax_emails;
use crate::store::tables::users::Permission;
use crate::store::{StoreError, WriteTx};

/// Longest username, in characters.
pub const MAX_USERNAME: usize = 80;
/// Shortest and longest secret, in characters.
pub const PASSWORD: (usize, usize) = (8, 64);
/// Longest number in a caller ID, in digits.
pub const MAX_CALLER_NUMBER: usize = 20;
/// Longest name in a caller ID, in characters.
pub const MAX_CALLER_NAME: usize = 54;
/// Longest mail address, in characters.
pub const MAX_MAIL: usize = 254;
/// The most addresses that the faxes of one device are sent to.
pub const MAX_FAX_EMAILS: usize = 20;
/// The location that every device is in.
const GLOBAL: Id = 1;

/// The fields that can be changed besides the options, in the order in which they are checked.
pub const FIELDS: &[&str] = &[
    "authentication",
    "username",
    "host",
    "port",
    "hostname",
    "password",
    "trunk",
    "callerid_number",
    "callerid_name",
    "allow_empty_callerid",
    "extension",
    "pin",
    "hidden",
    "description",
    "new_location_id",
    "location_id",
    "fax_email_add",
    "fax_email_delete",
    "balance",
];

/// The field or the option that can be changed by this name; none: there is none.
pub fn find(name: &str) -> Option<&'static str> {
    let field = FIELDS.iter().copied().find(|field| *field == name);
    field.or_else(|| option(name).map(|option| option.name))
}

fn option(name: &str) -> Option<&'static DeviceOption> {
    let mut options = OPTIONS.iter();
    options.find(|option| option.name == name || option.also == Some(name))
}

/// Whether the value of a field or an option is nobody else's business.
pub fn is_secret(name: &str) -> bool {
    matches!(name, "password" | "pin") || option(name).is_some_and(|option| option.is_secret)
}

/// What is to be changed: names of fields and options, and their values as they were sent.
#[derive(Debug, Clone, Default)]
pub struct Change {
    fields: BTreeMap<&'static str, String>,
    options: Vec<(&'static DeviceOption, String)>,
}

impl Change {
    /// Adds a field or an option by its name. False: there is none of this name.
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        // Spaces of any kind are blank, too.
        let value = if value.trim().is_empty() { "" } else { value };
        if let Some(name) = FIELDS.iter().find(|field| **field == name) {
            self.fields.insert(name, value.into());
            return true;
        }
        let option = option(name);
        self.options
            .extend(option.map(|option| (option, value.into())));
        option.is_some()
    }

    fn get(&self, name: &'static str) -> Option<&str> {
        debug_assert!(FIELDS.contains(&name), "{name}");
        self.fields.get(name).map(String::as_str)
    }

    /// The value of a field for which a blank one says nothing.
    fn filled(&self, name: &'static str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// A part of the caller ID. A blank one clears the part, where that is allowed.
    fn part(&self, name: &'static str) -> Option<&str> {
        let clears = self.get("allow_empty_callerid") == Some("1");
        self.get(name).filter(|value| clears || !value.is_empty())
    }

    /// Whether it is about caller IDs, which takes a permission.
    fn is_about_caller_id(&self) -> bool {
        let parts = ["callerid_number", "callerid_name"];
        self.filled("allow_empty_callerid").is_some()
            || parts.iter().any(|part| self.part(part).is_some())
            || self.options.iter().any(|(option, _)| option.is_caller_id)
    }
}

/// A change that has passed the checks of its values.
struct Draft {
    device: Device,
    options: Vec<options::Change>,
    password: Option<String>,
    blocks: Option<bool>,
    fax_email_add: Option<String>,
    fax_email_delete: Option<String>,
}

/// Changes a device. What does not apply is ignored: a username or password of a device that is known by its address,
/// the address of one that is not.
pub fn update(tx: &WriteTx<'_>, by: &Actor, id: Option<Id>, change: &Change) -> Result<(), Error> {
    by.require(Right::ManageDevices)?;
    let before = devices::get_own(tx, by, id)?;
    if change.is_about_caller_id() && !by.may(Permission::ManageCallerId) {
        return Err(Rule::NotPermitted(Field::OfDevice("callerid_number")).into());
    }
    for name in ["new_location_id", "location_id"] {
        if change
            .filled(name)
            .is_some_and(|id| text::number(id, GLOBAL..=GLOBAL).is_none())
        {
            return Err(Rule::NotFound(Thing::Location).into());
        }
    }
    let draft = read(&before, change)?;
    check_password(&draft)?;
    check_free(tx, &before, &draft, change)?;
    check_lengths(&before, &draft)?;
    let faxes = fax_emails::list(tx, before.id)?;
    store(tx, by, before, draft, faxes)
}

/// Reads every value, in the order of [`FIELDS`] and the options.
fn read(before: &Device, change: &Change) -> Result<Draft, Error> {
    let mut device = before.clone();
    if let Some(known) = flag(change, "authentication")? {
        device.ip_auth = known;
    }
    let password = match device.ip_auth {
        true => {
            read_place(&mut device, change)?;
            None
        }
        false => {
            leave_place(&mut device, before);
            read_login(&mut device, change)?
        }
    };
    if let Some(trunk) = change.filled("trunk") {
        let trunk =
            text::number(trunk, 0..=2).ok_or_else(|| refused("trunk", "0, 1 or 2".into()))?;
        (device.is_trunk, device.with_ani) = (trunk > 0, trunk == 2);
    }
    read_caller_id(&mut device, change)?;
    if let Some(extension) = change.filled("extension") {
        extensions::check_form(extension)?;
        device.extension = extension.into();
    }
    if let Some(pin) = change.get("pin") {
        device.pin = Some(pin.to_owned()).filter(|pin| !pin.is_empty());
    }
    let blocks = flag(change, "hidden")?;
    if let Some(description) = change.get("description") {
        device.description = description.into();
    }
    let fax_email_add = mail(change, "fax_email_add")?;
    let fax_email_delete = mail(change, "fax_email_delete")?;
    if let Some(balance) = change.filled("balance") {
        let balance = Amount::parse(balance);
        device.balance = balance.ok_or_else(|| {
            refused(
                "balance",
                "an amount with up to 8 digits after the point".into(),
            )
        })?;
    }
    let sent = change.options.iter();
    let options = sent.map(|(option, sent)| options::read(option, sent));
    Ok(Draft {
        device,
        options: options.collect::<Result<_, _>>()?,
        password,
        blocks,
        fax_email_add,
        fax_email_delete,
    })
}

/// The address of a device that is known by it: the later one of `host` and `hostname` stands, of both `host`.
fn read_place(device: &mut Device, change: &Change) -> Result<(), Error> {
    let has_place = !device.hostname.is_empty() || device.ipaddr != "0.0.0.0";
    let gets_place = change
        .filled("host")
        .or(change.filled("hostname"))
        .is_some();
    if !has_place && !gets_place {
        return Err(refused(
            "authentication",
            "1 only with host or hostname".into(),
        ));
    }
    if let Some(host) = change.filled("host") {
        let address: Option<IpAddr> = host.parse().ok();
        let address = address.filter(|address| !address.is_unspecified());
        let address = address
            .ok_or_else(|| refused("host", "an IPv4 or IPv6 address, but not 0.0.0.0".into()))?;
        device.ipaddr = address.to_canonical().to_string();
        device.hostname = String::new();
    }
    if let Some(port) = change.filled("port") {
        let port = text::number(port, 1..=u16::MAX);
        device.port = port.ok_or_else(|| refused("port", "a number from 1 to 65535".into()))?;
    }
    if let Some(name) = change.filled("hostname") {
        if name.len() <= text::MAX_DOMAIN && !text::is_domain(name) {
            return Err(refused("hostname", "a host name".into()));
        }
        if change.filled("host").is_none() {
            device.hostname = name.to_ascii_lowercase();
            device.ipaddr = "0.0.0.0".into();
        }
    }
    Ok(())
}

/// A device that was known by its address registers from anywhere again.
fn leave_place(device: &mut Device, before: &Device) {
    if before.ip_auth {
        let (ipaddr, port) = devices::address(device.device_type);
        (device.ipaddr, device.port) = (ipaddr.into(), port);
        device.hostname = String::new();
    }
}

/// The username of a device that registers, and its password, if one was sent.
fn read_login(device: &mut Device, change: &Change) -> Result<Option<String>, Error> {
    if let Some(username) = change.filled("username") {
        let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte);
        if !username.bytes().all(is_sign) {
            return Err(refused("username", "letters, digits and . _ - +".into()));
        }
        device.username = username.into();
    }
    let Some(password) = change.filled("password") else {
        return Ok(None);
    };
    if !password.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refused("password", "visible ASCII characters".into()));
    }
    Ok(Some(password.into()))
}

fn read_caller_id(device: &mut Device, change: &Change) -> Result<(), Error> {
    let (was_name, was_number) = text::caller_id_parts(&device.caller_id);
    let (mut name, mut caller) = (was_name.to_owned(), was_number.to_owned());
    if let Some(sent) = change.part("callerid_number") {
        let digits = sent.strip_prefix('+').unwrap_or(sent);
        if !sent.is_empty() && !text::is_digits(digits) {
            return Err(refused(
                "callerid_number",
                "digits, with + before them or without".into(),
            ));
        }
        caller = sent.into();
    }
    if let Some(sent) = change.part("callerid_name") {
        let is_bad = |c: char| c.is_control() || matches!(c, '"' | '<' | '>');
        if sent.contains(is_bad) {
            return Err(refused("callerid_name", "a name without \" < >".into()));
        }
        name = sent.trim().into();
    }
    flag(change, "allow_empty_callerid")?;
    if (was_name, was_number) != (name.as_str(), caller.as_str()) {
        device.caller_id = text::caller_id_of(&name, &caller);
    }
    Ok(())
}

fn flag(change: &Change, name: &'static str) -> Result<Option<bool>, Error> {
    match change.filled(name) {
        None => Ok(None),
        Some("0") => Ok(Some(false)),
        Some("1") => Ok(Some(true)),
        Some(_) => Err(refused(name, "0 or 1".into())),
    }
}

fn mail(change: &Change, name: &'static str) -> Result<Option<String>, Error> {
    match change.filled(name) {
        Some(sent) if sent.len() <= MAX_MAIL && !text::is_mail(sent) => {
            Err(refused(name, "a mail address".into()))
        }
        sent => Ok(sent.map(str::to_lowercase)),
    }
}

fn check_password(draft: &Draft) -> Result<(), Error> {
    match &draft.password {
        Some(password) if password.len() < PASSWORD.0 => {
            let detail = format!("it has {} characters at least", PASSWORD.0);
            Err(Rule::TooShort(Field::OfDevice("password")).with(detail))
        }
        _ => Ok(()),
    }
}

/// Refuses what another device has.
fn check_free(
    tx: &WriteTx<'_>,
    before: &Device,
    draft: &Draft,
    change: &Change,
) -> Result<(), Error> {
    let device = &draft.device;
    let is_another = |found: Option<Device>| found.is_some_and(|found| found.id != device.id);
    if device.username != before.username
        && is_another(rows::find_by_username(tx, &device.username)?)
    {
        return Err(Rule::Taken(Field::OfDevice("username")).into());
    }
    if device.extension != before.extension {
        extensions::check_free(tx, &device.extension)?;
    }
    if device.pin != before.pin
        && let Some(pin) = change.get("pin").filter(|_| device.pin.is_some())
    {
        devices::check_pin(tx, pin)?;
    }
    if device.ip_auth
        && device.hostname.is_empty()
        && is_another(rows::find_at(tx, &device.ipaddr, device.port)?)
    {
        return Err(Rule::Taken(Field::OfDevice("host")).into());
    }
    Ok(())
}

fn check_lengths(before: &Device, draft: &Draft) -> Result<(), Error> {
    let device = &draft.device;
    let (name, caller) = text::caller_id_parts(&device.caller_id);
    let (was_name, was_caller) = text::caller_id_parts(&before.caller_id);
    let digits = caller.strip_prefix('+').unwrap_or(caller);
    // A part that stays may be longer, from before; the new one may not fit beside it.
    let limit = |is_new: bool, limit| match is_new {
        false => MAX_CALLER_ID,
        true if text::is_longer(&device.caller_id, MAX_CALLER_ID) => 0,
        true => limit,
    };
    let name_limit = limit(name != was_name, MAX_CALLER_NAME);
    let number_limit = limit(caller != was_caller, MAX_CALLER_NUMBER);
    let mail = |mail: &Option<String>| mail.clone().unwrap_or_default();
    for (field, text, limit) in [
        ("username", device.username.clone(), MAX_USERNAME),
        ("hostname", device.hostname.clone(), text::MAX_DOMAIN),
        (
            "password",
            draft.password.clone().unwrap_or_default(),
            PASSWORD.1,
        ),
        ("callerid_name", name.to_owned(), name_limit),
        ("callerid_number", digits.to_owned(), number_limit),
        ("extension", device.extension.clone(), MAX_EXTENSION),
        ("pin", device.pin.clone().unwrap_or_default(), MAX_PIN),
        ("description", device.description.clone(), MAX_DESCRIPTION),
        ("fax_email_add", mail(&draft.fax_email_add), MAX_MAIL),
        ("fax_email_delete", mail(&draft.fax_email_delete), MAX_MAIL),
    ] {
        if text::is_longer(&text, limit) {
            let detail = format!("{field} is longer than {limit} characters");
            return Err(Rule::TooLong(Field::OfDevice(field)).with(detail));
        }
    }
    draft.options.iter().try_for_each(check_length)
}

/// Writes what differs, and one entry in the action log for it, and one for a block.
fn store(
    tx: &WriteTx<'_>,
    by: &Actor,
    before: Device,
    draft: Draft,
    faxes: Vec<String>,
) -> Result<(), Error> {
    let after = Device {
        secret: draft.password.unwrap_or_else(|| before.secret.clone()),
        ..draft.device
    };
    let (mut was, mut is) = devices::changes(&before, &after);
    if after != before {
        rows::update(tx, &before, &after)?;
    }
    options::set(tx, after.id, &draft.options, (&mut was, &mut is))?;
    let mails = (draft.fax_email_add, draft.fax_email_delete);
    change_faxes(tx, after.id, faxes, mails, (&mut was, &mut is))?;
    if !is.is_empty() {
        let (was, is) = (Some(was.into()), Some(is.into()));
        log::record(tx, by, Action::DeviceUpdate, after.id, was, is)?;
    }
    if let Some(blocks) = draft.blocks {
        block(tx, by, &before, blocks)?;
    }
    Ok(())
}

fn change_faxes(
    tx: &WriteTx<'_>,
    id: Id,
    before: Vec<String>,
    (add, delete): (Option<String>, Option<String>),
    (was, is): (&mut Map<String, Value>, &mut Map<String, Value>),
) -> Result<(), Error> {
    let mut after = before.clone();
    if let Some(email) = delete {
        after.retain(|kept| *kept != email);
        fax_emails::delete(tx, id, &email)?;
    }
    if let Some(email) = add.filter(|email| !after.contains(email)) {
        if after.len() >= MAX_FAX_EMAILS {
            let detail = format!("{MAX_FAX_EMAILS} are allowed");
            return Err(Rule::TooMany(Thing::FaxEmail).with(detail));
        }
        fax_emails::insert(tx, id, &email)?;
        after.push(email);
    }
    after.sort();
    if after != before {
        was.insert("fax_emails".into(), json!(before));
        is.insert("fax_emails".into(), json!(after));
    }
    Ok(())
}

/// Blocks a device or unblocks it. One that is in that state already stays as it is.
fn block(tx: &WriteTx<'_>, by: &Actor, device: &Device, blocks: bool) -> Result<(), StoreError> {
    if device.blocked_ms.is_some() == blocks {
        return Ok(());
    }
    rows::block(tx, device.id, blocks.then_some(tx.now_ms()))?;
    let action = match blocks {
        true => Action::DeviceBlock,
        false => Action::DeviceUnblock,
    };
    let was = json!({ "blocked": !blocks });
    let is = json!({ "blocked": blocks });
    log::record(tx, by, action, device.id, Some(was), Some(is))
}

/// Blocks a device, so that it neither calls nor is called, or unblocks it. Everything else stays.
pub fn set_blocked(tx: &WriteTx<'_>, by: &Actor, id: Id, blocks: bool) -> Result<(), Error> {
    by.require(Right::ManageDevices)?;
    let device = devices::get_own(tx, by, id)?;
    Ok(block(tx, by, &device, blocks)?)
}
