//! The pipeline of every call, top to bottom: admit, run, answer.

use std::panic::resume_unwind;
use std::sync::Arc;

use super::admission::{Admitted, Known};
use super::answer::{Answer, refusal, success};
use super::envelope::Reply;
use super::failure::Failure;
use super::fault::Fault;
use super::method::{Call, Run};
pub use super::request::{Request, Verb};
use super::xml::Layout;
use crate::service::Error;
use crate::service::core::Core;
use crate::store::tables::settings::{Dialect, Gzip};
use crate::store::{ReadTx, Snapshot, StoreError, WriteTx};

/// How often a call is admitted anew because the caller's password was changed while it was verified or while the call
/// waited.
pub const MAX_ADMISSIONS: u32 = 3;

/// Answers a call.
pub async fn dispatch(core: &Arc<Core>, request: Request) -> Answer {
    let method = request.method;
    let is_plain = matches!(&request.parameters, Ok(sent) if sent.raw("test") == Some("1"));
    let layout = if is_plain {
        Layout::Indented
    } else {
        Layout::Compact
    };
    let mut known = Known {
        dialect: Dialect::Classic,
        gzip: Gzip::Documented,
        caller: None,
    };
    let mut answer = match perform(core, request, &mut known).await {
        Ok((admitted, reply)) => success(core, admitted, reply, layout),
        Err(failure) => refusal(method, known.dialect, failure, layout),
    };
    answer.is_plain = is_plain;
    answer.gzip = known.gzip;
    answer.caller = known.caller;
    answer
}

/// Runs every check in the contract's order, then the method itself.
async fn perform(
    core: &Arc<Core>,
    request: Request,
    known: &mut Known,
) -> Result<(Admitted, Reply), Failure> {
    let (mut admitted, mut snapshot) = Admitted::new(core, request, known).await?;
    for _ in 0..MAX_ADMISSIONS {
        let Stopped(stopped, failure) = match run(core, admitted, snapshot.take()).await {
            Ok((admitted, reply)) => {
                known.clone_from(&admitted.known);
                return Ok((admitted, reply));
            }
            Err(stopped) => stopped,
        };
        let Some(stopped) = stopped else {
            return Err(failure);
        };
        admitted = *stopped;
        let again = match failure {
            Failure::PasswordMoved => admitted.again(core).await,
            other => {
                admitted.note(core, &other);
                Err(other)
            }
        };
        known.clone_from(&admitted.known);
        snapshot = again?;
    }
    Err(Fault::Overloaded.into())
}

/// A call that was not made, and why; without the call if it was lost with the writer.
struct Stopped(Option<Box<Admitted>>, Failure);

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self(None, error.into())
    }
}

/// Runs the method, if its caller still has the right at that moment.
async fn run(
    core: &Arc<Core>,
    mut admitted: Admitted,
    snapshot: Option<Snapshot>,
) -> Result<(Admitted, Reply), Stopped> {
    match admitted.call.method.run {
        Run::Read(run) if admitted.call.method.is_search => {
            drop(snapshot);
            search(core, admitted, run).await
        }
        Run::Read(run) => {
            let (snapshot, checked) = match snapshot {
                // The snapshot of the checks.
                Some(snapshot) => (snapshot, Ok(())),
                None => {
                    let snapshot = core.store.snapshot()?;
                    let checked = admitted.renew(&snapshot.tx());
                    (snapshot, checked)
                }
            };
            let reply = checked.and_then(|()| Ok(run(&snapshot.tx(), &admitted.call)?));
            admitted.ended(reply)
        }
        Run::Write(run) => {
            drop(snapshot);
            let work = move |tx: &WriteTx<'_>, admitted: &mut Admitted| {
                admitted.renew(tx)?;
                Ok(run(tx, &admitted.call)?)
            };
            let (admitted, reply) = core.store.write_again(admitted, work).await?;
            admitted.ended(reply)
        }
    }
}

/// Runs a method that may look at a million rows before it finds one. This happens off the worker, in pieces with a
/// snapshot each, until one has something in it.
async fn search(
    core: &Arc<Core>,
    mut admitted: Admitted,
    run: Read,
) -> Result<(Admitted, Reply), Stopped> {
    loop {
        let core = core.clone();
        let piece = tokio::task::spawn_blocking(move || {
            let reply = core.store.read(|tx| {
                admitted.renew(tx)?;
                Ok::<_, Failure>(run(tx, &admitted.call)?)
            });
            (admitted, reply)
        });
        let reply;
        (admitted, reply) = match piece.await {
            Ok(done) => done,
            // A panic goes on where the request is handled, and is caught there.
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(_) => return Err(StoreError::Internal.into()),
        };
        match reply {
            Ok(Reply::List(list)) if list.items.is_empty() => match list.next {
                Some(after) => (admitted.call.after, admitted.call.passed) = (after, list.passed),
                None => return admitted.ended(Ok(Reply::List(list))),
            },
            reply => return admitted.ended(reply),
        }
    }
}

/// A method that only reads.
type Read = fn(&ReadTx<'_>, &Call) -> Result<Reply, Error>;

impl Admitted {
    fn ended(self, reply: Result<Reply, Failure>) -> Result<(Self, Reply), Stopped> {
        match reply {
            Ok(reply) => Ok((self, reply)),
            Err(failure) => Err(Stopped(Some(Box::new(self)), failure)),
        }
    }
}
