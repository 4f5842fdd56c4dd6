//! Tests of the turns: whose turn it is, and what happens to work that waits.

use std::sync::mpsc::{Receiver, Sender, channel};

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::*;

const GREEDY: Id = 1;
const OTHER: Id = 2;

fn run<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap().block_on(work)
}

/// Pieces of work that end together, and the switch that ends them.
struct Held {
    begun: Sender<()>,
    begins: Receiver<()>,
    gate: Arc<(Mutex<bool>, Condvar)>,
}

impl Held {
    fn new() -> Self {
        let (begun, begins) = channel();
        Self {
            begun,
            begins,
            gate: Arc::default(),
        }
    }

    /// Work that reports its start, and then holds its thread.
    fn work(&self) -> BoxFuture<'static, ()> {
        let (begun, gate) = (self.begun.clone(), self.gate.clone());
        Box::pin(async move {
            begun.send(()).unwrap();
            let is_open = gate.0.lock().unwrap();
            let _open = gate.1.wait_while(is_open, |is_open| !*is_open).unwrap();
        })
    }

    fn end(&self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
    }

    fn wait_for(&self, count: usize) {
        for _ in 0..count {
            self.begins.recv().unwrap();
        }
    }
}

#[test]
fn one_user_leaves_a_thread_to_the_others_and_has_a_bounded_line() {
    run(async {
        let (aside, held) = (Aside::default(), Held::new());
        let room = THREADS - 1 + MAX_WAITING_OF_ONE;
        let mut greedy: Vec<_> = (0..room)
            .map(|_| Box::pin(aside.run(GREEDY, held.work())))
            .collect();
        // One poll puts each of them in line.
        for (place, work) in greedy.iter_mut().enumerate() {
            assert!(work.now_or_never().is_none());
            if place < THREADS - 1 {
                held.wait_for(1);
            }
        }
        assert_eq!(aside.waiting(), MAX_WAITING_OF_ONE);
        let refused = aside.run(GREEDY, Box::pin(async {})).await;
        assert_eq!(refused, Err(StoreError::Overloaded));
        assert_eq!(aside.run(OTHER, Box::pin(async { 7 })).await, Ok(7));
        // Work that has begun is not refused.
        let mut piece = Box::pin(aside.go_on(GREEDY, || 8));
        assert!((&mut piece).now_or_never().is_none());
        held.end();
        assert!(join_all(greedy).await.iter().all(Result::is_ok));
        assert_eq!(piece.await, Ok(8));
        // A thread answers first, and takes its lane away then.
        while !lock(&aside.0.line).lanes.is_empty() {
            std::thread::yield_now();
        }
    });
}

#[test]
fn whoever_has_nothing_waiting_has_a_place() {
    run(async {
        let (aside, held) = (Aside::default(), Held::new());
        let mut all: Vec<_> = (0..THREADS as Id)
            .map(|id| Box::pin(aside.run(id, held.work())))
            .collect();
        for work in &mut all {
            assert!(work.now_or_never().is_none());
        }
        held.wait_for(THREADS);
        for place in 0..MAX_WAITING {
            let user_id = 100 + (place / MAX_WAITING_OF_ONE) as Id;
            all.push(Box::pin(aside.run(user_id, Box::pin(async {}))));
            assert!(all.last_mut().unwrap().now_or_never().is_none());
        }
        let refused = aside.run(100, Box::pin(async {})).await;
        assert_eq!(refused, Err(StoreError::Overloaded));
        let mut newcomer = Box::pin(aside.run(OTHER, Box::pin(async {})));
        assert!((&mut newcomer).now_or_never().is_none());
        assert_eq!(aside.waiting(), MAX_WAITING + 1);
        let refused = aside.run(OTHER, Box::pin(async {})).await;
        assert_eq!(refused, Err(StoreError::Overloaded));
        held.end();
        assert_eq!(newcomer.await, Ok(()));
        assert!(join_all(all).await.iter().all(Result::is_ok));
    });
}

#[test]
fn whoever_waits_for_something_else_holds_no_thread() {
    run(async {
        let (aside, bell) = (Aside::default(), Arc::new(Semaphore::new(0)));
        let waiting = (0..2 * THREADS as Id).map(|id| {
            let bell = bell.clone();
            let rung = async move { bell.acquire().await.unwrap().forget() };
            aside.run(id, Box::pin(rung))
        });
        let mut waiting = Box::pin(join_all(waiting));
        assert!((&mut waiting).now_or_never().is_none());
        for id in 0..2 * THREADS as Id {
            assert_eq!(aside.run(id, Box::pin(async {})).await, Ok(()));
        }
        assert!((&mut waiting).now_or_never().is_none());
        bell.add_permits(2 * THREADS);
        assert!(waiting.await.iter().all(Result::is_ok));
    });
}

#[test]
fn a_panic_is_its_callers_and_the_thread_goes_on() {
    run(async {
        let aside = Aside::default();
        for _ in 0..2 * THREADS {
            let work = aside.run(OTHER, Box::pin(async { panic!("a defect") }));
            let caught: Result<Result<(), _>, _> = AssertUnwindSafe(work).catch_unwind().await;
            assert!(caught.is_err());
        }
        assert_eq!(aside.run(OTHER, Box::pin(async { 7 })).await, Ok(7));
    });
}

#[test]
fn nobody_waits_for_ever_and_nothing_is_done_for_whoever_has_gone() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    // The clock moves on by itself whenever everything waits.
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (aside, held) = (Aside::default(), Held::new());
        let mut greedy: Vec<_> = (0..THREADS as Id)
            .map(|id| Box::pin(aside.run(id, held.work())))
            .collect();
        for work in &mut greedy {
            assert!(work.now_or_never().is_none());
        }
        held.wait_for(THREADS);
        let (done, was_done) = channel();
        let work = Box::pin(async move { done.send(()).unwrap() });
        assert_eq!(aside.run(OTHER, work).await, Err(StoreError::Overloaded));
        held.end();
        assert!(join_all(greedy).await.iter().all(Result::is_ok));
        assert_eq!(aside.go_on(OTHER, || 7).await, Ok(7));
        assert!(was_done.recv().is_err());
    });
}
