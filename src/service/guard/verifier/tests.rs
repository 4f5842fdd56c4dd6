//! Tests of the verifier: passwords that are remembered, shared, refused.

use argon2::{Algorithm, Params, PasswordHasher, Version};
use futures_util::FutureExt;
use futures_util::future::join_all;

use super::*;
use crate::ambient::SLACK_MS;
use crate::service::guard::line::{MAX_WAITING, RESERVED};
use crate::service::guard::throttle::Throttle;

/// An argon2 string that takes this many passes over 8 KiB: 1 is quick, 300,000 take a while.
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
    // These are more than may wait, but they share one verification.
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
            // Wait until it runs.
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
    let guess = |now_ms, name, address: &str| throttle.guess(now_ms, address.parse().ok(), name);
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

    // Behind those that run, as many as may wait; one more is refused.
    let mut running = ["1", "2"].map(|name| Box::pin(verify(&verifier, 0, name, "p", Some(&slow))));
    for call in &mut running {
        assert!(call.now_or_never().is_none());
    }
    // Otherwise a new password would go before them in the line.
    while verifier.waiting() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let hash = || Box::pin(verifier.hash("a new password", &ambient, None));
    let mut waiting = Vec::new();
    while waiting.len() < MAX_WAITING {
        let mut call = hash();
        match (&mut call).now_or_never() {
            None => waiting.push(call),
            // The two that should run are still in the line.
            Some(answer) => {
                assert_eq!(answer, Err(StoreError::Overloaded.into()));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
    assert_eq!(hash().await, Err(StoreError::Overloaded.into()));
    assert!(waiting.iter_mut().all(|call| call.now_or_never().is_none()));
}
