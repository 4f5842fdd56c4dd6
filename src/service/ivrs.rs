//! IVRs: the voice menus that a CLI's calls can go to.

use serde_json::json;

use super::access::Actor;
use super::{Error, log, setup};
use crate::store::row::Id;
use crate::store::{WriteTx, ivrs};

/// Adds an IVR of `owner_id`.
pub fn create(tx: &WriteTx<'_>, by: &Actor, owner_id: Id, name: &str) -> Result<Id, Error> {
    setup::check_name(name)?;
    setup::check_owner(tx, by, owner_id)?;
    let id = ivrs::insert(tx, owner_id, name, by.now_ms)?;
    let after = json!({ "owner_id": owner_id, "name": name });
    log::record(tx, by, "ivr.create", id, None, Some(after))?;
    Ok(id)
}
