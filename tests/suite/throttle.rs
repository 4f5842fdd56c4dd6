//! Failed authentications through the whole pipeline: who is refused, for how long, and who is not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use linebook::ambient::Ambient;
use linebook::app::MAX_WARNED;
use linebook::http::server::Options;
use linebook::service::guard::line::{MAX_WAITING, RESERVED};
use linebook::service::guard::throttle::{
    Limits, MAX_HASHES_PER_PAIR, MAX_PER_ADDRESS, MAX_PER_PAIR, Throttle,
};
use linebook::service::sessions::{form_token, new_token};

use crate::common::request::escape;
use crate::common::socket::{Client, send_together, serve, serve_with};
use crate::common::world::NOW_MS;
use crate::common::{Answer, Call, Request, Server, World};
use crate::limits::is_soon;

const HERE: &str = "198.51.100.1";
const THERE: &str = "198.51.100.2";

/// A world with the real limits.
fn world() -> World {
    World::with_app(Ambient::fixed(NOW_MS, 1), |app| {
        Arc::get_mut(&mut app.core).unwrap().throttle = Throttle::new(Limits::default());
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
    // Calls are refused before anything is looked up, even with the right password.
    assert!(is_throttled(&world, &right().with("p", "password"), HERE));
    assert!(!is_throttled(&world, &right(), THERE));
    let other = right().with("u", "username").signed_by_admin();
    assert!(!is_throttled(&world, &other, HERE));
    assert_eq!(world.app.core.throttle.refused(), 2);
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
    // A malformed request is told so first, and so is a wrong verb.
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
    // A call without a password clears nothing: it may be a copy of somebody else's.
    assert!(!is_throttled(&world, &right(), HERE));
    assert!(fail(1));
    assert!(is_throttled(&world, &wrong, HERE));
}

/// Many guesses at once count as many guesses one by one do.
#[test]
fn a_burst_of_guesses_is_within_the_limit() {
    let world = World::with_app(Ambient::system(), |app| {
        Arc::get_mut(&mut app.core).unwrap().throttle = Throttle::new(Limits::default());
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
        Arc::get_mut(&mut app.core).unwrap().throttle = Throttle::new(Limits::default());
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
    let metrics = world.app.metrics();
    assert!(
        metrics.contains("linebook_throttled_total 2\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("linebook_address_refusals_total 13\n"),
        "{metrics}"
    );
}

/// The form of the sign-in page.
fn sign_in(username: &str, password: &str) -> Request {
    let token = new_token(&Ambient::system());
    let form = format!(
        "form_token={}&username={}&password={}",
        form_token(&token),
        escape(username),
        escape(password)
    );
    Request::new("POST", "/sign-in")
        .header("Cookie", &format!("linebook={token}"))
        .body(Some("application/x-www-form-urlencoded"), form)
}

/// A served world with the real limits of failures, or without any.
fn served(has_limits: bool) -> (World, SocketAddr) {
    let world = World::with_app(Ambient::system(), |app| {
        if has_limits {
            Arc::get_mut(&mut app.core).unwrap().throttle = Throttle::new(Limits::default());
        }
        app.trusted_proxies = vec!["127.0.0.9".parse::<std::net::IpAddr>().unwrap().into()];
    });
    let address = serve_with(
        &world,
        Options {
            max_connections_per_address: Some(1024),
            ..Options::default()
        },
    );
    (world, address)
}

/// Anyone who knew a name could send incorrect hashes under it, and its owner behind the same address could not sign
/// in.
#[test]
fn incorrect_hashes_do_not_shut_out_a_sign_in() {
    let (_world, address) = served(true);
    let mut client = Client::from("127.0.0.2", address);
    let wrong = right().with("hash", "00").post();
    for _ in 0..MAX_HASHES_PER_PAIR {
        assert_eq!(client.send(&wrong).status, 200);
    }
    assert_eq!(client.send(&wrong).status, 429);
    assert_eq!(client.send(&right().post()).status, 429);
    assert_eq!(client.send(&sign_in("admin", "wrong")).status, 422);
    assert_eq!(client.send(&sign_in("admin", "password")).status, 303);
    // Wrong passwords do shut the name out.
    for _ in 0..MAX_PER_PAIR {
        assert_eq!(client.send(&sign_in("manager", "wrong")).status, 422);
    }
    assert_eq!(client.send(&sign_in("manager", "password")).status, 429);
}

/// Once, each /64 of a /48 had limits of its own: 65,536 times ten guesses a minute.
#[test]
fn whoever_has_a_48_has_four_limits() {
    let (_world, address) = served(true);
    let mut proxy = Client::from("127.0.0.9", address);
    let mut is_throttled = |from: &str, call: &Call| {
        let call = call.post().header("X-Forwarded-For", from);
        proxy.send(&call).status == 429
    };
    // Hashes are quick to check, and networks are counted alike for all failures.
    let wrong = right().with("hash", "00");
    let of_48 = |place: u32| format!("2001:db8:1:{:x}::1", place * 256);
    for place in 0..4 * MAX_HASHES_PER_PAIR {
        assert!(!is_throttled(&of_48(place), &wrong), "{place}");
    }
    assert!(is_throttled(&of_48(250), &right()));
    assert!(!is_throttled("2001:db8:2::1", &right()));
    let of_56 = |place: u32| format!("2001:db8:3:{place:x}::1");
    for place in 0..2 * MAX_PER_ADDRESS {
        let unknown = right().with("u", &format!("nobody{place}"));
        assert!(!is_throttled(&of_56(place), &unknown), "{place}");
    }
    assert!(is_throttled(&of_56(250), &right()));
    assert!(!is_throttled("2001:db8:3:100::1", &right()));
}

const STRANGERS: usize = MAX_WAITING - RESERVED;

/// A wrong password that is on its way.
fn guess(address: SocketAddr, from: &str, username: &str, number: usize) -> Client {
    let mut client = Client::from(from, address);
    client.write(&sign_in(username, &format!("wrong{number}")).to_bytes());
    client
}

/// Sends two passwords that take long to check, so that all others wait.
fn occupy(world: &World, address: SocketAddr, from: impl Fn(usize) -> String) -> [Client; 2] {
    let takes_long = "UPDATE users SET password = '$argon2id$v=19$m=8,t=150000,p=1$ZGVjb3ktZGVjb3ktZGVjbw$Wcwb2WuLe+gBq6S7HRMvwKisMyC70uw5Vpoqac+gc58' WHERE username = 'anna'";
    world.sql(takes_long);
    world.sql(&takes_long.replace("150000", "1").replace("anna", "manager"));
    let occupying = [1, 2].map(|number| guess(address, &from(number), "anna", number));
    std::thread::sleep(Duration::from_secs(1));
    occupying
}

/// Fills the line with wrong passwords from these addresses, behind two that take long.
fn fill(world: &World, address: SocketAddr, from: impl Fn(usize) -> String) -> Vec<Client> {
    let mut guesses = Vec::from(occupy(world, address, &from));
    let others = 3..STRANGERS + 20;
    guesses.extend(others.map(|number| guess(address, &from(number), "manager", number)));
    let verifier = &world.app.core.verifier;
    is_soon(&|| verifier.turned_away() > 0 && verifier.waiting() == STRANGERS);
    guesses
}

/// A client that sent more wrong passwords than may wait once kept everyone out of the web pages.
#[test]
fn one_address_does_not_take_all_of_the_line_of_passwords() {
    let (world, address) = served(false);
    let _guesses = fill(&world, address, |_| "127.0.0.2".into());
    let before = world.app.core.verifier.turned_away();
    let other = Client::from("127.0.0.3", address).send(&sign_in("admin", "password"));
    assert_eq!(other.status, 303);
    assert!(world.app.core.verifier.turned_away() > before);
}

/// Forty addresses that were wrong in the last minute and guess again once kept a newcomer waiting for all of them.
#[test]
fn whoever_was_wrong_is_served_after_who_was_not() {
    const WRONG: usize = 40;
    let (world, address) = served(true);
    let from = |number: usize| format!("127.0.1.{}", number + 1);
    for number in 0..WRONG {
        let mut wrong = guess(address, &from(number), "nobody", number);
        assert_eq!(wrong.read(true).unwrap().status, 422);
    }
    let _occupying = occupy(&world, address, |_| "127.0.0.2".into());
    let again = |number| guess(address, &from(number), "admin", number);
    let _wrong: Vec<Client> = (0..WRONG).map(again).collect();
    let verifier = &world.app.core.verifier;
    is_soon(&|| verifier.waiting() == WRONG);
    // The first of them has been served.
    is_soon(&|| verifier.waiting() < WRONG);
    let other = Client::from("127.0.0.3", address).send(&sign_in("admin", "password"));
    assert_eq!(other.status, 303);
    assert!(verifier.waiting() >= WRONG / 4, "{}", verifier.waiting());
}

/// As many addresses as there are places, each with one password, once kept everyone out. Those who were right lately
/// now have places of their own.
#[test]
fn who_was_right_lately_has_a_place_when_all_are_taken() {
    let (world, address) = served(false);
    let mut known = Client::from("127.0.0.3", address);
    assert_eq!(known.send(&sign_in("admin", "password")).status, 303);
    let _guesses = fill(&world, address, |number| format!("127.0.1.{number}"));
    let stranger = Client::from("127.0.0.4", address).send(&sign_in("admin", "wrong"));
    assert_eq!(
        (stranger.status, stranger.header("retry-after")),
        (503, Some("1"))
    );
    // The name is known at its own address only, and other names there are not.
    let other = Client::from("127.0.0.3", address).send(&sign_in("manager", "wrong"));
    assert_eq!(other.status, 503);
    assert_eq!(known.send(&sign_in("admin", "wrong")).status, 422);
}

#[test]
fn a_proxy_that_is_not_trusted_is_warned_about_once() {
    let server = Server::start(&["--trusted-proxy", "127.0.0.9"]);
    let call = |from: &str, request: &Request| Client::from(from, server.address).send(request);
    let forwarded = |request: Request| request.header("X-Forwarded-For", "203.0.113.9");
    for _ in 0..3 {
        for from in ["127.0.0.2", "127.0.0.3", "127.0.0.9"] {
            assert_eq!(call(from, &forwarded(right().post())).status, 200);
            let page = forwarded(Request::new("GET", "/sign-in"));
            assert_eq!(call(from, &page).status, 200);
        }
        assert_eq!(call("127.0.0.4", &right().post()).status, 200);
    }
    // The number of peers is unbounded; the number of these lines is not.
    for number in 1..MAX_WARNED + 20 {
        call(&format!("127.0.1.{number}"), &forwarded(right().post()));
    }
    let log = server.stop();
    let warned = |peer: &str| {
        let lines = log.lines().filter(|line| line.contains(" WARN "));
        let advice = format!("--trusted-proxy {peer}");
        lines.filter(|line| line.contains(&advice)).count()
    };
    assert_eq!((warned("127.0.0.2"), warned("127.0.0.3")), (1, 1), "{log}");
    assert_eq!((warned("127.0.0.9"), warned("127.0.0.4")), (0, 0));
    assert_eq!(warned(""), MAX_WARNED);
    // The peer counts as the caller, whatever the header says.
    let from = |address: &str| log.matches(&format!("address={address} ")).count();
    assert_eq!((from("203.0.113.9"), from("127.0.0.2")), (3, 3), "{log}");
}
