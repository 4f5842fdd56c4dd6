//! The table `readiness`: it is written to find out whether the database can be written.

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

/// Replaces the last filler with `filler`. Each changed database page goes to the disk; SQLite skips pages that stay
/// the same.
pub fn update(tx: &WriteTx<'_>, filler: &[u8]) -> Result<(), StoreError> {
    tx.execute(UPSERT, named_params! { ":filler": filler })?;
    Ok(())
}
