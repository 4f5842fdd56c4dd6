//! What can go wrong below the rules: the disk, the queue, a constraint.

use rusqlite::ErrorCode;
use rusqlite::ffi;

/// A fault of the store. Its text is safe to show to a caller: it holds no path, no SQL and no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A UNIQUE constraint stood in the way: two rows would have had the same key.
    #[error("the value is already used")]
    Unique,
    /// A CHECK, NOT NULL or foreign key constraint stood in the way.
    #[error("the change contradicts the database's constraints")]
    Constraint,
    /// Another process held the database for longer than the busy timeout.
    #[error("the database is busy")]
    Busy,
    /// More writes are waiting than the queue holds, or no reader came free in time.
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
            // Expected behind a rule that another process raced; the caller answers it.
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
