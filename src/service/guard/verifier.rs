//! Whether a password is its user's, at the speed of the API: argon2 is slow on purpose, so a pair that was verified is
//! remembered for a while, equal pairs share one verification, and only a few run at once. New passwords are hashed on
//! the same threads.

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

/// Argon2 passes that run at once in the whole server. Each has a thread of its own for good, because the memory of an argon2 pass stays with
/// the thread that made it.
pub const AT_ONCE: usize = 2;
/// Pairs that are remembered; one more makes room by forgetting the one that was used longest ago.
pub const MAX_REMEMBERED: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");
/// How long a verified pair is remembered.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(600);
/// Names and addresses that are known to have been right together; one more makes room as above.
pub const MAX_KNOWN: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");
/// How long it counts that a name was right from an address: over a weekend, and longer.
pub const KNOWN_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A keyed hash over username, password and stored string: what is remembered reveals nothing without the key, and a
/// changed password is a different pair at once.
type Pair = [u8; 32];

/// Verifies passwords; one for the whole server.
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
    /// Passwords that were right and known to be, since the start.
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

    /// Refuses unless the `password` that is guessed is what `stored` was made from: an argon2 string; none: no password is
    /// right.
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

    /// The verification of this pair that is under way, or a new one.
    fn join(&self, pair: Pair) -> Running<'_> {
        let mut running = lock(&self.running);
        Running {
            verifier: self,
            pair,
            cell: running.entry(pair).or_default().clone(),
        }
    }

    /// The argon2id string of a new password, or why it cannot be one. It is made for somebody at `address` who is known:
    /// signed in, or in possession of a link.
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
        // Whoever shares a verification guesses nothing that is not being guessed.
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

    /// Has one of the threads do `work`, unless its caller hangs up before, or has to go for somebody else.
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

/// Whether what is known for a time, until then, still is: by a clock that was set back it would be for longer.
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

/// One caller's share in a verification; the last one to leave, also by hanging up, takes it off the list.
struct Running<'a> {
    verifier: &'a Verifier,
    pair: Pair,
    cell: Arc<OnceCell<bool>>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut running = lock(&self.verifier.running);
        // Shares are handed out under this lock: two left are the list's and this one.
        if Arc::strong_count(&self.cell) <= 2 {
            running.remove(&self.pair);
        }
    }
}

// A map is whole between two statements, so a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Params, PasswordHasher, Version};
    use futures_util::FutureExt;
    use futures_util::future::join_all;

    use super::*;
    use crate::ambient::SLACK_MS;
    use crate::service::guard::line::{MAX_WAITING, RESERVED};
    use crate::service::guard::throttle::Throttle;

    /// An argon2 string that takes so many passes over 8 KiB: 1 is quick, 300,000 take a while.
    fn stored(password: &str, passes: u32) -> String {
        let params = Params::new(8, passes, 1, None).unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = argon2.hash_password_with_salt(password.as_bytes(), b"0123456789abcdef");
        hash.unwrap().to_string()
    }

    fn slow() -> String {
        stored("x", 1).replace("t=1,", "t=300000,")
    }

    fn verifier() -> Verifier {
        Verifier::new(&Ambient::fixed(0, 1))
    }

    async fn verify(
        verifier: &Verifier,
        now_ms: i64,
        username: &str,
        password: &str,
        stored: Option<&str>,
    ) -> Result<(), Error> {
        let throttle = Throttle::default();
        let guess = throttle.guess(now_ms, None, username);
        verifier.verify(&guess, password, stored).await
    }

    fn wrong() -> Result<(), Error> {
        Err(AccessError::WrongPassword.into())
    }

    #[tokio::test]
    async fn a_password_is_right_for_what_was_made_from_it() {
        let (verifier, good) = (verifier(), stored("right", 1));
        let check = async |password, stored| verify(&verifier, 0, "u", password, stored).await;
        assert_eq!(check("right", Some(&good)).await, Ok(()));
        assert_eq!(check("wrong", Some(&good)).await, wrong());
        assert_eq!(check("right", None).await, wrong());
        assert_eq!(check("right", Some("no argon2 string")).await, wrong());
    }

    #[tokio::test]
    async fn a_verified_pair_is_remembered_for_its_time_and_no_other_pair_is() {
        let (verifier, good) = (verifier(), stored("right", 1));
        let hits = async |now_ms, username, password, stored: &str| {
            let before = verifier.remembered_count();
            let _ = verify(&verifier, now_ms, username, password, Some(stored)).await;
            verifier.remembered_count() - before
        };
        let end_ms = REMEMBERED_FOR.as_millis() as i64;
        assert_eq!(hits(0, "u", "right", &good).await, 0);
        assert_eq!(hits(end_ms - 1, "u", "right", &good).await, 1);
        assert_eq!(hits(end_ms, "u", "right", &good).await, 0);
        assert_eq!(hits(end_ms, "u", "wrong", &good).await, 0);
        assert_eq!(hits(end_ms, "u", "wrong", &good).await, 0);
        assert_eq!(hits(end_ms, "ur", "ight", &good).await, 0);
        assert_eq!(hits(end_ms, "u", "right", &stored("right", 2)).await, 0);
        // A clock that was set back makes no memory longer.
        let back_ms = end_ms - SLACK_MS;
        assert_eq!(hits(back_ms, "u", "right", &good).await, 1);
        assert_eq!(hits(back_ms - 1, "u", "right", &good).await, 0);
    }

    #[tokio::test]
    async fn what_is_remembered_has_a_limit() {
        let verifier = verifier();
        let pair = |place: usize| verifier.pair("u", &place.to_string(), "");
        let is_remembered = |place| lock(&verifier.remembered).get(&pair(place)).is_some();
        for place in 0..=MAX_REMEMBERED.get() {
            verifier.remember(pair(place), 0);
        }
        assert!(!is_remembered(0) && is_remembered(1) && is_remembered(MAX_REMEMBERED.get()));
    }

    #[tokio::test]
    async fn equal_pairs_share_one_verification() {
        let (verifier, slow) = (verifier(), slow());
        let calls = (0..MAX_WAITING * 4).map(|_| verify(&verifier, 0, "u", "p", Some(&slow)));
        // More than may wait: they are one.
        assert!(
            join_all(calls)
                .await
                .iter()
                .all(|result| *result == wrong())
        );
    }

    #[tokio::test]
    async fn what_waits_has_a_limit_and_whoever_hangs_up_makes_room() {
        let (verifier, slow) = (verifier(), slow());
        let most = AT_ONCE + MAX_WAITING - RESERVED;
        let names: Vec<String> = (0..=most).map(|place| place.to_string()).collect();
        let call = |name| Box::pin(verify(&verifier, 0, name, "p", Some(&slow)));
        let mut waiting = Vec::new();
        for name in &names[..most] {
            let mut call = call(name);
            assert!((&mut call).now_or_never().is_none());
            waiting.push(call);
            if waiting.len() <= AT_ONCE {
                // It does not wait, it runs.
                while verifier.waiting() > 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        }
        let one_more = call(&names[most]).await;
        assert_eq!(one_more, Err(StoreError::Overloaded.into()));
        assert_eq!(verifier.turned_away(), 1);
        drop(waiting);
        assert!(lock(&verifier.running).is_empty());
        assert_eq!(call(&names[most]).await, wrong());
    }

    #[tokio::test]
    async fn a_name_is_known_where_it_was_right_and_for_its_time() {
        let (verifier, good) = (verifier(), stored("right", 1));
        let throttle = Throttle::default();
        let guess =
            |now_ms, name, address: &str| throttle.guess(now_ms, address.parse().ok(), name);
        let here = "2001:db8::1";
        for password in ["wrong", "right"] {
            assert!(!verifier.is_known(&guess(0, "u", here)));
            let guess = guess(0, "u", here);
            let _ = verifier.verify(&guess, password, Some(&good)).await;
        }
        let until_ms = KNOWN_FOR.as_millis() as i64;
        assert!(verifier.is_known(&guess(until_ms - 1, "u", here)));
        assert!(verifier.is_known(&guess(0, "u", "2001:db8::2")));
        assert!(!verifier.is_known(&guess(until_ms, "u", here)));
        assert!(!verifier.is_known(&guess(0, "v", here)));
        assert!(!verifier.is_known(&guess(0, "u", "2001:db8:0:1::1")));
        let names = 0..=MAX_KNOWN.get();
        let names: Vec<String> = names.map(|number| number.to_string()).collect();
        for name in &names {
            verifier.know(&guess(0, name, here));
        }
        assert!(!verifier.is_known(&guess(0, &names[0], here)));
        assert!(verifier.is_known(&guess(0, &names[1], here)));
    }

    #[tokio::test]
    async fn new_passwords_wait_in_the_same_line() {
        let (verifier, ambient, slow) = (verifier(), Ambient::fixed(0, 1), slow());
        let made = verifier
            .hash("a new password", &ambient, None)
            .await
            .unwrap();
        assert!(
            made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{made}"
        );
        let check = verify(&verifier, 0, "u", "a new password", Some(&made));
        assert_eq!(check.await, Ok(()));
        assert!(verifier.hash("short", &ambient, None).await.is_err());

        // Behind as many as run at once, as many as may wait; one more is refused.
        let mut running =
            ["1", "2"].map(|name| Box::pin(verify(&verifier, 0, name, "p", Some(&slow))));
        for call in &mut running {
            assert!(call.now_or_never().is_none());
        }
        // A new password would go before them in the line.
        while verifier.waiting() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let hash = || Box::pin(verifier.hash("a new password", &ambient, None));
        let mut waiting = Vec::new();
        while waiting.len() < MAX_WAITING {
            let mut call = hash();
            match (&mut call).now_or_never() {
                None => waiting.push(call),
                // The two that are to run are still in the line.
                Some(answer) => {
                    assert_eq!(answer, Err(StoreError::Overloaded.into()));
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        }
        assert_eq!(hash().await, Err(StoreError::Overloaded.into()));
        assert!(waiting.iter_mut().all(|call| call.now_or_never().is_none()));
    }
}
