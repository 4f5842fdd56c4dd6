//! The DID that a rule is asked about: found by its number or its row, the actor's own, or lent by them.

use serde_json::json;

use super::did_life::{Lent, Step};
use super::{DidError, Error, Rule, Thing, log, ties};
use crate::service::guard::access::Actor;
use crate::store::row::Id;
use crate::store::tables::dids::{self, Did};
use crate::store::{ReadTx, StoreError, WriteTx};

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
    /// The DID, whoever it belongs to.
    pub(super) fn find(self, tx: &ReadTx<'_>) -> Result<Did, Error> {
        let (found, named) = match self {
            Self::Found(did) => return Ok(did.clone()),
            Self::Id(id) => (dids::find(tx, id)?, id.to_string()),
            Self::Number(number) => (dids::find_by_number(tx, number)?, number.into()),
        };
        found.ok_or_else(|| Rule::NotFound(Thing::Did).with(named))
    }

    /// The DID, if it is in the actor's scope.
    pub(super) fn find_own(self, tx: &ReadTx<'_>, by: &Actor) -> Result<Did, Error> {
        let did = self.find(tx)?;
        match by.owns(did.owner_id) {
            true => Ok(did),
            false => Err(self.is_missing(did)),
        }
    }

    /// The DID, if it is in the actor's scope, or lent from it.
    pub(super) fn find_own_or_lent(self, tx: &ReadTx<'_>, by: &Actor) -> Result<Did, Error> {
        let did = self.find(tx)?;
        match by.owns(did.owner_id) || is_lent_by(by, &did) {
            true => Ok(did),
            false => Err(self.is_missing(did)),
        }
    }

    /// The refusal about a DID that is not for the actor to know.
    pub(super) fn is_missing(self, did: Did) -> Error {
        Rule::NotFound(Thing::Did).with(match self {
            Self::Id(id) => id.to_string(),
            Self::Found(_) | Self::Number(_) => did.did,
        })
    }
}

/// Whether a DID of somebody else's scope is on loan from the actor's: their stock, in a reseller's hands.
pub(super) fn is_lent_by(by: &Actor, did: &Did) -> bool {
    !by.owns(did.owner_id) && did.lent_by_id.is_some_and(|owner_id| by.owns(owner_id))
}

/// Refuses a step that the state of a DID does not allow.
pub(super) fn expect(did: &Did, step: &Step) -> Result<(), Error> {
    if step.is_open_to(did) {
        return Ok(());
    }
    if step.lent == Lent::Never && did.lent_by_id.is_some() {
        return Err(Rule::from(DidError::Lent).with(did.did.clone()));
    }
    if step.lent == Lent::Only && (did.lent_by_id.is_none() || step.from.contains(&did.status)) {
        let why = match did.lent_by_id {
            None => "is not on loan",
            Some(_) => "has been passed on by its reseller",
        };
        return Err(Rule::from(DidError::WrongState).with(format!("DID {} {why}", did.did)));
    }
    let allowed: Vec<&str> = step.from.iter().map(|status| status.as_str()).collect();
    Err(Rule::from(DidError::WrongState).with(format!(
        "DID {} is {}, this needs one that is {}",
        did.did,
        did.status,
        allowed.join(" or ")
    )))
}

/// Writes what a step has made of a DID, with its row in the action log.
pub(super) fn change(
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
    if before.dialplan_id.is_some() && after.dialplan_id != before.dialplan_id {
        ties::did_left_dialplan(tx, before.id)?;
    }
    let (was, is) = log::difference(&json!(before), &json!(after));
    log::record(tx, by, step.action, before.id, Some(was), Some(is))?;
    Ok(after)
}
