//! Device rules: how the numbers of calls that reach a device through a DID are rewritten. They are kept for a PBX, which
//! applies them.

use serde_json::json;

use super::{Error, Field, Rule, Thing, devices, log, text};
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::store::row::Id;
use crate::store::tables::device_rules::{self, AppliesTo, DeviceRule};
use crate::store::tables::devices::Device;
use crate::store::{ReadTx, WriteTx};

/// The most rules of one device.
pub const MAX_RULES: u32 = 1000;
/// Longest name, in characters.
pub const MAX_NAME: usize = text::MAX_NAME;
/// The most characters that a rule cuts off or adds.
pub const MAX_PART: usize = 60;
/// The longest number that a rule can be for.
pub const MAX_LENGTH: u32 = 100;

/// A rule to add, with its values as they were sent.
#[derive(Debug, Clone, Default)]
pub struct NewRule {
    /// Its device; none: an id that cannot be one.
    pub device_id: Option<Id>,
    /// What people call it.
    pub name: String,
    /// What it cuts off the beginning of a number.
    pub cut: String,
    /// What it adds there.
    pub prefix: String,
    /// The shortest number that it is for; none: 1.
    pub min_length: Option<String>,
    /// The longest one; none: [`MAX_LENGTH`].
    pub max_length: Option<String>,
    /// `src` or `dst`; none: `dst`.
    pub applies_to: Option<String>,
    /// `0` or `1`; none: 0.
    pub changes_name: Option<String>,
}

/// Adds a rule to a device.
pub fn create(tx: &WriteTx<'_>, by: &Actor, new: NewRule) -> Result<Id, Error> {
    by.require(Right::ManageDevices)?;
    let device = find_device(tx, by, new.device_id)?;
    if new.name.is_empty() {
        return Err(Rule::Missing(Field::Name).into());
    }
    if new.cut.is_empty() && new.prefix.is_empty() {
        return Err(Rule::Missing(Field::Cut).into());
    }
    if text::is_longer(&new.name, MAX_NAME) {
        return Err(Rule::TooLong(Field::Name).into());
    }
    for (field, part) in [(Field::Cut, &new.cut), (Field::Prefix, &new.prefix)] {
        let is_bad = |c: char| c.is_whitespace() || text::is_hidden(c);
        if text::is_longer(part, MAX_PART) || part.contains(is_bad) {
            return Err(Rule::Invalid(field).into());
        }
    }
    let min_length = length(new.min_length, 1, 1, Field::MinLength)?;
    let max_length = length(new.max_length, min_length, MAX_LENGTH, Field::MaxLength)?;
    let mut rule = DeviceRule {
        id: 0,
        device_id: device.id,
        name: new.name,
        cut: new.cut,
        prefix: new.prefix,
        min_length,
        max_length,
        applies_to: applies_to(new.applies_to)?,
        changes_name: match new.changes_name.as_deref() {
            None | Some("0") => false,
            Some("1") => true,
            Some(_) => return Err(Rule::Invalid(Field::ChangesName).into()),
        },
    };
    if device_rules::count(tx, device.id)? >= MAX_RULES {
        let detail = format!("a device has {MAX_RULES} at most");
        return Err(Rule::TooMany(Thing::DeviceRule).with(detail));
    }
    rule.id = device_rules::insert(tx, &rule, tx.now_ms())?;
    let after = Some(json!(rule));
    log::record(tx, by, Action::DeviceRuleCreate, rule.id, None, after)?;
    Ok(rule.id)
}

/// A length from `least` to [`MAX_LENGTH`].
fn length(sent: Option<String>, least: u32, default: u32, field: Field) -> Result<u32, Error> {
    let Some(sent) = sent else {
        return Ok(default);
    };
    let number = Some(&sent).filter(|sent| text::is_digits(sent));
    number
        .and_then(|sent| sent.parse().ok())
        .filter(|length| (least..=MAX_LENGTH).contains(length))
        .ok_or_else(|| Rule::Invalid(field).into())
}

fn applies_to(sent: Option<String>) -> Result<AppliesTo, Error> {
    match sent {
        None => Ok(AppliesTo::Destination),
        Some(sent) => sent
            .to_ascii_lowercase()
            .parse()
            .map_err(|_| Rule::Invalid(Field::AppliesTo).into()),
    }
}

fn find_device(tx: &ReadTx<'_>, by: &Actor, id: Option<Id>) -> Result<Device, Error> {
    let found = match id {
        Some(id) => devices::find_own(tx, by, id)?,
        None => None,
    };
    found.ok_or_else(|| Rule::NotFound(Thing::Device).into())
}

/// Up to `limit` rules of an own device with ids above `after`, in id order. Finding none is an error in the first part
/// only.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    device_id: Option<Id>,
    after: Id,
    limit: u32,
) -> Result<Vec<DeviceRule>, Error> {
    by.require(Right::SeeDevices)?;
    let device = find_device(tx, by, device_id)?;
    let rules = device_rules::list_of_device(tx, device.id, after, limit)?;
    match rules.is_empty() && after == 0 {
        true => Err(Rule::NoneFound(Thing::DeviceRule).into()),
        false => Ok(rules),
    }
}

/// Every rule of an own device, for its web page.
pub fn list_on(tx: &ReadTx<'_>, by: &Actor, device_id: Id) -> Result<Vec<DeviceRule>, Error> {
    by.require(Right::SeeDevices)?;
    let device = find_device(tx, by, Some(device_id))?;
    Ok(device_rules::list_of_device(tx, device.id, 0, MAX_RULES)?)
}

/// Deletes a rule, and gives it.
pub fn delete(tx: &WriteTx<'_>, by: &Actor, id: Option<Id>) -> Result<DeviceRule, Error> {
    by.require(Right::ManageDevices)?;
    let not_found = || Rule::NotFound(Thing::DeviceRule);
    let found = match id {
        Some(id) => device_rules::find(tx, id)?,
        None => None,
    };
    let rule = found.ok_or_else(not_found)?;
    devices::find_own(tx, by, rule.device_id)?.ok_or_else(not_found)?;
    device_rules::delete(tx, rule.id)?;
    let before = Some(json!(rule));
    log::record(tx, by, Action::DeviceRuleDelete, rule.id, before, None)?;
    Ok(rule)
}
