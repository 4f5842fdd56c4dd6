//! Copies of the database: a backup while the server writes, and the way back.
//!
//! A backup is one file in SQLite's rollback mode, which needs no other file. A single step of SQLite's online backup
//! copies it, one database page after the other, on a connection of its own. The copy holds one snapshot while its
//! bytes are written. The writer never waits, and the WAL grows only by what is written meanwhile. `VACUUM INTO` would
//! hold its snapshot several times longer, and a copy in several steps starts again whenever someone writes.

use std::fs::{DirBuilder, File, rename};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use crate::ambient::machine_ms;
use crate::store::file::check;
use crate::store::file::copy::copy;
use crate::store::file::draft::{Draft, NotKept};
use crate::store::file::folder;
use crate::store::file::migrate;
use crate::store::file::name::{ASIDE, sidecar};
use crate::store::file::schema::VERSION;
use crate::store::tables::{installation, sessions};
use crate::store::{FILE_NAME, OpenError, ReadTx, StoreError, Violation, WriteTx, pool};

/// Why a backup was not made, or a database not restored: one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database, or the file to restore, cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file of the backup's name exists.
    #[error("{0} already exists: choose another name, or replace it with --force")]
    Exists(PathBuf),
    /// A database exists where one should be restored.
    #[error(
        "{0} already exists: restore to another folder, or replace it with --force (it is kept in a folder)"
    )]
    Occupied(PathBuf),
    /// The file to restore has a WAL, and is incomplete without it.
    #[error(
        "{0} has a WAL beside it, so it is a live database and not a backup: make one with `linebook backup`"
    )]
    Live(PathBuf),
    /// The copy fails a check.
    #[error("{path} is damaged, {violation}{}", advice(.path))]
    Damaged {
        /// The database that was copied, or the file to restore.
        path: PathBuf,
        /// The first thing that is wrong with it.
        violation: Violation,
    },
    /// A file cannot be written.
    #[error("{0} cannot be written: {1}")]
    Unwritten(PathBuf, StoreError),
}

fn advice(path: &Path) -> &'static str {
    match path.ends_with(FILE_NAME) {
        true => ": see `linebook check`",
        false => ": take an older backup",
    }
}

/// Copies the database in the folder `data` to `target`, checks the copy, and only then gives it its name. An existing
/// file of that name stays as it is unless `replace` is set.
pub fn backup(data: &Path, target: &Path, replace: bool) -> Result<(), BackupError> {
    // A typing slip must not replace a database with its own copy.
    if !replace && target.exists() {
        return Err(BackupError::Exists(target.into()));
    }
    let database = data.join(FILE_NAME);
    let unwritten = |error| BackupError::Unwritten(target.into(), error);
    let _in_use = folder::lock_for_use(data)?;
    let (source, version) = migrate::connect(&database)?;
    if is_same_file(&database, target) {
        return Err(BackupError::Exists(target.into()));
    }
    let draft = Draft::new(target).map_err(unwritten)?;
    copy(&source, draft.path()).map_err(unwritten)?;
    drop(source);
    check_draft(&draft, version, &database)?;
    keep(draft, target, replace)
}

/// When the installation behind a backup was made; none: the file is not a backup, or this release cannot read it.
pub fn made_of(file: &Path) -> Option<i64> {
    let (connection, _) = migrate::connect(file).ok()?;
    let tx = ReadTx {
        connection: &connection,
    };
    installation::created_ms(&tx).ok()
}

/// Makes a folder for backups, for its owner only, if it is missing.
pub fn make_folder(folder: &Path) -> Result<(), BackupError> {
    make_private(folder).map_err(|error| BackupError::Unwritten(folder.into(), error.into()))
}

fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn check_draft(draft: &Draft, version: usize, named: &Path) -> Result<(), BackupError> {
    let unusable = |error| OpenError::Unusable(named.into(), error);
    let violations = match version {
        VERSION => pool::look(draft.path()).and_then(|connection| check::check(&connection)),
        // The checks are written for this release's schema.
        _ => check_forward(draft, version),
    };
    match violations.map_err(unusable)?.into_iter().next() {
        None => Ok(()),
        Some(violation) => Err(BackupError::Damaged {
            path: named.into(),
            violation,
        }),
    }
}

/// Checks an older file by way of a copy that was brought forward.
fn check_forward(draft: &Draft, version: usize) -> Result<Vec<Violation>, StoreError> {
    let copy = Draft::new(draft.path())?;
    std::fs::copy(draft.path(), copy.path())?;
    let mut connection = pool::connect(copy.path())?;
    match migrate::steps(&mut connection, version)? {
        Some(violation) => Ok(vec![violation]),
        None => check::check(&connection),
    }
}

fn keep(draft: Draft, target: &Path, replace: bool) -> Result<(), BackupError> {
    draft.keep(replace).map_err(|fault| match fault {
        NotKept::Exists => BackupError::Exists(target.into()),
        NotKept::Store(error) => BackupError::Unwritten(target.into(), error),
    })
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// The result of a restore.
#[derive(Debug)]
pub struct Restored {
    /// The folder that keeps the former database.
    pub kept: Option<PathBuf>,
    /// Sessions in the backup, which are not restored.
    pub sessions: usize,
    /// Password links in the backup, which are not restored.
    pub links: usize,
}

/// Puts the backup `file` in the place of the database in the folder `data`. An existing database is replaced only when
/// `replace` is set, and is kept in a folder of its own name with `suffix`. Nobody is signed in to the restored
/// database: a session that ended after the backup was made, or a link that was used since, must not work again.
///
/// If it is killed at any step, the folder holds the whole old database or the whole new one under its name; or
/// neither, and then nothing is served from it. Restoring again continues from there.
pub fn restore(
    file: &Path,
    data: &Path,
    replace: bool,
    suffix: &str,
) -> Result<Restored, BackupError> {
    let database = data.join(FILE_NAME);
    let _alone = folder::lock_for_server(data)?;
    if database.exists() && !replace {
        return Err(BackupError::Occupied(database));
    }
    folder::set_orphans_aside(data)?;
    let _unused = folder::lock_for_restore(data)?;
    let draft = checked_copy(file, &database)?;
    let (sessions, links) =
        sign_out(&draft).map_err(|error| BackupError::Unwritten(database.clone(), error))?;
    let kept = sidecar(&database, suffix);
    let is_kept =
        set_aside(&database, &kept).map_err(|error| BackupError::Unwritten(kept.clone(), error))?;
    keep(draft, &database, false)?;
    folder::mark(data);
    Ok(Restored {
        kept: is_kept.then_some(kept),
        sessions,
        links,
    })
}

/// Deletes the sessions and links in a draft, and gives the number of each. The draft's schema was checked, so no
/// foreign trigger runs.
fn sign_out(draft: &Draft) -> Result<(usize, usize), StoreError> {
    let mut connection = pool::connect(draft.path())?;
    // An incomplete draft is thrown away, not rolled back.
    connection.pragma_update(None, "journal_mode", "MEMORY")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let ended = sessions::delete_everyones(&WriteTx::new(&transaction, machine_ms()))?;
    transaction.commit()?;
    Ok(ended)
}

/// Merges the WAL into the database, and moves the database into a folder of its own. A damaged database moves with its
/// WAL. A move that was killed half way is finished, and a WAL that a lost database has left is moved, too. Says
/// whether there was anything to move.
fn set_aside(database: &Path, kept: &Path) -> Result<bool, StoreError> {
    let (folder, aside) = (folder::parent(database), sidecar(database, ASIDE));
    // Each rename is on disk before the next.
    let move_file = |suffix| -> Result<(), StoreError> {
        let path = sidecar(database, suffix);
        if !path.exists() {
            return Ok(());
        }
        make_private(&aside)?;
        rename_new(&path, &sidecar(&aside.join(FILE_NAME), suffix))?;
        folder::sync(&aside)?;
        folder::sync(&folder)
    };
    if database.exists() {
        // Nobody else may write between the merge and the rename.
        let _locked = match merge(database) {
            Err(StoreError::Busy) => return Err(StoreError::Busy),
            merged => merged.ok(),
        };
        // First the file and then its WAL, so that a file without its WAL is never taken for the whole.
        move_file("")?;
    }
    move_file("-wal")?;
    move_file("-journal")?;
    // It is only an index into the WAL, and made anew when it is missing.
    match std::fs::remove_file(sidecar(database, "-shm")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    if !aside.exists() {
        return Ok(false);
    }
    rename_new(&aside, kept)?;
    folder::sync(&folder)?;
    Ok(true)
}

/// Merges the WAL into the file, so that only the file is left, and keeps everyone else out of it.
fn merge(database: &Path) -> Result<Connection, StoreError> {
    // A WAL that cannot be merged is left as it is, for people who look into the damage.
    let mut connection = pool::connect_to_doubtful(database)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    pool::use_one_file(&connection)?;
    connection
        .transaction_with_behavior(TransactionBehavior::Exclusive)?
        .commit()?;
    Ok(connection)
}

/// Renames a file, but never over another.
fn rename_new(from: &Path, to: &Path) -> Result<(), io::Error> {
    if to.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    rename(from, to)
}

/// Copies the backup beside its future place, brings the copy to this release's schema, and checks it there. So the
/// checked file is the one that is put in place.
fn checked_copy(file: &Path, database: &Path) -> Result<Draft, BackupError> {
    let unusable = |error: StoreError| OpenError::Unusable(file.into(), error);
    let unwritten = |error: StoreError| BackupError::Unwritten(database.into(), error);
    let has_wal = std::fs::metadata(sidecar(file, "-wal")).is_ok_and(|wal| wal.len() > 0);
    if has_wal {
        return Err(BackupError::Live(file.into()));
    }
    if !file.exists() {
        return Err(OpenError::Unusable(file.into(), StoreError::Missing).into());
    }
    let draft = Draft::new(database).map_err(unwritten)?;
    let mut from = File::open(file).map_err(|error| unusable(error.into()))?;
    let mut to = File::options()
        .write(true)
        .open(draft.path())
        .map_err(|error| unwritten(error.into()))?;
    io::copy(&mut from, &mut to).map_err(|error| unwritten(error.into()))?;
    drop(to);
    let (mut connection, version) = migrate::connect(draft.path()).map_err(|error| {
        match error {
            // These errors name the draft, which is gone by then.
            OpenError::Foreign(_) => OpenError::Foreign(file.into()),
            OpenError::Newer { found, known, .. } => OpenError::Newer {
                path: file.into(),
                found,
                known,
            },
            OpenError::Unusable(_, error) => unusable(error),
            other => other,
        }
    })?;
    if let Some(violation) = migrate::steps(&mut connection, version).map_err(unusable)? {
        let path = file.into();
        return Err(BackupError::Damaged { path, violation });
    }
    pool::use_one_file(&connection).map_err(unusable)?;
    drop(connection);
    check_draft(&draft, VERSION, file)?;
    Ok(draft)
}
