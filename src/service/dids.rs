//! DIDs and their life cycle: free → reserved → active → closed → free; reserved → free; active → reserved;
//! free or closed → terminated → free.

use serde_json::json;

use super::lists::{self, Slice};
use super::{DidError, Error, Rule, clock, log, providers, text};
use crate::ambient::SLACK_MS;
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right, scope_of};
use crate::store::row::{Cursor, Id};
use crate::store::tables::dialplans::DIALPLANS;
use crate::store::tables::dids::{self, Did, DidStatus, Walk};
use crate::store::tables::users::User;
use crate::store::tables::{devices, settings};
use crate::store::{ReadTx, StoreError, WriteTx};

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
    by.require(Right::ManageDids)?;
    let provider = match provider_id {
        Some(id) => crate::store::tables::providers::find(tx, id)?,
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

/// Assigns a DID to a trunk, as the API does: each reason against it in the documented order.
pub fn assign_to_trunk(
    tx: &WriteTx<'_>,
    by: &Actor,
    device_id: Option<Id>,
    number: &str,
) -> Result<(), Error> {
    by.require(Right::ManageDids)?;
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
    expect_reserved(&did)?;
    if !device.is_trunk {
        return Err(DidError::NotTrunk.into());
    }
    let after = Did {
        status: DidStatus::Active,
        user_id: Some(user.id),
        device_id: Some(device.id),
        ..did.clone()
    };
    Ok(change(tx, by, Action::DidAssign, &did, &after)?)
}

fn expect_reserved(did: &Did) -> Result<(), Error> {
    match did.status {
        DidStatus::Terminated => Err(DidError::Terminated.into()),
        DidStatus::Active | DidStatus::Closed => Err(DidError::NotFree.into()),
        DidStatus::Free => Err(DidError::NotReserved.into()),
        DidStatus::Reserved => Ok(()),
    }
}

/// Puts a reserved DID on any device of its user; the API takes only trunks.
pub fn assign_to_device(
    tx: &WriteTx<'_>,
    by: &Actor,
    number: &str,
    device_id: Id,
) -> Result<(), Error> {
    by.require(Right::ManageDids)?;
    let did = find_own(tx, by, number)?;
    let not_found = || Rule::from(DidError::DeviceNotFound).with(device_id.to_string());
    let device = devices::find(tx, device_id)?.ok_or_else(not_found)?;
    let user = by.own_user(tx, device.user_id)?.ok_or_else(not_found)?;
    if is_reserved_for_another(&did, &user) {
        return Err(DidError::NotPermitted.into());
    }
    expect_reserved(&did)?;
    let after = Did {
        status: DidStatus::Active,
        user_id: Some(user.id),
        device_id: Some(device.id),
        ..did.clone()
    };
    Ok(change(tx, by, Action::DidAssign, &did, &after)?)
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
    by.require(Right::ManageDids)?;
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
    Ok(change(tx, by, Action::DidReserve, &did, &after)?)
}

/// Takes a reservation back: the DID is free.
pub fn unreserve(tx: &WriteTx<'_>, by: &Actor, number: &str) -> Result<(), Error> {
    by.require(Right::ManageDids)?;
    let did = find_own(tx, by, number)?;
    expect(&did, &[DidStatus::Reserved])?;
    Ok(change(tx, by, Action::DidUnreserve, &did, &freed(&did))?)
}

/// Puts a reserved DID on a dial plan of its scope.
pub fn assign_to_dialplan(
    tx: &WriteTx<'_>,
    by: &Actor,
    number: &str,
    dialplan_id: Id,
) -> Result<(), Error> {
    by.require(Right::ManageDids)?;
    let did = find_own(tx, by, number)?;
    expect(&did, &[DidStatus::Reserved])?;
    DIALPLANS
        .find(tx, dialplan_id)?
        .filter(|dialplan| dialplan.owner_id == did.owner_id)
        .ok_or_else(|| Rule::from(DidError::DialplanNotFound).with(dialplan_id.to_string()))?;
    let after = Did {
        status: DidStatus::Active,
        dialplan_id: Some(dialplan_id),
        ..did.clone()
    };
    Ok(change(tx, by, Action::DidAssign, &did, &after)?)
}

/// Takes an active DID off its device or dial plan; its user keeps it reserved.
pub fn unassign(tx: &WriteTx<'_>, by: &Actor, number: &str) -> Result<(), Error> {
    by.require(Right::ManageDids)?;
    let did = find_own(tx, by, number)?;
    expect(&did, &[DidStatus::Active])?;
    let after = Did {
        status: DidStatus::Reserved,
        device_id: None,
        dialplan_id: None,
        ..did.clone()
    };
    Ok(change(tx, by, Action::DidUnassign, &did, &after)?)
}

/// Takes an active DID out of use: off its device; its user is kept until it is freed.
pub fn close(tx: &WriteTx<'_>, by: &Actor, number: &str) -> Result<(), Error> {
    by.require(Right::ManageDids)?;
    let did = find_own(tx, by, number)?;
    expect(&did, &[DidStatus::Active])?;
    let after = Did {
        status: DidStatus::Closed,
        device_id: None,
        dialplan_id: None,
        closed_ms: Some(tx.now_ms()),
        ..did.clone()
    };
    Ok(change(tx, by, Action::DidClose, &did, &after)?)
}

/// Makes a closed or terminated DID free again.
pub fn free(tx: &WriteTx<'_>, by: &Actor, number: &str) -> Result<(), Error> {
    by.require(Right::ManageDids)?;
    let did = find_own(tx, by, number)?;
    expect(&did, &[DidStatus::Closed, DidStatus::Terminated])?;
    Ok(change(tx, by, Action::DidFree, &did, &freed(&did))?)
}

/// Makes a free or closed DID history.
pub fn terminate(tx: &WriteTx<'_>, by: &Actor, number: &str) -> Result<(), Error> {
    by.require(Right::ManageDids)?;
    let did = find_own(tx, by, number)?;
    expect(&did, &[DidStatus::Free, DidStatus::Closed])?;
    let after = Did {
        status: DidStatus::Terminated,
        ..freed(&did)
    };
    Ok(change(tx, by, Action::DidTerminate, &did, &after)?)
}

/// Frees DIDs that have been closed for `did_closed_days`, whoever's, at most [`MAX_FREED`] of them; how many it changed. The
/// server does that by itself, while its clock can be gone by. Those that were closed in a time to come, by a clock that was
/// set back since, count as closed now.
pub fn free_closed(tx: &WriteTx<'_>, now_ms: i64) -> Result<usize, StoreError> {
    if clock::leapt(tx)?.is_some() {
        return Ok(0);
    }
    let by = Actor::system(now_ms);
    let ahead = dids::list_closed_ahead(tx, now_ms + SLACK_MS, MAX_FREED)?;
    for did in &ahead {
        let after = Did {
            closed_ms: Some(now_ms),
            ..did.clone()
        };
        change(tx, &by, Action::DidClose, did, &after)?;
    }
    let days = settings::get(tx)?.did_closed_days;
    let closed = dids::list_closed(tx, now_ms - days * DAY_MS, MAX_FREED)?;
    for did in &closed {
        change(tx, &by, Action::DidFree, did, &freed(did))?;
    }
    Ok(ahead.len() + closed.len())
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
    action: Action,
    before: &Did,
    after: &Did,
) -> Result<(), StoreError> {
    dids::update(tx, after, tx.now_ms())?;
    let (was, is) = log::difference(&json!(before), &json!(after));
    log::record(tx, by, action, before.id, Some(was), Some(is))
}

/// DIDs that one range adds at most, in one transaction.
pub const MAX_RANGE: u64 = 1000;

/// Every number from `first` to `last`, which have the same length.
pub fn range(first: &str, last: &str) -> Result<Vec<String>, Error> {
    let rule = || Rule::from(DidError::RangeInvalid);
    for end in [first, last] {
        if !text::is_digits(end) || end.len() > MAX_NUMBER {
            return Err(Rule::from(DidError::NumberInvalid).with(end));
        }
    }
    if first.len() != last.len() {
        return Err(rule().with("both ends need the same number of digits"));
    }
    let (from, to): (u64, u64) = (first.parse().unwrap_or(0), last.parse().unwrap_or(0));
    if to < from {
        return Err(rule().with("it ends before it begins"));
    }
    if to - from >= MAX_RANGE {
        let detail = format!(
            "it has {} numbers, {MAX_RANGE} are allowed at once",
            to - from + 1
        );
        return Err(rule().with(detail));
    }
    let width = first.len();
    Ok((from..=to)
        .map(|number| format!("{number:0width$}"))
        .collect())
}

/// Makes every DID of a range, or none.
pub fn create_range(
    tx: &WriteTx<'_>,
    by: &Actor,
    first: &str,
    last: &str,
    provider_id: Option<Id>,
) -> Result<usize, Error> {
    by.require(Right::ManageDids)?;
    let numbers = range(first, last)?;
    for number in &numbers {
        create(tx, by, number, provider_id).map_err(|error| match error {
            Error::Refused(refusal) if refusal.rule == DidError::Exists.into() => {
                refusal.rule.with(number.as_str())
            }
            other => other,
        })?;
    }
    Ok(numbers.len())
}

/// Which numbers of a range exist already: nothing would be made.
pub fn taken(tx: &ReadTx<'_>, by: &Actor, numbers: &[String]) -> Result<Vec<String>, Error> {
    by.require(Right::ManageDids)?;
    let mut taken = Vec::new();
    for number in numbers {
        if dids::find_by_number(tx, number)?.is_some() {
            taken.push(number.clone());
        }
    }
    Ok(taken)
}

/// Which DIDs a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Whose numbers begin with this.
    pub start: String,
    /// In this state.
    pub status: Option<DidStatus>,
    /// Of this provider.
    pub provider_id: Option<Id>,
    /// Of this user.
    pub user_id: Option<Id>,
}

/// A page of the DIDs that the actor sees, by number.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Did>, Error> {
    by.require(Right::SeeDids)?;
    let owner_id = by.owner_id();
    // Only rows of the actor's scope are walked: where a page ends would tell a number of another one.
    let walk = match (
        by.only_user().or(filter.user_id),
        filter.provider_id,
        filter.status,
    ) {
        (Some(user_id), ..) if has_dids_of(tx, by, user_id)? => Walk::OfUser(user_id),
        (Some(_), ..) => return Ok(Slice::empty()),
        (None, Some(provider_id), _) => Walk::OfProvider(owner_id, provider_id),
        (None, None, Some(status)) => Walk::InState(owner_id, status),
        (None, None, None) => Walk::OfOwner(owner_id),
    };
    Ok(lists::walk(
        after,
        limit,
        |after, limit| dids::walk(tx, walk, &filter.start, after, limit),
        |did| Cursor {
            text: did.did.clone(),
            id: did.id,
        },
        |did| {
            sees(by, did)
                && filter.status.is_none_or(|wanted| wanted == did.status)
                && filter
                    .provider_id
                    .is_none_or(|wanted| wanted == did.provider_id)
                && filter
                    .user_id
                    .is_none_or(|wanted| Some(wanted) == did.user_id)
        },
    )?)
}

/// Whether a user's DIDs are in the actor's scope. Those of a reseller himself are in the reseller's.
fn has_dids_of(tx: &ReadTx<'_>, by: &Actor, user_id: Id) -> Result<bool, StoreError> {
    let user = by.own_user(tx, user_id)?;
    Ok(user.is_some_and(|user| by.only_user().is_some() || by.owns(scope_of(&user))))
}

/// The DID of this row, if the actor sees it.
pub fn get(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<Did, Error> {
    by.require(Right::SeeDids)?;
    let found = dids::find(tx, id)?.filter(|did| sees(by, did));
    found.ok_or_else(|| Rule::from(DidError::NotFound).with(id.to_string()))
}

fn sees(by: &Actor, did: &Did) -> bool {
    match by.only_user() {
        Some(user_id) => did.user_id == Some(user_id),
        None => by.owns(did.owner_id),
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

/// Up to `limit` of everyone's DIDs with ids above `after`, in id order: for whoever reaches everything.
pub fn list_all(tx: &ReadTx<'_>, by: &Actor, after: Id, limit: u32) -> Result<Vec<Did>, Error> {
    by.require(Right::SeeDids)?;
    by.require_everything()?;
    Ok(dids::list(tx, after, limit)?)
}

/// The DID of this number, if the actor sees it.
pub fn get_by_number(tx: &ReadTx<'_>, by: &Actor, number: &str) -> Result<Did, Error> {
    by.require(Right::SeeDids)?;
    let found = dids::find_by_number(tx, number)?.filter(|did| sees(by, did));
    found.ok_or_else(|| Rule::from(DidError::NotFound).with(number))
}

#[cfg(test)]
mod tests {
    use super::{MAX_RANGE, range};

    #[test]
    fn a_range_keeps_its_width_and_its_bounds() {
        assert_eq!(
            range("0098", "0101").unwrap(),
            ["0098", "0099", "0100", "0101"]
        );
        assert_eq!(range("7", "7").unwrap(), ["7"]);
        let last = |count: u64| (100_000 + count - 1).to_string();
        assert_eq!(
            range("100000", &last(MAX_RANGE)).unwrap().len() as u64,
            MAX_RANGE
        );
        assert!(range("100000", &last(MAX_RANGE + 1)).is_err());
        for (first, last) in [
            ("9", "10"),
            ("2", "1"),
            ("", "1"),
            ("1", "x"),
            ("1234567890123456", "1234567890123456"),
        ] {
            assert!(range(first, last).is_err(), "{first} {last}");
        }
    }
}
