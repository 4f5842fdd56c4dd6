//! IVRs: the voice menus that a CLI's calls can go to.

use serde_json::json;

use super::access::Actor;
use super::lists::{self, Slice};
use super::{Error, Rule, SetupError, log, setup};
use crate::store::ivrs::Ivr;
use crate::store::row::{Cursor, Id};
use crate::store::{ReadTx, StoreError, WriteTx, clis, ivrs};

/// Adds an IVR of `owner_id`.
pub fn create(tx: &WriteTx<'_>, by: &Actor, owner_id: Id, name: &str) -> Result<Id, Error> {
    setup::check_name(name)?;
    setup::check_owner(tx, by, owner_id)?;
    let id = ivrs::insert(tx, owner_id, name, by.now_ms)?;
    let after = json!({ "owner_id": owner_id, "name": name });
    log::record(tx, by, "ivr.create", id, None, Some(after))?;
    Ok(id)
}

/// The IVR of this row, if it is the actor's own.
pub fn get(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<Ivr, Error> {
    let found = ivrs::find(tx, id)?.filter(|found| by.owns(found.owner_id));
    found.ok_or_else(|| Rule::from(SetupError::NotFound).with(id.to_string()))
}

/// A page of the actor's own, the oldest first.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Ivr>, StoreError> {
    lists::walk(
        after,
        limit,
        |after, limit| ivrs::walk(tx, by.owner_id(), after.map_or(0, |after| after.id), limit),
        |found| lists::id_cursor(found.id),
        |_| true,
    )
}

/// Renames a IVR.
pub fn update(tx: &WriteTx<'_>, by: &Actor, id: Id, name: &str) -> Result<(), Error> {
    let before = get(tx, by, id)?;
    setup::check_name(name)?;

    let after = Ivr {
        name: name.into(),
        ..before.clone()
    };
    let (was, is) = log::difference(&json!(before), &json!(after));
    if was == is {
        return Ok(());
    }
    ivrs::update(tx, id, name)?;
    log::record(tx, by, "ivr.update", id, Some(was), Some(is))?;
    Ok(())
}

/// Hides a IVR: nothing can be sent to it any more. One in use is refused.
pub fn hide(tx: &WriteTx<'_>, by: &Actor, id: Id) -> Result<(), Error> {
    get(tx, by, id)?;
    if clis::ivr_is_used(tx, id)? {
        return Err(Rule::from(SetupError::InUse).with("CLIs send their calls to it"));
    }
    ivrs::hide(tx, id, by.now_ms)?;
    let (before, after) = (json!({ "hidden": false }), json!({ "hidden": true }));
    log::record(tx, by, "ivr.hide", id, Some(before), Some(after))?;
    Ok(())
}

/// Up to so many of the actor's own that a form offers.
pub fn list_offered(tx: &ReadTx<'_>, by: &Actor) -> Result<Vec<Ivr>, StoreError> {
    ivrs::walk(tx, by.owner_id(), 0, lists::MAX_OFFERED)
}
