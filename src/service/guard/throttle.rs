//! How often one may fail to prove an identity. Failures are counted for a minute, and beyond a limit a call is refused
//! before anything is looked up for it.
//!
//! They are never counted by username alone: then anyone could lock anyone out.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::service::AccessError;
use crate::service::guard::counts::{Count, Counts, Key};
use crate::service::guard::network::Network;

pub use crate::service::guard::counts::{
    Failure, Limits, MAX_COUNTED, MAX_HASHES_PER_PAIR, MAX_PER_ADDRESS, MAX_PER_PAIR, Proof, WINDOW,
};

/// Counts failures. The whole server has one of these.
#[derive(Default)]
pub struct Throttle {
    limits: Limits,
    counts: Mutex<Counts>,
    /// How many are counted, so that a server without attacks takes no lock.
    counted: AtomicUsize,
    refused: AtomicU64,
    hasher: RandomState,
}

/// A password whose verification is under way. It counts as a failure until its result is known, so that many guesses
/// at once are no more than many one by one.
pub struct Guess<'a> {
    throttle: &'a Throttle,
    pub(in crate::service) now_ms: i64,
    pub(in crate::service) username: &'a str,
    pub(in crate::service) address: Option<IpAddr>,
    has_begun: AtomicBool,
}

impl Guess<'_> {
    /// How often the network of this address was wrong or turned away lately.
    pub(in crate::service) fn failures_of(&self, address: Option<IpAddr>) -> u32 {
        self.throttle.failures(self.now_ms, address)
    }

    /// Counts that it was turned away because too many waited.
    pub(in crate::service) fn turned_away(&self) {
        self.throttle.turned_away(self.now_ms, self.address);
    }

    /// Counts the guess, or refuses it if it could be one too many, together with those under way.
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

    /// Whether a call from `address` in the name of `username` may go on to prove itself with a hash. A call without an
    /// address (one that came through no socket) always may.
    pub fn allows(&self, now_ms: i64, address: Option<IpAddr>, username: &str) -> bool {
        self.is_within(address, username, |count, key| {
            !count.is_over(now_ms, key, &self.limits)
        })
    }

    /// Whether an attempt may go on to prove itself with a password. Hashes that others have sent from the address do
    /// not shut it out.
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

    /// How many wrong passwords, unknown names and turned-away passwords came from the network of `address` in the
    /// present window. Asking again and again is not the same as asking once.
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

    /// Counts a password that was turned away. This count refuses nobody, and is kept beside the others.
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

    /// Counts a failure. When it reaches a limit, that is logged once.
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

    /// Forgets the failures of a caller who has proved their identity.
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

    /// A password that a caller has sent. Keep it until its failure is counted, or the failures that it disproves are
    /// forgotten.
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

    /// All keys under which an attempt from `address` in the name of `username` counts.
    fn keys(&self, address: IpAddr, username: &str) -> impl Iterator<Item = Key> {
        let names = [None, Some(self.name(username))];
        Network::all(address)
            .flat_map(move |network| names.into_iter().map(move |name| Key { network, name }))
    }

    fn name(&self, username: &str) -> u64 {
        self.hasher.hash_one(username)
    }

    // A map is consistent between two statements, so a poisoned lock is safe to use.
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
