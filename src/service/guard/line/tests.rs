//! Tests of the line: who is next, and who has to go.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// A line in which names wait, and what happened to them, in order.
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
        let who = Who {
            address: address.parse().ok(),
            is_known,
            failures: 0,
        };
        let (name, told) = (name.to_owned(), self.told.clone());
        let job = Box::new(move |verdict| told.send((name, verdict)).unwrap());
        let caller = Arc::downgrade(&self.caller);
        self.line.put(who, caller, job, |who| failures(who.address));
    }

    /// Those who were turned away since the last question.
    fn turned_away(&self) -> Vec<String> {
        let outcomes = self.outcomes.try_iter();
        let away = outcomes.map(|(name, verdict)| {
            assert_eq!(verdict, Verdict::TurnedAway);
            name
        });
        away.collect()
    }

    /// Serves the next.
    fn next(&self) -> String {
        self.line.next().expect("somebody waits")(Verdict::Served);
        self.outcomes.try_recv().unwrap().0
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

fn from(address: &str) -> Option<IpAddr> {
    address.parse().ok()
}

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
    // It comes behind one of the earlier ones, and before all others of that address.
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
    // All have one in the line, so the newcomer's is the newest.
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

/// Someone who came while forty waited that had been wrong was once behind all of them as soon as the first was served.
#[test]
fn whoever_was_not_wrong_goes_before_all_who_were_whenever_they_come() {
    let line = Waiters::new();
    let is_wrong = |address: IpAddr| address.to_string().starts_with("192.0.2.");
    let failures = |address: Option<IpAddr>| if address.is_some_and(is_wrong) { 3 } else { 0 };
    for number in 0..40 {
        line.put_after("wrong", &format!("192.0.2.{number}"), false, &failures);
    }
    for number in 0..16 {
        assert_eq!(line.next(), "wrong");
        let address = format!("198.51.100.{number}");
        line.put_after("new", &address, false, &failures);
        let before = std::iter::from_fn(|| Some(line.next())).position(|name| name == "new");
        assert!(before.is_some_and(|before| before <= 1), "{before:?}");
    }
}

#[test]
fn everyone_has_a_turn_however_many_come_after_them() {
    let line = Waiters::new();
    let wrong = from("192.0.2.1");
    let failures = |address| if address == wrong { 50 } else { 0 };
    let count = 10;
    for number in 0..count {
        line.put_after(&format!("wrong{number}"), "192.0.2.1", false, &failures);
    }
    let mut served = Vec::new();
    for number in 0..count * OLDEST_EVERY {
        let address = format!("198.51.100.{number}");
        line.put_after("new", &address, false, &failures);
        served.push(line.next());
    }
    served.retain(|name| name != "new");
    let wrongs: Vec<String> = (0..count).map(|number| format!("wrong{number}")).collect();
    assert_eq!(served, wrongs);
    assert_eq!(line.turned_away(), Vec::<String>::new());
}

/// A password that is being served counts as wrong until it is known to be right. So an address with many does not go
/// before one that was wrong once.
#[test]
fn whoever_sends_many_is_behind_who_was_wrong_once() {
    let line = Waiters::new();
    let failures = |address| if address == from("192.0.2.2") { 1 } else { 0 };
    for number in 0..6 {
        line.put_after(&format!("many{number}"), "192.0.2.1", false, &failures);
    }
    line.put_after("once", "192.0.2.2", false, &failures);
    assert_eq!(line.served()[..4], ["many0", "once", "many1", "many2"]);
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
    // Being known does not allow anyone to take several places.
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
