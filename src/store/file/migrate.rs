//! From an empty or an older file to this release's schema, and the refusal of files that are not ours.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::ambient::machine_ms;
use crate::store::file::check;
use crate::store::file::copy::copy_to;
use crate::store::file::draft::{Draft, NotKept};
use crate::store::file::name::{ASIDE, SIDECARS};
use crate::store::file::schema::{APPLICATION_ID, SCHEMA, STEPS, VERSION};
use crate::store::{OpenError, StoreError, Violation, WriteTx, pool};

/// The oldest SQLite that is safe: older ones can corrupt a WAL file that several connections use.
pub const MIN_SQLITE: (i32, &str) = (3_051_003, "3.51.3");

/// Opens an existing database for writing. None: an older release wrote it. A file that is not linebook's is not touched.
pub fn open(path: &Path) -> Result<Option<Connection>, OpenError> {
    let (connection, found) = open_any(path)?;
    Ok((found == VERSION).then_some(connection))
}

/// Brings the database of an older release to this release's schema. No other process may have it open.
pub fn bring_forward(path: &Path) -> Result<(), OpenError> {
    let (mut connection, found) = open_any(path)?;
    let unusable = |error: StoreError| OpenError::Unusable(path.into(), error);
    let altered = |violation| OpenError::Altered(path.into(), violation);
    let transaction = connection.transaction().map_err(StoreError::from)?;
    let violation = check_older(&transaction).map_err(unusable)?;
    transaction.finish().map_err(StoreError::from)?;
    violation.map_or(Ok(()), |violation| Err(altered(violation)))?;
    if found < VERSION {
        snapshot(&connection, path, found)?;
    }
    let violation = steps(&mut connection, found).map_err(unusable)?;
    violation.map_or(Ok(()), |violation| Err(altered(violation)))
}

/// A connection that writes to an existing database of this or an older release, and its version.
fn open_any(path: &Path) -> Result<(Connection, usize), OpenError> {
    let (connection, found) = connect(path)?;
    let unusable = |error: StoreError| OpenError::Unusable(path.into(), error);
    // SQLite falls back to reading where it may not write. A server that cannot write should learn that at its start.
    if connection.is_readonly("main").map_err(StoreError::from)? {
        return Err(unusable(StoreError::ReadOnly));
    }
    pool::use_wal(&connection).map_err(unusable)?;
    Ok((connection, found))
}

/// A read-only connection to an existing database of this release.
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

/// A connection to an existing database of this or an older release, unchanged, and its version.
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
    // Our look must not write another program's WAL into its file.
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

/// Whether a file that SQLite cannot read begins as linebook's files do: then it is a damaged database of ours. This is
/// asked only for such files: a process that closes a file loses every lock that it has on it, including SQLite's.
fn has_mark(path: &Path) -> bool {
    let mut header = [0; 72];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && header[68..] == APPLICATION_ID.to_be_bytes()
}

/// Makes a new database: the schema and what `fill` adds, in one transaction. It gets its name only when it is
/// complete, so a killed process leaves no half-made database.
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
    let (connection, _) = open_any(path)?;
    Ok(connection)
}

/// SQLite would take the WAL of a lost database for the new one's, and bring its rows back.
fn check_no_left_over(path: &Path) -> Result<(), OpenError> {
    let left_over = SIDECARS
        .iter()
        .chain([&ASIDE])
        .map(|suffix| path.with_extension(format!("db{suffix}")))
        .find(|file| file.exists());
    match left_over {
        Some(file) => Err(OpenError::LeftOver(file)),
        None => Ok(()),
    }
}

/// Whether the file is as the steps to its own version make it. `transaction` holds one state of the file, because
/// another process may bring it forward meanwhile.
fn check_older(transaction: &Transaction<'_>) -> Result<Option<Violation>, StoreError> {
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // A newer version is refused when the file is opened.
    let steps = STEPS.iter().take(usize::try_from(version).unwrap_or(0));
    check::check_shape(transaction, &steps.copied().collect::<Vec<_>>())
}

/// Runs the steps from version `found` on, each in a transaction of its own. A file that differs from what the earlier
/// steps make is left alone, and the difference is returned: a foreign trigger would run with the statements of a step.
pub fn steps(connection: &mut Connection, found: usize) -> Result<Option<Violation>, StoreError> {
    for (done, step) in STEPS.iter().enumerate().skip(found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let now: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if now as usize != done {
            // Another process has run this step while this one waited for the lock.
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

/// Keeps the file as it was before a migration, as `linebook.db.v3` beside it, complete and on disk before the first
/// step. A copy that exists already is from an earlier time (a restored database is migrated again), and stays.
fn snapshot(connection: &Connection, path: &Path, version: usize) -> Result<(), OpenError> {
    let copy = (1..)
        .map(|count| match count {
            1 => path.with_extension(format!("db.v{version}")),
            _ => path.with_extension(format!("db.v{version}-{count}")),
        })
        .find(|copy| !copy.exists())
        .expect("the numbers do not end");
    copy_to(connection, &copy).map_err(|error| OpenError::Unusable(copy, error))
}

fn check_sqlite() -> Result<(), OpenError> {
    check_version(rusqlite::version_number(), rusqlite::version())
}

fn check_version(number: i32, name: &'static str) -> Result<(), OpenError> {
    if number < MIN_SQLITE.0 {
        let (found, known) = (name, MIN_SQLITE.1);
        return Err(OpenError::OldSqlite { found, known });
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
