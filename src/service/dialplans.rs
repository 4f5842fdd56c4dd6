//! Dial plans: what can answer a DID instead of a device.

use serde_json::json;

use super::access::Actor;
use super::{Error, log, setup};
use crate::store::row::Id;
use crate::store::{WriteTx, dialplans};

/// Adds a dial plan of `owner_id`.
pub fn create(tx: &WriteTx<'_>, by: &Actor, owner_id: Id, name: &str) -> Result<Id, Error> {
    setup::check_name(name)?;
    setup::check_owner(tx, by, owner_id)?;
    let id = dialplans::insert(tx, owner_id, name, by.now_ms)?;
    let after = json!({ "owner_id": owner_id, "name": name });
    log::record(tx, by, "dialplan.create", id, None, Some(after))?;
    Ok(id)
}
