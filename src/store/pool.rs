//! Connections: the one place where they are made, so that every one has the same pragmas.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use super::StoreError;
use crate::store::file::watch::Watch;

/// How long a statement waits for another process to finish its transaction: the command line beside a server, or the
/// server beside it.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a free reader.
pub const READER_TIMEOUT: Duration = Duration::from_secs(5);
/// The length in bytes to which the WAL file is cut back when it is used from its beginning again. A long reader (a
/// backup) lets it grow, and the disk then gets that space back.
const WAL_LIMIT: i64 = 64 * 1024 * 1024;
/// The number of database pages in the WAL after which it is merged into the file, while all writes wait. With SQLite's
/// own 1,000 they wait longer, and 500 cost a database of a million devices a tenth of its writes.
const CHECKPOINT_PAGES: i64 = 700;
/// Statements kept prepared per connection; more than the code has.
const STATEMENT_CACHE: usize = 128;

/// The pool of read-only connections.
pub type Pool = r2d2::Pool<SqliteConnectionManager>;

/// At most `size` read-only connections to the file at `path`. Each is made when it is first needed, and only to the
/// watched file.
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
        // A connection to a local file does not break, and a test query per checkout would cost as much as the
        // request's own.
        .test_on_check_out(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .build(manager)
        .map_err(|error| {
            tracing::error!(%error, "no reader could be opened");
            StoreError::ReadOnly
        })
}

/// The writer's connection to the existing file at `path`.
pub fn connect(path: &Path) -> Result<Connection, StoreError> {
    prepared(open(path)?)
}

/// A connection that can write, to a file that may be damaged. The WAL is left alone, even when the file cannot be
/// used.
pub fn connect_to_doubtful(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(path)?;
    // This comes before the first look at the file, which may be the last.
    checkpoint_on_close(&connection, false)?;
    prepared(connection)
}

/// A database in memory, for a schema that is only compared.
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

/// A read-only connection to the existing file at `path`, which others may use at the same time.
pub fn look(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Sets whether closing the last connection to a file merges the WAL into it. By default it does.
pub fn checkpoint_on_close(connection: &Connection, does: bool) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !does)?;
    Ok(())
}

/// Makes the file hold everything, without a WAL beside it. Nobody else may have it open.
pub fn use_one_file(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.pragma_update(None, "journal_mode", "DELETE")?)
}

/// Lets readers go on while the writer writes. The mode is kept in the file, so readers need not set it.
pub fn use_wal(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.pragma_update(None, "journal_mode", "WAL")?)
}

fn pragmas(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // One plan per statement. Otherwise SQLite compiles a statement anew for each value of a range, which for a list of
    // ten rows costs more than running it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    // FULL: a commit returns after the WAL is synced. With NORMAL, a power cut would lose acknowledged work.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)
}
