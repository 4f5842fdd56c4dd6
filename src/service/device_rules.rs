//! Device rules: how the numbers of calls that reach a device through a DID are rewritten.

use serde_json::json;

use super::{Error, Rule, Thing, devices, log, text};
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::service::number_rules::{MAX_RULES, NewNumberRule};
use crate::store::row::Id;
use crate::store::tables::device_rules::{self, DeviceRule};
use crate::store::{ReadTx, WriteTx};

/// Adds a rule to a device; none: an id that cannot be one.
pub fn create(
    tx: &WriteTx<'_>,
    by: &Actor,
    device_id: Option<Id>,
    new: &NewNumberRule,
) -> Result<Id, Error> {
    by.require(Right::ManageDevices)?;
    let mut rule = checked(devices::get_own(tx, by, device_id)?.id, new)?;
    if device_rules::count(tx, rule.device_id)? >= MAX_RULES {
        let detail = format!("a device has {MAX_RULES} at most");
        return Err(Rule::TooMany(Thing::DeviceRule).with(detail));
    }
    rule.id = device_rules::insert(tx, &rule, tx.now_ms())?;
    let after = Some(json!(rule));
    log::record(tx, by, Action::DeviceRuleCreate, rule.id, None, after)?;
    Ok(rule.id)
}

/// The rule as it is stored.
fn checked(device_id: Id, new: &NewNumberRule) -> Result<DeviceRule, Error> {
    new.check(|part| !part.contains(|c: char| c.is_whitespace() || text::is_hidden(c)))?;
    let (min_length, max_length) = new.lengths()?;
    Ok(DeviceRule {
        id: 0,
        device_id,
        name: new.name.clone(),
        cut: new.cut.clone(),
        prefix: new.prefix.clone(),
        min_length,
        max_length,
        applies_to: new.applies_to()?,
        changes_name: new.changes_name()?,
    })
}

/// Up to `limit` rules of an own device with ids above `after`, in id order.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    device_id: Option<Id>,
    after: Id,
    limit: u32,
) -> Result<Vec<DeviceRule>, Error> {
    by.require(Right::SeeDevices)?;
    let device = devices::get_own(tx, by, device_id)?;
    Ok(device_rules::list_of_device(tx, device.id, after, limit)?)
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
