//! The writer: one thread, one connection, many callers per commit.
//!
//! A write is a closure in a queue. The thread takes all that wait, runs each closure in a savepoint of one
//! transaction, commits once, and only then answers all of them. So one sync of the disk serves the whole batch, a
//! refused closure is rolled back alone, and nobody is told of success before it is on disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use rusqlite::Connection;
use tokio::sync::oneshot;

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
        let job = Task {
            work: Some(work),
            result: None,
            reply: Some(reply),
        };
        let queue = self.queue.as_ref().ok_or(StoreError::Stopped)?;
        // It counts before it is sent: the writer may be faster than this thread, and must not count below zero.
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        queue.try_send(Box::new(job)).map_err(|error| {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => StoreError::Overloaded,
                TrySendError::Disconnected(_) => StoreError::Stopped,
            }
        })?;
        Ok(outcome)
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

/// A queued write, its types erased.
trait Job: Send {
    /// Runs the closure, keeps its result, and says whether its changes stay.
    fn run(&mut self, tx: &WriteTx<'_>) -> Keep;
    /// Tells the caller: the kept result if the batch is on disk, else the fault.
    fn answer(&mut self, committed: Result<(), StoreError>);
}

#[derive(PartialEq, Eq)]
enum Keep {
    Yes,
    No,
}

struct Task<T, E, F> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    reply: Option<oneshot::Sender<Result<T, E>>>,
}

impl<T, E, F> Job for Task<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: FnOnce(&WriteTx<'_>) -> Result<T, E> + Send,
{
    fn run(&mut self, tx: &WriteTx<'_>) -> Keep {
        let Some(work) = self.work.take() else {
            return Keep::No;
        };
        // A panicking rule must not stop the writer, and every later write with it.
        let result = catch_unwind(AssertUnwindSafe(|| work(tx)))
            .unwrap_or_else(|_| Err(E::from(StoreError::Internal)));
        let keep = if result.is_ok() { Keep::Yes } else { Keep::No };
        self.result = Some(result);
        keep
    }

    fn answer(&mut self, committed: Result<(), StoreError>) {
        let result = match (committed, self.result.take()) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(E::from(StoreError::Internal)),
            (Err(fault), _) => Err(E::from(fault)),
        };
        if let Some(reply) = self.reply.take() {
            // The caller may have hung up.
            let _ = reply.send(result);
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
    execute(connection, "BEGIN IMMEDIATE")?;
    // The clock is read once nobody else can write, so that times are in the order of the commits.
    let now_ms = clock.now_ms();
    let committed = run_all(connection, batch, now_ms).and_then(|()| execute(connection, "COMMIT"));
    if committed.is_err() {
        // If this fails, too, the next batch begins with it.
        let _ = end_stray_transaction(connection);
    }
    committed
}

/// Every write of the batch, each in a savepoint of its own.
fn run_all(
    connection: &Connection,
    batch: &mut [Box<dyn Job>],
    now_ms: i64,
) -> Result<(), StoreError> {
    for job in batch {
        execute(connection, "SAVEPOINT job")?;
        let tx = WriteTx::new(connection, now_ms);
        let keep = job.run(&tx);
        // A full disk or an I/O error can make SQLite roll the whole transaction back by itself: then nothing of the
        // batch is kept, and going on would write outside of a transaction.
        if connection.is_autocommit() {
            return Err(tx.why_rolled_back());
        }
        if keep == Keep::No {
            // When a refused closure cannot be rolled back, the batch must not be committed with it.
            execute(connection, "ROLLBACK TO job")?;
        }
        execute(connection, "RELEASE job")?;
    }
    Ok(())
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
mod tests {
    use super::*;
    use crate::store::tables::installation;
    use crate::store::tables::settings;
    use crate::store::{FILE_NAME, Options, Store, pool};

    type Outcome = oneshot::Receiver<Result<(), StoreError>>;

    /// A new database's only connection.
    fn connection(folder: &std::path::Path) -> Connection {
        Store::create(folder, Options::default(), |tx| {
            settings::insert_defaults(tx)?;
            Ok::<_, crate::store::OpenError>(installation::insert(tx, false, 1001, 0)?)
        })
        .expect("a database");
        pool::connect(&folder.join(FILE_NAME)).expect("a connection")
    }

    fn job(
        work: impl FnOnce(&WriteTx<'_>) -> Result<(), StoreError> + Send + 'static,
    ) -> (Box<dyn Job>, Outcome) {
        let (reply, outcome) = oneshot::channel();
        let task = Task {
            work: Some(work),
            result: None,
            reply: Some(reply),
        };
        (Box::new(task), outcome)
    }

    /// Moves the mark, so that kept changes can be seen.
    fn set(tx: &WriteTx<'_>, value: i64) -> Result<(), StoreError> {
        installation::update_next_extension(tx, value)
    }

    fn value(connection: &Connection) -> i64 {
        let sql = "SELECT next_extension FROM installation";
        connection
            .query_row(sql, [], |row| row.get(0))
            .expect("a row")
    }

    /// Runs the jobs in one batch, and gives what each caller hears.
    fn run(
        connection: &Connection,
        jobs: Vec<(Box<dyn Job>, Outcome)>,
    ) -> Vec<Result<(), StoreError>> {
        let (mut batch, mut outcomes): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
        let committed = commit(connection, &mut batch, &Clock::default());
        for job in &mut batch {
            job.answer(committed.clone());
        }
        let heard = |outcome: &mut Outcome| outcome.try_recv().expect("an answer");
        outcomes.iter_mut().map(heard).collect()
    }

    #[test]
    fn a_refused_write_is_taken_back_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = connection(folder.path());
        let refused = job(|tx| {
            set(tx, 3)?;
            Err(StoreError::Unique)
        });
        let heard = run(&connection, vec![job(|tx| set(tx, 2)), refused]);
        assert_eq!(heard, [Ok(()), Err(StoreError::Unique)]);
        assert_eq!(value(&connection), 2);
    }

    #[test]
    fn when_sqlite_rolls_everything_back_nobody_is_told_success_and_nothing_is_written_after() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = connection(folder.path());
        let rolled_back = job(|tx| {
            tx.connection.execute_batch("ROLLBACK")?;
            // This rule overlooks the failure.
            assert_eq!(set(tx, 3), Err(StoreError::Disk));
            Ok(())
        });
        let jobs = vec![job(|tx| set(tx, 2)), rolled_back, job(|tx| set(tx, 4))];
        let heard = run(&connection, jobs);
        assert_eq!(heard, vec![Err(StoreError::Disk); 3]);
        assert_eq!(value(&connection), 1001);
        assert_eq!(run(&connection, vec![job(|tx| set(tx, 5))]), [Ok(())]);
        assert_eq!(value(&connection), 5);
    }

    #[test]
    fn a_refused_write_that_cannot_be_taken_back_is_not_committed_with_the_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = connection(folder.path());
        let stuck = job(|tx| {
            set(tx, 3)?;
            // Now its savepoint cannot be rolled back.
            tx.connection.execute_batch("RELEASE job")?;
            Err(StoreError::Unique)
        });
        let heard = run(&connection, vec![job(|tx| set(tx, 2)), stuck]);
        assert!(heard.iter().all(Result::is_err), "{heard:?}");
        assert_eq!(value(&connection), 1001);
        assert_eq!(run(&connection, vec![job(|tx| set(tx, 5))]), [Ok(())]);
    }

    #[test]
    fn a_transaction_that_was_left_open_does_not_stop_later_writes() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = connection(folder.path());
        connection
            .execute_batch("BEGIN; UPDATE installation SET next_extension = 3")
            .expect("a transaction");
        assert_eq!(run(&connection, vec![job(|_| Ok(()))]), [Ok(())]);
        assert_eq!(value(&connection), 1001, "what was left open is not kept");
    }

    #[test]
    fn a_full_database_refuses_and_gets_over_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = connection(folder.path());
        let fill = "INSERT INTO action_log (at_ms, actor, through, action) VALUES (0, 'x', 'cli', printf('%.8000c', 'x'))";
        connection
            .pragma_update(None, "max_page_count", 1)
            .expect("the least");
        let too_much = job(move |tx| tx.execute(fill, []).map(|_| ()));
        let jobs = vec![job(|tx| set(tx, 2)), too_much, job(|tx| set(tx, 3))];
        // SQLite rolls everything back, so every caller is told, with the reason.
        assert_eq!(run(&connection, jobs), vec![Err(StoreError::Full); 3]);
        assert_eq!(value(&connection), 1001);
        connection
            .pragma_update(None, "max_page_count", 1_000_000)
            .expect("plenty");
        let again = job(move |tx| tx.execute(fill, []).map(|_| ()));
        assert_eq!(run(&connection, vec![again]), [Ok(())]);
    }

    #[test]
    fn what_a_large_write_changes_can_be_taken_back_without_a_temporary_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = connection(folder.path());
        let fill = "CREATE TABLE pages (text TEXT);
            WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
            INSERT INTO pages SELECT printf('%.3000c', 'x') FROM n";
        connection.execute_batch(fill).expect("many pages");
        let too_much = job(|tx| {
            tx.execute("UPDATE pages SET text = printf('%.3000c', 'y')", [])?;
            // A container may have no place for one.
            for file in std::fs::read_dir("/proc/self/fd")? {
                let file = std::fs::read_link(file?.path()).unwrap_or_default();
                assert!(!file.to_string_lossy().contains("etilqs"), "{file:?}");
            }
            Err(StoreError::Unique)
        });
        assert_eq!(run(&connection, vec![too_much]), [Err(StoreError::Unique)]);
        let changed = "SELECT count(*) FROM pages WHERE text LIKE 'y%'";
        let changed: i64 = connection
            .query_row(changed, [], |row| row.get(0))
            .expect("a count");
        assert_eq!(changed, 0);
    }

    #[test]
    fn what_is_queued_is_written_before_the_writer_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = connection(folder.path());
        let watch = Watch::new(&connection, &folder.path().join(FILE_NAME)).expect("files");
        let writer = Writer::start(connection, Arc::new(watch), 2).expect("a writer");
        let (go, gate) = std::sync::mpsc::channel();
        let first = writer.enqueue(move |_| gate.recv().map_err(|_| StoreError::Internal));
        let rest = (1..=50).map(|value| writer.enqueue(move |tx| set(tx, value)));
        let outcomes: Vec<_> = [first].into_iter().chain(rest).collect();
        go.send(()).expect("the first one waits");
        drop(writer);
        for outcome in outcomes {
            assert_eq!(outcome.expect("room").try_recv(), Ok(Ok(())));
        }
        let connection = pool::connect(&folder.path().join(FILE_NAME)).expect("a connection");
        assert_eq!(value(&connection), 50);
    }
}
