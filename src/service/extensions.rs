//! The extensions of devices: handing out the next number, and taking one that somebody has chosen.

use super::{Error, Field, Rule, text};
use crate::store::tables::{devices, installation};
use crate::store::{ReadTx, StoreError, WriteTx};

/// Longest extension, in characters.
pub const MAX_EXTENSION: usize = 20;

const FIELD: Field = Field::OfDevice("extension");

/// Refuses an extension that is not made of `a-z0-9#*`. Its length is asked later.
pub(super) fn check_form(extension: &str) -> Result<(), Error> {
    let is_sign =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"#*".contains(&byte);
    match extension.bytes().all(is_sign) {
        true => Ok(()),
        false => Err(Rule::Invalid(FIELD).with("extension is incorrect format")),
    }
}

/// Refuses an extension that a device has.
pub(super) fn check_free(tx: &ReadTx<'_>, extension: &str) -> Result<(), Error> {
    match devices::find_by_extension(tx, extension)? {
        Some(_) => Err(Rule::Taken(FIELD).with("extension is already used")),
        None => Ok(()),
    }
}

/// Refuses an extension with too many characters.
pub(super) fn check_length(extension: &str) -> Result<(), Error> {
    match text::is_longer(extension, MAX_EXTENSION) {
        true => Err(Rule::TooLong(FIELD).with("extension is too long")),
        false => Ok(()),
    }
}

/// The next number from `first_extension` on that no device has as its extension or username, and that none has given
/// back.
pub(super) fn take(tx: &WriteTx<'_>) -> Result<String, StoreError> {
    let mut number = installation::next_extension(tx)?;
    let mut extension = number.to_string();
    while devices::number_was_used(tx, &extension)? {
        number += 1;
        extension = number.to_string();
    }
    installation::update_next_extension(tx, number + 1)?;
    Ok(extension)
}

/// The username of a new device with this extension: the same where it is letters and digits and free, else the next
/// number.
pub(super) fn username(tx: &WriteTx<'_>, extension: &str) -> Result<String, StoreError> {
    let is_plain = extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match is_plain && devices::find_by_username(tx, extension)?.is_none() {
        true => Ok(extension.into()),
        false => take(tx),
    }
}
