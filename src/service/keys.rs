//! Secret keys: their users, their number, and how they are shown.

use serde::Serialize;
use serde_json::json;

use super::{Error, Field, Rule, Thing, log, users};
use crate::ambient::Ambient;
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::store::row::Id;
use crate::store::tables::api_keys::{self, ApiKey};
use crate::store::tables::users::UserType;
use crate::store::{ReadTx, StoreError, WriteTx};

/// Shortest key, in characters.
pub const MIN_KEY: usize = 6;
/// Longest key, in characters.
pub const MAX_KEY: usize = 128;
/// Length of the keys that linebook makes.
pub const GENERATED_KEY: usize = 32;
/// The most active keys of one user: a call is checked against all of them.
pub const MAX_ACTIVE_KEYS: usize = 16;

/// The most keys that a web page lists.
const MAX_LISTED: u32 = 1000;

/// A secret as it may be shown: its first two characters, and stars.
pub fn mask(secret: &str) -> String {
    api_keys::mask(secret)
}

/// An active key as it may be shown.
#[derive(Debug, Clone, Serialize)]
pub struct MaskedKey {
    /// Its row. It is revoked by this id.
    pub id: Id,
    /// Whose calls it signs.
    pub user_id: Id,
    /// Its first two characters, and stars.
    pub key: String,
    /// When it was made, in milliseconds since 1970-01-01 UTC.
    pub created_ms: i64,
}

impl From<&ApiKey> for MaskedKey {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id,
            user_id: key.user_id,
            key: key.masked(),
            created_ms: key.created_ms,
        }
    }
}

/// Gives a user one more active key, and returns its id.
pub fn add(tx: &WriteTx<'_>, by: &Actor, user_id: Id, secret: &str) -> Result<Id, Error> {
    by.require(Right::ManageApi)?;
    let user = users::get_own(tx, by, user_id)?;
    if user.user_type == UserType::User {
        return Err(Rule::Invalid(Field::KeyUser).into());
    }
    check(secret)?;
    let active = api_keys::list_active(tx, user.id)?;
    if active.iter().any(|key| key.secret == secret) {
        return Err(already_active());
    }
    if active.len() >= MAX_ACTIVE_KEYS {
        return Err(Rule::TooMany(Thing::Key).with(format!("{MAX_ACTIVE_KEYS} are active")));
    }
    let id = api_keys::insert(tx, user.id, secret, tx.now_ms()).map_err(|error| match error {
        StoreError::Unique => already_active(),
        other => other.into(),
    })?;
    let after = json!({ "user_id": user.id });
    log::record(tx, by, Action::KeyAdd, id, None, Some(after))?;
    Ok(id)
}

/// A key has [`MIN_KEY`] to [`MAX_KEY`] visible ASCII characters.
pub fn check(secret: &str) -> Result<(), Error> {
    let is_visible = secret.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_visible || !(MIN_KEY..=MAX_KEY).contains(&secret.len()) {
        let detail = format!(
            "a key has {MIN_KEY} to {MAX_KEY} visible ASCII characters, no space among them"
        );
        return Err(Rule::Invalid(Field::Key).with(detail));
    }
    Ok(())
}

fn already_active() -> Error {
    Rule::Invalid(Field::Key).with("the user already has it")
}

/// A random key of [`GENERATED_KEY`] characters.
pub fn generate(ambient: &Ambient) -> String {
    ambient.secret(GENERATED_KEY)
}

/// Revokes a key: from the next request on it signs nothing.
pub fn revoke(tx: &WriteTx<'_>, by: &Actor, key_id: Id) -> Result<(), Error> {
    by.require(Right::ManageApi)?;
    let not_found = || Rule::NotFound(Thing::Key).with(key_id.to_string());
    let key = api_keys::find_active(tx, key_id)?.ok_or_else(not_found)?;
    by.own_user(tx, key.user_id)?.ok_or_else(not_found)?;
    api_keys::revoke(tx, key.id, tx.now_ms())?;
    let before = json!({ "user_id": key.user_id });
    log::record(tx, by, Action::KeyRevoke, key.id, Some(before), None)?;
    Ok(())
}

/// Revokes a key and gives its user another in one step, as after a leak. Returns the new key's id.
pub fn replace(tx: &WriteTx<'_>, by: &Actor, key_id: Id, secret: &str) -> Result<Id, Error> {
    by.require(Right::ManageApi)?;
    let not_found = || Rule::NotFound(Thing::Key).with(key_id.to_string());
    let key = api_keys::find_active(tx, key_id)?.ok_or_else(not_found)?;
    revoke(tx, by, key_id)?;
    add(tx, by, key.user_id, secret)
}

/// Up to `limit` of everyone's active keys with ids above `after`, in id order, for actors who reach everything.
pub fn list_all(
    tx: &ReadTx<'_>,
    by: &Actor,
    after: Id,
    limit: u32,
) -> Result<Vec<MaskedKey>, Error> {
    by.require(Right::ManageApi)?;
    by.require_everything()?;
    Ok(masked(&api_keys::list(tx, after, limit)?))
}

/// The active keys that the actor may revoke, with their users' names: the actor's own, and for admin also those of
/// accountants and managers.
pub fn list_own(tx: &ReadTx<'_>, by: &Actor) -> Result<Vec<(MaskedKey, String)>, Error> {
    by.require(Right::ManageApi)?;
    let mut own = Vec::new();
    if by.user_type != UserType::Admin {
        for key in masked(&api_keys::list_active(tx, by.owner_id())?) {
            own.push((key, by.name.clone()));
        }
        return Ok(own);
    }
    for key in masked(&api_keys::list(tx, 0, MAX_LISTED)?) {
        if let Some(user) = by.own_user(tx, key.user_id)? {
            own.push((key, user.username));
        }
    }
    Ok(own)
}

/// An own user's active keys, oldest first.
pub fn list_of_user(tx: &ReadTx<'_>, by: &Actor, user_id: Id) -> Result<Vec<MaskedKey>, Error> {
    by.require(Right::ManageApi)?;
    let user = users::get_own(tx, by, user_id)?;
    Ok(masked(&api_keys::list_active(tx, user.id)?))
}

fn masked(keys: &[ApiKey]) -> Vec<MaskedKey> {
    keys.iter().map(MaskedKey::from).collect()
}

#[cfg(test)]
mod tests {
    use super::{check, generate};
    use crate::ambient::Ambient;

    #[test]
    fn a_key_has_6_to_128_visible_ascii_characters() {
        assert!(check("secre").is_err());
        assert!(check("secret").is_ok());
        assert!(check(&"k".repeat(128)).is_ok());
        assert!(check(&"k".repeat(129)).is_err());
        for bad in ["sec ret", "secret\n", "sécrets", "secret\0"] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
        assert!(check(&generate(&Ambient::fixed(0, 1))).is_ok());
    }
}
