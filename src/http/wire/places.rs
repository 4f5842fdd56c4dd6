//! Who may be connected: the limits for all and for one network, and who has to go when it gets crowded.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::service::guard::network::Network;

/// Sixteenths of all places. Once this many are taken, idle connections have to make room.
pub const CROWDED: usize = 15;
/// Connections that were told to go and are still open: this many do not count, and have files of their own.
pub const MAX_LEAVING: usize = 64;

/// The places at one door. Its memory is bounded by the number of open connections.
pub struct Places {
    max: usize,
    per_address: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: usize,
    by_network: HashMap<Network, usize>,
    /// The connections that are idle between two requests: the waker of each, and its address.
    resting: BTreeMap<u64, (Waker, Option<IpAddr>)>,
    /// For each address with an idle connection, how many it holds and which has rested longest. The last entry has to
    /// go first.
    crowds: BTreeSet<(usize, Reverse<u64>)>,
    /// The addresses' connections.
    by_address: HashMap<Option<Network>, Crowd>,
    /// How many of the open connections were told to go.
    leaving: usize,
    rested: u64,
}

/// The connections of one address.
#[derive(Default)]
struct Crowd {
    /// Open connections, without those that were told to go.
    staying: usize,
    /// The idle ones, the longest first.
    resting: BTreeSet<u64>,
}

/// Why no place is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// All places are taken.
    Full,
    /// This network has all the connections that it may have.
    OfNetwork,
}

/// A connection's rest between two requests: its place in the order in which idle connections have to go.
#[derive(Debug, Clone, Copy)]
pub struct Rest(u64);

impl Places {
    /// `max` places, of which an address may have `per_address`.
    pub fn new(max: usize, per_address: usize) -> Self {
        Self {
            max,
            per_address,
            state: Mutex::default(),
        }
    }

    /// Takes a place for a connection from `address`; none: it counts only among all. Gives the number of idle
    /// connections that have to go for it.
    pub fn take(&self, address: Option<IpAddr>) -> Result<usize, NoPlace> {
        let mut state = self.lock();
        let mut networks = address.into_iter().flat_map(Network::all);
        if networks.any(|network| self.is_full(&state, &network)) {
            return Err(NoPlace::OfNetwork);
        }
        let crowd = (self.max * CROWDED / 16).max(1);
        let surplus = (state.open + 1 - state.leaving).saturating_sub(crowd);
        let called = state.call(surplus);
        let has_place = state.open - state.leaving.min(MAX_LEAVING) < self.max;
        if has_place {
            state.open += 1;
            for network in address.into_iter().flat_map(Network::all) {
                *state.by_network.entry(network).or_default() += 1;
            }
            state.change(address, |crowd| crowd.staying += 1);
        }
        drop(state);
        let count = called.len();
        called.into_iter().for_each(Waker::wake);
        match has_place {
            true => Ok(count),
            false => Err(NoPlace::Full),
        }
    }

    /// Gives the place of a connection from `address` back.
    pub fn give_back(&self, address: Option<IpAddr>) {
        let mut state = self.lock();
        state.open -= 1;
        state.change(address, |crowd| crowd.staying -= 1);
        for network in address.into_iter().flat_map(Network::all) {
            if let Some(count) = state.by_network.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    state.by_network.remove(&network);
                }
            }
        }
    }

    /// A connection from `address` idles between two requests from now on.
    pub fn rest(&self, address: Option<IpAddr>, waker: &Waker) -> Rest {
        let mut state = self.lock();
        state.rested += 1;
        let rest = state.rested;
        state.resting.insert(rest, (waker.clone(), address));
        state.change(address, |crowd| {
            crowd.resting.insert(rest);
        });
        Rest(rest)
    }

    /// Whether an idle connection may stay. It is woken when it may not.
    pub fn may_rest(&self, rest: Rest, waker: &Waker) -> bool {
        match self.lock().resting.get_mut(&rest.0) {
            Some((known, _)) => {
                known.clone_from(waker);
                true
            }
            None => false,
        }
    }

    /// A connection from `address` is no longer idle: something came, or it is gone.
    pub fn end_rest(&self, address: Option<IpAddr>, rest: Rest) {
        let mut state = self.lock();
        if state.resting.remove(&rest.0).is_some() {
            state.change(address, |crowd| {
                crowd.resting.remove(&rest.0);
            });
        } else {
            state.leaving -= 1;
            state.change(address, |crowd| crowd.staying += 1);
        }
    }

    fn is_full(&self, state: &State, network: &Network) -> bool {
        let most = self.per_address.saturating_mul(network.times as usize);
        let count = state.by_network.get(network);
        count.is_some_and(|count| *count >= most)
    }

    // The counts are consistent between two statements, so a poisoned lock is safe to use.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Tells this many idle connections to go: from the address that holds the most, the longest idle first.
    fn call(&mut self, count: usize) -> Vec<Waker> {
        let called: Vec<Waker> = (0..count).map_while(|_| self.call_one()).collect();
        self.leaving += called.len();
        called
    }

    fn call_one(&mut self) -> Option<Waker> {
        let (_, Reverse(rest)) = *self.crowds.last()?;
        let (waker, address) = self.resting.remove(&rest)?;
        self.change(address, |crowd| {
            crowd.resting.remove(&rest);
            crowd.staying -= 1;
        });
        Some(waker)
    }

    /// Changes an address's connections, and their place in the order of going.
    fn change(&mut self, address: Option<IpAddr>, change: impl FnOnce(&mut Crowd)) {
        let network = address.map(Network::of);
        let crowd = self.by_address.entry(network).or_default();
        let rank = |crowd: &Crowd| {
            // A proxy's connections, which count for no address, form no crowd.
            let size = network.map_or(1, |_| crowd.staying);
            crowd.resting.first().map(|first| (size, Reverse(*first)))
        };
        if let Some(before) = rank(crowd) {
            self.crowds.remove(&before);
        }
        change(crowd);
        match rank(crowd) {
            Some(after) => {
                self.crowds.insert(after);
            }
            None if crowd.staying == 0 => {
                self.by_address.remove(&network);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Calls(AtomicUsize);

    impl Wake for Calls {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn from(address: &str) -> Option<IpAddr> {
        address.parse().ok()
    }

    /// How many of `count` connections get a place, each from the address that `of` gives.
    fn taken(places: &Places, count: usize, of: impl Fn(usize) -> String) -> usize {
        let results = (0..count).map(|place| places.take(from(&of(place))));
        results.filter(Result::is_ok).count()
    }

    #[test]
    fn an_address_has_its_share_and_others_have_theirs() {
        let places = Places::new(1000, 10);
        assert_eq!(taken(&places, 20, |_| "192.0.2.1".into()), 10);
        assert_eq!(places.take(from("192.0.2.1")), Err(NoPlace::OfNetwork));
        assert_eq!(taken(&places, 20, |_| "::ffff:192.0.2.2".into()), 10);
        assert_eq!(taken(&places, 30, |_| String::new()), 30);
        places.give_back(from("192.0.2.1"));
        assert_eq!(taken(&places, 2, |_| "192.0.2.1".into()), 1);
    }

    #[test]
    fn a_64_has_one_share_a_56_two_and_a_48_four() {
        let within_64 = |place| format!("2001:db8:1:1::{place:x}");
        let within_56 = |place| format!("2001:db8:1:{:x}::1", place % 256);
        let within_48 = |place| format!("2001:db8:1:{:x}::1", place * 256);
        for (of, share) in [
            (&within_64 as &dyn Fn(usize) -> String, 10),
            (&within_56, 20),
            (&within_48, 40),
        ] {
            let places = Places::new(1000, 10);
            assert_eq!(taken(&places, 100, of), share);
            assert_eq!(taken(&places, 1, |_| "2001:db8:2::1".into()), 1);
        }
    }

    #[test]
    fn nothing_is_kept_of_who_is_gone() {
        let places = Places::new(100, 100);
        for place in 0..50 {
            let address = from(&format!("2001:db8:{place:x}::1"));
            places.take(address).unwrap();
            let rest = places.rest(address, Waker::noop());
            places.end_rest(address, rest);
            places.give_back(address);
        }
        let state = places.lock();
        assert_eq!((state.open, state.leaving), (0, 0));
        assert!(
            state.by_network.is_empty()
                && state.resting.is_empty()
                && state.crowds.is_empty()
                && state.by_address.is_empty()
        );
    }

    #[test]
    fn whoever_rests_longest_goes_first() {
        let places = Places::new(32, 32);
        let calls: Vec<Arc<Calls>> = (0..30).map(|_| Arc::default()).collect();
        let count = |place: usize| calls[place].0.load(Ordering::Relaxed);
        let rests: Vec<Rest> = calls
            .iter()
            .map(|calls| {
                assert_eq!(places.take(None), Ok(0));
                places.rest(None, &calls.clone().into())
            })
            .collect();
        // The first has had a request since.
        places.end_rest(None, rests[0]);
        let first = places.rest(None, &calls[0].clone().into());
        for (place, rest) in rests.into_iter().enumerate().skip(1) {
            assert_eq!((count(place), places.take(None)), (0, Ok(1)));
            assert_eq!(count(place), 1);
            assert!(!places.may_rest(rest, Waker::noop()));
            // It goes.
            places.end_rest(None, rest);
            places.give_back(None);
            assert!(places.may_rest(first, &calls[0].clone().into()));
        }
        assert_eq!((count(0), places.take(None)), (0, Ok(1)));
        assert_eq!(count(0), 1);
    }

    #[test]
    fn who_holds_most_goes_before_who_rests_longest() {
        let places = Places::new(32, 32);
        let calls: Vec<Arc<Calls>> = (0..30).map(|_| Arc::default()).collect();
        let address = |number: usize| match number {
            0..10 => from(&format!("192.0.2.{number}")),
            10..20 => None,
            _ => from("198.51.100.1"),
        };
        let rests: Vec<Rest> = (0..30)
            .map(|number| {
                places.take(address(number)).unwrap();
                places.rest(address(number), &calls[number].clone().into())
            })
            .collect();
        let called = || {
            let called = |number: &usize| calls[*number].0.load(Ordering::Relaxed) > 0;
            (0..30).filter(called).collect::<Vec<_>>()
        };
        for count in 1..=9 {
            assert_eq!(places.take(from("203.0.113.1")), Ok(1));
            assert_eq!(called(), (20..20 + count).collect::<Vec<_>>());
            // It goes.
            places.end_rest(address(19 + count), rests[19 + count]);
            places.give_back(address(19 + count));
        }
        // All have one now.
        assert_eq!(places.take(from("203.0.113.1")), Ok(1));
        assert_eq!(called()[0], 0);
    }

    #[test]
    fn who_was_told_to_go_does_not_count_but_not_without_end() {
        let max = 64 * MAX_LEAVING;
        let places = Places::new(max, max);
        let crowd = max * CROWDED / 16;
        for _ in 0..crowd {
            places.take(None).unwrap();
            places.rest(None, Waker::noop());
        }
        let more = taken(&places, max, |_| String::new());
        assert_eq!(crowd + more, max + MAX_LEAVING);
        assert_eq!(places.take(None), Err(NoPlace::Full));
    }

    #[test]
    fn who_was_told_to_go_and_has_a_request_may_stay() {
        let places = Places::new(16, 16);
        let rests: Vec<Rest> = (0..15)
            .map(|_| {
                places.take(None).unwrap();
                places.rest(None, Waker::noop())
            })
            .collect();
        assert_eq!(places.take(None), Ok(1));
        places.end_rest(None, rests[0]);
        // All sixteen places are taken, and two of the others have to go for the next.
        assert_eq!(places.take(None), Ok(2));
        rests[1..]
            .iter()
            .for_each(|rest| places.end_rest(None, *rest));
        assert_eq!(places.take(None), Err(NoPlace::Full));
    }
}
