//! A copy of a database, in one step of SQLite's online backup.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::store::file::draft::{Draft, NotKept};
use crate::store::{StoreError, pool};

/// Copies a database to a new file, unchecked, and syncs it.
pub fn copy_to(source: &Connection, target: &Path) -> Result<(), StoreError> {
    let draft = Draft::new(target)?;
    copy(source, draft.path())?;
    draft.keep(false).map_err(|fault| match fault {
        NotKept::Exists => StoreError::Disk,
        NotKept::Store(error) => error,
    })
}

/// Copies a database over an empty file, which is synced later, when it gets its name.
pub fn copy(source: &Connection, target: &Path) -> Result<(), StoreError> {
    let mut target = pool::connect(target)?;
    target.pragma_update(None, "synchronous", "OFF")?;
    match Backup::new(source, &mut target)?.step(-1)? {
        StepResult::Done => {}
        _ => return Err(StoreError::Busy),
    }
    pool::use_one_file(&target)
}
