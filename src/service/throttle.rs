//! How often one may fail to prove who he is: failures are counted for a minute, and beyond a limit a call is refused
//! before anything is looked up for it.
//!
//! Never per username alone: then anyone could lock anyone out.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::AccessError;

/// For how long failures are counted together, beginning with the first.
pub const WINDOW: Duration = Duration::from_secs(60);
/// Wrong passwords and unknown names per window that an address may send, under any name. Offices share addresses.
pub const MAX_PER_ADDRESS: u32 = 60;
/// Wrong passwords per window that an address may send under one name.
pub const MAX_PER_PAIR: u32 = 10;
/// Incorrect hashes per window that an address may send under one name: honest clients try several orders.
pub const MAX_HASHES_PER_PAIR: u32 = 60;
/// Addresses and pairs that are counted at once. One more makes room by forgetting all that are below their limit.
pub const MAX_COUNTED: usize = 50_000;
/// How often room is made, at most: it looks at everything that is counted.
const SWEEP_EVERY_MS: i64 = 1000;
const WINDOW_MS: i64 = WINDOW.as_millis() as i64;

/// How many failures are let through in a window.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Wrong passwords and unknown names, per address.
    pub per_address: u32,
    /// Wrong passwords and unknown names, per address and name.
    pub per_pair: u32,
    /// Incorrect hashes, per address and name.
    pub hashes_per_pair: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_address: MAX_PER_ADDRESS,
            per_pair: MAX_PER_PAIR,
            hashes_per_pair: MAX_HASHES_PER_PAIR,
        }
    }
}

impl Limits {
    fn credentials(&self, key: &Key) -> u32 {
        match key.1 {
            None => self.per_address,
            Some(_) => self.per_pair,
        }
    }
}

/// How a caller failed to prove who he is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No such name, or not his password.
    Credentials,
    /// Not his hash.
    Hash,
}

/// What a caller proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// His hash was right; a password was not looked at. Somebody who copied a call can send it again, so this does not
    /// make his wrong passwords forgotten.
    Hash,
    /// His password was right too.
    Password,
}

/// Counts failures; one for the whole server.
#[derive(Default)]
pub struct Throttle {
    limits: Limits,
    counts: Mutex<Counts>,
    /// How many are counted, so that a server that nobody attacks takes no lock.
    counted: AtomicUsize,
    refused: AtomicU64,
    hasher: RandomState,
}

#[derive(Default)]
struct Counts {
    by_key: HashMap<Key, Count>,
    swept_ms: i64,
}

/// An address, or an address and a name. The name is kept as a keyed hash: names have no useful limit of length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key(IpAddr, Option<u64>);

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    since_ms: i64,
    credentials: u32,
    hashes: u32,
    /// Passwords that are being verified.
    guesses: u32,
}

/// A password that may be wrong, from when it is verified until it is known. It counts as a failure for that long, so
/// that many at once are no more than many one by one.
pub struct Guess<'a> {
    throttle: &'a Throttle,
    pub(super) now_ms: i64,
    pub(super) username: &'a str,
    address: Option<IpAddr>,
    has_begun: AtomicBool,
}

impl Guess<'_> {
    /// Counts it, or refuses it: with those under way it could be one too many.
    pub(super) fn begin(&self) -> Result<(), AccessError> {
        let Some(address) = self.address else {
            return Ok(());
        };
        let keys = self.throttle.keys(address, self.username);
        if !self.throttle.begin(&keys, self.now_ms) {
            return Err(AccessError::TooManyGuesses);
        }
        self.has_begun.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Guess<'_> {
    fn drop(&mut self) {
        if let Some(address) = self.address
            && self.has_begun.load(Ordering::Relaxed)
        {
            let keys = self.throttle.keys(address, self.username);
            self.throttle.give_back(&keys);
        }
    }
}

impl Throttle {
    /// A throttle with limits of its own.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Whether a call from `address` in the name of `username` may go on. A call without an address (none came through
    /// a socket) always may.
    pub fn allows(&self, now_ms: i64, address: Option<IpAddr>, username: &str) -> bool {
        let Some(address) = self.counting(address) else {
            return true;
        };
        let keys = self.keys(address, username);
        let counts = self.lock();
        let is_over = keys
            .iter()
            .any(|key| counts.is_over(key, now_ms, &self.limits));
        if is_over {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        !is_over
    }

    /// Counts a failure. A limit that is reached by it is logged, once.
    pub fn failed(&self, now_ms: i64, address: Option<IpAddr>, username: &str, failure: Failure) {
        let Some(address) = address else {
            return;
        };
        let mut counts = self.lock();
        for key in self.keys(address, username) {
            if failure == Failure::Hash && key.1.is_none() {
                continue;
            }
            let was_over = counts.is_over(&key, now_ms, &self.limits);
            counts.add(key, now_ms, failure, &self.limits);
            if !was_over && counts.is_over(&key, now_ms, &self.limits) {
                tracing::warn!(
                    %address,
                    of = if key.1.is_some() { "address and name" } else { "address" },
                    ?failure,
                    "too many failed authentications: further calls are refused for a minute"
                );
            }
        }
        self.counted.store(counts.by_key.len(), Ordering::Relaxed);
    }

    /// Forgets the failures of a caller who has proved who he is.
    pub fn succeeded(&self, address: Option<IpAddr>, username: &str, proof: Proof) {
        let Some(address) = self.counting(address) else {
            return;
        };
        let keys = self.keys(address, username);
        let mut counts = self.lock();
        match proof {
            Proof::Hash => {
                if let Some(count) = counts.by_key.get_mut(&keys[1]) {
                    count.hashes = 0;
                }
            }
            Proof::Password => {
                counts.clear_pair(&keys);
            }
        }
        self.counted.store(counts.by_key.len(), Ordering::Relaxed);
    }

    /// A password that a caller has sent. To be kept until its failure is counted, or what it disproves is forgotten.
    pub fn guess<'a>(
        &'a self,
        now_ms: i64,
        address: Option<IpAddr>,
        username: &'a str,
    ) -> Guess<'a> {
        Guess {
            throttle: self,
            now_ms,
            username,
            address,
            has_begun: AtomicBool::new(false),
        }
    }

    fn begin(&self, keys: &[Key; 2], now_ms: i64) -> bool {
        let mut counts = self.lock();
        let may_begin = keys
            .iter()
            .all(|key| counts.may_guess(key, now_ms, &self.limits));
        if may_begin {
            for key in keys {
                if let Some(count) = counts.of(*key, now_ms, &self.limits) {
                    count.guesses += 1;
                }
            }
            self.counted.store(counts.by_key.len(), Ordering::Relaxed);
        } else {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        may_begin
    }

    fn give_back(&self, keys: &[Key; 2]) {
        let mut counts = self.lock();
        for key in keys {
            if let Some(count) = counts.by_key.get_mut(key) {
                count.guesses = count.guesses.saturating_sub(1);
                if count.is_nothing() {
                    counts.by_key.remove(key);
                }
            }
        }
        self.counted.store(counts.by_key.len(), Ordering::Relaxed);
    }

    /// Calls that were refused since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// The address, if anything at all is counted.
    fn counting(&self, address: Option<IpAddr>) -> Option<IpAddr> {
        address.filter(|_| self.counted.load(Ordering::Relaxed) > 0)
    }

    fn keys(&self, address: IpAddr, username: &str) -> [Key; 2] {
        let network = network(address);
        let name = self.hasher.hash_one(username);
        [Key(network, None), Key(network, Some(name))]
    }

    // A map is whole between two statements, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn is_over(&self, key: &Key, now_ms: i64, limits: &Limits) -> bool {
        let count = self.by_key.get(key);
        count.is_some_and(|count| count.is_running(now_ms) && count.is_over(key, limits))
    }

    /// Whether one more failure than those known and those that may follow is within the limit.
    fn may_guess(&self, key: &Key, now_ms: i64, limits: &Limits) -> bool {
        let Some(count) = self.by_key.get(key) else {
            return true;
        };
        let failed = match count.is_running(now_ms) {
            true => count.credentials,
            false => 0,
        };
        failed.saturating_add(count.guesses) < limits.credentials(key)
    }

    fn add(&mut self, key: Key, now_ms: i64, failure: Failure, limits: &Limits) {
        let Some(count) = self.of(key, now_ms, limits) else {
            return;
        };
        match failure {
            Failure::Credentials => count.credentials = count.credentials.saturating_add(1),
            Failure::Hash => count.hashes = count.hashes.saturating_add(1),
        }
    }

    /// What is counted under a key in the window that runs, or begins; none: there is no room.
    fn of(&mut self, key: Key, now_ms: i64, limits: &Limits) -> Option<&mut Count> {
        if !self.by_key.contains_key(&key) && !self.has_room(now_ms, limits) {
            return None;
        }
        let count = self.by_key.entry(key).or_default();
        if !count.is_running(now_ms) {
            *count = Count {
                since_ms: now_ms,
                guesses: count.guesses,
                ..Count::default()
            };
        }
        Some(count)
    }

    /// Forgets a pair, and takes its failures off its address. What the address guessed about others stays: one valid
    /// account must not lift that limit.
    fn clear_pair(&mut self, [address, pair]: &[Key; 2]) {
        let Some(count) = self.by_key.get_mut(pair) else {
            return;
        };
        let cleared = *count;
        (count.credentials, count.hashes) = (0, 0);
        if count.is_nothing() {
            self.by_key.remove(pair);
        }
        let Some(count) = self.by_key.get_mut(address) else {
            return;
        };
        // A pair that is older than its address's window has failures in it that are not in the window.
        if cleared.since_ms >= count.since_ms {
            count.credentials = count.credentials.saturating_sub(cleared.credentials);
        }
        if count.is_nothing() {
            self.by_key.remove(address);
        }
    }

    fn has_room(&mut self, now_ms: i64, limits: &Limits) -> bool {
        if self.by_key.len() < MAX_COUNTED {
            return true;
        }
        if (now_ms - self.swept_ms).abs() >= SWEEP_EVERY_MS {
            self.swept_ms = now_ms;
            self.by_key
                .retain(|_, count| count.is_running(now_ms) || count.guesses > 0);
            if self.by_key.len() >= MAX_COUNTED {
                // Whoever is refused stays so: the flood that fills the table must not free anyone.
                self.by_key
                    .retain(|key, count| count.is_over(key, limits) || count.guesses > 0);
            }
        }
        self.by_key.len() < MAX_COUNTED
    }
}

impl Count {
    /// A clock that was set back ends the window too.
    fn is_running(&self, now_ms: i64) -> bool {
        (self.since_ms..self.since_ms + WINDOW_MS).contains(&now_ms)
    }

    fn is_nothing(&self) -> bool {
        (self.credentials, self.hashes, self.guesses) == (0, 0, 0)
    }

    fn is_over(&self, key: &Key, limits: &Limits) -> bool {
        let has_hashes = key.1.is_some() && self.hashes >= limits.hashes_per_pair;
        self.credentials >= limits.credentials(key) || has_hashes
    }
}

/// What counts as one address: an IPv6 customer has a whole /64, and `::ffff:192.0.2.1` is 192.0.2.1.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn from(address: &str) -> Option<IpAddr> {
        address.parse().ok()
    }

    fn fail(throttle: &Throttle, times: u32, address: &str, username: &str, failure: Failure) {
        for _ in 0..times {
            throttle.failed(NOW, from(address), username, failure);
        }
    }

    #[test]
    fn a_pair_is_refused_at_its_limit_and_other_pairs_are_not() {
        let throttle = Throttle::default();
        fail(
            &throttle,
            MAX_PER_PAIR - 1,
            "192.0.2.1",
            "a",
            Failure::Credentials,
        );
        assert!(throttle.allows(NOW, from("192.0.2.1"), "a"));
        fail(&throttle, 1, "192.0.2.1", "a", Failure::Credentials);
        assert!(!throttle.allows(NOW, from("192.0.2.1"), "a"));
        assert!(throttle.allows(NOW, from("192.0.2.1"), "b"));
        // Never by name alone.
        assert!(throttle.allows(NOW, from("192.0.2.2"), "a"));
        assert_eq!(throttle.refused(), 1);
    }

    #[test]
    fn an_address_is_refused_whatever_the_names() {
        let throttle = Throttle::default();
        for i in 0..MAX_PER_ADDRESS {
            assert!(throttle.allows(NOW, from("192.0.2.1"), "new"));
            fail(
                &throttle,
                1,
                "192.0.2.1",
                &format!("name{i}"),
                Failure::Credentials,
            );
        }
        assert!(!throttle.allows(NOW, from("192.0.2.1"), "new"));
        assert!(throttle.allows(NOW, from("192.0.2.2"), "new"));
    }

    #[test]
    fn hashes_have_a_limit_of_their_own() {
        let throttle = Throttle::default();
        fail(
            &throttle,
            MAX_HASHES_PER_PAIR - 1,
            "192.0.2.1",
            "a",
            Failure::Hash,
        );
        assert!(throttle.allows(NOW, from("192.0.2.1"), "a"));
        fail(&throttle, 1, "192.0.2.1", "a", Failure::Hash);
        assert!(!throttle.allows(NOW, from("192.0.2.1"), "a"));
        // They are not counted for the address.
        fail(&throttle, MAX_PER_ADDRESS, "192.0.2.1", "a", Failure::Hash);
        assert!(throttle.allows(NOW, from("192.0.2.1"), "b"));
    }

    #[test]
    fn an_ipv6_customer_is_one_and_a_mapped_address_is_its_ipv4() {
        let throttle = Throttle::default();
        fail(
            &throttle,
            MAX_PER_PAIR,
            "2001:db8:1:2::1",
            "a",
            Failure::Credentials,
        );
        assert!(!throttle.allows(NOW, from("2001:db8:1:2:ffff::9"), "a"));
        assert!(throttle.allows(NOW, from("2001:db8:1:3::1"), "a"));
        fail(
            &throttle,
            MAX_PER_PAIR,
            "::ffff:192.0.2.1",
            "a",
            Failure::Credentials,
        );
        assert!(!throttle.allows(NOW, from("192.0.2.1"), "a"));
        assert!(throttle.allows(NOW, from("::ffff:192.0.2.2"), "a"));
    }

    #[test]
    fn a_minute_later_everything_is_forgotten_and_a_clock_set_back_does_not_lock_out() {
        let throttle = Throttle::default();
        fail(
            &throttle,
            MAX_PER_PAIR,
            "192.0.2.1",
            "a",
            Failure::Credentials,
        );
        assert!(!throttle.allows(NOW + WINDOW_MS - 1, from("192.0.2.1"), "a"));
        assert!(throttle.allows(NOW + WINDOW_MS, from("192.0.2.1"), "a"));
        assert!(throttle.allows(NOW - 1, from("192.0.2.1"), "a"));
    }

    #[test]
    fn a_success_clears_what_it_disproves() {
        let throttle = Throttle::default();
        let address = from("192.0.2.1");
        fail(
            &throttle,
            MAX_PER_PAIR - 1,
            "192.0.2.1",
            "a",
            Failure::Credentials,
        );
        throttle.succeeded(address, "a", Proof::Hash);
        fail(&throttle, 1, "192.0.2.1", "a", Failure::Credentials);
        assert!(!throttle.allows(NOW, address, "a"));
        throttle.succeeded(address, "a", Proof::Password);
        assert!(throttle.allows(NOW, address, "a"));
        fail(
            &throttle,
            MAX_HASHES_PER_PAIR - 1,
            "192.0.2.1",
            "a",
            Failure::Hash,
        );
        throttle.succeeded(address, "a", Proof::Hash);
        fail(&throttle, 1, "192.0.2.1", "a", Failure::Hash);
        assert!(throttle.allows(NOW, address, "a"));
    }

    #[test]
    fn a_right_password_leaves_what_was_guessed_about_others() {
        let throttle = Throttle::default();
        let address = from("192.0.2.1");
        for i in 0..MAX_PER_ADDRESS - 1 {
            let name = format!("name{i}");
            fail(&throttle, 1, "192.0.2.1", &name, Failure::Credentials);
        }
        throttle.succeeded(address, "mine", Proof::Password);
        // One's own are taken off, whatever their number.
        fail(&throttle, 1, "192.0.2.1", "mine", Failure::Credentials);
        assert!(!throttle.allows(NOW, address, "new"));
        throttle.succeeded(address, "mine", Proof::Password);
        assert!(throttle.allows(NOW, address, "new"));
        fail(&throttle, 1, "192.0.2.1", "new", Failure::Credentials);
        assert!(!throttle.allows(NOW, address, "newer"));
    }

    #[test]
    fn what_is_being_verified_counts_until_it_is_known() {
        let throttle = Throttle::default();
        let address = from("192.0.2.1");
        let begin = |username| {
            let guess = throttle.guess(NOW, address, username);
            guess.begin().map(|()| guess)
        };
        fail(&throttle, 3, "192.0.2.1", "a", Failure::Credentials);
        let mut guesses: Vec<_> = (3..MAX_PER_PAIR).map(|_| begin("a").unwrap()).collect();
        assert!(begin("a").is_err());
        assert_eq!(throttle.refused(), 1);
        // It refuses guesses, and no calls without one.
        assert!(throttle.allows(NOW, address, "a"));
        // Given up.
        guesses.pop();
        guesses.push(begin("a").unwrap());
        // Right: those before it are forgotten, those under way are not.
        throttle.succeeded(address, "a", Proof::Password);
        drop(guesses.pop());
        guesses.extend((0..4).map(|_| begin("a").unwrap()));
        assert!(begin("a").is_err());
        drop(guesses);
        assert_eq!(throttle.counted.load(Ordering::Relaxed), 0);
        // Over many names, the address's limit.
        let names: Vec<String> = (0..=MAX_PER_ADDRESS).map(|i| i.to_string()).collect();
        let guesses: Vec<_> = names.iter().map(|name| begin(name)).collect();
        let begun = guesses.iter().filter(|guess| guess.is_ok()).count();
        assert_eq!(begun, MAX_PER_ADDRESS as usize);
    }

    #[test]
    fn a_flood_of_addresses_neither_grows_the_table_nor_frees_anyone() {
        let throttle = Throttle::default();
        fail(
            &throttle,
            MAX_PER_PAIR,
            "192.0.2.1",
            "a",
            Failure::Credentials,
        );
        for i in 0..2 * MAX_COUNTED as u32 {
            let address = Some(std::net::Ipv4Addr::from(0x0a00_0000 + i).into());
            throttle.failed(NOW + i64::from(i) / 100, address, "x", Failure::Credentials);
            let counted = throttle.counted.load(Ordering::Relaxed);
            assert!(counted <= MAX_COUNTED, "{counted}");
        }
        assert!(!throttle.allows(NOW + 1000, from("192.0.2.1"), "a"));
    }
}
