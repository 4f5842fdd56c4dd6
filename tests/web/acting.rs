//! The rights of someone who acts on the pages are those of the moment: a change while their request is on its way, or
//! while its write waits, counts.

use std::net::SocketAddr;

use actix_web::body::MessageBody;
use actix_web::dev::Service;
use actix_web::http::header::COOKIE;
use actix_web::test::{TestRequest, init_service};
use futures_util::future::poll_fn;
use linebook::api::encoding::percent_encode;
use linebook::http::entry::routes;
use linebook::http::pages::routes::{ROUTES, Route, Verb, Who};
use linebook::http::server::{self, Options, bind};
use linebook::service::guard::access::Actor;
use linebook::service::{sessions, users};
use linebook::store::tables::users::Permission;

use crate::access::{FORM, PEOPLE, Person, area, closed, may, objects, paths, right};
use crate::moment::{Change, HalfSent, header, overtaken, status};
use crate::world::{Dump, NOW_MS, Reply, World};

/// The hash of the password `another password`.
const OTHER_PASSWORD: &str =
    "$argon2id$v=19$m=8,t=1,p=1$ZGVjb3ktZGVjb3ktZGVjbw$Wcwb2WuLe+gBq6S7HRMvwKisMyC70uw5Vpoqac+gc58";
/// The name of another of their sessions.
const OTHER_SESSION: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const RESELLER: i64 = 4;
const ACCOUNTANT: i64 = 1;

/// A change of somebody's rights.
struct Case {
    name: &'static str,
    /// Who asks.
    by: &'static str,
    /// Someone who has the rights that are left after the change; none: nobody is signed in then.
    then: Option<&'static str>,
    change: Change,
}

fn operator() -> Actor {
    Actor::operator(NOW_MS)
}

fn take_permissions(
    tx: &linebook::store::WriteTx<'_>,
    id: i64,
) -> Result<(), linebook::service::Error> {
    let mut all = Permission::ALL.iter();
    all.try_for_each(|one| users::set_permission(tx, &operator(), id, *one, false))
}

const CASES: &[Case] = &[
    Case {
        name: "a block",
        by: "reseller",
        then: None,
        change: |tx| users::set_blocked(tx, &operator(), RESELLER, true),
    },
    Case {
        name: "a new password",
        by: "reseller",
        then: None,
        change: |tx| users::set_password(tx, &operator(), RESELLER, OTHER_PASSWORD),
    },
    Case {
        name: "the permissions of a reseller",
        by: "reseller",
        then: Some("newcomer"),
        change: |tx| take_permissions(tx, RESELLER),
    },
    Case {
        name: "the permissions of an accountant",
        by: "accountant",
        then: Some("clerk"),
        change: |tx| take_permissions(tx, ACCOUNTANT),
    },
];

fn person(name: &str) -> &'static Person {
    let mut people = PEOPLE.iter();
    people.find(|person| person.name == name).expect(name)
}

/// Every page and action that somebody may reach before a change and not after it, with their own things in its path.
fn reached(case: &Case) -> Vec<(&'static Route, String)> {
    let by = person(case.by);
    let is_lost = |route: &&Route| {
        may(by, right(route))
            && case
                .then
                .is_none_or(|then| !may(person(then), right(route)))
    };
    let with_paths = |route: &'static Route| {
        let own = objects(area(route), by.scope).and_then(|(own, _)| own);
        paths(route, own.unwrap_or(0))
            .into_iter()
            .map(move |path| (route, path))
    };
    closed().filter(is_lost).flat_map(with_paths).collect()
}

/// A form with which every action of a reseller does something, once [`prepare`] has run.
fn form(route: &Route) -> Vec<(&'static str, &'static str)> {
    let word = if area(route) == "users" {
        "user"
    } else {
        "SIP"
    };
    let more = [
        ("type", word),
        ("device_id", "5"),
        ("dialplan_id", "2"),
        ("provider_id", "3"),
        ("password", "password"),
        ("new_password", "another password"),
        ("again", "another password"),
        ("dialect", "current"),
        // A plain user has no key.
        ("user_id", if area(route) == "settings" { "4" } else { "5" }),
        ("devicegroup_id", "6"),
        ("session", OTHER_SESSION),
    ];
    let kept = FORM
        .iter()
        .filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    kept.copied().chain(more).collect()
}

/// Prepares the thing that an action is about.
fn prepare(path: &str) -> &'static str {
    let reserved = "UPDATE dids SET status = 'reserved', user_id = 5 WHERE id = 8";
    let active = "UPDATE dids SET status = 'active', user_id = 5, device_id = 5 WHERE id = 8";
    match path {
        "/account/sessions/end" | "/account/sessions/end-others" => {
            "INSERT INTO sessions (token_hash, user_id, created_ms, seen_ms)
             VALUES (zeroblob(32), 4, 1800000000000, 1800000000000)"
        }
        "/dids/8/unreserve" | "/dids/8/assign" | "/dids/8/dialplan" => reserved,
        "/dids/8/unassign" | "/dids/8/close" | "/dids/8/release" => active,
        "/dids/8/reopen" => {
            "UPDATE dids SET status = 'closed', user_id = 5, closed_ms = 1 WHERE id = 8"
        }
        "/dids/8/free" | "/dids/8/delete" => "UPDATE dids SET status = 'terminated' WHERE id = 8",
        "/devices/5/hide" => "DELETE FROM clis WHERE device_id = 5",
        "/users/5/unblock" => "UPDATE users SET blocked = 1 WHERE id = 5",
        "/settings/disallow" => "INSERT INTO allowed_networks VALUES (4, '127.0.0.0/8')",
        _ => "",
    }
}

/// A world in which somebody is about to ask for a path.
fn world(by: &str, path: &str) -> (World, String) {
    let world = World::new();
    world.sql(prepare(path));
    let token = world.token(person(by).id);
    (world, token)
}

fn ask(world: &World, route: &Route, path: &str, token: &str) -> Reply {
    match route.verb {
        Verb::Get => world.get(path, token),
        Verb::Post => world.post(path, token, &form(route)),
    }
}

fn change(world: &World, case: &Case) -> Dump {
    world.app.core.store.write_blocking(case.change).unwrap();
    world.dump()
}

fn serve(world: &World) -> SocketAddr {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let app = world.app.clone();
    std::thread::spawn(move || server::run(app, listener, Options::default(), || Ok(())).unwrap());
    address
}

#[test]
fn a_page_is_for_whoever_may_see_it_when_the_request_is_there() {
    for case in CASES {
        let world = World::new();
        let address = serve(&world);
        let token = world.token(person(case.by).id);
        let form_token = sessions::form_token(&token);
        let headers = format!("Accept: text/html\r\nCookie: linebook={token}\r\n");
        let send = |(route, path): &(&Route, String)| {
            let verb = match route.verb {
                Verb::Get => "GET",
                Verb::Post => "POST",
            };
            let pairs = form(route)
                .into_iter()
                .map(|(name, value)| format!("&{name}={}", percent_encode(value)));
            let body = format!("form_token={form_token}{}", pairs.collect::<String>());
            HalfSent::new(address, verb, path, &headers, &body)
        };
        let all = reached(case);
        let halves: Vec<HalfSent> = all.iter().map(send).collect();
        let before = change(&world, case);
        for ((route, path), half) in all.iter().zip(halves) {
            let answer = half.finish();
            let what = format!("{:?} {path} and {}", route.verb, case.name);
            let asked_now = ask(&world, route, path, &token);
            assert_eq!(status(&answer), asked_now.status, "{what}");
            assert_eq!(header(&answer, "location"), asked_now.location(), "{what}");
            is_refused(case, &asked_now, &what);
        }
        assert_eq!(world.dump(), before, "{}", case.name);
        assert!(all.len() >= 10, "only {} for {}", all.len(), case.name);
    }
}

/// Whether they are sent to the sign-in, or told that the page is not for them.
fn is_refused(case: &Case, reply: &Reply, what: &str) {
    match case.then {
        Some(_) => assert_eq!(reply.status, 403, "{what}"),
        None => {
            assert_eq!(reply.status, 303, "{what}");
            assert!(reply.location().starts_with("/sign-in"), "{what}");
        }
    }
}

#[test]
fn a_write_that_waits_is_made_by_whoever_may_make_it_then() {
    let (mut count, mut idle) = (0, Vec::new());
    for case in CASES {
        for (route, path) in reached(case) {
            if route.verb == Verb::Get {
                continue;
            }
            let what = format!("{path} and {}", case.name);
            let expected = change(&world(case.by, &path).0, case);
            let (world, token) = world(case.by, &path);
            let asked = overtaken(&world.app, case.change, || {
                ask(&world, route, &path, &token)
            });
            if !asked.has_waited {
                idle.push(path);
                continue;
            }
            is_refused(case, &asked.reply, &what);
            assert!(world.dump() == expected, "{what} changed something");
            count += 1;
        }
    }
    assert!(count > 100, "only {count}");
    idle.sort();
    idle.dedup();
    // These two read what they are asked for before the change.
    assert_eq!(idle, ["/console/devices_get", "/hash"]);
}

#[test]
fn the_requests_of_these_tests_change_something_by_themselves() {
    let mut idle = Vec::new();
    for (route, path) in reached(&CASES[0]) {
        let (world, token) = world("reseller", &path);
        let before = world.dump();
        ask(&world, route, &path, &token);
        if route.verb == Verb::Post && world.dump() == before {
            idle.push(path);
        }
    }
    // Nothing is done to all of a list without its preview. A reseller takes back nothing that is theirs, a primary group
    // and a provider with DIDs stay, a user without a pattern forwards no DID, and the other two only read.
    let known = [
        "/devices/bulk",
        "/dids/bulk",
        "/dids/8/take-back",
        "/groups/6/hide",
        "/providers/3/hide",
        "/quickforwards/5/set",
        "/quickforwards/5/delete",
        "/hash",
        "/console/devices_get",
    ];
    assert_eq!(idle, known);
}

#[test]
fn a_session_that_ended_acts_no_more() {
    let world = World::new();
    let token = world.token(0);
    let end: Change = |tx| Ok(linebook::store::tables::sessions::delete_of_user(tx, 0)?);
    let before = world.dump();
    let asked = overtaken(&world.app, end, || {
        world.post("/settings/keys/new", &token, &[])
    });
    assert_eq!(
        (asked.reply.status, asked.reply.location()),
        (303, "/sign-in")
    );
    assert_eq!(world.dump(), before);
    // A call from the console changes nothing either.
    let token = world.token(0);
    let form = [("user_id", "2"), ("description", "x")];
    let before = world.dump();
    let asked = overtaken(&world.app, end, || {
        world.post("/console/device_create", &token, &form)
    });
    assert_eq!(
        (asked.reply.status, asked.reply.location()),
        (303, "/sign-in")
    );
    assert_eq!(world.dump(), before);
}

/// More rows than one piece of a CSV file holds, in each table that a reseller can list.
const MANY: &str = "
    CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) SELECT i FROM n;
    INSERT INTO users (id, username, type, owner_id, created_ms) SELECT 10000 + i, 'u' || i, 'user', 4, 0 FROM n;
    INSERT INTO device_groups (id, user_id, name, is_primary, created_ms) SELECT 10000 + i, 10000 + i, 'primary', 1, 0 FROM n;
    INSERT INTO devices (id, user_id, device_group_id, type, extension, username, secret, created_ms, owner_id)
      SELECT 10000 + i, 5, 6, 'SIP', 20000 + i, 20000 + i, 'x', 0, 4 FROM n;
    INSERT INTO dids (did, provider_id, owner_id, status, created_ms) SELECT 80000 + i, 3, 4, 'free', 0 FROM n;
    INSERT INTO clis (device_id, number, created_ms) SELECT 10000 + i, 90000 + i, 0 FROM n;
    INSERT INTO providers (owner_id, name, created_ms) SELECT 4, 'p' || i, 0 FROM n;
    INSERT INTO ivrs (owner_id, name, created_ms) SELECT 4, 'i' || i, 0 FROM n;
    INSERT INTO dialplans (owner_id, name, created_ms) SELECT 4, 'd' || i, 0 FROM n;
    INSERT INTO ivr_time_periods (owner_id, name, created_ms) SELECT 4, 't' || i, 0 FROM n;
    INSERT INTO action_log (at_ms, actor_id, actor, through, action, object_id) SELECT 0, 4, 'reseller', 'pages', 'x', i FROM n;";

/// Asks for a CSV file, makes a change once its first piece is there, and says whether the rest came.
fn read_on(path: &str, change: Option<Change>) -> bool {
    let world = World::new();
    world.sql(MANY);
    let token = world.token(RESELLER);
    world.block_on(async {
        let app = world.app.clone();
        let service = init_service(actix_web::App::new().configure(|config| routes(config, app)));
        let service = service.await;
        let request =
            TestRequest::with_uri(path).insert_header((COOKIE, format!("linebook={token}")));
        let response = service.call(request.to_request()).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let mut body = Box::pin(response.into_body());
        let mut pieces = 0;
        while let Some(piece) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {
            if piece.is_err() {
                assert_eq!(pieces, 1, "{path}");
                return false;
            }
            pieces += 1;
            if pieces == 1
                && let Some(change) = change
            {
                world.app.core.store.write(change).await.unwrap();
            }
        }
        assert!(pieces > 2, "{path} has {pieces}");
        true
    })
}

#[test]
fn a_file_ends_where_its_reader_may_not_read_on() {
    let files = ROUTES
        .iter()
        .filter(|route| route.path.ends_with(".csv") && route.who == Who::SignedIn);
    let mut count = 0;
    for route in files {
        let end: Change = |tx| {
            Ok(linebook::store::tables::sessions::delete_of_user(
                tx, RESELLER,
            )?)
        };
        let harmless: Change = |tx| users::set_blocked(tx, &operator(), 5, true);
        assert!(read_on(route.path, None), "{}", route.path);
        assert!(read_on(route.path, Some(harmless)), "{}", route.path);
        for change in [CASES[0].change, CASES[1].change, end] {
            assert!(!read_on(route.path, Some(change)), "{}", route.path);
        }
        count += 1;
    }
    assert!(count >= 9, "only {count}");
}
