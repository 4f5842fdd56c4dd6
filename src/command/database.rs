//! The database for a verb: opened for one piece of work by the operator.

use crate::ambient::Ambient;
use crate::command::fault::Fault;
use crate::config::DataDir;
use crate::service;
use crate::service::guard::access::Actor;
use crate::store::{OpenError, Options, ReadTx, Store, StoreError, WriteTx};

/// Opens the database for one verb: one reader is enough.
pub fn open(at: &DataDir) -> Result<Store, OpenError> {
    let options = Options {
        readers: 1,
        ..Options::default()
    };
    Store::open(&at.data, options)
}

/// Runs `work` as the operator, and returns when it is on disk.
pub fn change<T, F>(at: &DataDir, ambient: &Ambient, work: F) -> Result<T, Fault>
where
    T: Send + 'static,
    F: FnOnce(&WriteTx<'_>, &Actor) -> Result<T, service::Error> + Send + 'static,
{
    Ok(operate(at, ambient, work)??)
}

/// As [`change`], for work with an error type of its own beside that of opening the database.
pub fn operate<T, E, F>(at: &DataDir, ambient: &Ambient, work: F) -> Result<Result<T, E>, OpenError>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: FnOnce(&WriteTx<'_>, &Actor) -> Result<T, E> + Send + 'static,
{
    let store = open(at)?;
    // A foreign trigger would run with the change.
    store.check_schema()?;
    let by = Actor::operator(ambient.now_ms());
    Ok(store.write_blocking(move |tx| work(tx, &by)))
}

/// Runs `work` as the operator on one snapshot.
pub fn look<T>(
    at: &DataDir,
    ambient: &Ambient,
    work: impl FnOnce(&ReadTx<'_>, &Actor) -> Result<T, service::Error>,
) -> Result<T, Fault> {
    let by = Actor::operator(ambient.now_ms());
    Ok(open(at)?.read(|tx| work(tx, &by))?)
}
