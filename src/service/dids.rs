//! DIDs: creating them, and looking at one. Their steps, details, lists and ranges have files of their own.

use serde_json::json;

use super::did_found::is_lent_by;
use super::{Error, Field, Rule, Thing, log, providers, text};
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::store::row::Id;
use crate::store::tables::dids::{self, Did, DidStatus};
use crate::store::{ReadTx, WriteTx};

/// Longest DID, in digits (ITU-T E.164).
pub const MAX_NUMBER: usize = 15;

/// Creates a free DID in the actor's scope.
pub fn create(
    tx: &WriteTx<'_>,
    by: &Actor,
    number: &str,
    provider_id: Option<Id>,
) -> Result<Id, Error> {
    by.require(Right::ManageDids)?;
    let provider = match provider_id {
        Some(id) => crate::store::tables::providers::find(tx, id)?,
        None => None,
    }
    .ok_or(Rule::NotFound(Thing::Provider))?;
    if !providers::may_use(by, &provider) {
        return Err(Rule::Foreign(Thing::Provider).into());
    }
    if !text::is_digits(number) || number.len() > MAX_NUMBER {
        return Err(Rule::Invalid(Field::Did).into());
    }
    if dids::find_by_number(tx, number)?.is_some() {
        return Err(Rule::Taken(Field::Did).into());
    }
    let id = dids::insert(tx, number, provider.id, by.owner_id(), tx.now_ms())?;
    let after = json!({
        "did": number,
        "provider_id": provider.id,
        "owner_id": by.owner_id(),
        "status": DidStatus::Free,
    });
    log::record(tx, by, Action::DidCreate, id, None, Some(after))?;
    Ok(id)
}

/// The DID of this row, if the actor sees it: one of their scope, or one that it has lent.
pub fn get(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<Did, Error> {
    by.require(Right::SeeDids)?;
    let found = dids::find(tx, id)?.filter(|did| sees(by, did));
    found.ok_or_else(|| Rule::NotFound(Thing::Did).with(id.to_string()))
}

/// The DID with this number, if the actor sees it.
pub fn get_numbered(tx: &ReadTx<'_>, by: &Actor, number: &str) -> Result<Did, Error> {
    by.require(Right::SeeDids)?;
    let found = dids::find_by_number(tx, number)?.filter(|did| sees(by, did));
    found.ok_or_else(|| Rule::NotFound(Thing::Did).with(number))
}

/// Whether the actor sees a DID. Whoever has lent one still sees it.
pub(super) fn sees(by: &Actor, did: &Did) -> bool {
    match by.only_user() {
        Some(user_id) => did.user_id == Some(user_id),
        None => by.owns(did.owner_id) || is_lent_by(by, did),
    }
}

/// The DIDs on a device that the actor sees.
pub fn list_on_device(
    tx: &ReadTx<'_>,
    by: &Actor,
    device_id: Id,
    limit: u32,
) -> Result<Vec<Did>, Error> {
    by.require(Right::SeeDids)?;
    let mut dids = dids::list_on_device(tx, device_id, limit)?;
    dids.retain(|did| sees(by, did));
    Ok(dids)
}
