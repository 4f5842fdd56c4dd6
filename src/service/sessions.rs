//! Signing in to the web pages: sessions, the tokens of forms, and the link that sets a first password.

use std::net::IpAddr;
use std::path::Path;

use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{KeyInit, Mac};
use serde_json::json;
use subtle::ConstantTimeEq;

use super::{AccessError, Error, Rule, Thing, installation, log, users};
use crate::ambient::{Ambient, SLACK_MS, is_young, rfc3339};
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Origin, Right};
use crate::service::guard::attempt::Attempt;
use crate::store::row::Id;
use crate::store::tables::installation as rows;
use crate::store::tables::sessions::{self, Listed, Session, TokenHash};
use crate::store::tables::users::{self as user_rows, ADMIN, User};
use crate::store::{ReadTx, Store, StoreError, WriteTx};

/// The time without a request after which a session ends.
pub const IDLE_MS: i64 = 2 * 60 * 60 * 1000;
/// The time after which a session ends in any case.
pub const ABSOLUTE_MS: i64 = 24 * 60 * 60 * 1000;
/// How exactly the last use of a session is noted: a page that only reads should not write.
pub const SEEN_EVERY_MS: i64 = 5 * 60 * 1000;
/// How long the link of a new database works.
pub const LINK_MS: i64 = 30 * 60 * 1000;
/// The most sessions of one user. One more ends the oldest.
pub const MAX_SESSIONS: u32 = 20;
/// The most expired sessions, and the most links, that one transaction removes, so that callers need not wait long
/// behind it.
pub const MAX_PURGED: u32 = 500;
/// Verified for an unknown name, so that it takes as long as a known one.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$ZGVjb3ktZGVjb3ktZGVjbw$Wcwb2WuLe+gBq6S7HRMvwKisMyC70uw5Vpoqac+gc58";

/// Someone who is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The actor they are.
    pub actor: Actor,
    /// Whether it is time to note that they were seen.
    pub is_due: bool,
    /// The `access_version` by which they were found.
    pub version: i64,
}

/// A new random token: 64 hex digits.
pub fn new_token(ambient: &Ambient) -> String {
    hex::encode(ambient.bytes::<32>())
}

/// The stored hash of a token.
pub fn token_hash(token: &str) -> TokenHash {
    keyed(token, b"stored")
}

/// The token in the forms for the holder of `token`. Nobody else can make it.
pub fn form_token(token: &str) -> String {
    hex::encode(keyed(token, b"form"))
}

/// Whether a form was made for the holder of `token`.
pub fn is_form_token(token: &str, sent: &str) -> bool {
    form_token(token).as_bytes().ct_eq(sent.as_bytes()).into()
}

fn keyed(token: &str, purpose: &[u8]) -> [u8; 32] {
    // A token has 64 characters, the longest key that the hash takes. Anything else that a browser sends belongs to
    // nobody.
    let key = token.as_bytes().get(..64).unwrap_or(b"-");
    let mut mac = Blake2bMac::<U32>::new_from_slice(key).expect("1 to 64 bytes are a key");
    mac.update(purpose);
    mac.update(token.as_bytes());
    mac.finalize().into_bytes().into()
}

/// Finds out whether the typed `password` is that of the named user. A user who is blocked, or has no password, is as
/// unknown as a name that nobody has, and takes as long. Gives the argon2 string, too, for [`start_verified`].
pub async fn verify(
    store: &Store,
    attempt: &Attempt<'_>,
    password: &str,
) -> Result<(User, String), Error> {
    let found = store.read(|tx| user_rows::find_by_username(tx, attempt.username()))?;
    let (user, stored) = match found {
        Some((user, Some(stored))) if !user.blocked => (Some(user), stored),
        _ => (None, DECOY.to_owned()),
    };
    let verified = attempt.verify_typed(password, Some(&stored)).await;
    match (verified, user) {
        (Ok(()), Some(user)) => Ok((user, stored)),
        (Ok(()), None) => Err(AccessError::WrongPassword.into()),
        (Err(error), _) => Err(error),
    }
}

/// Signs in a user whose password was verified against `verified`, if that is still their password and they were not
/// blocked while argon2 ran.
pub fn start_verified(
    tx: &WriteTx<'_>,
    from: Origin,
    user_id: Id,
    verified: &str,
    token: &str,
) -> Result<(), Error> {
    let stored = user_rows::find_password(tx, user_id)?;
    let user = user_rows::find(tx, user_id)?.filter(|user| !user.blocked);
    match user {
        Some(user) if stored.as_deref() == Some(verified) => {
            start(tx, &Actor::find(tx, &user, from)?, user_id, token)
        }
        _ => Err(AccessError::WrongPassword.into()),
    }
}

/// Signs in a user whose password was verified. A link to set their password is not needed any more.
pub fn start(tx: &WriteTx<'_>, by: &Actor, user_id: Id, token: &str) -> Result<(), Error> {
    let now_ms = by.now_ms;
    sessions::delete_stale(
        tx,
        user_id,
        now_ms - ABSOLUTE_MS,
        now_ms - IDLE_MS,
        now_ms + SLACK_MS,
        MAX_SESSIONS - 2,
    )?;
    sessions::delete_links(tx, user_id)?;
    let address = by.address.map(|address| address.to_string());
    let now_ms = tx.now_ms();
    sessions::insert(tx, &token_hash(token), user_id, address.as_deref(), now_ms)?;
    log::record(tx, by, Action::SessionStart, user_id, None, None)?;
    Ok(())
}

/// The holder of this token, if their session has not expired and they are not blocked.
pub fn find(tx: &ReadTx<'_>, token: &str, from: Origin) -> Result<Option<SignedIn>, StoreError> {
    let now_ms = from.now_ms;
    let version = rows::access_version(tx)?;
    let Some(session) = find_session(tx, token, now_ms)? else {
        return Ok(None);
    };
    let user = user_rows::find(tx, session.user_id)?.filter(|user| !user.blocked);
    let Some(user) = user else {
        return Ok(None);
    };
    Ok(Some(SignedIn {
        actor: Actor::find(tx, &user, from)?,
        is_due: now_ms - session.seen_ms >= SEEN_EVERY_MS,
        version,
    }))
}

/// The session of this token, if it has not expired.
fn find_session(tx: &ReadTx<'_>, token: &str, now_ms: i64) -> Result<Option<Session>, StoreError> {
    let is_on = |session: &Session| {
        is_young(session.created_ms, now_ms, ABSOLUTE_MS)
            && is_young(session.seen_ms, now_ms, IDLE_MS)
    };
    Ok(sessions::find(tx, &token_hash(token))?.filter(is_on))
}

/// Whether the session of this token still exists and belongs to the actor.
pub fn is_on(tx: &ReadTx<'_>, token: &str, by: &Actor) -> Result<bool, StoreError> {
    let session = find_session(tx, token, by.now_ms)?;
    Ok(session.is_some_and(|session| Some(session.user_id) == by.user_id))
}

/// The present actor for somebody whom a request found to be `by` at `access_version` `version`. After the end of their
/// session, or a block, they may not act any more. Otherwise their rights are the present ones.
pub fn renew(tx: &ReadTx<'_>, token: &str, by: &Actor, version: i64) -> Result<Actor, Error> {
    if !is_on(tx, token, by)? {
        return Err(AccessError::SignedOut.into());
    }
    if rows::access_version(tx)? == version {
        return Ok(by.clone());
    }
    let user = user_rows::find(tx, by.user_id.unwrap_or(-1))?;
    let user = user.filter(|user| !user.blocked);
    let user = user.ok_or(AccessError::SignedOut)?;
    Ok(Actor::find(tx, &user, by.origin())?)
}

/// Notes that a session was used, and its address.
pub fn see(tx: &WriteTx<'_>, token: &str, address: Option<IpAddr>) -> Result<(), StoreError> {
    let address = address.map(|address| address.to_string());
    sessions::update_seen(tx, &token_hash(token), address.as_deref(), tx.now_ms())
}

/// The name of a session on its user's account page. Nobody can sign in with it.
pub fn name(token: &str) -> String {
    hex::encode(token_hash(token))
}

/// The actor's own sessions that have not expired, the newest first, each by its [`name`].
pub fn list_own(tx: &ReadTx<'_>, by: &Actor) -> Result<Vec<(String, Listed)>, Error> {
    by.require(Right::SignedIn)?;
    let Some(user_id) = by.user_id else {
        return Ok(Vec::new());
    };
    let mut own = sessions::list_of_user(tx, user_id, MAX_SESSIONS)?;
    own.retain(|session| {
        is_young(session.created_ms, by.now_ms, ABSOLUTE_MS)
            && is_young(session.seen_ms, by.now_ms, IDLE_MS)
    });
    let named = own.into_iter();
    Ok(named
        .map(|session| (hex::encode(session.token_hash), session))
        .collect())
}

/// Ends one of the actor's own sessions, by its [`name`]. Its holder is out with their next request.
pub fn end_own(tx: &WriteTx<'_>, by: &Actor, name: &str) -> Result<(), Error> {
    by.require(Right::SignedIn)?;
    let own = list_own(tx, by)?;
    let (_, session) = own
        .into_iter()
        .find(|(known, _)| known == name)
        .ok_or(Rule::NotFound(Thing::Session))?;
    end_listed(tx, by, &session)
}

/// Ends all of the actor's own sessions but the one of this token.
pub fn end_others(tx: &WriteTx<'_>, by: &Actor, token: &str) -> Result<(), Error> {
    by.require(Right::SignedIn)?;
    let kept = name(token);
    for (name, session) in list_own(tx, by)? {
        if name != kept {
            end_listed(tx, by, &session)?;
        }
    }
    Ok(())
}

fn end_listed(tx: &WriteTx<'_>, by: &Actor, session: &Listed) -> Result<(), Error> {
    sessions::delete(tx, &session.token_hash)?;
    let ended = json!({ "since": rfc3339(session.created_ms), "address": session.address });
    log::record(tx, by, Action::SessionEnd, by.user_id, Some(ended), None)?;
    Ok(())
}

/// Signs out.
pub fn end(tx: &WriteTx<'_>, by: &Actor, token: &str) -> Result<(), Error> {
    sessions::delete(tx, &token_hash(token))?;
    log::record(tx, by, Action::SessionEnd, by.user_id, None, None)?;
    Ok(())
}

/// Removes expired sessions and links, and sessions from the future, at most [`MAX_PURGED`] of each, and gives their
/// number. A session that ended by its age cannot be used any more, so it goes once it has been idle for long enough,
/// too.
pub fn purge(tx: &WriteTx<'_>, now_ms: i64) -> Result<usize, StoreError> {
    let ended = sessions::delete_expired(tx, now_ms - IDLE_MS, MAX_PURGED)?;
    let ahead = sessions::delete_ahead(tx, now_ms + SLACK_MS, MAX_PURGED)?;
    Ok(ended + ahead + sessions::delete_expired_links(tx, now_ms, MAX_PURGED)?)
}

/// Makes the link with which the admin of a new database sets their password. The link contains `token`.
pub fn insert_first_link(tx: &WriteTx<'_>, token: &str, now_ms: i64) -> Result<(), StoreError> {
    sessions::insert_link(tx, &token_hash(token), ADMIN, now_ms + LINK_MS)
}

/// The user whose password a link sets; none: it was used, is too old or was never made, or its user is blocked.
pub fn find_link(tx: &ReadTx<'_>, token: &str, now_ms: i64) -> Result<Option<User>, StoreError> {
    let until_ms = now_ms + LINK_MS + SLACK_MS;
    match sessions::find_link(tx, &token_hash(token), now_ms, until_ms)? {
        Some(user_id) => Ok(user_rows::find(tx, user_id)?.filter(|user| !user.blocked)),
        None => Ok(None),
    }
}

/// Sets the password that a link is for, which ends the link.
pub fn use_link(tx: &WriteTx<'_>, from: Origin, token: &str, hash: &str) -> Result<User, Error> {
    let user = find_link(tx, token, from.now_ms)?.ok_or(AccessError::LinkInvalid)?;
    let by = Actor::find(tx, &user, from)?;
    users::change_password(tx, &by, user.id, hash)?;
    Ok(user)
}

/// Removes the file with the first secrets: someone who signs in has read it, and a file that lies around is found.
pub fn forget_first_run(store: &Store) {
    let folder = store.path().parent().unwrap_or(Path::new("."));
    match std::fs::remove_file(folder.join(installation::FIRST_RUN)) {
        Ok(()) => tracing::info!(
            "{} was removed after the first sign-in",
            installation::FIRST_RUN
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(%error, "{} could not be removed: delete it", installation::FIRST_RUN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_token_belongs_to_one_session() {
        let ambient = Ambient::fixed(0, 1);
        let (mine, yours) = (new_token(&ambient), new_token(&ambient));
        assert_eq!(mine.len(), 64);
        assert!(is_form_token(&mine, &form_token(&mine)));
        assert!(!is_form_token(&mine, &form_token(&yours)));
        assert!(!is_form_token(&mine, ""));
        assert_ne!(hex::encode(token_hash(&mine)), form_token(&mine));
    }

    #[test]
    fn whatever_a_browser_sends_is_hashed() {
        for odd in ["", "x", &"\u{17e}".repeat(100)] {
            assert_ne!(token_hash(odd), token_hash("y"));
        }
    }
}
