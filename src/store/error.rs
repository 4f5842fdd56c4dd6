//! What can go wrong below the rules: the disk, the queue, a constraint, a file that must not be opened.

use std::fmt;
use std::path::PathBuf;

use rusqlite::ErrorCode;
use rusqlite::ffi;

/// A fault of the store. Its text is safe to show to a caller: it holds no path, no SQL and no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A UNIQUE constraint refused the change: two rows would have had the same key.
    #[error("the value is already used")]
    Unique,
    /// A CHECK, NOT NULL or foreign key constraint refused the change.
    #[error("the change contradicts the database's constraints")]
    Constraint,
    /// Another process held the database for longer than the busy timeout.
    #[error("the database is busy")]
    Busy,
    /// The queue of writes is full, or no reader came free in time.
    #[error("too many requests are waiting for the database")]
    Overloaded,
    /// The disk, or the space allowed to the database, is full.
    #[error("the disk is full")]
    Full,
    /// The file or its folder cannot be written.
    #[error("the database is read-only")]
    ReadOnly,
    /// The folder or the file is not there.
    #[error("it is not there")]
    Missing,
    /// A file of the database was removed or replaced while it was open.
    #[error("the database file is gone")]
    Gone,
    /// The operating system reported a failure while reading or writing.
    #[error("the disk failed")]
    Disk,
    /// The file's content is damaged, or it is not an SQLite file.
    #[error("the database file is damaged")]
    Corrupt,
    /// The writer has stopped: the server is shutting down.
    #[error("the server is stopping")]
    Stopped,
    /// Anything else: a defect of linebook. The details are in the log.
    #[error("internal error")]
    Internal,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let mapped = match &error {
            rusqlite::Error::SqliteFailure(failure, _) => match failure.extended_code {
                ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => Self::Unique,
                _ => match failure.code {
                    ErrorCode::ConstraintViolation => Self::Constraint,
                    ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy,
                    ErrorCode::DiskFull => Self::Full,
                    ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                        Self::ReadOnly
                    }
                    ErrorCode::SystemIoFailure => Self::Disk,
                    ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt,
                    _ => Self::Internal,
                },
            },
            _ => Self::Internal,
        };
        match mapped {
            // Expected where another process was faster than a rule. The caller answers it.
            Self::Unique => {}
            _ => tracing::error!(%error, "the database refused"),
        }
        mapped
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        tracing::error!(%error, "the file system refused");
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly
            }
            std::io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Disk,
        }
    }
}

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Violation {
    /// Its name: what should hold.
    pub name: &'static str,
    /// Some of what breaks it.
    pub examples: Vec<String>,
    /// More rows break it than the examples.
    pub has_more: bool,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.has_more { "; and more" } else { "" };
        write!(f, "{}: {}{more}", self.name, self.examples.join("; "))
    }
}

/// Why a database cannot be opened or made: one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file does not exist.
    #[error("there is no database at {0}: make one with `linebook init --data DIR`")]
    Missing(PathBuf),
    /// The file is gone.
    #[error(
        "{0} is gone, and this folder had a database: put it back, or restore a backup with `linebook restore FILE`, or begin anew with `linebook init`"
    )]
    Lost(PathBuf),
    /// There is a file where a new one should be made.
    #[error("{0} already exists: serve it with `linebook serve`, or choose another folder")]
    Exists(PathBuf),
    /// A file of a lost database is in the place of a new one.
    #[error(
        "{0} is left over from a database that is gone: move it away, or put that database back"
    )]
    LeftOver(PathBuf),
    /// The WAL beside the file belongs to the database that was there before.
    #[error(
        "{0} belongs to the database that was here before, not to the one that is here now: stop the server if one runs, and start it again, which keeps that file under another name; or put the database before back"
    )]
    Orphan(PathBuf),
    /// That WAL cannot be renamed, because a file of the new name exists.
    #[error(
        "{0} belongs to the database that was here before, and cannot be kept as {1}, which exists: move that away first"
    )]
    OrphanKept(PathBuf, PathBuf),
    /// Not an SQLite file, or an SQLite file of another program.
    #[error("{0} is not a linebook database: check the path, or move that file away")]
    Foreign(PathBuf),
    /// The file was written by a newer release.
    #[error(
        "{path} has schema version {found}, this release knows {known}: use the newer linebook that wrote it"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// This release's version.
        known: usize,
    },
    /// The file was written by an older release, and is open only for reading.
    #[error(
        "{0} was written by an older linebook: serve it once with this one, which brings it forward"
    )]
    Older(PathBuf),
    /// The file was written by an older release, and another process has it open.
    #[error(
        "{0} was written by an older linebook, and is open in another process: stop the server that runs on it, then try again, and this one brings the file forward"
    )]
    OlderInUse(PathBuf),
    /// A server runs on the folder.
    #[error("a linebook server already runs on {0}: stop it first, or choose another folder")]
    Served(PathBuf),
    /// A restore is replacing the database, or would replace it while it is open.
    #[error("{0} is in use by another linebook command: try again when it has ended")]
    InUse(PathBuf),
    /// Other machines could change the same file.
    #[error(
        "{0} is on a network file system ({1}), where SQLite's WAL is not safe: use a local disk"
    )]
    Network(PathBuf, String),
    /// Other users can read the secrets in a file, and linebook cannot change that.
    #[error(
        "{0} cannot be taken away from other users ({1}): give it to the user that runs linebook, mode 0600"
    )]
    Exposed(PathBuf, StoreError),
    /// The file's schema is not what linebook makes.
    #[error("{0} is not trusted, {1}: undo that, or restore the last good backup")]
    Altered(PathBuf, Violation),
    /// The SQLite that was linked is too old.
    #[error("SQLite {found} can corrupt a WAL file: build linebook with {known} or newer")]
    OldSqlite {
        /// The linked version.
        found: &'static str,
        /// The oldest safe version.
        known: &'static str,
    },
    /// The file is there, but cannot be used.
    #[error("{0} cannot be opened: {1}")]
    Unusable(PathBuf, StoreError),
    /// A fault while starting.
    #[error("the database could not be started: {0}")]
    Store(#[from] StoreError),
}
