//! How often one may fail to prove who he is: failures are counted for a minute, and beyond a limit a call is refused
//! before anything is looked up for it.
//!
//! Never per username alone: then anyone could lock anyone out.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::service::AccessError;
use crate::service::guard::network::Network;

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

/// How many failures are let through in a window. A wider network has so many times these as it is wider.
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
        let limit = match key.name {
            None => self.per_address,
            Some(_) => self.per_pair,
        };
        limit.saturating_mul(key.network.times)
    }

    /// None: there is no limit, because hashes are counted under names only.
    fn hashes(&self, key: &Key) -> Option<u32> {
        let limit = self.hashes_per_pair.saturating_mul(key.network.times);
        key.name.map(|_| limit)
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

/// A network, or a network and a name. The name is kept as a keyed hash: names have no useful limit of length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    network: Network,
    name: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    since_ms: i64,
    credentials: u32,
    hashes: u32,
    /// Passwords that were turned away because too many waited: nobody knows whether they were wrong.
    turned_away: u32,
    /// Passwords that are being verified.
    guesses: u32,
}

/// A password that may be wrong, from when it is verified until it is known. It counts as a failure for that long, so
/// that many at once are no more than many one by one.
pub struct Guess<'a> {
    throttle: &'a Throttle,
    pub(in crate::service) now_ms: i64,
    pub(in crate::service) username: &'a str,
    pub(in crate::service) address: Option<IpAddr>,
    has_begun: AtomicBool,
}

impl Guess<'_> {
    /// How often the network of an address was wrong lately, or turned away.
    pub(in crate::service) fn failures_of(&self, address: Option<IpAddr>) -> u32 {
        self.throttle.failures(self.now_ms, address)
    }

    /// Counts that it was turned away because too many waited.
    pub(in crate::service) fn turned_away(&self) {
        self.throttle.turned_away(self.now_ms, self.address);
    }

    /// Counts it, or refuses it: with those under way it could be one too many.
    pub(in crate::service) fn begin(&self) -> Result<(), AccessError> {
        let Some(address) = self.address else {
            return Ok(());
        };
        let keys: Vec<Key> = self.throttle.keys(address, self.username).collect();
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
            self.throttle.give_back(address, self.username);
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

    /// Whether a call from `address` in the name of `username` may go on that proves with a hash who calls. A call without
    /// an address (none came through a socket) always may.
    pub fn allows(&self, now_ms: i64, address: Option<IpAddr>, username: &str) -> bool {
        self.is_within(address, username, |count, key| {
            !count.is_over(now_ms, key, &self.limits)
        })
    }

    /// Whether one may go on that proves it with a password. Whatever hashes others have sent from the same address does
    /// not shut him out.
    pub fn allows_password(&self, now_ms: i64, address: Option<IpAddr>, username: &str) -> bool {
        self.is_within(address, username, |count, key| {
            count.credentials_at(now_ms) < self.limits.credentials(key)
        })
    }

    fn is_within(
        &self,
        address: Option<IpAddr>,
        username: &str,
        is_within: impl Fn(&Count, &Key) -> bool,
    ) -> bool {
        let Some(address) = self.counting(address) else {
            return true;
        };
        let counts = self.lock();
        let is_within = self
            .keys(address, username)
            .all(|key| match counts.by_key.get(&key) {
                Some(count) => is_within(count, &key),
                None => true,
            });
        if !is_within {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        is_within
    }

    /// How many wrong passwords and unknown names have come from where `address` is in the window that runs, and how many
    /// that were turned away: whoever asks again and again is not who asks once.
    pub fn failures(&self, now_ms: i64, address: Option<IpAddr>) -> u32 {
        let Some(address) = self.counting(address) else {
            return 0;
        };
        let key = Key {
            network: Network::of(address),
            name: None,
        };
        let counts = self.lock();
        let count = counts.by_key.get(&key);
        count.map_or(0, |count| count.failures_at(now_ms))
    }

    /// Counts a password that was turned away. It refuses nobody, and has its place beside those of others.
    fn turned_away(&self, now_ms: i64, address: Option<IpAddr>) {
        let Some(address) = address else {
            return;
        };
        let key = Key {
            network: Network::of(address),
            name: None,
        };
        let mut counts = self.lock();
        if let Some(count) = counts.of(key, now_ms, &self.limits) {
            count.turned_away = count.turned_away.saturating_add(1);
        }
        self.counted.store(counts.by_key.len(), Ordering::Relaxed);
    }

    /// Counts a failure. A limit that is reached by it is logged, once.
    pub fn failed(&self, now_ms: i64, address: Option<IpAddr>, username: &str, failure: Failure) {
        let Some(address) = address else {
            return;
        };
        let mut counts = self.lock();
        for key in self.keys(address, username) {
            if failure == Failure::Hash && key.name.is_none() {
                continue;
            }
            let was_over = counts.is_over(&key, now_ms, &self.limits);
            counts.add(key, now_ms, failure, &self.limits);
            if !was_over && counts.is_over(&key, now_ms, &self.limits) {
                tracing::warn!(
                    %address,
                    of = if key.name.is_some() { "address and name" } else { "address" },
                    addresses = %key.network,
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
        let mut counts = self.lock();
        let pair = Key {
            network: Network::of(address),
            name: Some(self.name(username)),
        };
        if let Some(disproved) = counts.by_key.get(&pair).copied() {
            for key in self.keys(address, username) {
                counts.take_off(key, &disproved, proof);
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

    fn begin(&self, keys: &[Key], now_ms: i64) -> bool {
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

    fn give_back(&self, address: IpAddr, username: &str) {
        let mut counts = self.lock();
        for key in self.keys(address, username) {
            if let Some(count) = counts.by_key.get_mut(&key) {
                count.guesses = count.guesses.saturating_sub(1);
                if count.is_nothing() {
                    counts.by_key.remove(&key);
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

    /// All that something from `address` in the name of `username` is counted under.
    fn keys(&self, address: IpAddr, username: &str) -> impl Iterator<Item = Key> {
        let names = [None, Some(self.name(username))];
        Network::all(address)
            .flat_map(move |network| names.into_iter().map(move |name| Key { network, name }))
    }

    fn name(&self, username: &str) -> u64 {
        self.hasher.hash_one(username)
    }

    // A map is whole between two statements, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn is_over(&self, key: &Key, now_ms: i64, limits: &Limits) -> bool {
        let count = self.by_key.get(key);
        count.is_some_and(|count| count.is_over(now_ms, key, limits))
    }

    /// Whether one more failure than those known and those that may follow is within the limit.
    fn may_guess(&self, key: &Key, now_ms: i64, limits: &Limits) -> bool {
        let Some(count) = self.by_key.get(key) else {
            return true;
        };
        let failed = count.credentials_at(now_ms);
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

    /// Takes off what a caller has disproved: the failures of his name from his own address, and nothing else. What the
    /// address guessed about others stays, and so does what other addresses guessed about him: one valid account must
    /// not lift their limits.
    fn take_off(&mut self, key: Key, disproved: &Count, proof: Proof) {
        let Some(count) = self.by_key.get_mut(&key) else {
            return;
        };
        // What was counted before this window began is not in it.
        if disproved.since_ms < count.since_ms {
            return;
        }
        if key.name.is_some() {
            count.hashes = count.hashes.saturating_sub(disproved.hashes);
        }
        if proof == Proof::Password {
            count.credentials = count.credentials.saturating_sub(disproved.credentials);
        }
        if count.is_nothing() {
            self.by_key.remove(&key);
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
                    .retain(|key, count| count.is_over(now_ms, key, limits) || count.guesses > 0);
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
        (
            self.credentials,
            self.hashes,
            self.turned_away,
            self.guesses,
        ) == (0, 0, 0, 0)
    }

    /// Wrong passwords and unknown names, if the window runs.
    fn credentials_at(&self, now_ms: i64) -> u32 {
        match self.is_running(now_ms) {
            true => self.credentials,
            false => 0,
        }
    }

    fn failures_at(&self, now_ms: i64) -> u32 {
        match self.is_running(now_ms) {
            true => self.credentials.saturating_add(self.turned_away),
            false => 0,
        }
    }

    fn is_over(&self, now_ms: i64, key: &Key, limits: &Limits) -> bool {
        let has_hashes = limits.hashes(key).is_some_and(|most| self.hashes >= most);
        let is_over = has_hashes || self.credentials >= limits.credentials(key);
        is_over && self.is_running(now_ms)
    }
}

#[cfg(test)]
mod tests;
