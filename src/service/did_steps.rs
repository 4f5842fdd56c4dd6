//! The steps of a DID's life, as rules: who may take which, and each reason to refuse in its order.

use super::did_found::{Which, change, expect, is_lent_by};
use super::did_life::{self, Step};
use super::{DidError, Error, Rule, Thing, clock};
use crate::ambient::SLACK_MS;
use crate::service::guard::access::{Actor, Right, scope_of};
use crate::store::row::Id;
use crate::store::tables::devices::Device;
use crate::store::tables::dialplans::DIALPLANS;
use crate::store::tables::dids::{self, Did, DidStatus};
use crate::store::tables::users::{ADMIN, User, UserType};
use crate::store::tables::{devices, providers, settings};
use crate::store::{StoreError, WriteTx};

/// The most closed DIDs that one transaction frees, so that callers need not wait long behind it.
pub const MAX_FREED: u32 = 500;
/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Assigns a reserved DID to a trunk, with each reason to refuse in the documented order. One that is on the trunk
/// already stays as it is.
pub fn assign_to_trunk<'a>(
    tx: &WriteTx<'_>,
    by: &Actor,
    device_id: Option<Id>,
    did: impl Into<Which<'a>>,
) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let (did, device, _) = find_both(tx, by, device_id, did.into())?;
    let is_there = expect_room(&did, &device)?;
    if did.status == DidStatus::Free {
        return Err(DidError::NotReserved.into());
    }
    if !device.is_trunk {
        return Err(DidError::NotTrunk.into());
    }
    match is_there {
        true => Ok(did),
        false => put_on_device(tx, by, did, &device),
    }
}

/// Assigns a free or reserved DID to a device of any kind, with each reason to refuse in the documented order. One that
/// is on the device already stays as it is.
pub fn assign_to_any_device<'a>(
    tx: &WriteTx<'_>,
    by: &Actor,
    device_id: Option<Id>,
    did: impl Into<Which<'a>>,
) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let (did, device, user) = find_both(tx, by, device_id, did.into())?;
    if is_free_elsewhere(&did, &user) {
        return Err(Rule::Foreign(Thing::Did).into());
    }
    match expect_room(&did, &device)? {
        true => Ok(did),
        false => put_on_device(tx, by, did, &device),
    }
}

/// The DID, the device for it, and the device's user, all for the actor to use.
fn find_both(
    tx: &WriteTx<'_>,
    by: &Actor,
    device_id: Option<Id>,
    did: Which<'_>,
) -> Result<(Did, Device, User), Error> {
    let device = match device_id {
        Some(id) => devices::find(tx, id)?,
        None => None,
    }
    .ok_or(Rule::NotFound(Thing::Device))?;
    let did = did.find(tx)?;
    let user = by
        .own_user(tx, device.user_id)?
        .ok_or(Rule::Foreign(Thing::Device))?;
    if !by.owns(did.owner_id) || is_reserved_for_another(&did, &user) {
        return Err(Rule::Foreign(Thing::Did).into());
    }
    Ok((did, device, user))
}

/// Whether the DID is on the device already. Refuses one that is elsewhere, or out of use.
fn expect_room(did: &Did, device: &Device) -> Result<bool, Error> {
    match did.status {
        DidStatus::Terminated => Err(DidError::Terminated.into()),
        DidStatus::Active if did.device_id == Some(device.id) => Ok(true),
        DidStatus::Active | DidStatus::Closed => Err(DidError::NotFree.into()),
        DidStatus::Free | DidStatus::Reserved => Ok(false),
    }
}

/// Assigns a free or reserved DID to any device of its scope, for people, who are told which of the two is wrong.
pub fn assign_to_device<'a>(
    tx: &WriteTx<'_>,
    by: &Actor,
    did: impl Into<Which<'a>>,
    device_id: Id,
) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let did = did.into().find_own(tx, by)?;
    let not_found = || Rule::NotFound(Thing::Device).with(device_id.to_string());
    let device = devices::find(tx, device_id)?.ok_or_else(not_found)?;
    let user = by.own_user(tx, device.user_id)?.ok_or_else(not_found)?;
    if is_reserved_for_another(&did, &user) || is_free_elsewhere(&did, &user) {
        return Err(Rule::Foreign(Thing::Device).with(device_id.to_string()));
    }
    match expect_room(&did, &device)? {
        true => Ok(did),
        false => put_on_device(tx, by, did, &device),
    }
}

fn put_on_device(tx: &WriteTx<'_>, by: &Actor, did: Did, device: &Device) -> Result<Did, Error> {
    let after = Did {
        user_id: Some(device.user_id),
        device_id: Some(device.id),
        ..did_life::ASSIGN.apply(&did, tx.now_ms())
    };
    Ok(change(tx, by, &did_life::ASSIGN, &did, after)?)
}

/// Whether a reservation keeps the DID from a device of `user`. One for the owner of the DID's scope does not: they may
/// use the DID for any of their users.
fn is_reserved_for_another(did: &Did, user: &User) -> bool {
    did.status == DidStatus::Reserved
        && did.user_id != Some(user.id)
        && !(did_life::is_owners(did) && scope_of(user) == did.owner_id)
}

/// Whether a free DID is in another scope than the user's.
fn is_free_elsewhere(did: &Did, user: &User) -> bool {
    did.status == DidStatus::Free && scope_of(user) != did.owner_id
}

/// Who can get a DID: a reseller or a plain user, of the actor's own. The others act for their owner.
pub(super) fn taker(tx: &WriteTx<'_>, by: &Actor, user_id: Id) -> Result<User, Error> {
    let not_found = || Rule::NotFound(Thing::User).with(user_id.to_string());
    let user = by.own_user(tx, user_id)?.ok_or_else(not_found)?;
    match user.user_type {
        UserType::Reseller | UserType::User => Ok(user),
        UserType::Admin | UserType::Accountant | UserType::Manager => {
            let why = format!("{}, neither a reseller nor a plain user", user.username);
            Err(Rule::NotFound(Thing::User).with(why))
        }
    }
}

/// Reserves a free DID for a user. Reserving it for a reseller lends it to them: it is in their scope until it is taken
/// back. Resellers may pass on a DID that is reserved for themselves.
pub fn reserve<'a>(
    tx: &WriteTx<'_>,
    by: &Actor,
    did: impl Into<Which<'a>>,
    user_id: Id,
) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let did = did.into().find_own(tx, by)?;
    expect(&did, &did_life::RESERVE)?;
    let user = taker(tx, by, user_id)?;
    let scope = scope_of(&user);
    if scope != did.owner_id {
        // Only admin's stock goes into another scope, and from there its owner passes it on.
        let why = match did.owner_id {
            ADMIN if user.id == scope => None,
            ADMIN => Some("a reseller's user: reserve it for the reseller first"),
            _ => Some("of another scope"),
        };
        if let Some(why) = why {
            return Err(Rule::NotFound(Thing::User).with(format!("{}, {why}", user.username)));
        }
    }
    let after = Did {
        owner_id: scope,
        user_id: Some(user.id),
        lent_by_id: match scope == did.owner_id {
            true => did.lent_by_id,
            false => Some(did.owner_id),
        },
        ..did_life::RESERVE.apply(&did, tx.now_ms())
    };
    Ok(change(tx, by, &did_life::RESERVE, &did, after)?)
}

/// Assigns a reserved DID to a dial plan of its scope.
pub fn assign_to_dialplan<'a>(
    tx: &WriteTx<'_>,
    by: &Actor,
    did: impl Into<Which<'a>>,
    dialplan_id: Id,
) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let did = did.into().find_own(tx, by)?;
    expect(&did, &did_life::DIALPLAN)?;
    DIALPLANS
        .find(tx, dialplan_id)?
        .filter(|dialplan| dialplan.owner_id == did.owner_id)
        .ok_or_else(|| Rule::NotFound(Thing::Dialplan).with(dialplan_id.to_string()))?;
    let after = Did {
        dialplan_id: Some(dialplan_id),
        ..did_life::DIALPLAN.apply(&did, tx.now_ms())
    };
    Ok(change(tx, by, &did_life::DIALPLAN, &did, after)?)
}

/// Takes a step that needs only the DID. The others have rules of their own.
pub fn take<'a>(
    tx: &WriteTx<'_>,
    by: &Actor,
    step: &Step,
    did: impl Into<Which<'a>>,
) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let which = did.into();
    let did = match step == &did_life::TAKE_BACK {
        true => which.find_own_or_lent(tx, by)?,
        false => which.find_own(tx, by)?,
    };
    expect(&did, step)?;
    // A reseller has it on loan, and is not the one to take it.
    let lender = did.lent_by_id.filter(|_| step == &did_life::TAKE_BACK);
    if lender.is_some_and(|lender| !by.owns(lender)) {
        return Err(which.is_missing(did));
    }
    // A deleted provider brings no calls.
    if did.status == DidStatus::Terminated && providers::find(tx, did.provider_id)?.is_none() {
        let detail = format!(
            "the provider of DID {} is deleted: give it another one first",
            did.did
        );
        return Err(Rule::from(DidError::WrongState).with(detail));
    }
    let after = step.apply(&did, tx.now_ms());
    Ok(change(tx, by, step, &did, after)?)
}

/// Closes a DID that is on a device, as the API does: each reason against it in the documented order. [`take`] closes one
/// that is on a dial plan, too.
pub fn close_on_device<'a>(
    tx: &WriteTx<'_>,
    by: &Actor,
    did: impl Into<Which<'a>>,
) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let did = did.into().find_own(tx, by)?;
    if did.status == DidStatus::Closed {
        return Err(DidError::AlreadyClosed.into());
    }
    if did.dialplan_id.is_some() {
        return Err(DidError::OnDialplan.into());
    }
    stop(tx, by, &did)
}

/// Closes a DID that is on a device, and has one reason against all others.
pub fn stop<'a>(tx: &WriteTx<'_>, by: &Actor, did: impl Into<Which<'a>>) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let did = did.into().find_own(tx, by)?;
    if did.device_id.is_none() {
        return Err(DidError::NotOnDevice.into());
    }
    take(tx, by, &did_life::CLOSE, &did)
}

/// Takes a DID off its device, as the API does: each reason against it in the documented order. [`take`] takes one off a
/// dial plan, too.
pub fn take_off_device<'a>(
    tx: &WriteTx<'_>,
    by: &Actor,
    did: impl Into<Which<'a>>,
) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let did = did.into().find(tx)?;
    if !by.owns(did.owner_id) {
        return Err(Rule::Foreign(Thing::Did).into());
    }
    if did.status == DidStatus::Terminated {
        return Err(DidError::Terminated.into());
    }
    if did.dialplan_id.is_some() {
        return Err(DidError::OnDialplan.into());
    }
    if did.device_id.is_none() {
        return Err(DidError::AlreadyFree.into());
    }
    take(tx, by, &did_life::UNASSIGN, &did)
}

/// Frees a DID that nobody uses: a reserved, closed or terminated one. A lent one comes back, if its reseller has not
/// passed it on.
pub fn make_free<'a>(
    tx: &WriteTx<'_>,
    by: &Actor,
    did: impl Into<Which<'a>>,
) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let did = did.into().find_own_or_lent(tx, by)?;
    let step = match did.status {
        _ if is_lent_by(by, &did) => &did_life::TAKE_BACK,
        DidStatus::Reserved => &did_life::UNRESERVE,
        _ => &did_life::FREE,
    };
    take(tx, by, step, &did)
}

/// Terminates a free or closed DID. A lent one is never terminated: its owner would lose it.
pub fn terminate<'a>(
    tx: &WriteTx<'_>,
    by: &Actor,
    did: impl Into<Which<'a>>,
) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let did = did.into().find_own_or_lent(tx, by)?;
    if did.lent_by_id.is_some() {
        return Err(DidError::Lent.into());
    }
    take(tx, by, &did_life::TERMINATE, &did)
}

/// Frees everyone's DIDs that have been closed for `did_closed_days`, at most [`MAX_FREED`] of them, and gives the
/// number of changed ones. The server does that by itself while its clock is trusted. DIDs with a closing time in the
/// future, by a clock that was set back since, count as closed now.
pub fn free_closed(tx: &WriteTx<'_>, now_ms: i64) -> Result<usize, StoreError> {
    if clock::leapt(tx)?.is_some() {
        return Ok(0);
    }
    let by = Actor::system(now_ms);
    let ahead = dids::list_closed_ahead(tx, now_ms + SLACK_MS, MAX_FREED)?;
    for did in &ahead {
        change(
            tx,
            &by,
            &did_life::CLOSE,
            did,
            did_life::CLOSE.apply(did, now_ms),
        )?;
    }
    let days = settings::get(tx)?.did_closed_days;
    let closed = dids::list_closed(tx, now_ms - days * DAY_MS, MAX_FREED)?;
    for did in &closed {
        change(
            tx,
            &by,
            &did_life::FREE,
            did,
            did_life::FREE.apply(did, now_ms),
        )?;
    }
    Ok(ahead.len() + closed.len())
}
