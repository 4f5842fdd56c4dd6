//! The line in which passwords wait for argon2. Nobody takes all of it: a full line turns away who takes most, and whoever
//! sends one password does not wait for all that somebody else has sent.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, Weak};

use super::network::{IPV6, Network};

/// Passwords that wait at once.
pub const MAX_WAITING: usize = 64;
/// Of these places, how many only those have who were right lately.
pub const RESERVED: usize = 16;

/// Whose password waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Who {
    /// From where; none: it did not come through a socket.
    pub address: Option<IpAddr>,
    /// The name was right from there lately, or is signed in.
    pub is_known: bool,
    /// How often its network was wrong lately, or turned away.
    pub failures: u32,
}

/// What becomes of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is to be done now.
    Served,
    /// Its place was needed more by somebody else.
    TurnedAway,
}

/// What waits: one argon2 pass, or that it was turned away.
pub(super) type Job = Box<dyn FnOnce(Verdict) + Send>;

/// The line.
#[derive(Default)]
pub(super) struct Line {
    state: Mutex<State>,
    has_come: Condvar,
    turned_away: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    /// The turn of the last who was served.
    turn: u64,
    /// How many have come.
    came: u64,
    is_closed: bool,
}

struct Waiting {
    who: Who,
    job: Job,
    /// Dropped when the caller hangs up.
    caller: Weak<()>,
    /// The lowest is served first.
    turn: u64,
    /// How many had come with this one.
    number: u64,
}

impl Line {
    /// Puts a job into the line. If that is full, the newest of the network that has the most in it is turned away: of
    /// several such networks, from the one that was wrong most often lately. That may be this one. `failures` says how
    /// often an address's network was wrong by now.
    pub(super) fn put(
        &self,
        who: Who,
        caller: Weak<()>,
        job: Job,
        failures: impl Fn(Option<IpAddr>) -> u32,
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
            // Whoever hung up makes room before anybody is turned away.
            state
                .waiting
                .retain(|waiting| waiting.caller.strong_count() > 0);
        }
        let away = match state.has_room() {
            true => None,
            false => Some(state.turn_away(failures)),
        };
        drop(state);
        self.has_come.notify_one();
        if let Some(away) = away {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
            (away.job)(Verdict::TurnedAway);
        }
    }

    /// Waits for the next job; none: no more will come.
    pub(super) fn next(&self) -> Option<Job> {
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

    /// Lets everyone who waits for a job go.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.has_come.notify_all();
    }

    /// Passwords that were turned away since the start.
    pub(super) fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// Passwords that wait.
    pub(super) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    // The state is whole between two statements, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Behind one of each other network, and behind all that its own has in the line already; later by one for each
    /// time that its network was wrong or turned away, which does not concern who was right.
    fn turn_of(&self, who: &Who) -> u64 {
        let network = who.address.map(Network::of);
        let is_like = |waiting: &&Waiting| {
            waiting.who.is_known == who.is_known && waiting.who.address.map(Network::of) == network
        };
        let last = self.waiting.iter().filter(is_like);
        let last = last.map(|waiting| waiting.turn).max();
        let failures = if who.is_known { 0 } else { who.failures };
        last.unwrap_or(0).max(self.turn) + 1 + u64::from(failures)
    }

    fn has_room(&self) -> bool {
        let strangers = self.waiting.iter().filter(|one| !one.who.is_known);
        self.waiting.len() <= MAX_WAITING && strangers.count() <= MAX_WAITING - RESERVED
    }

    /// Takes out who has to go for the newest.
    fn turn_away(&mut self, failures: impl Fn(Option<IpAddr>) -> u32) -> Waiting {
        let mut counts: HashMap<Option<Network>, u32> = HashMap::new();
        for waiting in &self.waiting {
            for network in networks(&waiting.who) {
                *counts.entry(network).or_default() += 1;
            }
        }
        // The widest network counts singly, narrower ones as many times as it has their limit.
        let widest = IPV6[IPV6.len() - 1].1;
        let share = |network: &Option<Network>| {
            counts[network] * network.map_or(widest, |network| widest / network.times)
        };
        let rank = |waiting: &Waiting| {
            let most = networks(&waiting.who).iter().map(share).max();
            (most, failures(waiting.who.address), waiting.number)
        };
        // A stranger does not take the place of who is known.
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

    fn next(&mut self) -> Option<Job> {
        let order = |waiting: &Waiting| (waiting.turn, waiting.number);
        let places = self.waiting.iter().enumerate();
        let (place, _) = places.min_by_key(|(_, waiting)| order(waiting))?;
        let next = self.waiting.swap_remove(place);
        self.turn = self.turn.max(next.turn);
        Some(next.job)
    }
}

/// What a password counts in; those that did not come through a socket count together.
fn networks(who: &Who) -> Vec<Option<Network>> {
    match who.address {
        Some(address) => Network::all(address).map(Some).collect(),
        None => vec![None],
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A line in which names wait, and what became of them, in order.
    struct Waiters {
        line: Line,
        caller: Arc<()>,
        told: Sender<(String, Verdict)>,
        outcomes: Receiver<(String, Verdict)>,
    }

    impl Waiters {
        fn new() -> Self {
            let (told, outcomes) = channel();
            Self {
                line: Line::default(),
                caller: Arc::default(),
                told,
                outcomes,
            }
        }

        fn put(&self, name: &str, address: &str, is_known: bool) {
            self.put_after(name, address, is_known, &|_| 0);
        }

        fn put_after(
            &self,
            name: &str,
            address: &str,
            is_known: bool,
            failures: &dyn Fn(Option<IpAddr>) -> u32,
        ) {
            let address = address.parse().ok();
            let who = Who {
                address,
                is_known,
                failures: failures(address),
            };
            let (name, told) = (name.to_owned(), self.told.clone());
            let job = Box::new(move |verdict| told.send((name, verdict)).unwrap());
            self.line
                .put(who, Arc::downgrade(&self.caller), job, failures);
        }

        /// Who was turned away since it was last asked.
        fn turned_away(&self) -> Vec<String> {
            let outcomes = self.outcomes.try_iter();
            let away = outcomes.map(|(name, verdict)| {
                assert_eq!(verdict, Verdict::TurnedAway);
                name
            });
            away.collect()
        }

        /// Everyone who waits, in the order in which they are served.
        fn served(&self) -> Vec<String> {
            self.line.close();
            while let Some(job) = self.line.next() {
                job(Verdict::Served);
            }
            self.outcomes.try_iter().map(|(name, _)| name).collect()
        }
    }

    const STRANGERS: usize = MAX_WAITING - RESERVED;

    #[test]
    fn a_full_line_turns_away_the_newest_of_who_has_most() {
        let line = Waiters::new();
        for number in 0..STRANGERS {
            line.put(&format!("many{number}"), "192.0.2.1", false);
        }
        assert_eq!(line.turned_away(), Vec::<String>::new());
        line.put("one more", "192.0.2.1", false);
        assert_eq!(line.turned_away(), ["one more"]);
        line.put("first", "192.0.2.2", false);
        line.put("second", "192.0.2.3", false);
        let last = |back| format!("many{}", STRANGERS - back);
        assert_eq!(line.turned_away(), [last(1), last(2)]);
        assert_eq!(line.line.turned_away(), 3);
        // Behind one of those who came before, and before all others of his.
        let served = line.served();
        assert_eq!(served[..4], ["many0", "first", "second", "many1"]);
        assert_eq!(served.len(), STRANGERS);
    }

    #[test]
    fn whoever_has_a_network_of_ipv6_is_one_who_has_many() {
        for step in [1, 256] {
            let line = Waiters::new();
            for number in 0..STRANGERS {
                let address = format!("2001:db8:1:{:x}::1", number * step);
                line.put(&format!("many{number}"), &address, false);
            }
            line.put("other", "2001:db8:2::1", false);
            assert_eq!(line.turned_away(), [format!("many{}", STRANGERS - 1)]);
        }
    }

    #[test]
    fn of_equals_those_who_were_wrong_lately_go_first_and_wait_longest() {
        let line = Waiters::new();
        let address = |number: usize| format!("192.0.2.{number}");
        let wrong: IpAddr = address(7).parse().unwrap();
        let failures = |address| if address == Some(wrong) { 3 } else { 0 };
        for number in 0..STRANGERS {
            line.put_after(&format!("{number}"), &address(number), false, &failures);
        }
        // All have one in the line: the newest is the newcomer.
        line.put("new", &address(200), false);
        assert_eq!(line.turned_away(), ["new"]);
        line.put_after("new", &address(200), false, &failures);
        assert_eq!(line.turned_away(), ["7"]);
        line.put_after("newer", &address(201), false, &failures);
        assert_eq!(line.turned_away(), ["newer"]);
        let served = line.served();
        assert_eq!(served.last().unwrap(), "new");

        let line = Waiters::new();
        line.put_after("wrong", &address(7), false, &failures);
        line.put_after("right", &address(8), false, &failures);
        line.put_after("known", &address(7), true, &failures);
        assert_eq!(line.served(), ["right", "known", "wrong"]);
    }

    #[test]
    fn those_who_were_right_have_places_of_their_own() {
        let line = Waiters::new();
        for number in 0..2 * STRANGERS {
            line.put("stranger", &format!("192.0.2.{number}"), false);
        }
        assert_eq!(line.turned_away().len(), STRANGERS);
        for number in 0..RESERVED {
            line.put("known", &format!("198.51.100.{number}"), true);
        }
        assert_eq!(line.turned_away(), Vec::<String>::new());
        assert_eq!(line.line.len(), MAX_WAITING);
        line.put("known too", "198.51.100.99", true);
        assert_eq!(line.turned_away(), ["known too"]);
        // Nobody is known enough to take several.
        line.put("again", "198.51.100.1", true);
        assert_eq!(line.turned_away(), ["again"]);
    }

    #[test]
    fn strangers_leave_who_is_known_alone() {
        let line = Waiters::new();
        for _ in 0..MAX_WAITING - 1 {
            line.put("known", "198.51.100.1", true);
        }
        line.put("stranger", "192.0.2.1", false);
        line.put("other", "192.0.2.2", false);
        assert_eq!(line.turned_away(), ["other"]);
        line.put("known too", "198.51.100.2", true);
        assert_eq!(line.turned_away(), ["known"]);
    }

    #[test]
    fn whoever_hung_up_makes_room() {
        let mut line = Waiters::new();
        for _ in 0..STRANGERS {
            line.put("gone", "192.0.2.1", false);
        }
        line.caller = Arc::default();
        line.put("here", "192.0.2.1", false);
        assert_eq!(line.served(), ["here"]);
    }
}
