//! Device groups, which sort a user's devices.

use serde_json::json;

use super::lists::{self, MAX_OFFERED, Slice};
use super::{Error, Rule, Thing, log, text, users};
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::store::row::{Cursor, Id};
use crate::store::tables::device_groups::DeviceGroup;
use crate::store::tables::{device_groups, devices};
use crate::store::{ReadTx, WriteTx};

/// Adds a device group of `user_id`, beside the primary one.
pub fn create(tx: &WriteTx<'_>, by: &Actor, user_id: Id, name: &str) -> Result<Id, Error> {
    by.require(Right::ManageDevices)?;
    text::check_name(name)?;
    let user = users::get_own(tx, by, user_id)?;
    let id = device_groups::insert(tx, user.id, name, false, tx.now_ms())?;
    let after = json!({ "user_id": user.id, "name": name });
    log::record(tx, by, Action::GroupCreate, id, None, Some(after))?;
    Ok(id)
}

/// The group of this row, if its user is the actor's own.
pub fn get(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<DeviceGroup, Error> {
    by.require(Right::ManageDevices)?;
    let not_found = || Rule::NotFound(Thing::DeviceGroup).with(id.to_string());
    let group = device_groups::find(tx, id)?.ok_or_else(not_found)?;
    by.own_user(tx, group.user_id)?.ok_or_else(not_found)?;
    Ok(group)
}

/// A part of the list of groups that the actor sees, or of one own user's.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    user_id: Option<Id>,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<DeviceGroup>, Error> {
    by.require(Right::ManageDevices)?;
    let user = match user_id {
        Some(id) => Some(by.own_user(tx, id)?),
        None => None,
    };
    Ok(lists::walk(
        after,
        limit,
        |after, limit| {
            let after = after.map_or(0, |after| after.id);
            match &user {
                Some(Some(user)) => device_groups::list_of_user(tx, user.id, after, limit),
                Some(None) => Ok(Vec::new()),
                None => device_groups::walk(tx, by.owner_id(), after, limit),
            }
        },
        |group| lists::id_cursor(group.id),
        |_| true,
    )?)
}

/// The groups of a user that a form offers.
pub fn list_offered(tx: &ReadTx<'_>, by: &Actor, user_id: Id) -> Result<Vec<DeviceGroup>, Error> {
    by.require(Right::SeeDevices)?;
    users::get_own(tx, by, user_id)?;
    Ok(device_groups::list_of_user(tx, user_id, 0, MAX_OFFERED)?)
}

/// Renames a group.
pub fn update(tx: &WriteTx<'_>, by: &Actor, id: Id, name: &str) -> Result<(), Error> {
    by.require(Right::ManageDevices)?;
    let before = get(tx, by, id)?;
    text::check_name(name)?;
    if before.name == name {
        return Ok(());
    }
    device_groups::update(tx, id, name)?;
    let (was, is) = (json!({ "name": before.name }), json!({ "name": name }));
    log::record(tx, by, Action::GroupUpdate, id, Some(was), Some(is))?;
    Ok(())
}

/// Hides a group. The primary group, which takes devices that name none, is refused, and so is a group with devices.
pub fn hide(tx: &WriteTx<'_>, by: &Actor, id: Id) -> Result<(), Error> {
    by.require(Right::ManageDevices)?;
    let group = get(tx, by, id)?;
    let in_use = Rule::InUse(Thing::DeviceGroup);
    if group.is_primary {
        return Err(in_use.with("new devices of this user go into it"));
    }
    if devices::group_is_used(tx, group.user_id, id)? {
        return Err(in_use.with("move its devices into another group first"));
    }
    device_groups::hide(tx, id, tx.now_ms())?;
    let (before, after) = (json!({ "hidden": false }), json!({ "hidden": true }));
    log::record(tx, by, Action::GroupHide, id, Some(before), Some(after))?;
    Ok(())
}

/// Up to `limit` of everyone's device groups with ids above `after`, in id order, for actors who reach everything.
pub fn list_all(
    tx: &ReadTx<'_>,
    by: &Actor,
    after: Id,
    limit: u32,
) -> Result<Vec<DeviceGroup>, Error> {
    by.require(Right::ManageDevices)?;
    by.require_everything()?;
    Ok(device_groups::list(tx, after, limit)?)
}
