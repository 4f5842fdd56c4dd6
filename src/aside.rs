//! Work that would take too long on a worker: it runs on threads of its own, with a lower priority, one user after the
//! other.
//!
//! A worker has many connections, and all others wait while it works for one of them. So work that walks lists or
//! computes is polled here. A future's turn ends when it is done or has to wait, so that waiting for the disk or for a
//! password never holds a thread.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use crate::store::StoreError;
use crate::store::row::Id;

/// The number of threads. One user gets at most one less, so that others get a turn meanwhile.
pub const THREADS: usize = 3;
/// Threads per worker that write long lists; pages are made and passwords verified on threads of their own.
pub const BLOCKING_THREADS: usize = 4;
/// The most turns that one user may have waiting. One more is refused with [`StoreError::Overloaded`].
pub const MAX_WAITING_OF_ONE: usize = 32;
/// The most turns of all users together that may wait. Beyond it each user may have one, so that nobody shuts others
/// out.
pub const MAX_WAITING: usize = 256;
/// How long work waits for its first turn before it is refused in the same way.
pub const MAX_WAIT: Duration = Duration::from_secs(10);
/// The niceness of the threads: when the processor is busy, the workers get about three quarters of it.
const NICENESS: i32 = 5;

/// One turn. It does not panic.
type Turn = Box<dyn FnOnce() + Send>;

/// The threads, and the turns that wait for them. The whole server has one of these.
pub struct Aside(Arc<Shared>);

#[derive(Default)]
struct Shared {
    line: Mutex<Line>,
    has_work: Condvar,
}

/// The waiting turns. The users form a ring: after a turn, a user goes behind the others.
#[derive(Default)]
struct Line {
    ring: VecDeque<Id>,
    lanes: HashMap<Id, Lane>,
    /// The turns in all lanes.
    waiting: usize,
    is_closed: bool,
}

/// The turns of one user.
#[derive(Default)]
struct Lane {
    waiting: VecDeque<Turn>,
    running: usize,
}

impl Default for Aside {
    fn default() -> Self {
        let shared = Arc::new(Shared::default());
        for place in 0..THREADS {
            let shared = shared.clone();
            let thread = std::thread::Builder::new().name(format!("aside-{place}"));
            // They end when the server is dropped.
            let started = thread.spawn(move || work(&shared));
            started.expect("the system has room for a few threads at the start");
        }
        Self(shared)
    }
}

impl Aside {
    /// Does `work` for a user, and gives its result. If the caller stops waiting, the work stops.
    pub async fn run<T: Send + 'static>(
        &self,
        user_id: Id,
        work: BoxFuture<'static, T>,
    ) -> Result<T, StoreError> {
        self.turns(user_id, work, true).await
    }

    /// Does the next piece of work that has begun. It is never refused, and only waits for its turn.
    pub async fn go_on<T: Send + 'static>(
        &self,
        user_id: Id,
        piece: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let piece = Box::pin(async { piece() });
        self.turns(user_id, piece, false).await
    }

    async fn turns<T: Send + 'static>(
        &self,
        user_id: Id,
        mut work: BoxFuture<'static, T>,
        mut is_new: bool,
    ) -> Result<T, StoreError> {
        let woken = Arc::new(Woken::default());
        loop {
            // The first one sets it: the thread that begins, or the caller who gives up.
            let is_claimed = Arc::new(AtomicBool::new(false));
            let (reply, mut polled) = oneshot::channel();
            let (runtime, waker) = (Handle::current(), Waker::from(woken.clone()));
            let claimed = is_claimed.clone();
            let turn = Box::new(move || {
                if reply.is_closed() || claimed.swap(true, Ordering::Relaxed) {
                    return;
                }
                // The work uses the worker's timers.
                let _inside = runtime.enter();
                let poll = || work.poll_unpin(&mut Context::from_waker(&waker));
                let poll = catch_unwind(AssertUnwindSafe(poll));
                let _ = reply.send((poll, work));
            });
            self.0.push(user_id, turn, is_new)?;
            let in_time = timeout(MAX_WAIT, &mut polled).await;
            let polled = match in_time {
                Ok(polled) => polled,
                Err(_) if is_new && !is_claimed.swap(true, Ordering::Relaxed) => {
                    return Err(StoreError::Overloaded);
                }
                // Work that has begun is waited for.
                Err(_) => polled.await,
            };
            match polled {
                Ok((Ok(Poll::Ready(done)), _)) => return Ok(done),
                Ok((Ok(Poll::Pending), rest)) => work = rest,
                // The panic goes on where the request is handled, and is caught there.
                Ok((Err(panic), _)) => resume_unwind(panic),
                Err(_) => return Err(StoreError::Internal),
            }
            woken.0.notified().await;
            is_new = false;
        }
    }

    /// How many turns wait.
    pub fn waiting(&self) -> usize {
        lock(&self.0.line).waiting
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        lock(&self.0.line).is_closed = true;
        self.0.has_work.notify_all();
    }
}

/// Work that each user may have done once at a time.
#[derive(Default)]
pub struct OneEach(Mutex<HashSet<Id>>);

/// The work is being done for a user until this is dropped.
pub struct Alone<'a>(&'a OneEach, Id);

impl OneEach {
    /// Begins; none: it is being done for this user already.
    pub fn begin(&self, user_id: Id) -> Option<Alone<'_>> {
        let is_first = lock(&self.0).insert(user_id);
        is_first.then_some(Alone(self, user_id))
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        lock(&self.0.0).remove(&self.1);
    }
}

/// Wakes a future that waited.
#[derive(Default)]
struct Woken(Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

impl Shared {
    /// Queues a turn behind the others of its user. New work needs room there.
    fn push(&self, user_id: Id, turn: Turn, is_new: bool) -> Result<(), StoreError> {
        let mut line = lock(&self.line);
        let lane = line.lanes.get(&user_id);
        let of_one = lane.map_or(0, |lane| lane.waiting.len());
        let limit = match line.waiting {
            0..MAX_WAITING => MAX_WAITING_OF_ONE,
            _ => 1,
        };
        if is_new && of_one >= limit {
            return Err(StoreError::Overloaded);
        }
        let lane = line.lanes.entry(user_id).or_default();
        lane.waiting.push_back(turn);
        line.waiting += 1;
        if of_one == 0 {
            line.ring.push_back(user_id);
        }
        drop(line);
        self.has_work.notify_one();
        Ok(())
    }

    /// The next turn, and its user; none: no more will come.
    fn take(&self) -> Option<(Id, Turn)> {
        let mut line = lock(&self.line);
        loop {
            if let Some(next) = line.next() {
                return Some(next);
            }
            if line.is_closed {
                return None;
            }
            let waited = self.has_work.wait(line);
            line = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Line {
    fn next(&mut self) -> Option<(Id, Turn)> {
        let lanes = &mut self.lanes;
        let may_run = |id: &Id| lanes.get(id).is_some_and(|lane| lane.running < THREADS - 1);
        let place = self.ring.iter().position(may_run)?;
        let user_id = self.ring.remove(place)?;
        let lane = lanes.get_mut(&user_id)?;
        let turn = lane.waiting.pop_front()?;
        lane.running += 1;
        if !lane.waiting.is_empty() {
            self.ring.push_back(user_id);
        }
        self.waiting -= 1;
        Some((user_id, turn))
    }

    fn done(&mut self, user_id: Id) {
        if let Some(lane) = self.lanes.get_mut(&user_id) {
            lane.running -= 1;
            if lane.running == 0 && lane.waiting.is_empty() {
                self.lanes.remove(&user_id);
            }
        }
    }
}

fn work(shared: &Shared) {
    // On Linux a thread has a priority of its own. Without it, the work is done all the same.
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "the priority of a thread could not be lowered");
    }
    while let Some((user_id, turn)) = shared.take() {
        turn();
        lock(&shared.line).done(user_id);
    }
}

// The counts are consistent between two statements, so a poisoned lock is safe to use.
fn lock<T>(counted: &Mutex<T>) -> MutexGuard<'_, T> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
