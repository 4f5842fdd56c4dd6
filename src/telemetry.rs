//! What the server tells about itself: log lines on standard error.
//!
//! A thread of their own writes them. When whoever reads standard error is too slow, [`MAX_WAITING_LINES`] wait; what comes
//! then is dropped and counted, because the alternative is that callers wait for the log.

use std::io::{IsTerminal, stderr};
use std::sync::OnceLock;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;
use crate::http::QUIET_LOG;

/// Log lines that wait to be written; some 250 bytes each.
pub const MAX_WAITING_LINES: usize = 16_384;

static LOST: OnceLock<ErrorCounter> = OnceLock::new();

/// Starts logging what passes `filter`. What waits is written when the guard is dropped.
#[must_use = "lines that wait are lost when it is dropped too early"]
pub fn start(filter: &str, format: LogFormat) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(MAX_WAITING_LINES)
        .lossy(true)
        .thread_name("log")
        .finish(stderr());
    let _ = LOST.set(writer.error_counter());
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("{QUIET_LOG},{filter}")))
        .with_writer(writer)
        .with_ansi(stderr().is_terminal());
    // A second start, in a test that runs two servers, changes nothing.
    let _ = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    guard
}

/// Log lines that were dropped since the start.
pub fn lost_lines() -> u64 {
    LOST.get().map_or(0, |lost| lost.dropped_lines() as u64)
}
