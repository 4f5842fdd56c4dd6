//! Quickforwards: a DID on a dial plan of that kind serves many callers, and each user says to which number it takes
//! them. A pattern on the user says which DIDs they may use.

use serde_json::json;

use super::dialplans::MAX_QUICKFORWARDS;
use super::number_pattern::{MAX_PATTERN, Pattern};
use super::{AccessError, Error, Field, Rule, Thing, log, text, users};
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right, scope_of};
use crate::store::row::Id;
use crate::store::tables::dialplans::{self, DialplanKind};
use crate::store::tables::dids::{self, Did};
use crate::store::tables::quickforwards::{self, Offered, Quickforward};
use crate::store::tables::users::{ADMIN, User, UserType};
use crate::store::{ReadTx, StoreError, WriteTx};

/// Longest number, in digits.
pub const MAX_NUMBER: usize = 20;
/// Longest description, in characters.
pub const MAX_DESCRIPTION: usize = 255;
/// The most DIDs that one part of a list looks at.
const MAX_LOOKED_AT: usize = 2000;

/// What a user may forward: the DIDs of some owners, each with the patterns that all have to fit.
struct Allowed {
    user: User,
    of: Vec<(Id, Vec<Pattern>)>,
}

impl Allowed {
    /// What a user may forward, whether they act themselves or someone who manages them does. A user without a pattern
    /// may not.
    fn find(tx: &ReadTx<'_>, by: &Actor, user_id: Option<Id>) -> Result<Self, Error> {
        by.require(Right::UseQuickforwards)?;
        let Some(id) = user_id else {
            return Err(Rule::NotFound(Thing::User).into());
        };
        let user = users::get_own(tx, by, id)?;
        let own = match user.user_type {
            UserType::Accountant | UserType::Manager => None,
            UserType::Admin | UserType::Reseller | UserType::User => pattern_of(tx, user.id)?,
        };
        let Some(own) = own else {
            return Err(AccessError::NotPermitted.into());
        };
        let scope = scope_of(&user);
        let mut of = vec![(scope, vec![own.clone()])];
        if scope != ADMIN {
            // Admin's DIDs, as far as the reseller may use them.
            if scope == user.id {
                of.push((ADMIN, vec![own]));
            } else if let Some(resellers) = pattern_of(tx, scope)? {
                of.push((ADMIN, vec![own, resellers]));
            }
        }
        Ok(Self { user, of })
    }

    fn takes(&self, owner_id: Id, number: &str) -> bool {
        let fits = |patterns: &[Pattern]| patterns.iter().all(|pattern| pattern.fits(number));
        self.of
            .iter()
            .any(|(owner, patterns)| *owner == owner_id && fits(patterns))
    }

    /// The DID of this number, if the user may forward it.
    fn find_did(&self, tx: &ReadTx<'_>, number: &str) -> Result<Did, Error> {
        let not_found = || Rule::NotFound(Thing::Did).with(number);
        let did = dids::find_by_number(tx, number)?.ok_or_else(not_found)?;
        let plan = match did.dialplan_id {
            Some(id) => dialplans::find(tx, id)?,
            None => None,
        };
        let is_quick = plan.is_some_and(|plan| plan.kind == DialplanKind::Quickforwards);
        match is_quick && self.takes(did.owner_id, &did.did) {
            true => Ok(did),
            false => Err(not_found()),
        }
    }
}

/// The pattern of a user; none: it is blank.
fn pattern_of(tx: &ReadTx<'_>, user_id: Id) -> Result<Option<Pattern>, StoreError> {
    let text = quickforwards::pattern(tx, user_id)?;
    Ok(Pattern::parse(&text).filter(|_| !text.is_empty()))
}

/// A part of a list.
#[derive(Debug)]
pub struct Part {
    /// The rows.
    pub rows: Vec<Offered>,
    /// The id after which the next part continues; none: this is the last.
    pub next: Option<Id>,
}

/// Up to `limit` DIDs that a user may forward, with ids above `after`, in id order. It looks at a bounded number of
/// DIDs, so a part may be short. Finding none is an error where no part continues.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    user_id: Option<Id>,
    after: Id,
    limit: usize,
) -> Result<Part, Error> {
    by.require(Right::UseQuickforwards)?;
    let allowed = Allowed::find(tx, by, user_id)?;
    let mut plans = Vec::new();
    for (owner_id, _) in &allowed.of {
        let found = dialplans::list_of_quickforwards(tx, *owner_id, MAX_QUICKFORWARDS as u32)?;
        plans.extend(found.into_iter().map(|plan_id| (*owner_id, plan_id)));
    }
    let chunk = (MAX_LOOKED_AT / plans.len().max(1)).min(MAX_LOOKED_AT / 2);
    let mut found = Vec::new();
    // Where a plan has more than was read, nothing behind its last row is known to be complete.
    let mut known_until = Id::MAX;
    for (owner_id, plan_id) in plans {
        let rows =
            quickforwards::list_on_dialplan(tx, allowed.user.id, plan_id, after, chunk as u32)?;
        if rows.len() == chunk {
            known_until = rows
                .last()
                .map_or(known_until, |row| row.did_id.min(known_until));
        }
        found.extend(rows.into_iter().map(|row| (owner_id, row)));
    }
    found.retain(|(owner_id, row)| row.did_id <= known_until && allowed.takes(*owner_id, &row.did));
    found.sort_by_key(|(_, row)| row.did_id);
    let is_full = found.len() > limit;
    found.truncate(limit);
    let rows: Vec<Offered> = found.into_iter().map(|(_, row)| row).collect();
    let next = match is_full {
        true => rows.last().map(|row| row.did_id),
        false => Some(known_until).filter(|id| *id != Id::MAX),
    };
    if rows.is_empty() && next.is_none() && after == 0 {
        return Err(Rule::NoneFound(Thing::Quickforward).into());
    }
    Ok(Part { rows, next })
}

/// Says where a DID takes a user, and gives its number. What is not sent stays.
pub fn update(
    tx: &WriteTx<'_>,
    by: &Actor,
    user_id: Option<Id>,
    number: &str,
    forward_to: Option<String>,
    description: Option<String>,
) -> Result<(String, Quickforward), Error> {
    by.require(Right::UseQuickforwards)?;
    let allowed = Allowed::find(tx, by, user_id)?;
    let did = allowed.find_did(tx, number)?;
    let is_number = |sent: &String| text::is_digits(sent) && sent.len() <= MAX_NUMBER;
    if forward_to.as_ref().is_some_and(|sent| !is_number(sent)) {
        return Err(Rule::Invalid(Field::ForwardNumber).into());
    }
    if text::is_longer(description.as_deref().unwrap_or_default(), MAX_DESCRIPTION) {
        return Err(Rule::TooLong(Field::Description).into());
    }
    let before = quickforwards::find(tx, allowed.user.id, did.id)?;
    let empty = Quickforward {
        user_id: allowed.user.id,
        did_id: did.id,
        forward_to: String::new(),
        description: String::new(),
    };
    let before = before.unwrap_or(empty);
    let after = Quickforward {
        forward_to: forward_to.unwrap_or_else(|| before.forward_to.clone()),
        description: description.unwrap_or_else(|| before.description.clone()),
        ..before.clone()
    };
    if before != after {
        quickforwards::put(tx, &after)?;
        let (was, mut is) = log::difference(&json!(before), &json!(after));
        is["user_id"] = allowed.user.id.into();
        let (was, is) = (Some(was), Some(is));
        log::record(tx, by, Action::QuickforwardUpdate, did.id, was, is)?;
    }
    Ok((did.did, after))
}

/// Lets a DID take a user nowhere.
pub fn delete(
    tx: &WriteTx<'_>,
    by: &Actor,
    user_id: Option<Id>,
    number: &str,
) -> Result<(), Error> {
    by.require(Right::UseQuickforwards)?;
    let allowed = Allowed::find(tx, by, user_id)?;
    let did = allowed.find_did(tx, number)?;
    let before = quickforwards::find(tx, allowed.user.id, did.id)?
        .ok_or_else(|| Rule::NotFound(Thing::Quickforward).with(number))?;
    quickforwards::delete(tx, allowed.user.id, did.id)?;
    let was = Some(json!(before));
    log::record(tx, by, Action::QuickforwardDelete, did.id, was, None)?;
    Ok(())
}

/// The pattern of an own user, or of the actor.
pub fn pattern(tx: &ReadTx<'_>, by: &Actor, user_id: Id) -> Result<String, Error> {
    by.require(Right::UseQuickforwards)?;
    users::get_own(tx, by, user_id)?;
    Ok(quickforwards::pattern(tx, user_id)?)
}

/// Sets the pattern of the DIDs that a user may forward. Their owner does: nobody widens their own.
pub fn set_pattern(tx: &WriteTx<'_>, by: &Actor, user_id: Id, pattern: &str) -> Result<(), Error> {
    by.require(Right::ManageUsers)?;
    let user = users::get(tx, by, user_id)?;
    if !by.owns(user.owner_id) {
        return Err(Rule::NotPermitted(Field::Quickforwards).into());
    }
    if pattern.len() > MAX_PATTERN {
        return Err(Rule::TooLong(Field::Quickforwards).into());
    }
    if Pattern::parse(pattern).is_none() {
        return Err(Rule::Invalid(Field::Quickforwards).with(pattern));
    }
    let before = quickforwards::pattern(tx, user_id)?;
    if before == pattern {
        return Ok(());
    }
    quickforwards::update_pattern(tx, user_id, pattern)?;
    let (was, is) = (json!({ "pattern": before }), json!({ "pattern": pattern }));
    log::record(
        tx,
        by,
        Action::UserSetQuickforwards,
        user_id,
        Some(was),
        Some(is),
    )?;
    Ok(())
}
