//! Watches whether the files under the database's names are still the open ones.
//!
//! A file that is removed or replaced while a process has it open only loses its name: the process goes on writing, and
//! everything it wrote is lost when it ends. So each commit looks before it begins, and again before its callers are
//! answered.

use std::fs::{Metadata, metadata, rename};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::Connection;

use crate::store::StoreError;
use crate::store::file::name::{ORPHAN, sidecar};

/// The files of an open database: itself, its WAL, and the WAL's index.
#[derive(Debug)]
pub struct Watch {
    files: [Watched; 3],
    /// The database's length in bytes at the last look. SQLite never makes it shorter, because nothing is vacuumed.
    bytes: AtomicU64,
    is_gone: AtomicBool,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    /// The device, and the file's number on it, which no other file gets while this one is open.
    id: (u64, u64),
}

impl Watch {
    /// Notes the files of the database at `path`, which `connection` has open in WAL mode.
    pub fn new(connection: &Connection, path: &Path) -> Result<Self, StoreError> {
        // The first read of the file makes the WAL and its index.
        connection.pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0))?;
        // SQLite keeps them beside the file itself, wherever a link to it is. The link is watched, too.
        let real = path.canonicalize()?;
        let watched = |path: PathBuf| {
            Ok::<_, StoreError>(Watched {
                id: id(&path)?,
                path,
            })
        };
        Ok(Self {
            files: [
                watched(path.into())?,
                watched(sidecar(&real, "-wal"))?,
                // Through this file, processes learn of each other's writes.
                watched(sidecar(&real, "-shm"))?,
            ],
            bytes: AtomicU64::new(metadata(path)?.len()),
            is_gone: AtomicBool::new(false),
        })
    }

    /// Refuses unless every file still has its name. Logs the loss once, and once when the files are back.
    pub fn check(&self) -> Result<(), StoreError> {
        let is_whole = |file: &&Watched| {
            let found = metadata(&file.path);
            found.is_ok_and(|found| id_of(&found) == file.id && !self.is_cut(file, found.len()))
        };
        let gone = self.files.iter().find(|file| !is_whole(file));
        let was_gone = self.is_gone.swap(gone.is_some(), Ordering::Relaxed);
        match gone {
            None => {
                if was_gone {
                    tracing::warn!("the database's files are back, writes go on");
                }
                Ok(())
            }
            Some(file) => {
                if !was_gone {
                    tracing::error!(
                        path = %file.path.display(),
                        "the file was removed, replaced or cut while it is open: nothing is written any more; put it back, or stop the server and restore a backup"
                    );
                }
                Err(StoreError::Gone)
            }
        }
    }

    /// Whether this is the database, and shorter than before: somebody is copying another file over it. A copy of at
    /// least its length goes unnoticed.
    fn is_cut(&self, file: &Watched, bytes: u64) -> bool {
        let [database, ..] = &self.files;
        std::ptr::eq(file, database) && bytes < self.bytes.fetch_max(bytes, Ordering::Relaxed)
    }
}

impl Drop for Watch {
    /// SQLite leaves the WAL of a replaced file where it is, and the next start would read it into the new file.
    fn drop(&mut self) {
        let is_ours = |file: &Watched| id(&file.path).is_ok_and(|found| found == file.id);
        let [database, wal, _] = &self.files;
        if !database.path.exists() || is_ours(database) || !is_ours(wal) {
            return;
        }
        let kept = sidecar(&wal.path, ORPHAN);
        // A file of this name is from an earlier time.
        let moved = match kept.exists() {
            true => Err(std::io::ErrorKind::AlreadyExists.into()),
            false => rename(&wal.path, &kept),
        };
        match moved {
            Ok(()) => tracing::warn!(
                path = %kept.display(),
                "the database was replaced while it was open: this is the WAL of the one before, which is not whole without it"
            ),
            Err(error) => tracing::error!(
                path = %wal.path.display(),
                %error,
                "the database was replaced while it was open: move away this WAL, which is of the one before"
            ),
        }
    }
}

/// The path is asked, because a process that opens the file and closes it loses every lock that it has on it, including
/// SQLite's.
fn id(path: &Path) -> std::io::Result<(u64, u64)> {
    Ok(id_of(&metadata(path)?))
}

fn id_of(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}
