//! The installation as a whole: the first rows of a new database.

use super::users::{self, NewUser};
use super::{Error, keys};
use crate::service::guard::access::Actor;
use crate::store::file::readiness;
use crate::store::tables::users::{ADMIN, UserType};
use crate::store::tables::{installation, settings};
use crate::store::{ReadTx, StoreError, WriteTx};

/// Admin's username in a new database.
pub const ADMIN_USERNAME: &str = "admin";
/// The file for the first secrets when no terminal can show them. The first sign-in to the web pages removes it.
pub const FIRST_RUN: &str = "first-run.txt";

/// Puts the first rows into a new database: the schema's default settings, and admin with a primary group, a password
/// and one key.
pub fn fill_new(
    tx: &WriteTx<'_>,
    now_ms: i64,
    password_hash: String,
    key: &str,
) -> Result<(), Error> {
    let system = Actor::system(now_ms);
    settings::insert_defaults(tx)?;
    let next_extension = settings::get(tx)?.first_extension;
    installation::insert(tx, false, next_extension, now_ms)?;
    let admin = NewUser {
        username: ADMIN_USERNAME.into(),
        user_type: UserType::Admin,
        owner_id: ADMIN,
        password_hash: Some(password_hash),
    };
    users::insert(tx, &system, Some(ADMIN), admin)?;
    keys::add(tx, &system, ADMIN, key)?;
    Ok(())
}

/// Puts the demo world into a new database, and the mark that goes with it.
pub fn fill_demo(tx: &WriteTx<'_>, now_ms: i64) -> Result<(), StoreError> {
    // The demo's own rows move the extension forward.
    installation::insert(tx, true, 1, now_ms)?;
    installation::insert_demo_world(tx)
}

/// Puts the demo world into a new database, with what printed requests of MOR's manual need besides.
pub fn fill_examples(tx: &WriteTx<'_>, now_ms: i64) -> Result<(), StoreError> {
    fill_demo(tx, now_ms)?;
    installation::insert_examples(tx)
}

/// How many bytes [`touch`] writes: some database pages more than a `device_create` among many devices, which changes
/// 15 of 4096 bytes.
pub const TOUCHED_BYTES: usize = 20 * 4096;

/// Writes as many bytes as a large call does, without meaning. It fails when calls cannot write. `filler` differs each
/// time.
pub fn touch(tx: &WriteTx<'_>, filler: &[u8]) -> Result<(), StoreError> {
    readiness::update(tx, filler)
}

/// Whether the database carries the mark of the demo world, whose password and keys are public.
pub fn is_demo(tx: &ReadTx<'_>) -> Result<bool, StoreError> {
    installation::is_demo(tx)
}

/// A number that every change of users, permissions, keys, settings and allow-lists raises.
pub fn access_version(tx: &ReadTx<'_>) -> Result<i64, StoreError> {
    installation::access_version(tx)
}
