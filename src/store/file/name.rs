//! The names of a database's files, and of the files beside them.

use std::path::{Path, PathBuf};

/// The database's file name in the data folder.
pub const FILE_NAME: &str = "linebook.db";

/// The file that SQLite keeps beside a database under the same name with `suffix`.
pub fn sidecar(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Suffixes of the files that SQLite leaves beside a database when its process is killed.
pub const SIDECARS: &[&str] = &["-journal", "-wal", "-shm"];

/// The suffix for the WAL of a database that another one has replaced.
pub const ORPHAN: &str = ".orphan";

/// The folder that collects the files of a replaced database before it counts as kept. As long as it is there, no new
/// database has been put in place, and the files of the old one belong into it.
pub const ASIDE: &str = "-aside";
