//! Connections: the one place where they are made, so that every one has the same pragmas.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use super::StoreError;
use crate::store::file::watch::Watch;

/// How long a statement waits for another process (the command line beside a server) to finish its transaction.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a free reader.
pub const READER_TIMEOUT: Duration = Duration::from_secs(5);
/// What the WAL file is cut back to, in bytes, when it is used from its beginning again: a long reader (a backup) lets it
/// grow while it runs, and the disk gets that space back.
const WAL_LIMIT: i64 = 64 * 1024 * 1024;
/// After how many pages in the WAL they are written into the file, while all writes wait: with SQLite's own 1,000 they wait
/// longer, and 500 cost a database of a million devices a tenth of its writes.
const CHECKPOINT_PAGES: i64 = 700;
/// Statements kept prepared per connection; more than the code has.
const STATEMENT_CACHE: usize = 128;

/// The pool of read-only connections.
pub type Pool = r2d2::Pool<SqliteConnectionManager>;

/// At most `size` read-only connections to the file at `path`, made when they are first needed,
/// and of no other file than the one that was there.
pub fn readers(path: &Path, watch: Arc<Watch>, size: u32) -> Result<Pool, StoreError> {
    let manager = SqliteConnectionManager::file(path)
        .with_flags(OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .with_init(move |connection| {
            pragmas(connection)?;
            connection.pragma_update(None, "query_only", true)?;
            watch.check().map_err(|error| {
                let code = ffi::Error::new(ffi::SQLITE_CANTOPEN);
                rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
            })
        });
    r2d2::Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .connection_timeout(READER_TIMEOUT)
        // A local file does not go away: a test query per checkout would cost as much as the request's own.
        .test_on_check_out(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .build(manager)
        .map_err(|error| {
            tracing::error!(%error, "no reader could be opened");
            StoreError::ReadOnly
        })
}

/// A connection to the existing file at `path` that can write: the writer's.
pub fn connect(path: &Path) -> Result<Connection, StoreError> {
    prepared(open(path)?)
}

/// The same to a file that may be damaged: its WAL is left alone, also when the file cannot be used.
pub fn connect_to_doubtful(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(path)?;
    // Before the first look at the file, which may be the last.
    checkpoint_on_close(&connection, false)?;
    prepared(connection)
}

/// A database that is in no file, for what is only looked at.
pub fn in_memory() -> Result<Connection, StoreError> {
    Ok(Connection::open_in_memory()?)
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(path, flags)?)
}

fn prepared(connection: Connection) -> Result<Connection, StoreError> {
    pragmas(&connection)?;
    connection.pragma_update(None, "journal_size_limit", WAL_LIMIT)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    Ok(connection)
}

/// A connection to the existing file at `path` that only looks, beside whoever else uses it.
pub fn look(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Whether the last connection to a file, when it is closed, writes what is in the WAL into the file. It does by default.
pub fn checkpoint_on_close(connection: &Connection, does: bool) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !does)?;
    Ok(())
}

/// Leaves the file without a WAL beside it: one file that holds everything. Needs it alone.
pub fn use_one_file(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.pragma_update(None, "journal_mode", "DELETE")?)
}

/// Readers go on while the writer writes. The mode is kept in the file, so readers need not ask for it.
pub fn use_wal(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.pragma_update(None, "journal_mode", "WAL")?)
}

fn pragmas(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // One plan per statement. Otherwise SQLite compiles a statement anew for each value of a range, which for a list of
    // ten rows costs more than running it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    // FULL: a commit returns after the WAL is synced. NORMAL would lose acknowledged work at a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)
}
