//! DIDs: creating them, listing them, and taking them through the steps of their life.

use serde_json::json;

use super::did_life::{self, Step};
use super::lists::{self, Slice};
use super::{DidError, Error, Field, Rule, Thing, clock, log, providers, text, ties};
use crate::ambient::SLACK_MS;
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right, scope_of};
use crate::store::row::{Cursor, Id};
use crate::store::tables::devices::Device;
use crate::store::tables::dialplans::DIALPLANS;
use crate::store::tables::dids::{self, Did, DidStatus, Walk};
use crate::store::tables::users::User;
use crate::store::tables::{devices, settings};
use crate::store::{ReadTx, StoreError, WriteTx};

/// Longest DID, in digits (ITU-T E.164).
pub const MAX_NUMBER: usize = 15;
/// The most closed DIDs that one transaction frees, so that callers need not wait long behind it.
pub const MAX_FREED: u32 = 500;
/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

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

/// Names a DID: one that was found in this transaction, or by a row's id, or by its number.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// This one.
    Found(&'a Did),
    /// The row's id.
    Id(Id),
    /// The number.
    Number(&'a str),
}

impl<'a> From<&'a Did> for Which<'a> {
    fn from(did: &'a Did) -> Self {
        Self::Found(did)
    }
}

impl From<Id> for Which<'_> {
    fn from(id: Id) -> Self {
        Self::Id(id)
    }
}

impl<'a> From<&'a str> for Which<'a> {
    fn from(number: &'a str) -> Self {
        Self::Number(number)
    }
}

impl Which<'_> {
    fn find(self, tx: &ReadTx<'_>) -> Result<Did, Error> {
        let (found, named) = match self {
            Self::Found(did) => return Ok(did.clone()),
            Self::Id(id) => (dids::find(tx, id)?, id.to_string()),
            Self::Number(number) => (dids::find_by_number(tx, number)?, number.into()),
        };
        found.ok_or_else(|| Rule::NotFound(Thing::Did).with(named))
    }

    fn find_own(self, tx: &ReadTx<'_>, by: &Actor) -> Result<Did, Error> {
        let did = self.find(tx)?;
        match by.owns(did.owner_id) {
            true => Ok(did),
            false => Err(Rule::NotFound(Thing::Did).with(match self {
                Self::Id(id) => id.to_string(),
                Self::Found(_) | Self::Number(_) => did.did,
            })),
        }
    }
}

/// Assigns a DID to a trunk, as the API does, with each reason to refuse in the documented order.
pub fn assign_to_trunk<'a>(
    tx: &WriteTx<'_>,
    by: &Actor,
    device_id: Option<Id>,
    did: impl Into<Which<'a>>,
) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let device = match device_id {
        Some(id) => devices::find(tx, id)?,
        None => None,
    }
    .ok_or(Rule::NotFound(Thing::Device))?;
    let did = did.into().find(tx)?;
    let user = by
        .own_user(tx, device.user_id)?
        .ok_or(Rule::Foreign(Thing::Device))?;
    if !by.owns(did.owner_id) || is_reserved_for_another(&did, &user) {
        return Err(Rule::Foreign(Thing::Did).into());
    }
    expect_reserved(&did)?;
    if !device.is_trunk {
        return Err(DidError::NotTrunk.into());
    }
    put_on_device(tx, by, did, &device)
}

fn expect_reserved(did: &Did) -> Result<(), Error> {
    match did.status {
        DidStatus::Terminated => Err(DidError::Terminated.into()),
        DidStatus::Active | DidStatus::Closed => Err(DidError::NotFree.into()),
        DidStatus::Free => Err(DidError::NotReserved.into()),
        DidStatus::Reserved => Ok(()),
    }
}

/// Assigns a reserved DID to any device of its user. The API takes only trunks.
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
    if is_reserved_for_another(&did, &user) {
        return Err(Rule::Foreign(Thing::Device).with(device_id.to_string()));
    }
    expect_reserved(&did)?;
    put_on_device(tx, by, did, &device)
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

/// Reserves a free DID for a user. Reserving it for a reseller, or for one of their users, puts it into the reseller's
/// scope. Resellers may pass on a DID that is reserved for themselves.
pub fn reserve<'a>(
    tx: &WriteTx<'_>,
    by: &Actor,
    did: impl Into<Which<'a>>,
    user_id: Id,
) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let did = did.into().find_own(tx, by)?;
    expect(&did, &did_life::RESERVE)?;
    let user = by
        .own_user(tx, user_id)?
        .ok_or_else(|| Rule::NotFound(Thing::User).with(user_id.to_string()))?;
    let after = Did {
        owner_id: scope_of(&user),
        user_id: Some(user.id),
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

/// Takes a step that needs only the DID: take back, take off, close, free, terminate. The others have rules of their
/// own.
pub fn take<'a>(
    tx: &WriteTx<'_>,
    by: &Actor,
    step: &Step,
    did: impl Into<Which<'a>>,
) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let did = did.into().find_own(tx, by)?;
    expect(&did, step)?;
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
    if did.device_id.is_none() {
        return Err(DidError::NotOnDevice.into());
    }
    take(tx, by, &did_life::CLOSE, &did)
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

fn expect(did: &Did, step: &Step) -> Result<(), Error> {
    if step.is_open_to(did) {
        return Ok(());
    }
    let allowed: Vec<&str> = step.from.iter().map(|status| status.as_str()).collect();
    Err(Rule::from(DidError::WrongState).with(format!(
        "DID {} is {}, this needs one that is {}",
        did.did,
        did.status,
        allowed.join(" or ")
    )))
}

fn change(
    tx: &WriteTx<'_>,
    by: &Actor,
    step: &Step,
    before: &Did,
    after: Did,
) -> Result<Did, StoreError> {
    dids::update(tx, &after, tx.now_ms())?;
    if before.device_id.is_some() && after.device_id != before.device_id {
        ties::did_left_device(tx, by, before.id)?;
    }
    let (was, is) = log::difference(&json!(before), &json!(after));
    log::record(tx, by, step.action, before.id, Some(was), Some(is))?;
    Ok(after)
}

/// The most DIDs that one range adds, in one transaction.
pub const MAX_RANGE: u64 = 1000;

/// Every number from `first` to `last`, which have the same length.
pub fn range(first: &str, last: &str) -> Result<Vec<String>, Error> {
    let rule = || Rule::Invalid(Field::Last);
    let is_number = |end: &str| text::is_digits(end) && end.len() <= MAX_NUMBER;
    if !is_number(first) {
        return Err(Rule::Invalid(Field::Did).with(first));
    }
    if !is_number(last) {
        return Err(rule().with(format!("a DID has 1 to {MAX_NUMBER} digits: {last}")));
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

/// Creates every DID of a range, or none.
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
            Error::Refused(refusal) if refusal.rule == Rule::Taken(Field::Did) => {
                refusal.rule.with(number.as_str())
            }
            other => other,
        })?;
    }
    Ok(numbers.len())
}

/// The numbers of a range that exist already, so that nothing would be created.
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
    /// The beginning of the number.
    pub start: String,
    /// In this state.
    pub status: Option<DidStatus>,
    /// Of this provider.
    pub provider_id: Option<Id>,
    /// Of this user.
    pub user_id: Option<Id>,
}

/// A part of the list of DIDs that the actor sees, by number.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Did>, Error> {
    by.require(Right::SeeDids)?;
    let owner_id = by.owner_id();
    // Only rows of the actor's scope are walked: the end of a part would otherwise reveal another scope's number.
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

/// Whether a user's DIDs are in the actor's scope. A reseller's own DIDs are in the reseller's scope.
fn has_dids_of(tx: &ReadTx<'_>, by: &Actor, user_id: Id) -> Result<bool, StoreError> {
    let user = by.own_user(tx, user_id)?;
    Ok(user.is_some_and(|user| by.only_user().is_some() || by.owns(scope_of(&user))))
}

/// The DID of this row, if the actor sees it.
pub fn get(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<Did, Error> {
    by.require(Right::SeeDids)?;
    let found = dids::find(tx, id)?.filter(|did| sees(by, did));
    found.ok_or_else(|| Rule::NotFound(Thing::Did).with(id.to_string()))
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

/// Up to `limit` of everyone's DIDs with ids above `after`, in id order, for actors who reach everything.
pub fn list_all(tx: &ReadTx<'_>, by: &Actor, after: Id, limit: u32) -> Result<Vec<Did>, Error> {
    by.require(Right::SeeDids)?;
    by.require_everything()?;
    Ok(dids::list(tx, after, limit)?)
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
