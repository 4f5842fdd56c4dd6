//! The data folder: who may use it at a time, whether it had a database, on which file systems it may be, and who can
//! read it.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::store::file::name::{FILE_NAME, ORPHAN, sidecar};
use crate::store::file::note::Note;
use crate::store::{OpenError, StoreError};

/// The file that a running server keeps locked. The lock ends with the server, even with `kill -9`; the file stays.
pub const LOCK_NAME: &str = "linebook.lock";
/// The first line in that file once the folder has, or had, a database. The [`Note`] about the database's file comes
/// after it. The file is empty where no database ever was.
const MARK: &str = "A database was made in this folder. While it is missing, serve makes no new one in its place; `linebook restore` and `linebook init` do.\n";

/// A lock of the operating system. It ends when this is dropped or when the process ends in any way.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// Makes the caller the only server on the folder `data`, or refuses.
pub fn lock_for_server(data: &Path) -> Result<FolderLock, OpenError> {
    let path = data.join(LOCK_NAME);
    let unusable = |error: io::Error| OpenError::Unusable(path.clone(), error.into());
    let file = open_lock(&path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(FolderLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(OpenError::Served(data.into())),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)?;
    // An older file may be open to other users, who could hold the lock.
    tighten_one(path, 0o600)?;
    Ok(file)
}

/// Notes in the lock file that the folder has a database, and which file that is, and syncs it. A fault is only logged:
/// the database itself is there.
pub fn mark(data: &Path) {
    let path = data.join(LOCK_NAME);
    let write = || -> Result<(), StoreError> {
        let file = open_lock(&path)?;
        let note = Note::of(&data.join(FILE_NAME), &path)?;
        let text = format!("{MARK}{note}\n");
        if std::fs::read(&path)? != text.as_bytes() {
            // The file is written in place, because it is locked. So the next start always finds at least that a
            // database exists.
            file.write_all_at(text.as_bytes(), 0)?;
            file.set_len(text.len() as u64)?;
            file.sync_all()?;
            sync(data)?;
        }
        Ok(())
    };
    if let Err(error) = write() {
        tracing::warn!(path = %path.display(), %error, "it could not be noted that there is a database");
    }
}

/// Files beside a database that belong to the one before it: its WAL, or its rollback journal.
fn orphans(data: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let (database, lock) = (data.join(FILE_NAME), data.join(LOCK_NAME));
    let noted = std::fs::read_to_string(&lock).ok();
    let Some(noted) = noted.and_then(|text| Note::parse(&text)) else {
        return Ok(Vec::new());
    };
    if !database.exists() {
        return Ok(Vec::new());
    }
    let unusable = |error: io::Error| OpenError::Unusable(database.clone(), error.into());
    let now = Note::of(&database, &lock).map_err(unusable)?;
    if !noted.is_replaced(now) {
        return Ok(Vec::new());
    }
    // SQLite keeps them beside the file itself, wherever a link to it is.
    let real = database.canonicalize().map_err(unusable)?;
    let has_bytes = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|found| found.len() > 0);
    let files = ["-wal", "-journal"].map(|suffix| sidecar(&real, suffix));
    Ok(files.into_iter().filter(has_bytes).collect())
}

/// Refuses a database that has the WAL of the one before beside it: SQLite would read that WAL into this one.
fn check_no_orphans(data: &Path) -> Result<(), OpenError> {
    match orphans(data)?.into_iter().next() {
        None => Ok(()),
        Some(path) => Err(OpenError::Orphan(path)),
    }
}

/// Renames the WAL of a replaced database before anything opens the new one, and notes which file the new one is. The
/// caller must be the only server.
pub fn set_orphans_aside(data: &Path) -> Result<(), OpenError> {
    let orphans = orphans(data)?;
    if orphans.is_empty() {
        return Ok(());
    }
    // With this lock, no command has the old database open either.
    let _alone = lock_for_restore(data)?;
    for path in orphans {
        let unusable = |error: StoreError| OpenError::Unusable(path.clone(), error);
        let kept = sidecar(&path, ORPHAN);
        if kept.exists() {
            return Err(OpenError::OrphanKept(path, kept));
        }
        std::fs::rename(&path, &kept).map_err(|error| unusable(error.into()))?;
        sync(&parent(&path)).map_err(unusable)?;
        tracing::warn!(
            path = %kept.display(),
            "the database was replaced by another file: this is what was left beside the one before, and is not read into the new one"
        );
    }
    // This comes before the new database gets a WAL of its own.
    mark(data);
    Ok(())
}

/// Refuses a folder that has lost its database: an empty one in its place would answer as if nothing had ever been
/// stored.
pub fn check_not_lost(data: &Path) -> Result<(), OpenError> {
    let database = data.join(FILE_NAME);
    let path = data.join(LOCK_NAME);
    let is_marked = match std::fs::metadata(&path) {
        Ok(found) => found.len() > 0,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(OpenError::Unusable(path, error.into())),
    };
    match is_marked && !database.exists() {
        true => Err(OpenError::Lost(database)),
        false => Ok(()),
    }
}

/// How often a migration looks whether it is alone, and the pause between two looks: two seconds in all.
const MIGRATION_TRIES: u32 = 40;
const MIGRATION_PAUSE: Duration = Duration::from_millis(50);

/// Held while a process has the database open. Many processes may hold it at once, but not while a restore replaces the
/// file: SQLite would go on in the old file, and leave its WAL beside the new one.
pub fn lock_for_use(data: &Path) -> Result<FolderLock, OpenError> {
    let lock = lock_folder(data, File::try_lock_shared)?;
    check_no_orphans(data)?;
    Ok(lock)
}

/// Held while the database is brought to a newer schema: no other process may have it open. Commands that are about to
/// end are waited for.
pub fn lock_for_migration(data: &Path) -> Result<FolderLock, OpenError> {
    for _ in 0..MIGRATION_TRIES {
        match lock_for_restore(data) {
            Err(OpenError::InUse(_)) => std::thread::sleep(MIGRATION_PAUSE),
            other => return other,
        }
    }
    Err(OpenError::OlderInUse(data.join(FILE_NAME)))
}

/// Held while another file is put in the database's place.
pub fn lock_for_restore(data: &Path) -> Result<FolderLock, OpenError> {
    lock_folder(data, File::try_lock)
}

fn lock_folder(
    data: &Path,
    lock: fn(&File) -> Result<(), TryLockError>,
) -> Result<FolderLock, OpenError> {
    // The folder itself is locked, so that the database in a read-only folder can still be read.
    let file = match File::open(data) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenError::Missing(data.join(FILE_NAME)));
        }
        Err(error) => return Err(OpenError::Unusable(data.into(), error.into())),
    };
    match lock(&file) {
        Ok(()) => Ok(FolderLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(data.into())),
        Err(TryLockError::Error(error)) => Err(OpenError::Unusable(data.into(), error.into())),
    }
}

/// File systems on which other machines can change the same files, by the number that `statfs` gives. A WAL needs
/// memory that all its users share, and reliable locks and syncs.
const REMOTE: &[(u64, &str)] = &[
    (0x0000_6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0000_517b, "SMB"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x0bd0_0bd0, "Lustre"),
    (0x1983_0326, "BeeGFS"),
    (0x4750_4653, "GPFS"),
    (0x7375_7245, "Coda"),
];
/// A file system run by a program. It may be of any kind, so its name decides.
const FUSE: u64 = 0x6573_5546;
/// File systems of this sort that are on the machine's own disks, or passed into a virtual machine as their only user.
const LOCAL_FUSE: &[&str] = &[
    "fuseblk",
    "fuse.fuse-overlayfs",
    "fuse.ntfs-3g",
    "fuse.bindfs",
    "virtiofs",
];
/// The file system of every mounted folder.
pub const MOUNTS: &str = "/proc/self/mountinfo";

/// Refuses a folder on a network file system.
pub fn check_file_system(data: &Path) -> Result<(), OpenError> {
    let unusable = |error: io::Error| OpenError::Unusable(data.into(), error.into());
    let folder = data.canonicalize().map_err(unusable)?;
    let found = rustix::fs::statfs(&folder).map_err(|error| unusable(error.into()))?;
    // Its type differs between architectures; the numbers have 32 bits.
    let number = (found.f_type as u64) & 0xffff_ffff;
    let mounts = std::fs::read_to_string(MOUNTS).unwrap_or_default();
    match remote_name(number, &mounts, &folder) {
        None => Ok(()),
        Some(name) => Err(OpenError::Network(data.into(), name)),
    }
}

/// The name of the file system with this number, if it is remote.
fn remote_name(number: u64, mounts: &str, folder: &Path) -> Option<String> {
    if number == FUSE {
        let name = mounted_as(mounts, folder).unwrap_or("fuse");
        return (!LOCAL_FUSE.contains(&name)).then(|| name.into());
    }
    let known = REMOTE.iter().find(|(remote, _)| *remote == number);
    known.map(|(_, name)| (*name).into())
}

/// The file system type of the innermost mount that holds `folder`. The last of equal ones lies on top.
fn mounted_as<'a>(mounts: &'a str, folder: &Path) -> Option<&'a str> {
    mounts
        .lines()
        .filter_map(|line| {
            let (place, kind) = line.split_once(" - ")?;
            let place = Path::new(place.split(' ').nth(4)?);
            let depth = folder
                .starts_with(place)
                .then(|| place.components().count())?;
            Some((depth, kind.split(' ').next()?))
        })
        .max_by_key(|(depth, _)| *depth)
        .map(|(_, kind)| kind)
}

/// Closes the folder and the database's files to everyone but their owner. Only files that stay readable to others stop
/// the start: a folder may belong to another user, as a container's volume does.
pub fn tighten(data: &Path) -> Result<(), OpenError> {
    if let Err(error) = tighten_one(data, 0o700) {
        tracing::warn!(path = %data.display(), %error, "others may look into the data folder");
    }
    let database = data.join(FILE_NAME);
    for path in [
        database.clone(),
        sidecar(&database, "-wal"),
        sidecar(&database, "-shm"),
    ] {
        tighten_one(&path, 0o600).map_err(|error| OpenError::Exposed(path, error.into()))?;
    }
    Ok(())
}

fn tighten_one(path: &Path, allowed: u32) -> io::Result<()> {
    let found = match std::fs::metadata(path) {
        Ok(found) => found.permissions().mode() & 0o7777,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let tight = found & allowed;
    if tight == found {
        return Ok(());
    }
    std::fs::set_permissions(path, Permissions::from_mode(tight))?;
    tracing::warn!(
        path = %path.display(),
        was = format!("{found:04o}"),
        is = format!("{tight:04o}"),
        "permissions were tightened"
    );
    Ok(())
}

/// Syncs a folder, so that changes of its names survive a power cut.
pub fn sync(folder: &Path) -> Result<(), StoreError> {
    Ok(File::open(folder)?.sync_all()?)
}

/// The folder that a file is in.
pub fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.into(),
        _ => ".".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTED: &str = "\
21 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw
40 21 0:38 / /srv/remote rw - fuse.sshfs host:/ rw
41 21 8:2 / /srv/remote/disk rw - fuseblk /dev/sdb1 rw
42 21 0:39 / /srv/vm rw - virtiofs share rw
";

    #[test]
    fn file_systems_of_other_machines_are_named() {
        let check = |number: u64, folder: &str| remote_name(number, MOUNTED, Path::new(folder));
        for (number, name) in REMOTE {
            assert_eq!(check(*number, "/srv").as_deref(), Some(*name));
        }
        assert_eq!(check(0xef53, "/srv"), None, "ext4");
        assert_eq!(check(0x0102_1994, "/srv"), None, "tmpfs");
        assert_eq!(check(FUSE, "/srv/remote/a").as_deref(), Some("fuse.sshfs"));
        assert_eq!(check(FUSE, "/srv/remote/disk/a"), None);
        assert_eq!(check(FUSE, "/srv/vm"), None);
        assert_eq!(
            remote_name(FUSE, "", Path::new("/srv")).as_deref(),
            Some("fuse"),
            "what is not known is not trusted"
        );
    }

    #[test]
    fn a_local_folder_is_taken() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        check_file_system(folder.path()).expect("a local file system");
    }
}
