//! What the files of a database are called, and what stands beside them.

use std::path::{Path, PathBuf};

/// The database's file name in the data folder.
pub const FILE_NAME: &str = "linebook.db";

/// The file that SQLite keeps beside a database under the same name with `suffix`.
pub fn sidecar(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// What SQLite may leave beside a file that it had open when its process was killed.
pub const SIDECARS: &[&str] = &["-journal", "-wal", "-shm"];

/// What a WAL's name gets when its database is not in its place any more, and another one is.
pub const ORPHAN: &str = ".orphan";

/// Where the files of a database are put together before it counts as kept. As long as this folder is there, no new
/// database has been put in place: what is still beside it belongs into it.
pub const ASIDE: &str = "-aside";
