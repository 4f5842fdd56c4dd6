//! Lists of DIDs by number, for web pages and the command line.

use super::Error;
use super::dids::sees;
use super::lists::{self, Slice};
use crate::service::guard::access::{Actor, Right, scope_of};
use crate::store::row::{Cursor, Id};
use crate::store::tables::devices;
use crate::store::tables::dialplans::DIALPLANS;
use crate::store::tables::did_walks::{self, Walk};
use crate::store::tables::dids::{Did, DidStatus};
use crate::store::{ReadTx, StoreError};

/// Which DIDs a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The beginning of the number.
    pub start: String,
    /// A part of the number.
    pub part: String,
    /// In this state.
    pub status: Option<DidStatus>,
    /// Of this provider.
    pub provider_id: Option<Id>,
    /// Of this user.
    pub user_id: Option<Id>,
    /// On this device.
    pub device_id: Option<Id>,
    /// On this dial plan.
    pub dialplan_id: Option<Id>,
    /// In this reseller's scope, on loan.
    pub lent_to_id: Option<Id>,
    /// In this language; blank: in any.
    pub language: String,
    /// Leaves out terminated ones.
    pub is_hiding_terminated: bool,
}

impl Filter {
    fn keeps(&self, did: &Did) -> bool {
        let is = |wanted: Option<Id>, id: Option<Id>| wanted.is_none_or(|_| wanted == id);
        did.did.contains(&self.part)
            && self.status.is_none_or(|wanted| wanted == did.status)
            && is(self.provider_id, Some(did.provider_id))
            && is(self.user_id, did.user_id)
            && is(self.device_id, did.device_id)
            && is(self.dialplan_id, did.dialplan_id)
            && is(self.lent_to_id, Some(did.owner_id))
            && (self.language.is_empty() || self.language == did.language)
            && !(self.is_hiding_terminated && did.status == DidStatus::Terminated)
    }
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
    list_in(tx, by, by.owner_id(), filter, after, limit)
}

/// As [`list`], in one scope of those that the actor reaches. A user, a device or a dial plan has its own.
pub(super) fn list_in(
    tx: &ReadTx<'_>,
    by: &Actor,
    owner_id: Id,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Did>, Error> {
    by.require(Right::SeeDids)?;
    let Some(walk) = shortest(tx, by, owner_id, filter)? else {
        return Ok(Slice::empty());
    };
    Ok(lists::walk(
        after,
        limit,
        |after, limit| did_walks::walk(tx, walk, &filter.start, after, limit),
        |did| Cursor {
            text: did.did.clone(),
            id: did.id,
        },
        |did| sees(by, did) && filter.keeps(did),
    )?)
}

/// The walk that looks at the fewest rows; none: there is nothing to see. Only rows that the actor sees are walked: the end
/// of a part would otherwise reveal another scope's number.
fn shortest(
    tx: &ReadTx<'_>,
    by: &Actor,
    owner_id: Id,
    filter: &Filter,
) -> Result<Option<Walk>, Error> {
    if filter.lent_to_id.is_some() {
        return Ok(Some(Walk::LentBy(owner_id)));
    }
    if let Some(user_id) = by.only_user().or(filter.user_id) {
        let has_some = has_dids_of(tx, by, user_id)?;
        return Ok(has_some.then_some(Walk::OfUser(user_id)));
    }
    if let Some(device_id) = filter.device_id {
        let device = devices::find(tx, device_id)?;
        let user_id = device.map(|device| device.user_id);
        let is_own = match user_id {
            Some(user_id) => has_dids_of(tx, by, user_id)?,
            None => false,
        };
        return Ok(is_own.then_some(Walk::OnDevice(device_id)));
    }
    if let Some(dialplan_id) = filter.dialplan_id {
        let dialplan = DIALPLANS.find(tx, dialplan_id)?;
        let is_own = dialplan.is_some_and(|dialplan| by.owns(dialplan.owner_id));
        return Ok(is_own.then_some(Walk::OnDialplan(dialplan_id)));
    }
    Ok(Some(match (filter.provider_id, filter.status) {
        (Some(provider_id), _) => Walk::OfProvider(owner_id, provider_id),
        (None, Some(status)) => Walk::InState(owner_id, status),
        (None, None) => Walk::OfOwner(owner_id),
    }))
}

/// Whether a user's DIDs are in the actor's scope. A reseller's own DIDs are in the reseller's scope.
fn has_dids_of(tx: &ReadTx<'_>, by: &Actor, user_id: Id) -> Result<bool, StoreError> {
    let user = by.own_user(tx, user_id)?;
    Ok(user.is_some_and(|user| by.only_user().is_some() || by.owns(scope_of(&user))))
}
