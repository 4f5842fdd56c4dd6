//! How failures are counted, and for whom.

use super::*;
use crate::service::guard::counts::WINDOW_MS;

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
    // A name alone is never refused.
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
    // They do not count for the address.
    fail(&throttle, MAX_PER_ADDRESS, "192.0.2.1", "a", Failure::Hash);
    assert!(throttle.allows(NOW, from("192.0.2.1"), "b"));
}

/// Failures from one /64 after the other, each within its own limit: a /56 has twice that limit, a /48 four times.
#[test]
fn whoever_has_many_addresses_of_ipv6_has_no_more_than_four_limits() {
    let within_56 = |place| format!("2001:db8:1:{place:x}::1");
    let within_48 = |place| format!("2001:db8:1:{:x}::1", place * 256);
    for (address, times) in [(&within_56 as &dyn Fn(u32) -> String, 2), (&within_48, 4)] {
        for (failure, most, name) in [
            (Failure::Credentials, MAX_PER_PAIR, "a"),
            (Failure::Hash, MAX_HASHES_PER_PAIR, "a"),
            (Failure::Credentials, MAX_PER_ADDRESS, "other"),
        ] {
            let throttle = Throttle::default();
            let name = |place: u32| match name {
                "a" => "a".to_owned(),
                other => format!("{other}{place}"),
            };
            let mut sent = 0;
            while throttle.allows(NOW, from(&address(sent % 200)), &name(sent)) {
                fail(&throttle, 1, &address(sent % 200), &name(sent), failure);
                sent += 1;
            }
            assert_eq!(sent, times * most, "{failure:?}");
            // Neighbouring networks have limits of their own.
            assert!(throttle.allows(NOW, from("2001:db8:2::1"), &name(sent)));
        }
    }
}

#[test]
fn a_right_password_leaves_what_other_addresses_guessed() {
    let throttle = Throttle::default();
    let mine = "2001:db8:1:ff00::1";
    fail(&throttle, 5, mine, "a", Failure::Credentials);
    for place in 1..4 {
        let theirs = format!("2001:db8:1:{:x}::1", place * 256);
        fail(&throttle, 9, &theirs, "a", Failure::Credentials);
    }
    throttle.succeeded(from(mine), "a", Proof::Password);
    // Of the 40 that the /48 may send, 27 are counted.
    fail(&throttle, 9, "2001:db8:1:400::1", "a", Failure::Credentials);
    fail(&throttle, 3, "2001:db8:1:500::1", "a", Failure::Credentials);
    assert!(throttle.allows(NOW, from("2001:db8:1:600::1"), "a"));
    fail(&throttle, 1, "2001:db8:1:500::1", "a", Failure::Credentials);
    assert!(!throttle.allows(NOW, from("2001:db8:1:600::1"), "a"));
    assert!(!throttle.allows(NOW, from(mine), "a"));
}

#[test]
fn incorrect_hashes_do_not_refuse_a_password() {
    let throttle = Throttle::default();
    let address = from("192.0.2.1");
    fail(
        &throttle,
        MAX_HASHES_PER_PAIR,
        "192.0.2.1",
        "a",
        Failure::Hash,
    );
    assert!(!throttle.allows(NOW, address, "a"));
    assert!(throttle.allows_password(NOW, address, "a"));
    fail(
        &throttle,
        MAX_PER_PAIR - 1,
        "192.0.2.1",
        "a",
        Failure::Credentials,
    );
    assert!(throttle.allows_password(NOW, address, "a"));
    fail(&throttle, 1, "192.0.2.1", "a", Failure::Credentials);
    assert!(!throttle.allows_password(NOW, address, "a"));
    assert_eq!(throttle.failures(NOW, address), MAX_PER_PAIR);
    throttle.turned_away(NOW, address);
    assert_eq!(throttle.failures(NOW, address), MAX_PER_PAIR + 1);
    assert_eq!(throttle.failures(NOW + WINDOW_MS, address), 0);
    // This refuses nobody.
    let other = from("192.0.2.2");
    (0..2 * MAX_PER_ADDRESS).for_each(|_| throttle.turned_away(NOW, other));
    assert!(throttle.allows(NOW, other, "a") && throttle.guess(NOW, other, "a").begin().is_ok());
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
    // The caller's own failures are taken off, whatever their number.
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
    // It refuses guesses, but not calls without a password.
    assert!(throttle.allows(NOW, address, "a"));
    // One is given up.
    guesses.pop();
    guesses.push(begin("a").unwrap());
    // One is right: those before it are forgotten, those under way are not.
    throttle.succeeded(address, "a", Proof::Password);
    drop(guesses.pop());
    guesses.extend((0..4).map(|_| begin("a").unwrap()));
    assert!(begin("a").is_err());
    drop(guesses);
    assert_eq!(throttle.counted.load(Ordering::Relaxed), 0);
    // Over many names, the address's limit counts.
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
