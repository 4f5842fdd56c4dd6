//! The table `installation`: facts about the file as a whole.

use rusqlite::named_params;

use crate::store::row::{row, select};
use crate::store::{ReadTx, StoreError, WriteTx};

const INSERT: &str = "
INSERT INTO installation (
  id,
  is_demo,
  created_ms,
  next_extension,
  clock_ms
) VALUES (
  1,
  :is_demo,
  :now_ms,
  :next_extension,
  :now_ms
)";

/// Makes the row of a new database.
pub fn insert(
    tx: &WriteTx<'_>,
    is_demo: bool,
    next_extension: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    tx.insert(
        INSERT,
        named_params! {
            ":is_demo": is_demo,
            ":now_ms": now_ms,
            ":next_extension": next_extension,
        },
    )?;
    Ok(())
}

const CREATED: &str = "
SELECT created_ms
FROM installation";

/// When the installation was made. Backups of different installations are told apart by it.
pub fn created_ms(tx: &ReadTx<'_>) -> Result<i64, StoreError> {
    tx.get(CREATED, [], |row| row.get(0))
}

const IS_DEMO: &str = "
SELECT is_demo
FROM installation";

/// Whether the file carries the mark of the demo world.
pub fn is_demo(tx: &ReadTx<'_>) -> Result<bool, StoreError> {
    tx.get(IS_DEMO, [], |row| row.get(0))
}

const ACCESS_VERSION: &str = "
SELECT access_version
FROM installation";

/// A number that every change of users, permissions, keys, settings and allow-lists raises.
pub fn access_version(tx: &ReadTx<'_>) -> Result<i64, StoreError> {
    tx.get(ACCESS_VERSION, [], |row| row.get(0))
}

const NEXT_EXTENSION: &str = "
SELECT next_extension
FROM installation";

/// The number after the last extension that was handed out.
pub fn next_extension(tx: &ReadTx<'_>) -> Result<i64, StoreError> {
    tx.get(NEXT_EXTENSION, [], |row| row.get(0))
}

const UPDATE_NEXT_EXTENSION: &str = "
UPDATE installation
SET next_extension = :next_extension";

/// Moves the mark of [`next_extension`].
pub fn update_next_extension(tx: &WriteTx<'_>, next_extension: i64) -> Result<(), StoreError> {
    tx.execute(
        UPDATE_NEXT_EXTENSION,
        named_params! { ":next_extension": next_extension },
    )?;
    Ok(())
}

row! {
    /// The note about the clock, in milliseconds since 1970-01-01 UTC.
    #[derive(Debug, Clone, Copy)]
    pub struct Clock from installation {
        /// The newest time that the server has acted on.
        clock_ms: i64,
        /// When the server noticed that the clock had leapt; none: the clock is trusted.
        leap_ms: Option<i64>,
    }
}

const CLOCK: &str = select!(Clock);

/// The note about the clock.
pub fn clock(tx: &ReadTx<'_>) -> Result<Clock, StoreError> {
    tx.get(CLOCK, [], Clock::read)
}

const UPDATE_CLOCK: &str = "
UPDATE installation
SET
  clock_ms = :clock_ms,
  leap_ms = :leap_ms";

/// Replaces the note about the clock.
pub fn update_clock(
    tx: &WriteTx<'_>,
    clock_ms: i64,
    leap_ms: Option<i64>,
) -> Result<(), StoreError> {
    tx.execute(
        UPDATE_CLOCK,
        named_params! { ":clock_ms": clock_ms, ":leap_ms": leap_ms },
    )?;
    Ok(())
}

/// The demo world, row by row.
const DEMO_WORLD: &str = include_str!("../../../fixtures/demo.sql");
/// What printed requests of MOR's manual need besides.
const EXAMPLES: &str = include_str!("../../../fixtures/examples.sql");

/// Fills a new database, whose `installation` row is there, with the demo world.
pub fn insert_demo_world(tx: &WriteTx<'_>) -> Result<(), StoreError> {
    Ok(tx.connection.execute_batch(DEMO_WORLD)?)
}

/// Adds what printed requests of MOR's manual need to the demo world.
pub fn insert_examples(tx: &WriteTx<'_>) -> Result<(), StoreError> {
    Ok(tx.connection.execute_batch(EXAMPLES)?)
}
