//! What the server does by itself while it runs: it frees closed DIDs on time, removes expired sessions, and makes
//! backups.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::ambient::{file_time, parse_file_time, rfc3339};
use crate::app::App;
use crate::service::{clock, dids, failures, sessions};
use crate::store::backup::{self, BackupError};
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
    /// Where they go.
    pub folder: PathBuf,
    /// How long after one the next is made.
    pub every: Duration,
    /// How many are kept.
    pub keep: usize,
}

/// What housekeeping knows, for whoever watches.
#[derive(Debug)]
pub struct State {
    /// When the last good backup was made; negative: never.
    last_backup_ms: AtomicI64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            last_backup_ms: AtomicI64::new(-1),
        }
    }
}

impl State {
    /// When the last good backup by the server was made, this run or an earlier one; none: none is known.
    pub fn last_backup_ms(&self) -> Option<i64> {
        let at_ms = self.last_backup_ms.load(Ordering::Relaxed);
        (at_ms >= 0).then_some(at_ms)
    }

    fn set_last_backup_ms(&self, at_ms: i64) {
        self.last_backup_ms.store(at_ms, Ordering::Relaxed);
    }
}

/// Runs until it is dropped.
pub async fn run(app: Arc<App>) {
    match &app.backups {
        None => tidy_up(&app).await,
        Some(plan) => {
            futures_util::future::join(tidy_up(&app), make_backups(&app, plan))
                .await
                .0
        }
    };
}

async fn tidy_up(app: &App) -> Infallible {
    let mut offset_ms = offset_ms(app);
    loop {
        let now_ms = app.ambient.now_ms();
        if is_clock_trusted(app, &mut offset_ms).await {
            in_pieces(app, now_ms, "freeing closed DIDs", dids::free_closed).await;
        }
        in_pieces(app, now_ms, "removing expired sessions", sessions::purge).await;
        log_failures(app).await;
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Writes the failed sign-ins of the hour that has ended into the action log; the server's end is one, too.
pub async fn log_failures(app: &App) {
    match failures::write(&app.store, &app.failures).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "failed sign-ins are in the action log"),
        Err(error) => tracing::error!(%error, "failed sign-ins could not be logged yet"),
    }
}

/// How far the clock is from the one that nobody sets: this stays the same unless the clock leaps.
fn offset_ms(app: &App) -> i64 {
    app.ambient
        .now_ms()
        .saturating_sub(app.ambient.running_ms())
}

/// Looks whether the clock has leapt since `known_ms` was its offset, or before. A leap that is on disk begins a new count.
async fn is_clock_trusted(app: &App, known_ms: &mut i64) -> bool {
    let (now_ms, is_ms) = (app.ambient.now_ms(), offset_ms(app));
    let moved_ms = is_ms.saturating_sub(*known_ms);
    let looked = app.store.write(move |tx| clock::look(tx, now_ms, moved_ms));
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

/// Does some of the work that is due at `now_ms` at a time until nothing is left of it, so that callers get in between.
async fn in_pieces(
    app: &App,
    now_ms: i64,
    what: &'static str,
    work: fn(&WriteTx<'_>, i64) -> Result<usize, StoreError>,
) {
    let mut count = 0;
    loop {
        match app.store.write(move |tx| work(tx, now_ms)).await {
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

/// Makes a backup whenever the last good one is old enough. A restart makes none before its time.
async fn make_backups(app: &App, plan: &BackupPlan) -> Infallible {
    if let Some(at_ms) = last_made(&plan.folder, app.ambient.now_ms()) {
        app.housekeeping.set_last_backup_ms(at_ms);
    }
    loop {
        let age = app.backup_age().unwrap_or(Duration::MAX);
        tokio::time::sleep(plan.every.saturating_sub(age)).await;
        let now_ms = app.ambient.now_ms();
        match make_backup(plan.clone(), now_ms).await {
            Ok(path) => {
                app.housekeeping.set_last_backup_ms(now_ms);
                tracing::info!(path = %path.display(), "a backup was made");
            }
            Err(error) => {
                tracing::error!(%error, "no backup was made, the next try follows");
                tokio::time::sleep(RETRY.min(plan.every)).await;
            }
        }
    }
}

/// Makes one backup, and then removes those that are too many.
///
/// It has a thread of its own, which neither takes one from the requests nor is waited for when the server stops: half a
/// backup has no name.
async fn make_backup(plan: BackupPlan, now_ms: i64) -> Result<PathBuf, String> {
    let (reply, outcome) = oneshot::channel();
    std::thread::Builder::new()
        .name("backup".into())
        .spawn(move || {
            let made = write_backup(&plan, now_ms).map_err(|error| error.to_string());
            if let Ok(path) = &made {
                prune(&plan, path);
            }
            // Nobody hears it when the server has stopped in the meantime.
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

/// Removes the oldest backups until as many are left as are to be kept; never the one just made, which is not the latest
/// by its name when the clock was set back.
fn prune(plan: &BackupPlan, just_made: &Path) {
    let mut others = made(&plan.folder);
    others.retain(|(_, path)| path != just_made);
    let too_many = others.len().saturating_sub(plan.keep.saturating_sub(1));
    for (_, path) in &others[..too_many] {
        if let Err(error) = std::fs::remove_file(path) {
            tracing::error!(path = %path.display(), %error, "an old backup was not removed");
        }
    }
}

/// When the last backup in a folder was made. One that bears a time to come was made by a clock that was wrong: how old it
/// is nobody knows, and it must not put the next one off until then.
fn last_made(folder: &Path, now_ms: i64) -> Option<i64> {
    let made = made(folder).into_iter().map(|(at_ms, _)| at_ms);
    made.filter(|at_ms| *at_ms <= now_ms).max()
}

/// The backups in a folder, the oldest first. Only names that a server gives are taken for backups.
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

    #[test]
    fn the_backup_just_made_stays_whatever_the_clock_said_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = |at_ms| {
            let name = format!("{BACKUP_START}{}{BACKUP_END}", file_time(at_ms));
            let path = folder.path().join(name);
            std::fs::write(&path, "").unwrap();
            path
        };
        let just_made = file(1000);
        let (later, latest) = (file(2000), file(3000));
        let plan = BackupPlan {
            data: folder.path().into(),
            folder: folder.path().into(),
            every: INTERVAL,
            keep: 2,
        };
        prune(&plan, &just_made);
        assert!(just_made.exists() && !later.exists() && latest.exists());
    }
}
