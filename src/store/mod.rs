//! (4) The database: the only room that knows SQL, rusqlite and r2d2.
//!
//! [`Store::read`] gives a snapshot that cannot write, by type; [`Store::write`] goes through the one writer thread and
//! returns after the commit that holds it is on disk.

mod error;
pub mod file;
mod job;
mod pool;
pub mod row;
pub mod tables;
mod transaction;
pub mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use prometheus_client::metrics::histogram::Histogram;
use rusqlite::Connection;

use crate::ambient::Ambient;
pub use error::{OpenError, StoreError, Violation};
use file::folder::FolderLock;
pub use file::name::FILE_NAME;
use file::schema::SCHEMA;
use file::watch::Watch;
use file::{check, folder, migrate};
pub use job::Repeated;
pub use pool::{BUSY_TIMEOUT, READER_TIMEOUT};
pub use transaction::{ReadTx, Snapshot, WriteTx};
pub use writer::{MAX_BATCH, QUEUE};

/// The number of connections, and of writes per commit.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The most read-only connections. Each is made when it is first needed.
    pub readers: u32,
    /// The most writes per commit.
    pub max_batch: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 16,
            max_batch: MAX_BATCH,
        }
    }
}

/// What the database is doing, for the metrics.
#[derive(Debug, Clone, Copy)]
pub struct Activity {
    /// Writes that wait.
    pub queue_depth: usize,
    /// Writes taken from the queue since the start.
    pub writes: u64,
    /// Size of the write-ahead log.
    pub wal_bytes: u64,
    /// Open read-only connections.
    pub readers: u32,
    /// The open read-only connections that are in use.
    pub readers_in_use: u32,
}

/// An open database.
pub struct Store {
    readers: pool::Pool,
    writer: writer::Writer,
    path: PathBuf,
    _in_use: FolderLock,
}

impl Store {
    /// Opens the database in the folder `data`, brought to this release's schema first if it is older.
    pub fn open(data: &Path, options: Options) -> Result<Self, OpenError> {
        let path = data.join(FILE_NAME);
        let in_use = folder::lock_for_use(data)?;
        if let Some(connection) = migrate::open(&path)? {
            return Self::start(connection, path, in_use, options);
        }
        // An older linebook that has the file open knows nothing of the new schema.
        drop(in_use);
        let alone = folder::lock_for_migration(data)?;
        migrate::bring_forward(&path)?;
        drop(alone);
        let in_use = folder::lock_for_use(data)?;
        match migrate::open(&path)? {
            Some(connection) => Self::start(connection, path, in_use, options),
            // Another older file was put in its place meanwhile.
            None => Err(OpenError::OlderInUse(path)),
        }
    }

    /// Makes a new database in the folder `data`, with the first rows from `fill`, all in one transaction. Refuses a
    /// folder that has a database.
    pub fn create<E: From<OpenError>>(
        data: &Path,
        options: Options,
        fill: impl FnOnce(&WriteTx<'_>) -> Result<(), E>,
    ) -> Result<Self, E> {
        let path = data.join(FILE_NAME);
        let in_use = folder::lock_for_use(data)?;
        let connection = migrate::create(&path, fill)?;
        folder::mark(data);
        Ok(Self::start(connection, path, in_use, options)?)
    }

    fn start(
        connection: Connection,
        path: PathBuf,
        in_use: FolderLock,
        options: Options,
    ) -> Result<Self, OpenError> {
        let watch = Arc::new(Watch::new(&connection, &path)?);
        Ok(Self {
            writer: writer::Writer::start(connection, watch.clone(), options.max_batch)?,
            readers: pool::readers(&path, watch, options.readers)?,
            path,
            _in_use: in_use,
        })
    }

    /// Refuses a file whose schema is not linebook's own: a foreign trigger is code that would run as linebook, and a
    /// missing one is a rule that does not hold.
    pub fn check_schema(&self) -> Result<(), OpenError> {
        let snapshot = self.snapshot()?;
        match check::check_shape(snapshot.tx().connection, &[SCHEMA])? {
            None => Ok(()),
            Some(violation) => Err(OpenError::Altered(self.path.clone(), violation)),
        }
    }

    /// Where the database file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Dates writes by this clock from now on. Until then, the machine's clock dates them.
    pub fn date_by(&self, ambient: &Arc<Ambient>) {
        self.writer.date_by(ambient);
    }

    /// What the database is doing.
    pub fn activity(&self) -> Activity {
        let readers = self.readers.state();
        let mut wal = self.path.clone().into_os_string();
        wal.push("-wal");
        Activity {
            queue_depth: self.writer.queue_depth(),
            writes: self.writer.writes(),
            // A missing WAL counts as empty.
            wal_bytes: std::fs::metadata(wal).map_or(0, |file| file.len()),
            readers: readers.connections,
            readers_in_use: readers.connections - readers.idle_connections,
        }
    }

    /// How many writes each commit served.
    pub fn batch_sizes(&self) -> Histogram {
        self.writer.batch_sizes()
    }

    /// Runs `work` on one snapshot of the database. Blocks until a reader is free, and while the statements run.
    pub fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        work(&self.snapshot()?.tx())
    }

    /// A snapshot of the database, for callers that read in several steps. It keeps a reader busy and the WAL from
    /// being used again, so nothing slow may happen while it is held.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let reader = self.readers.get().map_err(|_| StoreError::Overloaded)?;
        reader.prepare_cached("BEGIN")?.execute([])?;
        Ok(Snapshot(reader))
    }

    /// Runs `work` in the writer and returns after its commit is on disk.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
    {
        let outcome = self.writer.enqueue(work)?;
        outcome.await.unwrap_or(Err(E::from(StoreError::Stopped)))
    }

    /// [`Store::write`] for work that can run again. A batch of nothing else does without savepoints, and is the faster.
    /// `work` changes nothing outside of the database but `state`, and that only so that it can run again with it.
    pub async fn write_again<S, T, E, F>(&self, state: S, work: F) -> Repeated<S, T, E>
    where
        S: Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
        F: Fn(&WriteTx<'_>, &mut S) -> Result<T, E> + Send + 'static,
    {
        let outcome = self.writer.enqueue_again(state, work)?;
        outcome.await.unwrap_or(Err(StoreError::Stopped))
    }

    /// [`Store::write`] for callers outside an async runtime (the command line).
    pub fn write_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
    {
        let outcome = self.writer.enqueue(work)?;
        outcome
            .blocking_recv()
            .unwrap_or(Err(E::from(StoreError::Stopped)))
    }
}
