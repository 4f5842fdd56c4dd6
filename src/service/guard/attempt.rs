//! One attempt to prove an identity. At every door it is refused, counted and forgiven in the same way.

use std::net::IpAddr;

use crate::service::core::Core;
use crate::service::guard::passwords;
use crate::service::guard::throttle::{Failure, Guess, Proof};
use crate::service::{AccessError, Error};

/// An attempt lasts from the moment somebody names themselves until it is known whether they are that user.
/// [`failed`](Attempt::failed) or [`succeeded`](Attempt::succeeded) ends it; one without either was given up.
pub struct Attempt<'a> {
    core: &'a Core,
    guess: Guess<'a>,
}

impl<'a> Attempt<'a> {
    /// An attempt from `address` in the name of `username`, which is blank for a secret that works without a name.
    pub fn new(core: &'a Core, now_ms: i64, address: Option<IpAddr>, username: &'a str) -> Self {
        let guess = core.throttle.guess(now_ms, address, username);
        Self { core, guess }
    }

    /// Refuses an attempt after too many failures, before anything is looked up.
    pub fn check(&self) -> Result<(), AccessError> {
        let (throttle, guess) = (&self.core.throttle, &self.guess);
        let is_allowed = throttle.allows(guess.now_ms, guess.address, guess.username);
        is_allowed.then_some(()).ok_or(AccessError::TooManyGuesses)
    }

    /// Refuses an attempt after too many wrong passwords. Incorrect hashes that others send from the address shut
    /// nobody out here.
    pub fn check_password(&self) -> Result<(), AccessError> {
        let (throttle, guess) = (&self.core.throttle, &self.guess);
        let is_allowed = throttle.allows_password(guess.now_ms, guess.address, guess.username);
        is_allowed.then_some(()).ok_or(AccessError::TooManyGuesses)
    }

    /// The name of the attempt.
    pub fn username(&self) -> &'a str {
        self.guess.username
    }

    /// Refuses unless `stored`, an argon2 string, was made from the password; none: no password is right.
    pub async fn verify(&self, password: &str, stored: Option<&str>) -> Result<(), Error> {
        self.core
            .verifier
            .verify(&self.guess, password, stored)
            .await
    }

    /// Verifies a password from a form, where anything can be typed: a text that cannot be a password costs no argon2.
    pub async fn verify_typed(&self, password: &str, stored: Option<&str>) -> Result<(), Error> {
        if password.chars().count() > passwords::MAX_PASSWORD {
            return Err(AccessError::WrongPassword.into());
        }
        self.verify(password, stored).await
    }

    /// Counts the failure. Counting takes a reader, so a caller who holds one gives it back first.
    pub fn failed(self, how: Failure) {
        let (core, guess) = (self.core, &self.guess);
        let (now_ms, address) = (guess.now_ms, guess.address);
        core.throttle.failed(now_ms, address, guess.username, how);
        if how == Failure::Credentials && !guess.username.is_empty() {
            core.failures
                .note(&core.store, now_ms, address, guess.username);
        }
    }

    /// Forgives earlier failures in this name from this address, as far as the proof disproves them.
    pub fn succeeded(self, proof: Proof) {
        let throttle = &self.core.throttle;
        throttle.succeeded(self.guess.address, self.guess.username, proof);
    }
}
