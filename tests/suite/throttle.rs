//! Failed authentications over the whole pipeline: who is refused, for how long, and who is not.

use linebook::ambient::Ambient;
use linebook::service::throttle::{
    Limits, MAX_HASHES_PER_PAIR, MAX_PER_ADDRESS, MAX_PER_PAIR, Throttle,
};

use crate::common::socket::{send_together, serve};
use crate::common::world::NOW_MS;
use crate::common::{Answer, Call, World};

const HERE: &str = "198.51.100.1";
const THERE: &str = "198.51.100.2";

/// A world with the real limits.
fn world() -> World {
    World::with_app(Ambient::fixed(NOW_MS, 1), |app| {
        app.throttle = Throttle::new(Limits::default());
    })
}

fn right() -> Call {
    Call::sample("devices_get").signed_by_admin()
}

fn send(world: &World, call: &Call, from: &str) -> Answer {
    world.send(&call.post().from(from))
}

fn is_throttled(world: &World, call: &Call, from: &str) -> bool {
    let answer = send(world, call, from);
    if answer.status != 429 {
        assert_eq!(answer.status, 200);
        return false;
    }
    assert_eq!(answer.header("retry-after"), Some("60"));
    let error = answer.error().unwrap();
    assert_eq!(error, "Too many failed authentications, try again later");
    true
}

#[test]
fn wrong_passwords_are_counted_per_address_and_name() {
    let world = world();
    let wrong = right().with("p", "wrong");
    for _ in 0..MAX_PER_PAIR {
        let answer = send(&world, &wrong, HERE);
        assert_eq!(answer.error().unwrap(), "Bad login");
    }
    assert!(is_throttled(&world, &wrong, HERE));
    // Before anything is looked up, the right password too.
    assert!(is_throttled(&world, &right().with("p", "password"), HERE));
    assert!(!is_throttled(&world, &right(), THERE));
    let other = right().with("u", "username").signed_by_admin();
    assert!(!is_throttled(&world, &other, HERE));
    assert_eq!(world.app.throttle.refused(), 2);
}

#[test]
fn unknown_names_are_counted_per_address() {
    let world = world();
    for i in 0..MAX_PER_ADDRESS {
        let unknown = right().with("u", &format!("nobody{i}"));
        assert!(!is_throttled(&world, &unknown, HERE), "{i}");
    }
    assert!(is_throttled(&world, &right(), HERE));
    assert!(!is_throttled(&world, &right(), THERE));
    // A request that is malformed is told so first, and one whose verb is wrong too.
    let malformed = right().post().from(HERE).body(None, "a=%");
    assert_eq!(world.send(&malformed).status, 400);
    let get = world.send(&right().get().from(HERE));
    assert_eq!(get.error().unwrap(), "GET Requests are disabled");
}

#[test]
fn calls_without_a_name_are_not_counted() {
    let world = world();
    for _ in 0..=MAX_PER_ADDRESS {
        assert!(!is_throttled(&world, &right().without("u"), HERE));
    }
    assert!(!is_throttled(&world, &right(), HERE));
}

#[test]
fn incorrect_hashes_are_let_through_sixty_times() {
    let world = world();
    let wrong = right().with("hash", "00");
    for _ in 0..MAX_HASHES_PER_PAIR - 1 {
        assert!(!is_throttled(&world, &wrong, HERE));
    }
    // A success clears them.
    assert!(!is_throttled(&world, &right(), HERE));
    for _ in 0..MAX_HASHES_PER_PAIR {
        assert!(!is_throttled(&world, &wrong, HERE));
    }
    assert!(is_throttled(&world, &wrong, HERE));
    assert!(!is_throttled(&world, &wrong, THERE));
}

#[test]
fn only_a_right_password_clears_wrong_ones() {
    let world = world();
    let wrong = right().with("p", "wrong");
    let fail = |times| (0..times).all(|_| !is_throttled(&world, &wrong, HERE));
    assert!(fail(MAX_PER_PAIR - 1));
    assert!(!is_throttled(&world, &right().with("p", "password"), HERE));
    assert!(fail(MAX_PER_PAIR - 1));
    // A call without a password may be a copy of somebody else's.
    assert!(!is_throttled(&world, &right(), HERE));
    assert!(fail(1));
    assert!(is_throttled(&world, &wrong, HERE));
}

/// Many guesses at the same moment are no more than many one by one.
#[test]
fn a_burst_of_guesses_is_within_the_limit() {
    let world = World::with_app(Ambient::system(), |app| {
        app.throttle = Throttle::new(Limits::default());
    });
    let address = serve(&world);
    let burst = |password: &dyn Fn(usize) -> String| {
        let calls = (0..40).map(|i| right().with("p", &password(i)).post());
        let answers = send_together(address, &calls.collect::<Vec<_>>());
        let count = |wanted| answers.iter().filter(|one| one.status == wanted).count();
        (count(200), count(429))
    };
    // One password is verified once, however many send it.
    assert_eq!(burst(&|_| "password".into()), (40, 0));
    let wrong = burst(&|i| format!("wrong{i}"));
    let limit = MAX_PER_PAIR as usize;
    assert_eq!(wrong, (limit, 40 - limit));
    assert_eq!(burst(&|i| format!("more{i}")), (0, 40));
}

#[test]
fn behind_a_trusted_proxy_the_caller_is_who_it_says() {
    let world = World::with_app(Ambient::fixed(NOW_MS, 1), |app| {
        app.throttle = Throttle::new(Limits::default());
        app.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    });
    world.sql("INSERT INTO allowed_networks VALUES (0, '203.0.113.9/32')");
    let send = |peer: &str, forwarded: &str| {
        let call = Call::new("device_create")
            .with("u", "admin")
            .with("user_id", "2");
        let request = call.signed_by_admin().post().from(peer);
        world
            .send(&request.header("X-Forwarded-For", forwarded))
            .error()
    };
    // For the allow-list.
    assert_eq!(send("10.0.0.1", "198.51.100.1, 203.0.113.9"), None);
    assert_eq!(
        send("10.0.0.1", "203.0.113.9, 198.51.100.1"),
        Some("Dont be so smart".into())
    );
    assert_eq!(
        send("198.51.100.1", "203.0.113.9"),
        Some("Dont be so smart".into())
    );
    assert_eq!(
        send("10.0.0.1", "203.0.113.9, what"),
        Some("Dont be so smart".into())
    );
    // For the action log.
    assert_eq!(
        world.select("SELECT DISTINCT address FROM action_log WHERE through = 'api'"),
        "203.0.113.9"
    );
    // For the throttle: the one behind the proxy, and nobody else behind it.
    for _ in 0..MAX_PER_PAIR {
        send("10.0.0.1", "198.51.100.7");
    }
    let throttled = Some("Too many failed authentications, try again later".into());
    assert_eq!(send("10.0.0.1", "198.51.100.7"), throttled);
    assert_eq!(send("198.51.100.7", "203.0.113.9"), throttled);
    assert_eq!(send("10.0.0.1", "203.0.113.9"), None);
    let metrics = world.app.metrics.text(&world.app);
    assert!(
        metrics.contains("linebook_throttled_total 2\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("linebook_address_refusals_total 13\n"),
        "{metrics}"
    );
}
