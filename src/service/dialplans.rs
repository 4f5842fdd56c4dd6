//! Dial plans: what can answer a DID instead of a device.

use serde_json::json;

use super::access::Actor;
use super::lists::{self, Slice};
use super::{Error, Rule, SetupError, log, setup};
use crate::store::dialplans::Dialplan;
use crate::store::row::{Cursor, Id};
use crate::store::{ReadTx, StoreError, WriteTx, dialplans, dids};

/// Adds a dial plan of `owner_id`.
pub fn create(tx: &WriteTx<'_>, by: &Actor, owner_id: Id, name: &str) -> Result<Id, Error> {
    setup::check_name(name)?;
    setup::check_owner(tx, by, owner_id)?;
    let id = dialplans::insert(tx, owner_id, name, by.now_ms)?;
    let after = json!({ "owner_id": owner_id, "name": name });
    log::record(tx, by, "dialplan.create", id, None, Some(after))?;
    Ok(id)
}

/// The dial plan of this row, if it is the actor's own.
pub fn get(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<Dialplan, Error> {
    let found = dialplans::find(tx, id)?.filter(|found| by.owns(found.owner_id));
    found.ok_or_else(|| Rule::from(SetupError::NotFound).with(id.to_string()))
}

/// A page of the actor's own, the oldest first.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Dialplan>, StoreError> {
    lists::walk(
        after,
        limit,
        |after, limit| dialplans::walk(tx, by.owner_id(), after.map_or(0, |after| after.id), limit),
        |found| lists::id_cursor(found.id),
        |_| true,
    )
}

/// Renames a dial plan.
pub fn update(tx: &WriteTx<'_>, by: &Actor, id: Id, name: &str) -> Result<(), Error> {
    let before = get(tx, by, id)?;
    setup::check_name(name)?;

    let after = Dialplan {
        name: name.into(),
        ..before.clone()
    };
    let (was, is) = log::difference(&json!(before), &json!(after));
    if was == is {
        return Ok(());
    }
    dialplans::update(tx, id, name)?;
    log::record(tx, by, "dialplan.update", id, Some(was), Some(is))?;
    Ok(())
}

/// Hides a dial plan: nothing can be sent to it any more. One in use is refused.
pub fn hide(tx: &WriteTx<'_>, by: &Actor, id: Id) -> Result<(), Error> {
    get(tx, by, id)?;
    if dids::dialplan_is_used(tx, id)? {
        return Err(Rule::from(SetupError::InUse).with("take its DIDs off first"));
    }
    dialplans::hide(tx, id, by.now_ms)?;
    let (before, after) = (json!({ "hidden": false }), json!({ "hidden": true }));
    log::record(tx, by, "dialplan.hide", id, Some(before), Some(after))?;
    Ok(())
}

/// Up to so many of the actor's own that a form offers.
pub fn list_offered(tx: &ReadTx<'_>, by: &Actor) -> Result<Vec<Dialplan>, StoreError> {
    dialplans::walk(tx, by.owner_id(), 0, lists::MAX_OFFERED)
}

/// What a dial plan is called, hidden or not: for what already refers to it.
pub fn name_of(tx: &ReadTx<'_>, id: Id) -> Result<String, StoreError> {
    Ok(dialplans::find_name(tx, id)?.unwrap_or_default())
}
