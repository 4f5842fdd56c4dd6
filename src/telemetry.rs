//! What the server tells about itself: log lines on standard error.
//!
//! A thread of their own writes them, all that wait at once. When the reader of standard error is too slow, up to
//! [`MAX_WAITING`] bytes wait. Further lines are dropped and counted, because otherwise callers would wait for the log.

use std::io::{IsTerminal, Write, stderr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::debug_fn;

/// The most bytes of log lines that wait to be written. A line has some 200.
pub const MAX_WAITING: usize = 4 * 1024 * 1024;
/// How long the thread collects further lines after writing some: waking it for each line costs more than the line.
const COLLECTED_FOR: Duration = Duration::from_millis(10);
/// How long the end of the process waits for the last lines to be written.
const LAST_LINES_TIMEOUT: Duration = Duration::from_secs(1);

static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object per line.
    Json,
}

/// Starts logging the lines that pass `filter`. Waiting lines are written when the guard is dropped.
pub fn start(filter: &str, format: LogFormat) -> Guard {
    let queue = Arc::new(Queue::default());
    let guard = Guard(queue.clone());
    let reader = queue.clone();
    std::thread::Builder::new()
        .name("log".into())
        .spawn(move || reader.write_to(&mut stderr()))
        .expect("a system that starts processes starts threads");
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_ansi(stderr().is_terminal());
    let _ = QUEUE.set(queue.clone());
    let lines = lines.with_writer(move || Line(queue.clone()));
    // A second start, in a test that runs two servers, changes nothing.
    let _ = match format {
        LogFormat::Text => lines.fmt_fields(fields()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    guard
}

/// The fields of a line, without the colours that they would get by default, even without a terminal.
fn fields() -> impl for<'writer> FormatFields<'writer> + Send + Sync + 'static {
    debug_fn(|line, field, value| match field.name() {
        "message" => write!(line, "{value:?}"),
        name => write!(line, "{name}={value:?}"),
    })
    .delimited(" ")
}

/// Log lines that were dropped since the start.
pub fn lost_lines() -> u64 {
    QUEUE.get().map_or(0, |queue| queue.lock().lost)
}

/// Writes the last lines when it is dropped.
#[must_use = "lines that wait are lost when it is dropped too early"]
pub struct Guard(Arc<Queue>);

impl Drop for Guard {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.is_stopping = true;
        self.0.changed.notify_all();
        let is_unfinished = |waiting: &mut Waiting| !waiting.is_finished;
        let _ = self
            .0
            .changed
            .wait_timeout_while(waiting, LAST_LINES_TIMEOUT, is_unfinished);
    }
}

/// The lines that wait.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    lost: u64,
    /// The thread sleeps until it is woken.
    is_idle: bool,
    is_stopping: bool,
    is_finished: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if waiting.lines.len() + line.len() > MAX_WAITING {
            waiting.lost += 1;
            return;
        }
        waiting.lines.extend_from_slice(line);
        if std::mem::take(&mut waiting.is_idle) {
            drop(waiting);
            self.changed.notify_all();
        }
    }

    /// The thread: writes the waiting lines until it is told to stop and none are left.
    fn write_to(&self, out: &mut impl Write) {
        let mut taken = Vec::new();
        while self.take(&mut taken) {
            // A log that cannot be written has no place to report that.
            let _ = out.write_all(&taken);
            taken.clear();
            let waiting = self.lock();
            let _ = self
                .changed
                .wait_timeout_while(waiting, COLLECTED_FOR, |waiting| !waiting.is_stopping);
        }
        self.lock().is_finished = true;
        self.changed.notify_all();
    }

    /// Waits for lines and takes them; false: no more will come.
    fn take(&self, taken: &mut Vec<u8>) -> bool {
        let mut waiting = self.lock();
        while waiting.lines.is_empty() && !waiting.is_stopping {
            waiting.is_idle = true;
            waiting = self
                .changed
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut waiting.lines, taken);
        !taken.is_empty()
    }
}

/// The writer of one line.
struct Line(Arc<Queue>);

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
