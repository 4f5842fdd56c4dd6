//! (4) The database: the only room that knows SQL, rusqlite and r2d2.
//!
//! [`Store::read`] gives a snapshot that cannot write, by type; [`Store::write`] goes through the one writer thread and
//! returns after the commit that holds it is on disk.

pub mod action_log;
pub mod api_keys;
pub mod clis;
pub mod device_groups;
pub mod devices;
pub mod dialplans;
pub mod dids;
mod error;
pub mod installation;
pub mod ivrs;
pub mod migrate;
mod pool;
pub mod providers;
pub mod row;
pub mod sessions;
pub mod settings;
pub mod users;
mod writer;

use std::ops::Deref;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use error::StoreError;
pub use migrate::OpenError;
pub use pool::{BUSY_TIMEOUT, READER_TIMEOUT};
pub use writer::{MAX_BATCH, QUEUE};

/// The database's file name in the data folder.
pub const FILE_NAME: &str = "linebook.db";

/// How many connections, and how many writes a commit may serve.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Read-only connections at most; each is made when it is first needed.
    pub readers: u32,
    /// Writes per commit at most.
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

/// An open database.
pub struct Store {
    readers: pool::Pool,
    writer: writer::Writer,
    path: PathBuf,
}

impl Store {
    /// Opens the database in the folder `data`, brought to this release's schema first if it is older.
    pub fn open(data: &Path, options: Options) -> Result<Self, OpenError> {
        let path = data.join(FILE_NAME);
        let connection = migrate::open(&path)?;
        Self::start(connection, path, options)
    }

    /// Makes a new database in the folder `data` and lets `fill` put its first rows in, all in one transaction.
    /// Refuses a folder that has one.
    pub fn create<E: From<OpenError>>(
        data: &Path,
        options: Options,
        fill: impl FnOnce(&WriteTx<'_>) -> Result<(), E>,
    ) -> Result<Self, E> {
        let path = data.join(FILE_NAME);
        let connection = migrate::create(&path, fill)?;
        Ok(Self::start(connection, path, options)?)
    }

    fn start(connection: Connection, path: PathBuf, options: Options) -> Result<Self, OpenError> {
        Ok(Self {
            writer: writer::Writer::start(connection, options.max_batch)?,
            readers: pool::readers(&path, options.readers)?,
            path,
        })
    }

    /// Where the database file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` on one snapshot of the database. Blocks: for as long as its statements take, and for a free reader.
    pub fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = self.readers.get().map_err(|_| StoreError::Overloaded)?;
        let snapshot = Snapshot::begin(&connection)?;
        work(&ReadTx {
            connection: snapshot.0,
        })
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

    /// [`Store::write`] for callers outside of an async runtime (the command line).
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

/// A read transaction that ends with its scope, also by a panic. Its two statements stay prepared, which rusqlite's own
/// transactions do not do: at this rate compiling them would show.
struct Snapshot<'a>(&'a Connection);

impl<'a> Snapshot<'a> {
    fn begin(connection: &'a Connection) -> Result<Self, StoreError> {
        connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(Self(connection))
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        let ended = self
            .0
            .prepare_cached("COMMIT")
            .and_then(|mut end| end.execute([]));
        if let Err(error) = ended {
            tracing::error!(%error, "a read transaction could not be ended");
        }
    }
}

/// A transaction that can read. The functions that find and list take this.
pub struct ReadTx<'a> {
    connection: &'a Connection,
}

/// A transaction that can also write. The functions that insert, update and delete take this.
pub struct WriteTx<'a> {
    read: ReadTx<'a>,
}

impl<'a> WriteTx<'a> {
    fn new(connection: &'a Connection) -> Self {
        Self {
            read: ReadTx { connection },
        }
    }
}

impl<'a> Deref for WriteTx<'a> {
    type Target = ReadTx<'a>;

    fn deref(&self) -> &ReadTx<'a> {
        &self.read
    }
}
