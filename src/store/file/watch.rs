//! The files under the database's names: whether they are still those that are open.
//!
//! Whoever removes or replaces a file that a process has open takes its name away, and nothing else: the process goes on
//! writing, and all of it is gone when it ends. So each commit looks, before it begins and before anyone hears of it.

use std::fs::{Metadata, metadata, rename};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::Connection;

use crate::store::StoreError;
use crate::store::file::name::{ORPHAN, sidecar};

/// The files that belong to an open database: itself, its WAL, and the index into that.
#[derive(Debug)]
pub struct Watch {
    files: [Watched; 3],
    /// The database's bytes when it was last looked at. It never becomes shorter by SQLite's doing: nothing is vacuumed.
    bytes: AtomicU64,
    is_gone: AtomicBool,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    /// The device, and the file's number on it, which is nobody else's for as long as the file is open.
    id: (u64, u64),
}

impl Watch {
    /// Notes the files of the database at `path`, which `connection` has open in WAL mode.
    pub fn new(connection: &Connection, path: &Path) -> Result<Self, StoreError> {
        // The WAL and its index are there from the first look at the file on.
        connection.pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0))?;
        // SQLite keeps them beside the file itself, wherever a link to it is. The link is watched too.
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
                // By which processes know of each other's writes.
                watched(sidecar(&real, "-shm"))?,
            ],
            bytes: AtomicU64::new(metadata(path)?.len()),
            is_gone: AtomicBool::new(false),
        })
    }

    /// Refuses unless every file has its name. Says so once in the log, and once when they are back.
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

    /// Whether it is the database, and shorter than it was: somebody copies another file over it. One that is as long is
    /// not told from it.
    fn is_cut(&self, file: &Watched, bytes: u64) -> bool {
        let [database, ..] = &self.files;
        std::ptr::eq(file, database) && bytes < self.bytes.fetch_max(bytes, Ordering::Relaxed)
    }
}

impl Drop for Watch {
    /// SQLite leaves the WAL of a file that was replaced where it is, and the next start would read it into the new file.
    fn drop(&mut self) {
        let is_ours = |file: &Watched| id(&file.path).is_ok_and(|found| found == file.id);
        let [database, wal, _] = &self.files;
        if !database.path.exists() || is_ours(database) || !is_ours(wal) {
            return;
        }
        let kept = sidecar(&wal.path, ORPHAN);
        // One that is there is of another time.
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

/// By path: a process that opens the file and closes it again loses every lock that it has on it, SQLite's too.
fn id(path: &Path) -> std::io::Result<(u64, u64)> {
    Ok(id_of(&metadata(path)?))
}

fn id_of(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}
