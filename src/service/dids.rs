//! DIDs and their life cycle: free → reserved → active → closed → free; reserved → free; active → reserved;
//! free or closed → terminated → free.

use serde_json::{Value, json};

use super::access::{Actor, scope_of};
use super::{DidError, Error, Rule, log, providers, text};
use crate::store::dids::{self, Did, DidStatus};
use crate::store::row::Id;
use crate::store::users::User;
use crate::store::{ReadTx, StoreError, WriteTx, devices, dialplans, settings};

/// Longest DID, in digits (ITU-T E.164).
pub const MAX_NUMBER: usize = 15;
/// How many closed DIDs one transaction frees at most, so that callers need not wait long behind it.
pub const MAX_FREED: u32 = 500;
/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Makes a DID: free, in the actor's scope, on no device.
pub fn create(
    tx: &WriteTx<'_>,
    by: &Actor,
    number: &str,
    provider_id: Option<Id>,
) -> Result<Id, Error> {
    let provider = match provider_id {
        Some(id) => crate::store::providers::find(tx, id)?,
        None => None,
    }
    .ok_or(DidError::ProviderNotFound)?;
    if !providers::may_use(by, &provider) {
        return Err(DidError::ProviderNotPermitted.into());
    }
    if !text::is_digits(number) || number.len() > MAX_NUMBER {
        return Err(DidError::NumberInvalid.into());
    }
    if dids::find_by_number(tx, number)?.is_some() {
        return Err(DidError::Exists.into());
    }
    let id = dids::insert(tx, number, provider.id, by.owner_id(), by.now_ms)?;
    let after = json!({
        "did": number,
        "provider_id": provider.id,
        "owner_id": by.owner_id(),
        "status": DidStatus::Free,
    });
    log::record(tx, by, "did.create", id, None, Some(after))?;
    Ok(id)
}

/// Assigns a DID to a trunk, as the API does: each reason against it in the documented order.
pub fn assign_to_trunk(
    tx: &WriteTx<'_>,
    by: &Actor,
    device_id: Option<Id>,
    number: &str,
) -> Result<(), Error> {
    let device = match device_id {
        Some(id) => devices::find(tx, id)?,
        None => None,
    }
    .ok_or(DidError::DeviceNotFound)?;
    let did = dids::find_by_number(tx, number)?.ok_or(DidError::NotFound)?;
    let user = by
        .own_user(tx, device.user_id)?
        .ok_or(DidError::DeviceNotPermitted)?;
    if !by.owns(did.owner_id) || is_reserved_for_another(&did, &user) {
        return Err(DidError::NotPermitted.into());
    }
    match did.status {
        DidStatus::Terminated => return Err(DidError::Terminated.into()),
        DidStatus::Active | DidStatus::Closed => return Err(DidError::NotFree.into()),
        DidStatus::Free => return Err(DidError::NotReserved.into()),
        DidStatus::Reserved => {}
    }
    if !device.is_trunk {
        return Err(DidError::NotTrunk.into());
    }
    let after = Did {
        status: DidStatus::Active,
        user_id: Some(user.id),
        device_id: Some(device.id),
        ..did.clone()
    };
    Ok(change(tx, by, "did.assign", &did, &after)?)
}

/// Whether a reservation stands in the way of a device of `user`. One for the owner of the DID's scope does not: he may
/// use the DID for any of his users.
fn is_reserved_for_another(did: &Did, user: &User) -> bool {
    did.status == DidStatus::Reserved
        && did.user_id != Some(user.id)
        && !(did.user_id == Some(did.owner_id) && scope_of(user) == did.owner_id)
}

/// Reserves a free DID for a user. Reserving it for a reseller, or for a user of his, puts it into the reseller's
/// scope. One that is reserved for the reseller himself he may reserve onward.
pub fn reserve(tx: &WriteTx<'_>, by: &Actor, number: &str, user_id: Id) -> Result<(), Error> {
    let did = find_own(tx, by, number)?;
    let is_onward = did.status == DidStatus::Reserved && did.user_id == Some(did.owner_id);
    if !is_onward {
        expect(&did, &[DidStatus::Free])?;
    }
    let user = by
        .own_user(tx, user_id)?
        .ok_or_else(|| Rule::from(DidError::UserNotFound).with(user_id.to_string()))?;
    let after = Did {
        status: DidStatus::Reserved,
        owner_id: scope_of(&user),
        user_id: Some(user.id),
        ..did.clone()
    };
    Ok(change(tx, by, "did.reserve", &did, &after)?)
}

/// Takes a reservation back: the DID is free.
pub fn unreserve(tx: &WriteTx<'_>, by: &Actor, number: &str) -> Result<(), Error> {
    let did = find_own(tx, by, number)?;
    expect(&did, &[DidStatus::Reserved])?;
    Ok(change(tx, by, "did.unreserve", &did, &freed(&did))?)
}

/// Puts a reserved DID on a dial plan of its scope.
pub fn assign_to_dialplan(
    tx: &WriteTx<'_>,
    by: &Actor,
    number: &str,
    dialplan_id: Id,
) -> Result<(), Error> {
    let did = find_own(tx, by, number)?;
    expect(&did, &[DidStatus::Reserved])?;
    dialplans::find(tx, dialplan_id)?
        .filter(|dialplan| dialplan.owner_id == did.owner_id)
        .ok_or_else(|| Rule::from(DidError::DialplanNotFound).with(dialplan_id.to_string()))?;
    let after = Did {
        status: DidStatus::Active,
        dialplan_id: Some(dialplan_id),
        ..did.clone()
    };
    Ok(change(tx, by, "did.assign", &did, &after)?)
}

/// Takes an active DID off its device or dial plan; its user keeps it reserved.
pub fn unassign(tx: &WriteTx<'_>, by: &Actor, number: &str) -> Result<(), Error> {
    let did = find_own(tx, by, number)?;
    expect(&did, &[DidStatus::Active])?;
    let after = Did {
        status: DidStatus::Reserved,
        device_id: None,
        dialplan_id: None,
        ..did.clone()
    };
    Ok(change(tx, by, "did.unassign", &did, &after)?)
}

/// Takes an active DID out of use: off its device; its user is kept until it is freed.
pub fn close(tx: &WriteTx<'_>, by: &Actor, number: &str) -> Result<(), Error> {
    let did = find_own(tx, by, number)?;
    expect(&did, &[DidStatus::Active])?;
    let after = Did {
        status: DidStatus::Closed,
        device_id: None,
        dialplan_id: None,
        closed_ms: Some(by.now_ms),
        ..did.clone()
    };
    Ok(change(tx, by, "did.close", &did, &after)?)
}

/// Makes a closed or terminated DID free again.
pub fn free(tx: &WriteTx<'_>, by: &Actor, number: &str) -> Result<(), Error> {
    let did = find_own(tx, by, number)?;
    expect(&did, &[DidStatus::Closed, DidStatus::Terminated])?;
    Ok(change(tx, by, "did.free", &did, &freed(&did))?)
}

/// Makes a free or closed DID history.
pub fn terminate(tx: &WriteTx<'_>, by: &Actor, number: &str) -> Result<(), Error> {
    let did = find_own(tx, by, number)?;
    expect(&did, &[DidStatus::Free, DidStatus::Closed])?;
    let after = Did {
        status: DidStatus::Terminated,
        ..freed(&did)
    };
    Ok(change(tx, by, "did.terminate", &did, &after)?)
}

/// Frees DIDs that have been closed for `did_closed_days`, at most [`MAX_FREED`] of them; how many it freed.
pub fn free_closed(tx: &WriteTx<'_>, by: &Actor) -> Result<usize, StoreError> {
    let days = settings::get(tx)?.did_closed_days;
    let closed = dids::list_closed(tx, by.now_ms - days * DAY_MS, MAX_FREED)?;
    for did in &closed {
        change(tx, by, "did.free", did, &freed(did))?;
    }
    Ok(closed.len())
}

fn find_own(tx: &ReadTx<'_>, by: &Actor, number: &str) -> Result<Did, Error> {
    dids::find_by_number(tx, number)?
        .filter(|did| by.owns(did.owner_id))
        .ok_or_else(|| Rule::from(DidError::NotFound).with(number))
}

fn expect(did: &Did, allowed: &[DidStatus]) -> Result<(), Error> {
    if allowed.contains(&did.status) {
        return Ok(());
    }
    let allowed: Vec<&str> = allowed.iter().map(|status| status.as_str()).collect();
    Err(Rule::from(DidError::WrongState).with(format!(
        "DID {} is {}, this needs one that is {}",
        did.did,
        did.status,
        allowed.join(" or ")
    )))
}

fn freed(did: &Did) -> Did {
    Did {
        status: DidStatus::Free,
        user_id: None,
        device_id: None,
        dialplan_id: None,
        closed_ms: None,
        ..did.clone()
    }
}

fn change(
    tx: &WriteTx<'_>,
    by: &Actor,
    action: &str,
    before: &Did,
    after: &Did,
) -> Result<(), StoreError> {
    dids::update(tx, after)?;
    let (was, is) = difference(&json!(before), &json!(after));
    log::record(tx, by, action, before.id, Some(was), Some(is))
}

/// The fields in which two objects differ, as they were and as they are.
fn difference(before: &Value, after: &Value) -> (Value, Value) {
    let mut was = serde_json::Map::new();
    let mut is = serde_json::Map::new();
    for (name, old) in before.as_object().into_iter().flatten() {
        let new = &after[name];
        if old != new {
            was.insert(name.clone(), old.clone());
            is.insert(name.clone(), new.clone());
        }
    }
    (was.into(), is.into())
}
