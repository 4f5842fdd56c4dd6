//! The line in which passwords wait for argon2. Nobody can take all of it: a full line turns away whoever takes most,
//! and a single password does not wait for all that somebody else has sent.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, Weak};

use crate::service::guard::network::{IPV6, Network};

/// Passwords that wait at once.
pub const MAX_WAITING: usize = 64;
/// How many of these places are kept for those who were right lately.
pub const RESERVED: usize = 16;
/// Every so many passes, the password that came first is served, so that everyone's turn comes.
const OLDEST_EVERY: u64 = 8;

/// Who sent a waiting password.
#[derive(Debug, Clone, Copy)]
pub(in crate::service) struct Who {
    /// Their address; none: it did not come through a socket.
    pub address: Option<IpAddr>,
    /// The name was right from this address lately, or is signed in.
    pub is_known: bool,
    /// How often their network was wrong or turned away lately, as far as is known.
    pub failures: u32,
}

/// What happens to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Verdict {
    /// It is done now.
    Served,
    /// Somebody else needed its place more.
    TurnedAway,
}

/// A waiting job: one argon2 pass, or the news that it was turned away.
pub(in crate::service) type Job = Box<dyn FnOnce(Verdict) + Send>;

/// The line.
#[derive(Default)]
pub(in crate::service) struct Line {
    state: Mutex<State>,
    has_come: Condvar,
    turned_away: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    /// The turn of the one served last.
    turn: u64,
    /// How many have come.
    came: u64,
    /// How many were served.
    served: u64,
    is_closed: bool,
}

struct Waiting {
    who: Who,
    job: Job,
    /// It is dropped when the caller hangs up.
    caller: Weak<()>,
    /// Among those who were wrong equally often, the lowest turn is served first.
    turn: u64,
    /// The number of this one, in the order in which all came.
    number: u64,
}

impl Line {
    /// Puts a job into the line. If the line is full, the newest job of the network with the most in it is turned away;
    /// of several such networks, that of the one that was wrong most often lately. It may be this job. `failures` says
    /// how often the network of a waiting job has been wrong by now.
    pub(in crate::service) fn put(
        &self,
        who: Who,
        caller: Weak<()>,
        job: Job,
        failures: impl Fn(&Who) -> u32,
    ) {
        let mut state = self.lock();
        let turn = state.turn_of(&who);
        state.came += 1;
        let number = state.came;
        state.waiting.push(Waiting {
            who,
            job,
            caller,
            turn,
            number,
        });
        if !state.has_room() {
            // Callers who hung up make room before anybody is turned away.
            state
                .waiting
                .retain(|waiting| waiting.caller.strong_count() > 0);
        }
        for waiting in &mut state.waiting {
            waiting.who.failures = failures(&waiting.who);
        }
        let away = match state.has_room() {
            true => None,
            false => Some(state.turn_away()),
        };
        drop(state);
        self.has_come.notify_one();
        if let Some(away) = away {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
            (away.job)(Verdict::TurnedAway);
        }
    }

    /// Waits for the next job; none: no more will come.
    pub(in crate::service) fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.next() {
                return Some(job);
            }
            if state.is_closed {
                return None;
            }
            let waited = self.has_come.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Releases all threads that wait for a job.
    pub(in crate::service) fn close(&self) {
        self.lock().is_closed = true;
        self.has_come.notify_all();
    }

    /// Passwords that were turned away since the start.
    pub(in crate::service) fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// Passwords that wait.
    pub(in crate::service) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    // The state is consistent between two statements, so a poisoned lock is safe to use.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The turn of a new job: behind one of each other network, and behind all of its own that wait already.
    fn turn_of(&self, who: &Who) -> u64 {
        let last = self
            .waiting
            .iter()
            .filter(|waiting| waiting.who.is_like(who));
        let last = last.map(|waiting| waiting.turn).max();
        last.unwrap_or(0).max(self.turn) + 1
    }

    fn has_room(&self) -> bool {
        let strangers = self.waiting.iter().filter(|one| !one.who.is_known);
        self.waiting.len() <= MAX_WAITING && strangers.count() <= MAX_WAITING - RESERVED
    }

    /// Takes out the job that has to go for the newest.
    fn turn_away(&mut self) -> Waiting {
        let mut counts: HashMap<Option<Network>, u32> = HashMap::new();
        for waiting in &self.waiting {
            for network in networks(&waiting.who) {
                *counts.entry(network).or_default() += 1;
            }
        }
        // The widest network counts each job once. A narrower one counts it as often as the widest has its limit.
        let widest = IPV6[IPV6.len() - 1].1;
        let share = |network: &Option<Network>| {
            counts[network] * network.map_or(widest, |network| widest / network.times)
        };
        let rank = |waiting: &Waiting| {
            let most = networks(&waiting.who).iter().map(share).max();
            (most, waiting.who.failures, waiting.number)
        };
        // A stranger does not take the place of someone who is known.
        let is_known = self
            .waiting
            .last()
            .is_some_and(|newest| newest.who.is_known);
        let places = self.waiting.iter().enumerate();
        let candidates = places.filter(|(_, one)| is_known || !one.who.is_known);
        let away = candidates.max_by_key(|(_, waiting)| rank(waiting));
        let (place, _) = away.expect("the newest is one of them");
        self.waiting.remove(place)
    }

    /// Takes out the next job: the lowest turn among those whose network was wrong least often.
    fn next(&mut self) -> Option<Job> {
        let is_oldest = (self.served + 1).is_multiple_of(OLDEST_EVERY);
        let order = |waiting: &Waiting| match is_oldest {
            true => (0, 0, waiting.number),
            false => (waiting.who.counted(), waiting.turn, waiting.number),
        };
        let places = self.waiting.iter().enumerate();
        let (place, _) = places.min_by_key(|(_, waiting)| order(waiting))?;
        let next = self.waiting.swap_remove(place);
        self.served += 1;
        if !is_oldest {
            self.turn = self.turn.max(next.turn);
        }
        // It counts as wrong until it is known to be right. Then the next job of its network says so.
        let others = self.waiting.iter_mut().map(|waiting| &mut waiting.who);
        for who in others.filter(|who| who.is_like(&next.who)) {
            who.failures = who.failures.saturating_add(1);
        }
        Some(next.job)
    }
}

impl Who {
    /// Whether both belong to one network, so that this one waits behind the other.
    fn is_like(&self, other: &Self) -> bool {
        let network = |who: &Self| who.address.map(Network::of);
        self.is_known == other.is_known && network(self) == network(other)
    }

    /// The failures that let others go before it. A name that was right lately has none.
    fn counted(&self) -> u32 {
        match self.is_known {
            true => 0,
            false => self.failures,
        }
    }
}

/// The networks that a password counts in. Those that did not come through a socket count together.
fn networks(who: &Who) -> Vec<Option<Network>> {
    match who.address {
        Some(address) => Network::all(address).map(Some).collect(),
        None => vec![None],
    }
}

#[cfg(test)]
mod tests;
