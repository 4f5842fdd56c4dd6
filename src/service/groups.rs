//! Device groups: how a user's devices are sorted.

use serde_json::json;

use super::access::Actor;
use super::{Error, log, setup, users};
use crate::store::row::Id;
use crate::store::{WriteTx, device_groups};

/// Adds a device group of `user_id`, beside his primary one.
pub fn create(tx: &WriteTx<'_>, by: &Actor, user_id: Id, name: &str) -> Result<Id, Error> {
    setup::check_name(name)?;
    let user = users::get(tx, by, user_id)?;
    let id = device_groups::insert(tx, user.id, name, false, by.now_ms)?;
    let after = json!({ "user_id": user.id, "name": name });
    log::record(tx, by, "group.create", id, None, Some(after))?;
    Ok(id)
}
