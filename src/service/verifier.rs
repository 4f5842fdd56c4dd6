//! Whether a password is its user's, at the speed of the API: argon2 is slow on purpose, so a pair that was verified is
//! remembered for a while, equal pairs share one verification, and only a few run at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{KeyInit, Mac};
use tokio::sync::{OnceCell, Semaphore};

use super::AccessError;
use crate::ambient::Ambient;
use crate::store::StoreError;

/// Verifications that run at once, each taking the time and memory of one argon2 pass.
pub const AT_ONCE: usize = 2;
/// Different pairs that may run or wait; one more is refused with [`StoreError::Overloaded`].
pub const MAX_WAITING: usize = 64;
/// Pairs that are remembered; one more makes room by forgetting all that have expired, or everything.
pub const MAX_REMEMBERED: usize = 10_000;
/// How long a verified pair is remembered.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(600);

/// A keyed hash over username, password and stored string: what is remembered reveals nothing without the key, and a
/// changed password is a different pair at once.
type Pair = [u8; 32];

/// Verifies passwords; one for the whole server.
pub struct Verifier {
    key: [u8; 32],
    /// Verified pairs and when each is forgotten, in milliseconds since 1970-01-01 UTC.
    remembered: Mutex<HashMap<Pair, i64>>,
    /// Pairs being verified; equal ones wait for the same cell.
    running: Mutex<HashMap<Pair, Arc<OnceCell<bool>>>>,
    slots: Semaphore,
    /// Passwords that were right and known to be, since the start.
    hits: AtomicU64,
}

impl Verifier {
    /// A verifier with a key of its own.
    pub fn new(ambient: &Ambient) -> Self {
        Self {
            key: ambient.bytes(),
            remembered: Mutex::default(),
            running: Mutex::default(),
            slots: Semaphore::new(AT_ONCE),
            hits: AtomicU64::new(0),
        }
    }

    /// Refuses unless `password` is what `stored` (an argon2 string; none: no password is right) was made from.
    pub async fn verify(
        &self,
        now_ms: i64,
        username: &str,
        password: &str,
        stored: Option<&str>,
    ) -> Result<(), super::Error> {
        let Some(stored) = stored else {
            return Err(AccessError::WrongPassword.into());
        };
        let pair = self.pair(username, password, stored);
        if lock(&self.remembered)
            .get(&pair)
            .is_some_and(|until| now_ms < *until)
        {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        let running = self.join(pair)?;
        let is_right = running
            .cell
            .get_or_init(|| self.compute(password.to_owned(), stored.to_owned()))
            .await;
        if !is_right {
            return Err(AccessError::WrongPassword.into());
        }
        self.remember(pair, now_ms);
        Ok(())
    }

    /// How often a password was right because it was remembered, since the start.
    pub fn remembered_count(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// The verification of this pair that is under way, or a new one.
    fn join(&self, pair: Pair) -> Result<Running<'_>, StoreError> {
        let mut running = lock(&self.running);
        if running.len() >= MAX_WAITING && !running.contains_key(&pair) {
            return Err(StoreError::Overloaded);
        }
        Ok(Running {
            verifier: self,
            pair,
            cell: running.entry(pair).or_default().clone(),
        })
    }

    async fn compute(&self, password: String, stored: String) -> bool {
        let Ok(_slot) = self.slots.acquire().await else {
            return false;
        };
        let verification = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&stored).is_ok_and(|stored| {
                Argon2::default()
                    .verify_password(password.as_bytes(), &stored)
                    .is_ok()
            })
        });
        verification.await.unwrap_or(false)
    }

    fn remember(&self, pair: Pair, now_ms: i64) {
        let mut remembered = lock(&self.remembered);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.retain(|_, until| now_ms < *until);
            if remembered.len() >= MAX_REMEMBERED {
                remembered.clear();
            }
        }
        remembered.insert(pair, now_ms + REMEMBERED_FOR.as_millis() as i64);
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
