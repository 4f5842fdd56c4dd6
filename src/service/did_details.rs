//! How a DID is used: its call limit, times, language and comments; who gets it along with them; and its end.

use serde_json::json;

use super::did_found::{Which, change, is_lent_by};
use super::did_life::{self, RELEASE, is_owners};
use super::{DidError, Error, Field, Rule, Thing, did_steps, log, providers, text};
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::store::WriteTx;
use crate::store::row::Id;
use crate::store::tables::dids::{self, Did, DidStatus};
use crate::store::tables::users::ADMIN;

/// Longest comment or SIP header, in characters.
pub const MAX_TEXT: usize = 255;
/// The most calls at once that a limit allows.
pub const MAX_CALLS: i64 = 1_000_000;
/// The longest grace time, in seconds: a day.
pub const MAX_GRACE_S: i64 = 86_400;
/// The last second that a time may name: the beginning of the year 2100.
pub const MAX_TIME_S: i64 = 4_102_444_800;

/// Who gets a DID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Give {
    /// Nobody: it is free.
    Nobody,
    /// This user; none: what was sent is no id.
    User(Option<Id>),
}

/// New details, as they were sent. None: it stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// Calls at once; 0: any number.
    pub call_limit: Option<String>,
    /// In seconds since 1970-01-01 UTC; 0: without that limit.
    pub active_from: Option<String>,
    /// In seconds since 1970-01-01 UTC; 0: without that limit.
    pub active_till: Option<String>,
    /// In seconds.
    pub grace_time: Option<String>,
    /// Two letters. Blank: none.
    pub language: Option<String>,
    /// Two letters. Blank: none.
    pub tone_zone: Option<String>,
    /// The provider it comes from; `Some(None)`: what was sent is no id.
    pub provider_id: Option<Option<Id>>,
    /// `Name: value`. Blank: none.
    pub custom_sip_header: Option<String>,
    /// A reseller's is ignored: it is admin's.
    pub comment: Option<String>,
    /// What its reseller notes.
    pub reseller_comment: Option<String>,
}

/// Whether a detail is for the actor to read. The notes are for those who write them: none of them is for the user who has
/// the DID, and admin's comment is not for a reseller either.
pub fn is_for(by: &Actor, field: Field) -> bool {
    match field {
        Field::Comment => by.has(Right::ManageDids) && by.owner_id() == ADMIN,
        Field::ResellerComment | Field::CustomSipHeader => by.has(Right::ManageDids),
        _ => true,
    }
}

impl Edit {
    fn is_empty(&self) -> bool {
        let texts = [
            &self.call_limit,
            &self.active_from,
            &self.active_till,
            &self.grace_time,
            &self.language,
            &self.tone_zone,
            &self.custom_sip_header,
            &self.comment,
            &self.reseller_comment,
        ];
        self.provider_id.is_none() && texts.into_iter().all(Option::is_none)
    }

    /// The DID with these details, with each reason to refuse in the documented order.
    fn apply(self, tx: &WriteTx<'_>, by: &Actor, did: &Did) -> Result<Did, Error> {
        let mut after = did.clone();
        self.set_times(&mut after)?;
        if let Some(sent) = &self.grace_time {
            after.grace_time_s = number(sent, MAX_GRACE_S, Field::GraceTime)?;
        }
        if let Some(sent) = &self.language {
            after.language = letters(sent, Field::Language)?;
        }
        if let Some(sent) = &self.tone_zone {
            after.tone_zone = letters(sent, Field::ToneZone)?;
        }
        if let Some(sent) = &self.custom_sip_header {
            after.custom_sip_header = header(sent)?;
        }
        if let Some(provider_id) = self.provider_id {
            after.provider_id = provider(tx, by, did, provider_id)?;
        }
        if is_for(by, Field::Comment) {
            after.comment = self.comment.unwrap_or(after.comment);
        }
        after.reseller_comment = self.reseller_comment.unwrap_or(after.reseller_comment);
        // Blank counts as none.
        for (text, field) in [
            (&mut after.comment, Field::Comment),
            (&mut after.reseller_comment, Field::ResellerComment),
            (&mut after.custom_sip_header, Field::CustomSipHeader),
        ] {
            if text::is_longer(text, MAX_TEXT) {
                return Err(Rule::TooLong(field).into());
            }
            if text.trim().is_empty() {
                text.clear();
            }
        }
        Ok(after)
    }

    fn set_times(&self, did: &mut Did) -> Result<(), Error> {
        let times = [
            (
                &self.active_from,
                &mut did.active_from_ms,
                Field::ActiveFrom,
            ),
            (
                &self.active_till,
                &mut did.active_till_ms,
                Field::ActiveTill,
            ),
        ];
        for (sent, time_ms, field) in times {
            if let Some(sent) = sent {
                let time_s = number(sent, MAX_TIME_S, field)?;
                *time_ms = (time_s > 0).then_some(time_s * 1000);
            }
        }
        match (did.active_from_ms, did.active_till_ms) {
            (Some(from_ms), Some(till_ms)) if till_ms <= from_ms => {
                // The one that was sent is to blame.
                let till = self.active_till.as_ref();
                let field = till.map_or(Field::ActiveFrom, |_| Field::ActiveTill);
                Err(Rule::Invalid(field).into())
            }
            _ => Ok(()),
        }
    }
}

/// Changes a DID's details, and who has it: both, or nothing. What is so already is no change.
pub fn update<'a>(
    tx: &WriteTx<'_>,
    by: &Actor,
    did: impl Into<Which<'a>>,
    give: Option<Give>,
    mut edit: Edit,
) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let which = did.into();
    let mut did = which.find_own_or_lent(tx, by)?;
    // Of a lent DID, its owner changes who has it, and nothing else.
    let is_for_owner = match give {
        None => false,
        Some(Give::User(_)) => edit.is_empty(),
        Some(Give::Nobody) => true,
    };
    if is_lent_by(by, &did) && !is_for_owner {
        return Err(which.is_missing(did));
    }
    let call_limit = edit.call_limit.take();
    let call_limit = call_limit.map(|sent| number(&sent, MAX_CALLS, Field::CallLimit));
    let call_limit = call_limit.transpose()?;
    match give {
        None => {}
        Some(Give::Nobody) => did = take_away(tx, by, did)?,
        Some(Give::User(user_id)) => did = self::give(tx, by, did, user_id)?,
    }
    let mut after = edit.apply(tx, by, &did)?;
    after.call_limit = call_limit.unwrap_or(after.call_limit);
    let (was, is) = log::difference(&json!(did), &json!(after));
    if was != is {
        dids::update_details(tx, &after)?;
        log::record(tx, by, Action::DidDetails, did.id, Some(was), Some(is))?;
    }
    Ok(after)
}

/// Reserves a DID for a user. Who has it already keeps it, in whatever state; a closed one is reserved for them again.
fn give(tx: &WriteTx<'_>, by: &Actor, did: Did, user_id: Option<Id>) -> Result<Did, Error> {
    let user_id = user_id.ok_or(Rule::NotFound(Thing::User))?;
    let user = did_steps::taker(tx, by, user_id)?;
    if is_lent_by(by, &did) {
        return match user.id == did.owner_id {
            true => Ok(did),
            false => Err(DidError::NotFree.into()),
        };
    }
    let is_theirs = did.user_id == Some(user.id);
    match did.status {
        DidStatus::Terminated => Err(DidError::Terminated.into()),
        DidStatus::Closed if is_theirs => did_steps::take(tx, by, &did_life::REOPEN, &did),
        _ if is_theirs => Ok(did),
        DidStatus::Free => did_steps::reserve(tx, by, &did, user.id),
        DidStatus::Reserved if is_owners(&did) => did_steps::reserve(tx, by, &did, user.id),
        DidStatus::Reserved | DidStatus::Active | DidStatus::Closed => {
            Err(DidError::NotFree.into())
        }
    }
}

/// Frees a DID, whoever has it. A lent one comes back, if its reseller has not passed it on.
fn take_away(tx: &WriteTx<'_>, by: &Actor, did: Did) -> Result<Did, Error> {
    if is_lent_by(by, &did) {
        return match did_life::TAKE_BACK.is_open_to(&did) {
            true => did_steps::take(tx, by, &did_life::TAKE_BACK, &did),
            false => Err(DidError::NotFree.into()),
        };
    }
    if did.status == DidStatus::Free {
        return Ok(did);
    }
    let after = RELEASE.apply(&did, tx.now_ms());
    Ok(change(tx, by, &RELEASE, &did, after)?)
}

/// Deletes a terminated DID, so that its number can be made again. The log keeps all of it.
pub fn delete<'a>(tx: &WriteTx<'_>, by: &Actor, did: impl Into<Which<'a>>) -> Result<Did, Error> {
    by.require(Right::ManageDids)?;
    let did = did.into().find_own(tx, by)?;
    if did.status != DidStatus::Terminated {
        return Err(DidError::NotTerminated.into());
    }
    dids::delete(tx, did.id)?;
    log::record(tx, by, Action::DidDelete, did.id, Some(json!(did)), None)?;
    Ok(did)
}

/// A whole number from 0 to `most`.
fn number(sent: &str, most: i64, field: Field) -> Result<i64, Error> {
    text::number(sent, 0..=most).ok_or_else(|| Rule::Invalid(field).into())
}

/// Two letters, in lower case, or nothing.
fn letters(sent: &str, field: Field) -> Result<String, Error> {
    let is_pair = sent.len() == 2 && sent.bytes().all(|byte| byte.is_ascii_alphabetic());
    match is_pair || sent.is_empty() {
        true => Ok(sent.to_ascii_lowercase()),
        false => Err(Rule::Invalid(field).into()),
    }
}

/// `Name: value`, as SIP has it, or nothing.
fn header(sent: &str) -> Result<String, Error> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
    let is_header = sent.split_once(':').is_some_and(|(name, value)| {
        !name.is_empty() && name.bytes().all(is_token) && !value.trim().is_empty()
    });
    let is_plain = !sent.chars().any(char::is_control);
    match (is_header && is_plain) || sent.trim().is_empty() {
        true => Ok(sent.into()),
        false => Err(Rule::Invalid(Field::CustomSipHeader).into()),
    }
}

/// The provider that a DID moves to. A lent DID stays with its owner's.
fn provider(tx: &WriteTx<'_>, by: &Actor, did: &Did, provider_id: Option<Id>) -> Result<Id, Error> {
    let found = match provider_id {
        Some(id) => crate::store::tables::providers::find(tx, id)?,
        None => None,
    };
    let found = found.ok_or(Rule::NotFound(Thing::Provider))?;
    if did.lent_by_id.is_some() || !providers::may_use(by, &found) {
        return Err(Rule::Foreign(Thing::Provider).into());
    }
    Ok(found.id)
}
