//! Transactions: one that can read, one that can also write, and the snapshot that a reader holds.

use std::cell::{Cell, RefCell};
use std::ops::Deref;

use rusqlite::Connection;

use crate::store::StoreError;

/// A read transaction that ends with its scope, even after a panic. Its two statements stay prepared, unlike those of
/// rusqlite's own transactions: at this rate, compiling them each time would show.
pub struct Snapshot(pub(super) r2d2::PooledConnection<r2d2_sqlite::SqliteConnectionManager>);

impl Snapshot {
    /// The transaction, for the functions that find and list.
    pub fn tx(&self) -> ReadTx<'_> {
        ReadTx {
            connection: &self.0,
        }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let ended = self
            .0
            .prepare_cached("COMMIT")
            .and_then(|mut end| end.execute([]));
        if let Err(error) = ended {
            tracing::error!(%error, "a read transaction could not be ended");
            // A reader that stayed in its transaction would fail every later request.
            if !self.0.is_autocommit() {
                let _ = self.0.execute_batch("ROLLBACK");
            }
        }
    }
}

/// A transaction that can read. The functions that find and list take this.
pub struct ReadTx<'a> {
    pub(super) connection: &'a Connection,
}

/// A transaction that can also write. The functions that insert, update and delete take this.
pub struct WriteTx<'a> {
    read: ReadTx<'a>,
    now_ms: i64,
    /// The last fault of a statement that changes rows: why SQLite rolled everything back, if it did.
    pub(super) fault: RefCell<Option<StoreError>>,
    /// Whether a statement that changes rows has begun.
    pub(super) tried: Cell<bool>,
}

impl<'a> WriteTx<'a> {
    pub(super) fn new(connection: &'a Connection, now_ms: i64) -> Self {
        Self {
            read: ReadTx { connection },
            now_ms,
            fault: RefCell::new(None),
            tried: Cell::new(false),
        }
    }

    /// Whether there may be something to roll back.
    pub(super) fn has_tried_to_change(&self) -> bool {
        self.tried.get()
    }

    /// The time of this write, in milliseconds since 1970-01-01 UTC. Everything in a commit has the same time. Rows are
    /// dated by it, not by when their callers came, so that a later write never has an earlier date.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }
}

impl<'a> Deref for WriteTx<'a> {
    type Target = ReadTx<'a>;

    fn deref(&self) -> &ReadTx<'a> {
        &self.read
    }
}
