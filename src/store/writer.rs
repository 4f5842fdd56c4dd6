//! The writer: one thread, one connection, many callers per commit.
//!
//! A write is a closure in a queue. The thread takes all that wait, runs them in one transaction, commits once, and only
//! then answers all of them. So one sync of the disk serves the whole batch, and nobody is told of success before it is
//! on disk. A refused closure is rolled back alone: if it has changed something, the whole batch is rolled back and runs
//! again, each closure in a savepoint of its own. A batch with a closure that can only run once begins with that.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::job::{Again, Job, Keep, Once, Repeated};
use super::{StoreError, WriteTx};
use crate::ambient::{Ambient, machine_ms};
use crate::store::file::watch::Watch;

/// How many writes may wait; the next one is refused with [`StoreError::Overloaded`].
pub const QUEUE: usize = 4096;
/// The most writes that one commit serves, unless the deployment sets another number.
pub const MAX_BATCH: usize = 256;

/// The handle of the writer thread. Dropping it finishes what is queued and joins the thread.
pub struct Writer {
    queue: Option<SyncSender<Box<dyn Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    counts: Arc<Counts>,
    clock: Arc<Clock>,
}

/// The clock that dates writes.
#[derive(Default)]
struct Clock(OnceLock<Arc<Ambient>>);

impl Clock {
    fn now_ms(&self) -> i64 {
        self.0.get().map_or_else(machine_ms, |it| it.now_ms())
    }
}

/// Counts of the thread's past and waiting work.
struct Counts {
    waiting: AtomicUsize,
    writes: AtomicU64,
    batch_sizes: Histogram,
}

impl Counts {
    fn new() -> Self {
        Self {
            waiting: AtomicUsize::new(0),
            writes: AtomicU64::new(0),
            // 1, 2, 4, ... 4096.
            batch_sizes: Histogram::new(exponential_buckets(1.0, 2.0, 13)),
        }
    }

    fn taken(&self, count: usize) {
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        self.writes.fetch_add(count as u64, Ordering::Relaxed);
        self.batch_sizes.observe(count as f64);
    }
}

impl Writer {
    /// Starts the thread on `connection`.
    pub fn start(
        connection: Connection,
        watch: Arc<Watch>,
        max_batch: usize,
    ) -> Result<Self, StoreError> {
        let (queue, jobs) = sync_channel(QUEUE);
        let counts = Arc::new(Counts::new());
        let clock = Arc::new(Clock::default());
        let (counted, dated) = (counts.clone(), clock.clone());
        let thread = std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || {
                serve(
                    connection,
                    &watch,
                    &jobs,
                    max_batch.max(1),
                    &counted,
                    &dated,
                )
            })
            .map_err(|error| {
                tracing::error!(%error, "the writer thread could not be started");
                StoreError::Internal
            })?;
        Ok(Self {
            queue: Some(queue),
            thread: Mutex::new(Some(thread)),
            counts,
            clock,
        })
    }

    /// Dates writes by this clock, once and for all.
    pub fn date_by(&self, ambient: &Arc<Ambient>) {
        self.clock.0.get_or_init(|| ambient.clone());
    }

    /// Writes that wait.
    pub fn queue_depth(&self) -> usize {
        self.counts.waiting.load(Ordering::Relaxed)
    }

    /// Writes taken from the queue.
    pub fn writes(&self) -> u64 {
        self.counts.writes.load(Ordering::Relaxed)
    }

    /// How many writes each commit served.
    pub fn batch_sizes(&self) -> Histogram {
        self.counts.batch_sizes.clone()
    }

    /// Queues `work`; the receiver resolves after the commit (or the refusal, or the failure) of its batch.
    pub fn enqueue<T, E, F>(&self, work: F) -> Result<oneshot::Receiver<Result<T, E>>, StoreError>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (reply, outcome) = oneshot::channel();
        self.queue(Box::new(Once::new(work, reply)))?;
        Ok(outcome)
    }

    /// Queues work that can run again: it borrows its state, and both come back.
    pub fn enqueue_again<S, T, E, F>(
        &self,
        state: S,
        work: F,
    ) -> Result<oneshot::Receiver<Repeated<S, T, E>>, StoreError>
    where
        S: Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
        F: Fn(&WriteTx<'_>, &mut S) -> Result<T, E> + Send + 'static,
    {
        let (reply, outcome) = oneshot::channel();
        self.queue(Box::new(Again::new(state, work, reply)))?;
        Ok(outcome)
    }

    fn queue(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or(StoreError::Stopped)?;
        // It counts before it is sent: the writer may be faster than this thread, and must not count below zero.
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        queue.try_send(job).map_err(|error| {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => StoreError::Overloaded,
                TrySendError::Disconnected(_) => StoreError::Stopped,
            }
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        let thread = self.thread.lock().map(|mut thread| thread.take());
        if let Ok(Some(thread)) = thread
            && thread.join().is_err()
        {
            tracing::error!("the writer thread panicked");
        }
    }
}

fn serve(
    connection: Connection,
    watch: &Watch,
    jobs: &Receiver<Box<dyn Job>>,
    max_batch: usize,
    counts: &Counts,
    clock: &Clock,
) {
    let mut batch = Vec::with_capacity(max_batch);
    while let Ok(first) = jobs.recv() {
        batch.push(first);
        batch.extend(jobs.try_iter().take(max_batch - 1));
        counts.taken(batch.len());
        // The look before keeps writes out of a lost file. The look after keeps callers from hearing of a write that is
        // lost.
        let committed = watch
            .check()
            .and_then(|()| commit(&connection, &mut batch, clock))
            .and_then(|()| watch.check());
        for mut job in batch.drain(..) {
            job.answer(committed.clone());
        }
    }
}

/// One transaction for the whole batch.
fn commit(
    connection: &Connection,
    batch: &mut [Box<dyn Job>],
    clock: &Clock,
) -> Result<(), StoreError> {
    end_stray_transaction(connection)?;
    let can_repeat = batch.iter().all(|job| job.can_repeat());
    if can_repeat && transaction(connection, batch, clock, run_together)? == Keep::Yes {
        return Ok(());
    }
    transaction(connection, batch, clock, run_apart).map(|_| ())
}

/// One of the two ways to run a batch, at this time: whether it is kept.
type Run = fn(&Connection, &mut [Box<dyn Job>], i64) -> Result<Keep, StoreError>;

/// Runs the batch in a transaction, and commits it or rolls it back.
fn transaction(
    connection: &Connection,
    batch: &mut [Box<dyn Job>],
    clock: &Clock,
    run: Run,
) -> Result<Keep, StoreError> {
    execute(connection, "BEGIN IMMEDIATE")?;
    // The clock is read once nobody else can write, so that times are in the order of the commits.
    let now_ms = clock.now_ms();
    let ended = run(connection, batch, now_ms).and_then(|keep| {
        let end = match keep {
            Keep::Yes => "COMMIT",
            Keep::No => "ROLLBACK",
        };
        execute(connection, end).map(|()| keep)
    });
    if ended.is_err() {
        // If this fails, too, the next batch begins with it.
        let _ = end_stray_transaction(connection);
    }
    ended
}

/// Every write of the batch, without savepoints: those cost a tenth of a write. It stops at a refused write that has
/// changed something, because that cannot be rolled back alone. Rules check before they change, so this is rare.
fn run_together(
    connection: &Connection,
    batch: &mut [Box<dyn Job>],
    now_ms: i64,
) -> Result<Keep, StoreError> {
    for job in batch {
        let tx = WriteTx::new(connection, now_ms);
        let keep = job.run(&tx);
        check_open(&tx)?;
        if keep == Keep::No && tx.has_tried_to_change() {
            return Ok(Keep::No);
        }
    }
    Ok(Keep::Yes)
}

/// Every write of the batch, each in a savepoint of its own.
fn run_apart(
    connection: &Connection,
    batch: &mut [Box<dyn Job>],
    now_ms: i64,
) -> Result<Keep, StoreError> {
    for job in batch {
        execute(connection, "SAVEPOINT job")?;
        let tx = WriteTx::new(connection, now_ms);
        let keep = job.run(&tx);
        check_open(&tx)?;
        if keep == Keep::No {
            // When a refused closure cannot be rolled back, the batch must not be committed with it.
            execute(connection, "ROLLBACK TO job")?;
        }
        execute(connection, "RELEASE job")?;
    }
    Ok(Keep::Yes)
}

/// A full disk or an I/O error can make SQLite roll the whole transaction back by itself: then nothing of the batch is
/// kept, and going on would write outside of a transaction.
fn check_open(tx: &WriteTx<'_>) -> Result<(), StoreError> {
    match tx.connection.is_autocommit() {
        true => Err(tx.why_rolled_back()),
        false => Ok(()),
    }
}

/// Runs one of the statements above, which stay prepared: there are two for each write.
fn execute(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// A failed COMMIT leaves its transaction open, and rolling it back may have failed. Without this, every later batch
/// would run inside it.
fn end_stray_transaction(connection: &Connection) -> Result<(), StoreError> {
    match connection.is_autocommit() {
        true => Ok(()),
        false => execute(connection, "ROLLBACK"),
    }
}

#[cfg(test)]
mod tests;
