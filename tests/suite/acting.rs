//! The rights of a caller are those of the moment: a change while the call is on its way, or while its write waits,
//! counts.

use std::sync::{Arc, LazyLock};

use linebook::ambient::Ambient;
use linebook::api::method::{HashLevel, HashOrder, Method, Run};
use linebook::api::methods::{self, METHODS};
use linebook::service::guard::access::Actor;
use linebook::service::guard::callers::{Callers, REMEMBERED_FOR};
use linebook::service::guard::passwords;
use linebook::service::guard::throttle::{Limits, Throttle};
use linebook::service::{AccessError, Error, keys, settings, users};
use linebook::store::tables::users::{Permission, UserType};
use linebook::store::{Options, ReadTx, WriteTx};

use crate::common::moment::{Change, HalfSent, overtaken, status};
use crate::common::socket::serve;
use crate::common::world::{Dump, NOW_MS};
use crate::common::{Answer, Call, Request, World};

/// A change of who may call, or of how they are answered.
struct Case {
    name: &'static str,
    /// The SQL that runs before.
    given: &'static str,
    /// The call that the change is about, made from an accountant's sample call; none: it concerns no call of this
    /// method.
    call: fn(Call, &str) -> Option<Request>,
    change: Change,
    /// Whether calls still succeed.
    still: bool,
}

const ACCOUNTANT: i64 = 1;
/// A hash of the password `password`, with another salt.
const SAME_PASSWORD: &str = "$argon2id$v=19$m=19456,t=2,p=1$YWRtaW4tZGVtby1zYWx0LQ$Wcwb2WuLe+gBq6S7HRMvwKisMyC70uw5Vpoqac+gc58";
static OTHER_PASSWORD: LazyLock<String> =
    LazyLock::new(|| passwords::hash("another password", &Ambient::fixed(0, 1)).unwrap());

fn operator() -> Actor {
    Actor::operator(NOW_MS)
}

fn signed(call: Call, _: &str) -> Option<Request> {
    Some(call.signed_by_admin().post_form())
}

fn with_password(call: Call, _: &str) -> Option<Request> {
    Some(call.with("p", "password").signed_by_admin().post_form())
}

fn without_password(call: Call, method: &str) -> Option<Request> {
    let needs_password = methods::find(method)?.needs_password;
    (!needs_password).then(|| call.without("p").signed_by_admin().post_form())
}

fn set(tx: &WriteTx<'_>, name: &str, value: &str) -> Result<(), Error> {
    settings::set(tx, &operator(), name, value, None)
}

const fn case(name: &'static str, change: Change) -> Case {
    Case {
        name,
        given: "",
        call: signed,
        change,
        still: false,
    }
}

const CASES: &[Case] = &[
    case("a block", |tx| {
        users::set_blocked(tx, &operator(), ACCOUNTANT, true)
    }),
    case("permissions", |tx| {
        Permission::ALL.iter().try_for_each(|permission| {
            users::set_permission(tx, &operator(), ACCOUNTANT, *permission, false)
        })
    }),
    Case {
        call: with_password,
        ..case("another password", |tx| {
            users::set_password(tx, &operator(), ACCOUNTANT, &OTHER_PASSWORD)
        })
    },
    Case {
        call: with_password,
        still: true,
        ..case("the same password again", |tx| {
            users::set_password(tx, &operator(), ACCOUNTANT, SAME_PASSWORD)
        })
    },
    Case {
        call: without_password,
        still: true,
        ..case("a password that was not sent", |tx| {
            users::set_password(tx, &operator(), ACCOUNTANT, &OTHER_PASSWORD)
        })
    },
    case("a revoked key", |tx| keys::revoke(tx, &operator(), 1)),
    Case {
        still: true,
        ..case("another revoked key", |tx| keys::revoke(tx, &operator(), 2))
    },
    case("keys that are not shared", |tx| {
        set(tx, "shared_admin_key", "off")
    }),
    case("the allow-list", |tx| {
        users::allow_network(tx, &operator(), 0, "203.0.113.0/24", true).map(drop)
    }),
    Case {
        still: true,
        ..case("an allow-list with the caller on it", |tx| {
            users::allow_network(tx, &operator(), 0, "127.0.0.0/8", true).map(drop)
        })
    },
    case("the API's switch", |tx| set(tx, "allow_api", "off")),
    Case {
        given: "UPDATE settings SET allow_get = 1",
        call: |call, _| Some(call.signed_by_admin().get()),
        ..case("the switch of GET", |tx| set(tx, "allow_get", "off"))
    },
    Case {
        call: without_password,
        ..case("that passwords are required", |tx| {
            set(tx, "require_password", "always")
        })
    },
    Case {
        call: |call, method| {
            let orders = methods::find(method)?.hashes;
            let hash = |order: &HashOrder| call.hash(order.parameters, "secret");
            let of = |level| orders.iter().filter(move |order| order.level == level);
            let is_strict = |sent: &String| of(HashLevel::Strict).any(|order| hash(order) == *sent);
            let mut documented = of(HashLevel::Documented).map(hash);
            let sent = documented.find(|sent| !is_strict(sent))?;
            Some(call.with("hash", &sent).post_form())
        },
        ..case("how strictly hashes are checked", |tx| {
            set(tx, "hash_check", "strict")
        })
    },
    Case {
        still: true,
        ..case("the dialect", |tx| set(tx, "dialect", "current"))
    },
];

/// The methods that an accountant with every permission may call.
fn methods() -> Vec<&'static str> {
    let accountant = |method: &&Method| {
        let mut callers = method.callers().into_iter();
        callers.any(|(user_type, _)| user_type == UserType::Accountant)
    };
    METHODS
        .iter()
        .copied()
        .filter(accountant)
        .map(|method| method.name)
        .collect()
}

fn is_write(method: &str) -> bool {
    let found = methods::find(method).expect(method);
    matches!(found.run, Run::Write(_))
}

/// A method's sample, as an accountant sends it.
fn sample(method: &str) -> Call {
    Call::sample(method).with("u", "username")
}

fn write(world: &World, change: Change) {
    world.app.core.store.write_blocking(change).unwrap();
}

/// The answer, and the database, if the call comes after the change.
fn asked_after(case: &Case, request: &Request) -> ((u16, String), Dump) {
    let world = World::after(case.given);
    write(&world, case.change);
    let answer = world.send(request);
    assert_eq!(answer.error().is_none(), case.still, "{}", case.name);
    (said(&answer), world.dump())
}

fn said(answer: &Answer) -> (u16, String) {
    (answer.status, answer.text())
}

#[test]
fn a_write_that_waits_is_made_by_whoever_may_make_it_then() {
    let mut count = 0;
    for method in methods().iter().filter(|method| is_write(method)) {
        for case in CASES {
            let Some(request) = (case.call)(sample(method), method) else {
                continue;
            };
            let before = World::after(case.given).send(&request);
            assert_eq!(before.error(), None, "{method} before {}", case.name);
            let world = World::after(case.given);
            let asked = overtaken(&world.app, case.change, || world.send(&request));
            assert!(asked.has_waited, "{method} did not wait");
            let (expected, dump) = asked_after(case, &request);
            let what = format!("{method} and {}", case.name);
            assert_eq!(said(&asked.reply), expected, "{what}");
            assert!(world.dump() == dump, "{what} left something else");
            count += 1;
        }
    }
    assert!(count > 50, "only {count}");
}

#[test]
fn a_call_is_by_whoever_may_make_it_when_its_body_is_there() {
    let (writes, reads): (Vec<&str>, Vec<&str>) = methods().iter().partition(|it| is_write(it));
    for case in CASES {
        if !case.still {
            // A few at a time: the last one's body must not come too late.
            for some in methods().chunks(8) {
                finish_after_the_change(case, some);
            }
            continue;
        }
        finish_after_the_change(case, &reads);
        // What one call does another may not find as it was.
        for method in &writes {
            finish_after_the_change(case, std::slice::from_ref(method));
        }
    }
}

/// Begins a call of each of these methods, makes the change, and ends the calls.
fn finish_after_the_change(case: &Case, methods: &[&'static str]) {
    let requests: Vec<(&str, Request)> = methods
        .iter()
        .filter_map(|method| Some((*method, (case.call)(sample(method), method)?)))
        .collect();
    let world = World::after(case.given);
    let address = serve(&world);
    let halves: Vec<HalfSent> = requests
        .iter()
        .map(|(_, request)| {
            let mut body = String::from_utf8(request.body.clone()).unwrap();
            if body.is_empty() {
                body = "more=x".into();
            }
            let headers = "Accept-Encoding: identity\r\n";
            HalfSent::new(address, &request.verb, &request.target, headers, &body)
        })
        .collect();
    write(&world, case.change);
    let before = world.dump();
    for ((method, request), half) in requests.iter().zip(halves) {
        let answer = half.finish();
        let plain = request.clone().header("Accept-Encoding", "identity");
        let (expected, _) = asked_after(case, &plain);
        let what = format!("{method} and {}", case.name);
        let text = answer.split("\r\n\r\n").nth(1).unwrap().to_owned();
        if case.still {
            // Each call gets ids and secrets of its own.
            assert_eq!(status(&answer), expected.0, "{what}");
            assert!(!text.contains("<error>"), "{what}: {text}");
        } else {
            assert_eq!((status(&answer), text), expected, "{what}");
        }
    }
    let after = world.dump();
    let changed: Vec<_> = after
        .iter()
        .filter(|it| before.get(it.0) != Some(it.1))
        .collect();
    let is_changing = case.still && requests.iter().any(|(method, _)| is_write(method));
    assert_eq!(
        !changed.is_empty(),
        is_changing,
        "{}: {changed:?}",
        case.name
    );
}

#[test]
fn a_failure_that_shows_while_a_write_waits_is_counted() {
    for (case, kind) in [("a revoked key", "hash"), ("another password", "password")] {
        let case = CASES.iter().find(|known| known.name == case).unwrap();
        let request = (case.call)(sample("did_create"), "did_create").unwrap();
        let limits = Limits {
            per_address: 1,
            per_pair: 1,
            hashes_per_pair: 1,
        };
        let world = World::with_app(Ambient::fixed(NOW_MS, 1), |app| {
            Arc::get_mut(&mut app.core).unwrap().throttle = Throttle::new(limits);
        });
        let asked = overtaken(&world.app, case.change, || world.send(&request));
        assert_eq!(asked.reply.status, 200, "{kind}");
        assert_eq!(world.send(&request).status, 429, "{kind}");
    }
}

#[test]
fn what_is_written_bears_the_time_at_which_it_is() {
    let world = World::with(Options::default(), Ambient::system());
    let request = signed(sample("device_create"), "device_create").unwrap();
    let unblock: Change = |tx| users::set_blocked(tx, &operator(), 9, false);
    let asked = overtaken(&world.app, unblock, || world.send(&request));
    assert_eq!(asked.reply.error(), None);
    let logged = world.select("SELECT at_ms FROM action_log ORDER BY id");
    let logged: Vec<i64> = logged.split(';').map(|at| at.parse().unwrap()).collect();
    // The change and the call share a transaction, and both came before it began.
    assert_eq!(logged.len(), 2);
    assert_eq!(logged[0], logged[1]);
    assert!(logged[0] >= asked.open_ms);
    let created = "SELECT created_ms FROM devices ORDER BY id DESC LIMIT 1";
    assert_eq!(world.select(created), logged[1].to_string());
}

#[test]
fn callers_are_remembered_for_a_minute_at_most() {
    let world = World::after("DROP TRIGGER users_update; DROP TRIGGER settings_update");
    let callers = Callers::default();
    let look = |now_ms: i64| {
        let look = |tx: &ReadTx<'_>| {
            let current = callers.current(tx, now_ms)?;
            let found = callers.find(tx, &current, "manager").map(drop);
            Ok::<_, Error>((current.settings.allow_api, found))
        };
        world.app.core.store.read(look).unwrap()
    };
    let blocked = (false, Err(AccessError::UnknownCaller.into()));
    assert_eq!(look(NOW_MS), (true, Ok(())));
    world.sql("UPDATE users SET blocked = 1 WHERE id = 3; UPDATE settings SET allow_api = 0");
    let end_ms = NOW_MS + REMEMBERED_FOR.as_millis() as i64;
    assert_eq!(look(end_ms - 1), (true, Ok(())));
    assert_eq!(look(end_ms), blocked);
    // This also holds when the clock was set back.
    world.sql("UPDATE users SET blocked = 0; UPDATE settings SET allow_api = 1");
    assert_eq!(look(end_ms + 1), (false, Ok(())));
    assert_eq!(look(NOW_MS), (true, Ok(())));
}
