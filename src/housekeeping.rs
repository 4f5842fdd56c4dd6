//! The work that the server does by itself: it frees closed DIDs on time, removes expired sessions, and makes backups.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::ambient::{file_time, parse_file_time, rfc3339};
use crate::service::core::Core;
use crate::service::guard::failures;
use crate::service::overview;
use crate::service::{clock, did_steps, sessions};
use crate::store::file::backup::{self, BackupError};
use crate::store::tables::installation;
use crate::store::{StoreError, WriteTx};

/// How often the server looks for closed DIDs and expired sessions, beginning at its start.
pub const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// How long after a failed backup the next one is tried, unless one is due earlier.
const RETRY: Duration = Duration::from_secs(5 * 60);
/// A backup's name: this, its time, [`BACKUP_END`].
const BACKUP_START: &str = "linebook-";
const BACKUP_END: &str = ".db";

/// The backups that a server makes by itself.
#[derive(Debug, Clone)]
pub struct BackupPlan {
    /// The folder with the database.
    pub data: PathBuf,
    /// The folder for them.
    pub folder: PathBuf,
    /// The time from one to the next.
    pub every: Duration,
    /// The number to keep.
    pub keep: usize,
}

/// The backups of a server: the plan, and the time of the last good one.
#[derive(Debug)]
pub struct Backups {
    /// The plan; none: it makes no backups.
    pub plan: Option<BackupPlan>,
    /// When the last good one was made; negative: none is known.
    last_ms: AtomicI64,
}

impl Default for Backups {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Backups {
    /// None is known yet.
    pub fn new(plan: Option<BackupPlan>) -> Self {
        let last_ms = AtomicI64::new(-1);
        Self { plan, last_ms }
    }

    /// When the server made the last good one, in this run or an earlier one; none: none is known.
    pub fn last_ms(&self) -> Option<i64> {
        let at_ms = self.last_ms.load(Ordering::Relaxed);
        (at_ms >= 0).then_some(at_ms)
    }

    fn set_last_ms(&self, at_ms: i64) {
        self.last_ms.store(at_ms, Ordering::Relaxed);
    }

    /// The age of the last good one; none: none is known, or the clock was set back since and the age is unknown.
    pub fn age(&self, now_ms: i64) -> Option<Duration> {
        let age_ms = now_ms.saturating_sub(self.last_ms()?);
        u64::try_from(age_ms).ok().map(Duration::from_millis)
    }

    /// The state of the backups, for the overview.
    pub fn known(&self) -> overview::Backups {
        let every = self.plan.as_ref().map(|plan| plan.every);
        overview::Backups {
            every_ms: every.map(|every| i64::try_from(every.as_millis()).unwrap_or(i64::MAX)),
            last_ms: self.last_ms(),
        }
    }
}

/// Runs until it is dropped.
pub async fn run(core: Arc<Core>, backups: Arc<Backups>) {
    match &backups.plan {
        None => tidy_up(&core).await,
        Some(plan) => {
            let making = make_backups(&core, &backups, plan);
            futures_util::future::join(tidy_up(&core), making).await.0
        }
    };
}

async fn tidy_up(core: &Core) -> Infallible {
    let mut offset_ms = offset_ms(core);
    loop {
        let now_ms = core.ambient.now_ms();
        if is_clock_trusted(core, &mut offset_ms).await {
            in_pieces(core, now_ms, "freeing closed DIDs", did_steps::free_closed).await;
        }
        in_pieces(core, now_ms, "removing expired sessions", sessions::purge).await;
        tokio::time::sleep(INTERVAL).await;
        // These are the failures of the hour that has just ended. At the start there are none.
        log_failures(core).await;
    }
}

/// Writes the failed sign-ins of the past hour into the action log. The server does so when it stops, too.
pub async fn log_failures(core: &Core) {
    match failures::write(&core.store, &core.failures).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "failed sign-ins are in the action log"),
        Err(error) => tracing::error!(%error, "failed sign-ins could not be logged yet"),
    }
}

/// The distance from the clock to the one that nobody sets. It changes only when the clock leaps.
fn offset_ms(core: &Core) -> i64 {
    core.ambient
        .now_ms()
        .saturating_sub(core.ambient.running_ms())
}

/// Whether the clock can be trusted: it has leapt neither since `known_ms` was its offset nor before. Once a leap is
/// noted on disk, a new count begins.
async fn is_clock_trusted(core: &Core, known_ms: &mut i64) -> bool {
    let (now_ms, is_ms) = (core.ambient.now_ms(), offset_ms(core));
    let moved_ms = is_ms.saturating_sub(*known_ms);
    let looked = core
        .store
        .write(move |tx| clock::look(tx, now_ms, moved_ms));
    match looked.await {
        Ok(None) => true,
        Ok(Some(since_ms)) => {
            *known_ms = is_ms;
            tracing::warn!(
                since = rfc3339(since_ms),
                "closed DIDs are not freed: the clock has leapt; when it is right, say so with `linebook clock accept`"
            );
            false
        }
        Err(error) => {
            tracing::error!(%error, "the clock could not be looked at, the next try is in an hour");
            false
        }
    }
}

/// Does the work that is due at `now_ms` in small pieces, so that callers get in between.
async fn in_pieces(
    core: &Core,
    now_ms: i64,
    what: &'static str,
    work: fn(&WriteTx<'_>, i64) -> Result<usize, StoreError>,
) {
    let mut count = 0;
    loop {
        match core.store.write(move |tx| work(tx, now_ms)).await {
            Ok(0) => break,
            Ok(done) => count += done,
            Err(error) => {
                tracing::error!(%error, "{what} failed, the next try is in an hour");
                break;
            }
        }
    }
    if count > 0 {
        tracing::info!(count, "{what} is done");
    }
}

/// Makes a backup whenever the last good one is old enough. A restart does not make one early.
async fn make_backups(core: &Core, backups: &Backups, plan: &BackupPlan) -> Infallible {
    match core.store.read(installation::created_ms) {
        Ok(own) => {
            if let Some(at_ms) = last_made(&plan.folder, core.ambient.now_ms(), own) {
                backups.set_last_ms(at_ms);
            }
        }
        Err(error) => tracing::error!(%error, "the backups that are there could not be looked at"),
    }
    loop {
        let age = backups.age(core.ambient.now_ms()).unwrap_or(Duration::MAX);
        tokio::time::sleep(plan.every.saturating_sub(age)).await;
        let now_ms = core.ambient.now_ms();
        match make_backup(plan.clone(), now_ms).await {
            Ok(path) => {
                backups.set_last_ms(now_ms);
                tracing::info!(path = %path.display(), "a backup was made");
            }
            Err(error) => {
                tracing::error!(%error, "no backup was made, the next try follows");
                tokio::time::sleep(RETRY.min(plan.every)).await;
            }
        }
    }
}

/// Makes one backup, and then removes surplus ones.
///
/// It has a thread of its own, so that requests keep theirs. A stopping server does not wait for it: half a backup has
/// no name.
async fn make_backup(plan: BackupPlan, now_ms: i64) -> Result<PathBuf, String> {
    let (reply, outcome) = oneshot::channel();
    std::thread::Builder::new()
        .name("backup".into())
        .spawn(move || {
            let made = write_backup(&plan, now_ms).map_err(|error| error.to_string());
            if let Ok(path) = &made {
                prune(&plan, path, now_ms);
            }
            // The server may have stopped meanwhile.
            let _ = reply.send(made);
        })
        .map_err(|error| error.to_string())?;
    outcome
        .await
        .unwrap_or_else(|_| Err("the thread that made it panicked".into()))
}

fn write_backup(plan: &BackupPlan, now_ms: i64) -> Result<PathBuf, BackupError> {
    backup::make_folder(&plan.folder)?;
    let name = format!("{BACKUP_START}{}{BACKUP_END}", file_time(now_ms));
    let path = plan.folder.join(name);
    backup::backup(&plan.data, &path, false)?;
    Ok(path)
}

/// Removes the oldest backups until only as many are left as the plan keeps. The one just made always stays, even if
/// the clock was set back and its name is not the latest. A backup with a time in the future counts as older than all
/// others; otherwise it would keep its place until then. Files of other installations stay, and so do files that are
/// not backups.
fn prune(plan: &BackupPlan, just_made: &Path, now_ms: i64) {
    let own = backup::made_of(just_made);
    let mut others = made(&plan.folder);
    others.retain(|(_, path)| path != just_made && own.is_some() && backup::made_of(path) == own);
    others.sort_by_key(|(at_ms, _)| (*at_ms <= now_ms, *at_ms));
    let too_many = others.len().saturating_sub(plan.keep.saturating_sub(1));
    for (_, path) in &others[..too_many] {
        if let Err(error) = std::fs::remove_file(path) {
            tracing::error!(path = %path.display(), %error, "an old backup was not removed");
        }
    }
}

/// When the last backup of the installation `own` in a folder was made. A backup with a time in the future comes from a
/// wrong clock. Its age is unknown, and it must not delay the next one until then.
fn last_made(folder: &Path, now_ms: i64, own: i64) -> Option<i64> {
    let mut latest_first = made(folder).into_iter().rev();
    latest_first
        .find(|(at_ms, path)| *at_ms <= now_ms && backup::made_of(path) == Some(own))
        .map(|(at_ms, _)| at_ms)
}

/// Files in a folder that may be backups, by the names that a server gives, the oldest first.
fn made(folder: &Path) -> Vec<(i64, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut made: Vec<(i64, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let time = name.to_str()?;
            let time = time.strip_prefix(BACKUP_START)?.strip_suffix(BACKUP_END)?;
            Some((parse_file_time(time)?, entry.path()))
        })
        .collect();
    made.sort();
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{FILE_NAME, OpenError, Options, Store};

    /// A folder with backups of one installation, of another, and other files.
    struct Backups(tempfile::TempDir);

    impl Backups {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        /// A file of this time, with the bytes of a backup of the installation that was made at `of_ms`.
        fn file(&self, at_ms: i64, of_ms: i64) -> PathBuf {
            let data = tempfile::tempdir().unwrap();
            let store = Store::create(data.path(), Options::default(), |tx| {
                Ok::<_, OpenError>(installation::insert(tx, false, 1, of_ms)?)
            });
            drop(store.unwrap());
            let bytes = std::fs::read(data.path().join(FILE_NAME)).unwrap();
            self.junk(at_ms, &bytes)
        }

        fn junk(&self, at_ms: i64, bytes: &[u8]) -> PathBuf {
            let name = format!("{BACKUP_START}{}{BACKUP_END}", file_time(at_ms));
            let path = self.0.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        }

        fn prune(&self, keep: usize, just_made: &Path, now_ms: i64) {
            let plan = BackupPlan {
                data: self.0.path().into(),
                folder: self.0.path().into(),
                every: INTERVAL,
                keep,
            };
            prune(&plan, just_made, now_ms);
        }
    }

    #[test]
    fn the_backup_just_made_stays_whatever_the_clock_said_before() {
        let backups = Backups::new();
        let just_made = backups.file(1000, 7);
        let (later, latest) = (backups.file(2000, 7), backups.file(3000, 7));
        backups.prune(2, &just_made, 1000);
        assert!(just_made.exists() && !later.exists() && latest.exists());
    }

    #[test]
    fn a_backup_of_a_time_to_come_is_the_oldest() {
        let backups = Backups::new();
        let (old, to_come) = (backups.file(500, 7), backups.file(9000, 7));
        let just_made = backups.file(1000, 7);
        backups.prune(2, &just_made, 1000);
        assert!(just_made.exists() && old.exists() && !to_come.exists());
    }

    #[test]
    fn only_good_backups_of_the_same_installation_count() {
        let backups = Backups::new();
        let own = backups.file(100, 7);
        let others = [
            backups.file(200, 8),
            backups.junk(300, b""),
            backups.junk(400, b"junk"),
            backups.junk(500, &b"SQLite format 3\0 and what is none".repeat(100)),
        ];
        assert_eq!(last_made(backups.0.path(), 1000, 7), Some(100));
        assert_eq!(last_made(backups.0.path(), 1000, 8), Some(200));
        assert_eq!(last_made(backups.0.path(), 1000, 9), None);
        let just_made = backups.file(1000, 7);
        backups.prune(1, &just_made, 1000);
        assert!(!own.exists() && just_made.exists());
        assert!(others.iter().all(|path| path.exists()));
    }
}
