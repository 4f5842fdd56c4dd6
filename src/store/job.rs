//! A queued write, its types erased: one that runs once, or one that can run again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use super::{StoreError, WriteTx};

/// A queued write.
pub(super) trait Job: Send {
    /// Runs the closure, keeps its result, and says whether its changes stay.
    fn run(&mut self, tx: &WriteTx<'_>) -> Keep;
    /// Whether it can run again, once the changes of its first run are rolled back.
    fn can_repeat(&self) -> bool;
    /// Tells the caller: the kept result if the batch is on disk, else the fault.
    fn answer(&mut self, committed: Result<(), StoreError>);
}

/// Whether changes stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// They do.
    Yes,
    /// They are rolled back.
    No,
}

impl Keep {
    fn of<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Yes } else { Self::No }
    }
}

/// A closure that can only run once.
pub(super) struct Once<T, E, F> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    reply: Option<oneshot::Sender<Result<T, E>>>,
}

impl<T, E, F> Once<T, E, F> {
    pub(super) fn new(work: F, reply: oneshot::Sender<Result<T, E>>) -> Self {
        Self {
            work: Some(work),
            result: None,
            reply: Some(reply),
        }
    }
}

impl<T, E, F> Job for Once<T, E, F>
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
        let keep = Keep::of(&result);
        self.result = Some(result);
        keep
    }

    fn can_repeat(&self) -> bool {
        false
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

/// What a write that can run again gives back: its state and its result, or the fault that lost both.
pub type Repeated<S, T, E> = Result<(S, Result<T, E>), StoreError>;

/// A closure that borrows its state, so that it can run again.
pub(super) struct Again<S, T, E, F> {
    state: Option<S>,
    work: F,
    /// None: it has not run, or it panicked.
    result: Option<Result<T, E>>,
    reply: Option<oneshot::Sender<Repeated<S, T, E>>>,
}

impl<S, T, E, F> Again<S, T, E, F> {
    pub(super) fn new(state: S, work: F, reply: oneshot::Sender<Repeated<S, T, E>>) -> Self {
        Self {
            state: Some(state),
            work,
            result: None,
            reply: Some(reply),
        }
    }
}

impl<S, T, E, F> Job for Again<S, T, E, F>
where
    S: Send,
    T: Send,
    E: Send,
    F: Fn(&WriteTx<'_>, &mut S) -> Result<T, E> + Send,
{
    fn run(&mut self, tx: &WriteTx<'_>) -> Keep {
        let (work, state) = (&self.work, self.state.as_mut());
        let run = AssertUnwindSafe(|| state.map(|state| work(tx, state)));
        self.result = catch_unwind(run).unwrap_or(None);
        self.result.as_ref().map_or(Keep::No, Keep::of)
    }

    fn can_repeat(&self) -> bool {
        true
    }

    fn answer(&mut self, committed: Result<(), StoreError>) {
        let result = committed.and_then(|()| match (self.state.take(), self.result.take()) {
            (Some(state), Some(result)) => Ok((state, result)),
            _ => Err(StoreError::Internal),
        });
        if let Some(reply) = self.reply.take() {
            // The caller may have hung up.
            let _ = reply.send(result);
        }
    }
}
