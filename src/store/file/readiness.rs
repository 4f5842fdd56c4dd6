//! The table `readiness`: what is written to find out whether anything can be written.

use rusqlite::named_params;

use crate::store::{StoreError, WriteTx};

const UPSERT: &str = "
INSERT INTO readiness (
  id,
  filler
) VALUES (
  1,
  :filler
)
ON CONFLICT (id) DO UPDATE SET
  filler = :filler";

/// Puts `filler` in the place of the last one. Each of its pages that changes goes to the disk: SQLite leaves out those that
/// stay the same.
pub fn update(tx: &WriteTx<'_>, filler: &[u8]) -> Result<(), StoreError> {
    tx.execute(UPSERT, named_params! { ":filler": filler })?;
    Ok(())
}
