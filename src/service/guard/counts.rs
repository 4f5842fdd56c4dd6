//! Counts of failures: what failed, how often and from where, within a minute and in bounded space.

use std::collections::HashMap;
use std::time::Duration;

use crate::service::guard::network::Network;

/// How long failures are counted together, beginning with the first.
pub const WINDOW: Duration = Duration::from_secs(60);
/// Wrong passwords and unknown names that an address may send per window, under any name. Offices share addresses.
pub const MAX_PER_ADDRESS: u32 = 60;
/// Wrong passwords that an address may send per window under one name.
pub const MAX_PER_PAIR: u32 = 10;
/// Incorrect hashes that an address may send per window under one name. Honest clients try several orders.
pub const MAX_HASHES_PER_PAIR: u32 = 60;
/// The most addresses and pairs that are counted at once. One more makes room by forgetting all that are below their
/// limit.
pub const MAX_COUNTED: usize = 50_000;
/// The shortest time between two such sweeps, because each looks at everything that is counted.
pub(super) const SWEEP_EVERY_MS: i64 = 1000;
pub(super) const WINDOW_MS: i64 = WINDOW.as_millis() as i64;

/// How many failures are let through in a window. A wider network has a multiple of these.
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
    pub(super) fn credentials(&self, key: &Key) -> u32 {
        let limit = match key.name {
            None => self.per_address,
            Some(_) => self.per_pair,
        };
        limit.saturating_mul(key.network.times)
    }

    /// None: no limit, because hashes are counted under names only.
    pub(super) fn hashes(&self, key: &Key) -> Option<u32> {
        let limit = self.hashes_per_pair.saturating_mul(key.network.times);
        key.name.map(|_| limit)
    }
}

/// How a caller failed to prove their identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// An unknown name, or a wrong password.
    Credentials,
    /// An incorrect hash.
    Hash,
}

/// What a caller proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The hash was right, and no password was checked. Somebody who copied a call can send it again, so wrong
    /// passwords are not forgotten for this.
    Hash,
    /// The password was right, too.
    Password,
}

#[derive(Default)]
pub(super) struct Counts {
    pub(super) by_key: HashMap<Key, Count>,
    pub(super) swept_ms: i64,
}

/// A network, or a network and a name. The name is kept as a keyed hash, because names have no useful limit of length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) network: Network,
    pub(super) name: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) since_ms: i64,
    pub(super) credentials: u32,
    pub(super) hashes: u32,
    /// Passwords that were turned away because too many waited. Nobody knows whether they were wrong.
    pub(super) turned_away: u32,
    /// Passwords that are being verified.
    pub(super) guesses: u32,
}

impl Counts {
    pub(super) fn is_over(&self, key: &Key, now_ms: i64, limits: &Limits) -> bool {
        let count = self.by_key.get(key);
        count.is_some_and(|count| count.is_over(now_ms, key, limits))
    }

    /// Whether one more failure is within the limit, counting known failures and guesses under way.
    pub(super) fn may_guess(&self, key: &Key, now_ms: i64, limits: &Limits) -> bool {
        let Some(count) = self.by_key.get(key) else {
            return true;
        };
        let failed = count.credentials_at(now_ms);
        failed.saturating_add(count.guesses) < limits.credentials(key)
    }

    pub(super) fn add(&mut self, key: Key, now_ms: i64, failure: Failure, limits: &Limits) {
        let Some(count) = self.of(key, now_ms, limits) else {
            return;
        };
        match failure {
            Failure::Credentials => count.credentials = count.credentials.saturating_add(1),
            Failure::Hash => count.hashes = count.hashes.saturating_add(1),
        }
    }

    /// The count under a key in the window that runs, or begins; none: no room is left.
    pub(super) fn of(&mut self, key: Key, now_ms: i64, limits: &Limits) -> Option<&mut Count> {
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

    /// Takes off the failures that a caller has disproved: those of their name from their own address, and nothing
    /// else. The address's guesses about others stay, and so do other addresses' guesses about them: one valid account
    /// must not lift those limits.
    pub(super) fn take_off(&mut self, key: Key, disproved: &Count, proof: Proof) {
        let Some(count) = self.by_key.get_mut(&key) else {
            return;
        };
        // Failures from before this window are not in it.
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

    pub(super) fn has_room(&mut self, now_ms: i64, limits: &Limits) -> bool {
        if self.by_key.len() < MAX_COUNTED {
            return true;
        }
        if (now_ms - self.swept_ms).abs() >= SWEEP_EVERY_MS {
            self.swept_ms = now_ms;
            self.by_key
                .retain(|_, count| count.is_running(now_ms) || count.guesses > 0);
            if self.by_key.len() >= MAX_COUNTED {
                // A refused key stays refused: the flood that fills the table must not free anyone.
                self.by_key
                    .retain(|key, count| count.is_over(now_ms, key, limits) || count.guesses > 0);
            }
        }
        self.by_key.len() < MAX_COUNTED
    }
}

impl Count {
    /// A clock that was set back ends the window, too.
    pub(super) fn is_running(&self, now_ms: i64) -> bool {
        (self.since_ms..self.since_ms + WINDOW_MS).contains(&now_ms)
    }

    pub(super) fn is_nothing(&self) -> bool {
        (
            self.credentials,
            self.hashes,
            self.turned_away,
            self.guesses,
        ) == (0, 0, 0, 0)
    }

    /// Wrong passwords and unknown names, if the window runs.
    pub(super) fn credentials_at(&self, now_ms: i64) -> u32 {
        match self.is_running(now_ms) {
            true => self.credentials,
            false => 0,
        }
    }

    pub(super) fn failures_at(&self, now_ms: i64) -> u32 {
        match self.is_running(now_ms) {
            true => self.credentials.saturating_add(self.turned_away),
            false => 0,
        }
    }

    pub(super) fn is_over(&self, now_ms: i64, key: &Key, limits: &Limits) -> bool {
        let has_hashes = limits.hashes(key).is_some_and(|most| self.hashes >= most);
        let is_over = has_hashes || self.credentials >= limits.credentials(key);
        is_over && self.is_running(now_ms)
    }
}
