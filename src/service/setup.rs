//! What the operator sets up and several areas share: names and owners.

use super::Error;
use super::SetupError;
use crate::service::guard::access::Actor;
use crate::store::row::Id;
use crate::store::tables::users::UserType;
use crate::store::{ReadTx, StoreError};

/// Longest name of a provider, device group, IVR or dial plan, in characters.
pub const MAX_NAME: usize = 255;

/// A name has 1 to [`MAX_NAME`] characters, none of them a control character.
pub fn check_name(name: &str) -> Result<(), Error> {
    let length = name.chars().count();
    if length == 0 || length > MAX_NAME || name.chars().any(char::is_control) {
        return Err(SetupError::NameInvalid.into());
    }
    Ok(())
}

/// Things are owned by admin or a reseller whom the actor reaches.
pub fn check_owner(tx: &ReadTx<'_>, by: &Actor, owner_id: Id) -> Result<(), Error> {
    if !is_owner(tx, by, owner_id)? {
        return Err(SetupError::OwnerInvalid.into());
    }
    Ok(())
}

/// Whether `owner_id` is admin or a reseller whom the actor reaches.
pub fn is_owner(tx: &ReadTx<'_>, by: &Actor, owner_id: Id) -> Result<bool, StoreError> {
    let owner = by.own_user(tx, owner_id)?;
    Ok(owner.is_some_and(|owner| matches!(owner.user_type, UserType::Admin | UserType::Reseller)))
}
