//! From an empty or an older file to this release's schema, and the refusal of files that are not ours.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::ambient::machine_ms;
use crate::store::file::backup;
use crate::store::file::check::{self, Violation};
use crate::store::file::draft::{self, Draft, NotKept};
use crate::store::{StoreError, WriteTx, pool};

/// The schema of a new file.
pub const SCHEMA: &str = include_str!("../../../schema.sql");
/// Marks a file as linebook's in the SQLite header ("line" in ASCII).
pub const APPLICATION_ID: i32 = 0x6c69_6e65;
/// The oldest SQLite that is safe: older ones can corrupt a WAL file that several connections use.
pub const MIN_SQLITE: (i32, &str) = (3_051_003, "3.51.3");

/// The numbered steps: entry N brings a file of version N to version N + 1. The first one makes version 1 out of an
/// empty file. A step never changes: files have been made by it, and are compared with what it makes.
pub const STEPS: &[&str] = &[
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_dialect_classic.sql"),
];

/// The version that this release reads and writes.
pub const VERSION: usize = STEPS.len();

/// Why a database cannot be opened or made: one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no file.
    #[error("there is no database at {0}: make one with `linebook init --data DIR`")]
    Missing(PathBuf),
    /// There is no file, and there was one.
    #[error(
        "{0} is gone, and this folder had a database: put it back, or restore a backup with `linebook restore FILE`, or begin anew with `linebook init`"
    )]
    Lost(PathBuf),
    /// There is a file where a new one should be made.
    #[error("{0} already exists: serve it with `linebook serve`, or choose another folder")]
    Exists(PathBuf),
    /// A file of a database that is gone stands where a new one should be made.
    #[error(
        "{0} is left over from a database that is gone: move it away, or put that database back"
    )]
    LeftOver(PathBuf),
    /// The WAL beside the file is of the database that was there before.
    #[error(
        "{0} is of the database that was here before, not of the one that is here now: stop the server if one runs, and start it again, which keeps that file under another name; or put the database before back"
    )]
    Orphan(PathBuf),
    /// It cannot get another name, because there is a file of that.
    #[error(
        "{0} is of the database that was here before, and cannot be kept as {1}, which exists: move that away first"
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
    /// The file was written by an older release, and is only to be looked at.
    #[error(
        "{0} was written by an older linebook: serve it once with this one, which brings it forward"
    )]
    Older(PathBuf),
    /// A server has the folder.
    #[error("a linebook server already runs on {0}: stop it first, or choose another folder")]
    Served(PathBuf),
    /// A file is being put in the database's place, or should be while the database is open.
    #[error("{0} is in use by another linebook command: try again when it has ended")]
    InUse(PathBuf),
    /// Other machines could change the same file.
    #[error(
        "{0} is on a network file system ({1}), where SQLite's WAL is not safe: use a local disk"
    )]
    Network(PathBuf, String),
    /// Others can read the secrets in a file, and that cannot be changed.
    #[error(
        "{0} cannot be taken away from other users ({1}): give it to the user that runs linebook, mode 0600"
    )]
    Exposed(PathBuf, StoreError),
    /// The file's schema is not what linebook makes.
    #[error("{0} is not trusted, {1}: undo that, or restore the last good backup")]
    Altered(PathBuf, Violation),
    /// The SQLite that was linked is too old.
    #[error("SQLite {0} can corrupt a WAL file: build linebook with {min} or newer", min = MIN_SQLITE.1)]
    OldSqlite(&'static str),
    /// The file is there, but cannot be used.
    #[error("{0} cannot be opened: {1}")]
    Unusable(PathBuf, StoreError),
    /// A fault while starting.
    #[error("the database could not be started: {0}")]
    Store(#[from] StoreError),
}

/// Opens an existing database for writing, migrated. A file that is not linebook's is not touched.
pub fn open(path: &Path) -> Result<Connection, OpenError> {
    let (mut connection, found) = connect(path)?;
    let unusable = |error: StoreError| OpenError::Unusable(path.into(), error);
    // SQLite falls back to reading when it may not write; a server that cannot write is told so at its start.
    if connection.is_readonly("main").map_err(StoreError::from)? {
        return Err(unusable(StoreError::ReadOnly));
    }
    pool::use_wal(&connection).map_err(unusable)?;
    if found < VERSION {
        let altered = |violation| OpenError::Altered(path.into(), violation);
        let transaction = connection.transaction().map_err(StoreError::from)?;
        let violation = check_older(&transaction).map_err(unusable)?;
        transaction.finish().map_err(StoreError::from)?;
        violation.map_or(Ok(()), |violation| Err(altered(violation)))?;
        snapshot(&connection, path, found)?;
        let violation = steps(&mut connection, found).map_err(unusable)?;
        violation.map_or(Ok(()), |violation| Err(altered(violation)))?;
    }
    Ok(connection)
}

/// A connection to an existing database of this release that only looks.
pub fn look(path: &Path) -> Result<Connection, OpenError> {
    let (connection, found) = connect(path)?;
    if found < VERSION {
        return Err(OpenError::Older(path.into()));
    }
    connection
        .pragma_update(None, "query_only", true)
        .map_err(StoreError::from)?;
    Ok(connection)
}

/// A connection to an existing database of this or an older release, as it is, and its version.
pub fn connect(path: &Path) -> Result<(Connection, usize), OpenError> {
    check_sqlite()?;
    if !path.exists() {
        return Err(OpenError::Missing(path.into()));
    }
    if path.is_dir() {
        return Err(OpenError::Foreign(path.into()));
    }
    let unusable = |error: StoreError| match error {
        StoreError::Corrupt if !has_mark(path) => OpenError::Foreign(path.into()),
        other => OpenError::Unusable(path.into(), other),
    };
    let connection = pool::connect(path).map_err(unusable)?;
    // Another program's WAL is not written into its file by our having looked.
    pool::checkpoint_on_close(&connection, false).map_err(unusable)?;
    let pragma = |name: &str| -> Result<i64, OpenError> {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .map_err(|error| unusable(error.into()))
    };
    if pragma("application_id")? != i64::from(APPLICATION_ID) {
        return Err(OpenError::Foreign(path.into()));
    }
    let found = pragma("user_version")?;
    let found = usize::try_from(found).map_err(|_| OpenError::Foreign(path.into()))?;
    if found > VERSION {
        return Err(OpenError::Newer {
            path: path.into(),
            found,
            known: VERSION,
        });
    }
    pool::checkpoint_on_close(&connection, true).map_err(unusable)?;
    Ok((connection, found))
}

/// Whether a file that SQLite cannot read begins as linebook's do: then it is damaged, and not somebody else's. Asked only
/// then: when a process closes a file, it loses every lock that it has on it, SQLite's too.
fn has_mark(path: &Path) -> bool {
    let mut header = [0; 72];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && header[68..] == APPLICATION_ID.to_be_bytes()
}

/// Makes a new database: the schema and what `fill` adds, in one transaction. It gets its name only when it is whole,
/// so a process that is killed half way leaves no half-made database.
pub fn create<E: From<OpenError>>(
    path: &Path,
    fill: impl FnOnce(&WriteTx<'_>) -> Result<(), E>,
) -> Result<Connection, E> {
    check_sqlite()?;
    if path.exists() {
        return Err(OpenError::Exists(path.into()).into());
    }
    check_no_left_over(path)?;
    let unusable = |error: StoreError| E::from(OpenError::Unusable(path.into(), error));
    let draft = Draft::new(path).map_err(unusable)?;
    let mut connection = pool::connect(draft.path()).map_err(unusable)?;
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|error| unusable(error.into()))?;
    transaction
        .execute_batch(SCHEMA)
        .and_then(|()| mark(&transaction, VERSION))
        .map_err(|error| unusable(error.into()))?;
    fill(&WriteTx::new(&transaction, machine_ms()))?;
    transaction
        .commit()
        .map_err(|error| unusable(error.into()))?;
    drop(connection);
    // Does not replace a file that someone else has made in the meantime.
    draft.keep(false).map_err(|fault| match fault {
        NotKept::Exists => OpenError::Exists(path.into()).into(),
        NotKept::Store(error) => unusable(error),
    })?;
    Ok(open(path)?)
}

/// SQLite would take the WAL of a database that is gone for the new one's, and bring its rows back.
fn check_no_left_over(path: &Path) -> Result<(), OpenError> {
    let left_over = draft::SIDECARS
        .iter()
        .chain([&backup::ASIDE])
        .map(|suffix| path.with_extension(format!("db{suffix}")))
        .find(|file| file.exists());
    match left_over {
        Some(file) => Err(OpenError::LeftOver(file)),
        None => Ok(()),
    }
}

/// Whether the file is as the steps to its own version make it. `transaction` holds one state of it: another process may
/// bring it forward meanwhile.
fn check_older(transaction: &Transaction<'_>) -> Result<Option<Violation>, StoreError> {
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // A newer one is refused by whoever opens it.
    let steps = STEPS.iter().take(usize::try_from(version).unwrap_or(0));
    check::check_shape(transaction, &steps.copied().collect::<Vec<_>>())
}

/// Runs the steps from version `found` on, each in a transaction of its own. A file that is not as the earlier steps make it
/// is left alone, and what is wrong with it is returned: a trigger of somebody else's would run with the statements of a step.
pub fn steps(connection: &mut Connection, found: usize) -> Result<Option<Violation>, StoreError> {
    for (done, step) in STEPS.iter().enumerate().skip(found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let now: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if now as usize != done {
            // Another process has done it while this one waited for the lock.
            continue;
        }
        if let Some(violation) = check_older(&transaction)? {
            return Ok(Some(violation));
        }
        transaction.execute_batch(step)?;
        mark(&transaction, done + 1)?;
        transaction.commit()?;
        tracing::info!(version = done + 1, "the database was migrated");
    }
    Ok(None)
}

fn mark(connection: &Connection, version: usize) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", version as i64)
}

/// Keeps the file as it was before a migration: `linebook.db.v3` beside it, whole and on disk before the first step. One
/// that is there already is of another time (a restored database is migrated again), and stays.
fn snapshot(connection: &Connection, path: &Path, version: usize) -> Result<(), OpenError> {
    let copy = (1..)
        .map(|count| match count {
            1 => path.with_extension(format!("db.v{version}")),
            _ => path.with_extension(format!("db.v{version}-{count}")),
        })
        .find(|copy| !copy.exists())
        .expect("the numbers do not end");
    backup::copy_to(connection, &copy).map_err(|error| OpenError::Unusable(copy, error))
}

fn check_sqlite() -> Result<(), OpenError> {
    check_version(rusqlite::version_number(), rusqlite::version())
}

fn check_version(number: i32, name: &'static str) -> Result<(), OpenError> {
    if number < MIN_SQLITE.0 {
        return Err(OpenError::OldSqlite(name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_that_can_corrupt_a_wal_file_is_refused() {
        let refused = |number, name| {
            let checked = check_version(number, name);
            checked.map_err(|error| error.to_string()).unwrap_err()
        };
        assert_eq!(
            refused(3_051_002, "3.51.2"),
            "SQLite 3.51.2 can corrupt a WAL file: build linebook with 3.51.3 or newer"
        );
        refused(3_049_099, "3.49.99");
        for (number, name) in [MIN_SQLITE, (3_052_000, "3.52.0")] {
            assert!(check_version(number, name).is_ok(), "{name}");
        }
        assert!(check_sqlite().is_ok());
    }
}
