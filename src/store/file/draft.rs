//! A file that gets its name only when it is complete and on disk, so that a killed process leaves no half-made file
//! under a name that counts.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::store::StoreError;
use crate::store::file::folder;
use crate::store::file::name::{SIDECARS, sidecar};

/// The beginning of a draft's name.
pub const PREFIX: &str = ".linebook-draft-";
/// The end of a draft's name.
pub const SUFFIX: &str = ".tmp";
/// A file beside its future place, readable by its owner only.
pub struct Draft {
    file: NamedTempFile,
    target: PathBuf,
}

/// Why a draft did not get its name.
pub enum NotKept {
    /// A file of this name exists.
    Exists,
    /// A fault.
    Store(StoreError),
}

impl Draft {
    /// Makes a draft of `target`, in the same folder. Removes drafts that killed processes have left there.
    pub fn new(target: &Path) -> Result<Self, StoreError> {
        let folder = folder::parent(target);
        sweep(&folder)?;
        let file = tempfile::Builder::new()
            .prefix(PREFIX)
            .suffix(SUFFIX)
            .tempfile_in(folder)?;
        // The lock tells the sweep of another process that this one is alive. Without locks, nothing is swept.
        let _ = file.as_file().try_lock();
        Ok(Self {
            file,
            target: target.into(),
        })
    }

    /// Its path until it has its name.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Syncs it, gives it its name, and syncs the folder. Nobody may have it open any more.
    pub fn keep(self, replace: bool) -> Result<(), NotKept> {
        let folder = folder::parent(&self.target);
        self.file
            .as_file()
            .sync_all()
            .map_err(|error| NotKept::Store(error.into()))?;
        let kept = match replace {
            true => self.file.persist(&self.target),
            false => self.file.persist_noclobber(&self.target),
        };
        match kept {
            Ok(_) => folder::sync(&folder).map_err(NotKept::Store),
            Err(fault) if fault.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(NotKept::Exists)
            }
            Err(fault) => Err(NotKept::Store(fault.error.into())),
        }
    }
}

/// Removes the drafts in `folder` whose processes are gone, and SQLite's files beside drafts that are gone.
fn sweep(folder: &Path) -> Result<(), StoreError> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.to_string_lossy();
        let is_draft = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        let main = SIDECARS.iter().find_map(|suffix| name.strip_suffix(suffix));
        let is_left = match main {
            Some(main) => !Path::new(main).exists(),
            None => name.ends_with(SUFFIX) && is_abandoned(&path),
        };
        if is_draft && is_left {
            let _ = std::fs::remove_file(&path);
            // They may have come before their draft in the folder, when it was still there.
            for suffix in SIDECARS {
                let _ = std::fs::remove_file(sidecar(&path, suffix));
            }
        }
    }
    Ok(())
}

fn is_abandoned(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}
