//! A file that gets its name only when it is whole and on disk, so that a process killed half way leaves no half-made
//! file under a name that means something.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::store::StoreError;
use crate::store::file::folder;
use crate::store::file::name::{SIDECARS, sidecar};

/// How a draft's name begins.
pub const PREFIX: &str = ".linebook-draft-";
/// How it ends.
pub const SUFFIX: &str = ".tmp";
/// An empty file beside the one it will become, readable by its owner only.
pub struct Draft {
    file: NamedTempFile,
    target: PathBuf,
}

/// Why a draft did not get its name.
pub enum NotKept {
    /// There is a file of this name.
    Exists,
    /// A fault.
    Store(StoreError),
}

impl Draft {
    /// A draft of `target`, in the same folder. Removes what killed processes have left there.
    pub fn new(target: &Path) -> Result<Self, StoreError> {
        let folder = folder::parent(target);
        sweep(&folder)?;
        let file = tempfile::Builder::new()
            .prefix(PREFIX)
            .suffix(SUFFIX)
            .tempfile_in(folder)?;
        // Tells the sweep of another process that this one is alive. Where there are no locks, nothing is swept.
        let _ = file.as_file().try_lock();
        Ok(Self {
            file,
            target: target.into(),
        })
    }

    /// Where it is until it has its name.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Syncs it, gives it its name, and syncs the folder. Nothing has it open any more.
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

/// Removes the drafts in `folder` whose processes are gone, and what stands beside drafts that are gone.
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
            // They may have come first in the folder, when it was still there.
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
