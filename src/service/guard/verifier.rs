//! Verifies passwords at the speed of the API. Argon2 is slow on purpose, so a verified pair is remembered for a while,
//! equal pairs share one verification, and only a few run at once. New passwords are hashed on the same threads.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{KeyInit, Mac};
use tokio::sync::{OnceCell, oneshot};

use crate::ambient::{Ambient, is_young};
use crate::service::guard::line::{Line, Verdict, Who};
use crate::service::guard::network::Network;
use crate::service::guard::passwords;
use crate::service::guard::recent::Recent;
use crate::service::guard::throttle::Guess;
use crate::service::{AccessError, Error};
use crate::store::StoreError;

/// Argon2 passes that run at once in the whole server. Each has a permanent thread of its own, because the memory of an
/// argon2 pass stays with its thread.
pub const AT_ONCE: usize = 2;
/// Pairs that are remembered. One more makes room by forgetting the one that was used longest ago.
pub const MAX_REMEMBERED: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");
/// How long a verified pair is remembered.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(600);
/// Names and addresses that are known to have been right together. One more makes room as above.
pub const MAX_KNOWN: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");
/// How long it is known that a name was right from an address: over a weekend, and longer.
pub const KNOWN_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A keyed hash over username, password and stored string. The memory reveals nothing without the key, and a changed
/// password is a different pair at once.
type Pair = [u8; 32];

/// Verifies passwords. The whole server has one of these.
pub struct Verifier {
    key: [u8; 32],
    /// Verified pairs and when each is forgotten, in milliseconds since 1970-01-01 UTC.
    remembered: Mutex<Recent<Pair, i64>>,
    /// Names and addresses that were right together, as keyed hashes, and when each of them is forgotten.
    known: Mutex<Recent<u64, i64>>,
    hasher: RandomState,
    /// Pairs being verified; equal ones wait for the same cell.
    running: Mutex<HashMap<Pair, Arc<OnceCell<bool>>>>,
    line: Arc<Line>,
    /// Passwords that were right and remembered, since the start.
    hits: AtomicU64,
}

impl Verifier {
    /// A verifier with a key of its own.
    pub fn new(ambient: &Ambient) -> Self {
        let line = Arc::new(Line::default());
        for _ in 0..AT_ONCE {
            let line = line.clone();
            // It ends when the verifier is dropped.
            std::thread::spawn(move || work(&line));
        }
        Self {
            key: ambient.bytes(),
            remembered: Mutex::new(Recent::new(MAX_REMEMBERED)),
            known: Mutex::new(Recent::new(MAX_KNOWN)),
            hasher: RandomState::new(),
            running: Mutex::default(),
            line,
            hits: AtomicU64::new(0),
        }
    }

    /// Refuses unless `stored`, an argon2 string, was made from `password`; none: no password is right.
    pub async fn verify(
        &self,
        guess: &Guess<'_>,
        password: &str,
        stored: Option<&str>,
    ) -> Result<(), Error> {
        let now_ms = guess.now_ms;
        let Some(stored) = stored else {
            return Err(AccessError::WrongPassword.into());
        };
        let pair = self.pair(guess.username, password, stored);
        if lock(&self.remembered)
            .get(&pair)
            .is_some_and(|until| is_before(now_ms, *until, REMEMBERED_FOR))
        {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        let running = self.join(pair);
        let is_right = running
            .cell
            .get_or_try_init(|| self.compute(guess, password, stored))
            .await?;
        if !is_right {
            return Err(AccessError::WrongPassword.into());
        }
        self.remember(pair, now_ms);
        self.know(guess);
        Ok(())
    }

    /// How often a password was right because it was remembered, since the start.
    pub fn remembered_count(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Passwords that wait.
    pub fn waiting(&self) -> usize {
        self.line.len()
    }

    /// Passwords that were turned away because too many waited, since the start.
    pub fn turned_away(&self) -> u64 {
        self.line.turned_away()
    }

    /// Joins the verification of this pair that is under way, or begins one.
    fn join(&self, pair: Pair) -> Running<'_> {
        let mut running = lock(&self.running);
        Running {
            verifier: self,
            pair,
            cell: running.entry(pair).or_default().clone(),
        }
    }

    /// The argon2id string of a new password, or the reason why the password is not allowed. It is made for somebody at
    /// `address` who is known: signed in, or in possession of a link.
    pub async fn hash(
        &self,
        password: &str,
        ambient: &Ambient,
        address: Option<IpAddr>,
    ) -> Result<String, Error> {
        passwords::check(password)?;
        let (password, salt) = (password.to_owned(), passwords::salt(ambient));
        let who = Who {
            address,
            is_known: true,
            failures: 0,
        };
        let hash = move || passwords::hash_with(&password, &salt);
        self.pass(who, hash, |who| who.failures).await?
    }

    async fn compute(
        &self,
        guess: &Guess<'_>,
        password: &str,
        stored: &str,
    ) -> Result<bool, Error> {
        // Sharing a verification is not another guess.
        guess.begin()?;
        let (password, stored) = (password.to_owned(), stored.to_owned());
        let who = Who {
            address: guess.address,
            is_known: self.is_known(guess),
            failures: 0,
        };
        let verify = move || is_made_from(&password, &stored);
        let failures = |who: &Who| guess.failures_of(who.address);
        let passed = self.pass(who, verify, failures).await;
        if passed == Err(StoreError::Overloaded) {
            guess.turned_away();
        }
        Ok(passed?)
    }

    /// Has one of the threads do `work`, unless its caller hangs up first, or has to make room for somebody else.
    async fn pass<T: Send + 'static>(
        &self,
        who: Who,
        work: impl FnOnce() -> T + Send + 'static,
        failures: impl Fn(&Who) -> u32,
    ) -> Result<T, StoreError> {
        let (reply, done) = oneshot::channel();
        let job = Box::new(move |verdict| {
            if !reply.is_closed() {
                let _ = reply.send(match verdict {
                    Verdict::Served => Ok(work()),
                    Verdict::TurnedAway => Err(StoreError::Overloaded),
                });
            }
        });
        let caller = Arc::new(());
        self.line.put(who, Arc::downgrade(&caller), job, failures);
        let answer = done.await;
        drop(caller);
        answer.unwrap_or(Err(StoreError::Internal))
    }

    /// Whether this name was right from this address lately.
    fn is_known(&self, guess: &Guess<'_>) -> bool {
        let until = self.known_key(guess);
        let until = until.and_then(|key| lock(&self.known).get(&key).copied());
        until.is_some_and(|until| is_before(guess.now_ms, until, KNOWN_FOR))
    }

    fn know(&self, guess: &Guess<'_>) {
        if let Some(key) = self.known_key(guess) {
            let until_ms = guess.now_ms + KNOWN_FOR.as_millis() as i64;
            lock(&self.known).put(key, until_ms);
        }
    }

    fn known_key(&self, guess: &Guess<'_>) -> Option<u64> {
        let network = Network::of(guess.address?);
        Some(self.hasher.hash_one((network, guess.username)))
    }

    fn remember(&self, pair: Pair, now_ms: i64) {
        let until_ms = now_ms + REMEMBERED_FOR.as_millis() as i64;
        lock(&self.remembered).put(pair, until_ms);
    }

    fn pair(&self, username: &str, password: &str, stored: &str) -> Pair {
        let mut mac = Blake2bMac::<U32>::new_from_slice(&self.key).expect("32 bytes are a key");
        for part in [username, password, stored] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

impl Drop for Verifier {
    fn drop(&mut self) {
        self.line.close();
    }
}

fn work(line: &Line) {
    while let Some(job) = line.next() {
        job(Verdict::Served);
    }
}

/// Whether something that is known until `until_ms`, for `time` at most, still is. Without that bound, a clock that was
/// set back would make it last longer.
fn is_before(now_ms: i64, until_ms: i64, time: Duration) -> bool {
    let time_ms = time.as_millis() as i64;
    is_young(until_ms - time_ms, now_ms, time_ms)
}

fn is_made_from(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|stored| {
        let argon2 = Argon2::default();
        argon2.verify_password(password.as_bytes(), &stored).is_ok()
    })
}

/// One caller's share in a verification. The last one to leave, even by hanging up, takes it off the list.
struct Running<'a> {
    verifier: &'a Verifier,
    pair: Pair,
    cell: Arc<OnceCell<bool>>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut running = lock(&self.verifier.running);
        // Shares are handed out under this lock: if two are left, they are the list's and this one.
        if Arc::strong_count(&self.cell) <= 2 {
            running.remove(&self.pair);
        }
    }
}

// A map is consistent between two statements, so a poisoned lock is safe to use.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
