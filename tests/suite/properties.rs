//! Properties that hold for any input: every answer is well-formed, every signature is the documented one, a DID's life
//! follows the documentation, and a batch of writes ends as single writes do.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use linebook::ambient::Ambient;
use linebook::api::methods::METHODS;
use linebook::api::parameters::Parameters;
use linebook::api::signature::{sign, verify};
use linebook::service::clis::{self, NewCli};
use linebook::service::device_create::{self, NewDevice, Pin};
use linebook::service::did_details::{Edit, Give};
use linebook::service::guard::access::Actor;
use linebook::service::{DidError, Error, Rule, Thing, did_details, did_life, did_steps, dids};
use linebook::store::tables::settings::HashCheck;
use linebook::store::tables::users::{Permission, User, UserType};
use linebook::store::{Options, StoreError, WriteTx};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;

use crate::common::request::escape;
use crate::common::world::NOW_MS;
use crate::common::{self, Call, Request, World, sha1};

fn check<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        // A step here takes milliseconds, so a small example soon is better than the smallest one late.
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    };
    let run = TestRunner::new(config).run(&strategy, |value| {
        test(value);
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
}

/// Bytes that a request line can hold.
fn query() -> impl Strategy<Value = String> {
    let byte = select(
        (0x21..0x7f)
            .map(char::from)
            .filter(|c| !"#\"<>\\^`{|}".contains(*c))
            .collect::<Vec<char>>(),
    );
    let words = [
        "u=admin", "&", "user_id=", "hash=", "test=1", "%00", "%ff", "%c5%be", "%", "+", "=",
    ];
    prop_oneof![
        proptest::collection::vec(byte, 0..80).prop_map(|bytes| bytes.into_iter().collect()),
        proptest::collection::vec(select(words.to_vec()), 0..30).prop_map(|words| words.concat()),
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "{",
        "}",
        "\"u\"",
        ":",
        ",",
        "null",
        "true",
        "1e5",
        "[",
        "\"\\u0000\"",
        "--edge",
        "\r\n",
        "--",
        "Content-Disposition: form-data; name=\"u\"",
        "u=admin",
        "&",
        "\u{1}",
        "ž",
    ];
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        proptest::collection::vec(select(words.to_vec()), 0..40)
            .prop_map(|words| words.concat().into_bytes()),
    ]
}

fn content_type() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        select(vec![
            "application/x-www-form-urlencoded",
            "application/json",
            "APPLICATION/JSON; charset=utf-8",
            "multipart/form-data; boundary=edge",
            "multipart/form-data",
            "text/plain",
            "",
        ])
        .prop_map(|kind| Some(kind.into())),
        "[ -~]{0,40}".prop_map(Some),
    ]
}

/// Sends a request. The answer must have what every answer has, and a refusal must have changed nothing.
fn check_answer(world: &World, request: &Request) {
    let before = world.dump();
    let answer = world.send(request);
    answer.check();
    let is_success = answer.status == 200 && answer.error().is_none();
    if !is_success {
        assert_eq!(world.dump(), before, "{request:?}");
    }
}

#[test]
fn any_bytes_get_well_formed_xml_and_change_nothing() {
    let world = World::new();
    let method = select([&common::methods()[..], &["device_list", "nothing"]].concat());
    let verb = select(vec!["POST", "POST", "GET", "PUT"]);
    let request = (verb, method, query(), content_type(), body());
    check(600, request, |(verb, method, query, content_type, body)| {
        let target = format!("/billing/api/{method}?{query}");
        let request = Request::new(verb, &target).body(content_type.as_deref(), body);
        check_answer(&world, &request);
    });
}

/// Calls that pass the hash, with any text here and there: they get past the first checks, into the rules and into the
/// database.
#[test]
fn any_signed_values_get_well_formed_xml_and_change_nothing_unless_they_succeed() {
    let world = World::after("UPDATE settings SET require_password = 'never'");
    let odd = [
        "",
        " ",
        "0",
        "1",
        "2",
        "5",
        "7",
        "100",
        "1111",
        "37060000001",
        "37060000002",
        "-1",
        "999999999999999999",
        "1000000000000000000",
        "sip",
        "Ann <1>",
        "'",
        "\0",
        "\u{ffff}",
        "]]>",
        "ž",
    ];
    let value = prop_oneof![
        select(odd.to_vec()).prop_map(String::from),
        any::<String>(),
        "[0-9]{1,22}",
        "[a-z.]{1,20}",
    ];
    let values = proptest::collection::vec(proptest::option::weighted(0.3, value), 7);
    let by = select(vec![
        ("admin", "secret"),
        ("reseller", "reseller-key"),
        ("username", "456789"),
    ]);
    check(
        600,
        (0..METHODS.len(), by, values),
        |(place, (by, key), values)| {
            let method = METHODS[place];
            let mut call = Call::sample(method.name).with("u", by);
            for (parameter, value) in method.parameters.iter().zip(values) {
                if let Some(value) = value {
                    call = call.with(parameter.name, &value);
                }
            }
            check_answer(&world, &call.signed_with(key).post());
        },
    );
    assert_eq!(world.select("PRAGMA integrity_check"), "ok");
    assert_eq!(world.select("PRAGMA foreign_key_check"), "");
    let created = world.select("SELECT count(*) > 0 FROM action_log");
    assert_eq!(created, "1", "not one call succeeded: this proves nothing");
}

#[test]
fn a_signature_is_sha1_over_the_values_that_were_sent_and_the_key() {
    let text = || "[ -~ž漢]{0,12}";
    let values = proptest::collection::vec(proptest::option::of(text()), 8);
    let keys = proptest::collection::vec("[!-~]{6,20}", 1..4);
    let level = select(vec![
        HashCheck::Strict,
        HashCheck::Documented,
        HashCheck::Lenient,
    ]);
    let strategy = (0..METHODS.len(), values, keys, level, "[0-9a-f]{40}");
    check(1000, strategy, |(place, values, keys, level, wrong)| {
        let method = METHODS[place];
        let names = ["u"]
            .into_iter()
            .chain(method.parameters.iter().map(|parameter| parameter.name));
        let sent: BTreeMap<&str, String> = names
            .zip(values)
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let pairs = sent
            .iter()
            .map(|(name, value)| ((*name).into(), value.clone()));
        let parameters = Parameters::new(pairs.collect()).unwrap();
        let mut accepted = Vec::new();
        for (number, order) in method.hashes.iter().enumerate() {
            let values = order.parameters.iter().filter_map(|name| sent.get(name));
            let text: String = values.map(String::as_str).collect();
            for (place, key) in keys.iter().enumerate() {
                let hash = sha1::hex(&format!("{text}{key}"));
                assert_eq!(sign(order, &parameters, key), hash);
                let is_accepted = match format!("{:?}", order.level).as_str() {
                    "Strict" => true,
                    "Documented" => level != HashCheck::Strict,
                    _ => level == HashCheck::Lenient,
                };
                if is_accepted {
                    accepted.push(hash.clone());
                }
                let found = verify(method, level, &parameters, &keys, &hash);
                assert_eq!(
                    found.is_some(),
                    accepted.contains(&hash),
                    "{number} {place}"
                );
            }
        }
        assert!(
            accepted.contains(&wrong)
                || verify(method, level, &parameters, &keys, &wrong).is_none()
        );
    });
}

/// The model's knowledge of a DID, in the words of the documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Life {
    owner: i64,
    state: &'static str,
    user: Option<i64>,
    device: Option<i64>,
    dialplan: Option<i64>,
    closed_ms: Option<i64>,
    lent_by: Option<i64>,
}

/// A step of a DID's life that somebody tries.
#[derive(Debug, Clone, Copy)]
enum Step {
    Create(i64),
    Reserve(i64),
    Unreserve,
    Give(i64),
    TakeAway,
    MakeFree,
    TakeBack,
    AssignToTrunk(i64),
    AssignToAny(i64),
    AssignToDialplan(i64),
    Unassign,
    Close,
    Free,
    Terminate,
    Delete,
    FreeClosed,
}

/// The scopes of those who try: the operator reaches everything, the others what belongs to admin (0) or to their
/// reseller.
const SCOPES: [Option<i64>; 4] = [None, Some(0), Some(4), Some(8)];

const DAY_MS: i64 = 86_400_000;

/// The owner of a user of the demo world.
fn owner_of_user(user: i64) -> Option<i64> {
    match user {
        0..=4 | 6..=9 | 100 => Some(0),
        5 => Some(4),
        _ => None,
    }
}

/// The user of a visible device, and whether the device is a trunk.
fn device(id: i64) -> Option<(i64, bool)> {
    match id {
        1 => Some((2, true)),
        2 => Some((2, false)),
        3 => Some((100, false)),
        5 => Some((5, true)),
        6 => Some((5, false)),
        _ => None,
    }
}

fn reaches(scope: Option<i64>, owner: i64) -> bool {
    scope.is_none_or(|scope| scope == owner)
}

fn reaches_user(scope: Option<i64>, user: i64) -> bool {
    owner_of_user(user).is_some_and(|owner| reaches(scope, owner) || reaches(scope, user))
}

/// The scope of a user's things.
fn scope_of_user(user: i64) -> i64 {
    match user {
        4 | 8 => user,
        other => owner_of_user(other).unwrap(),
    }
}

fn freed(life: &Life) -> Life {
    Life {
        state: "free",
        user: None,
        device: None,
        dialplan: None,
        closed_ms: None,
        ..life.clone()
    }
}

/// Back in the scope that lent it.
fn taken_back(life: &Life) -> Option<Life> {
    let is_kept = life.state == "free" || (life.state, life.user) == ("reserved", Some(life.owner));
    let owner = life.lent_by.filter(|_| is_kept)?;
    Some(Life {
        owner,
        lent_by: None,
        ..freed(life)
    })
}

/// Reserved for a user; a reseller has it on loan.
fn reserved(life: &Life, scope: Option<i64>, user: i64) -> Option<Life> {
    let is_onward = life.state == "reserved" && life.user == Some(life.owner);
    let is_open = life.state == "free" || is_onward;
    if !is_open || !takes_dids(user) || !reaches_user(scope, user) {
        return None;
    }
    let owner = scope_of_user(user);
    // Only admin's stock goes into another scope: to the reseller, who passes it on.
    let is_near = owner == life.owner || life.owner == 0 && owner == user;
    let lent_by = if owner == life.owner {
        life.lent_by
    } else {
        Some(life.owner)
    };
    is_near.then(|| Life {
        owner,
        lent_by,
        state: "reserved",
        user: Some(user),
        ..life.clone()
    })
}

/// Resellers and plain users get DIDs. The others act for their owner.
fn takes_dids(user: i64) -> bool {
    matches!(user, 2 | 4 | 5 | 8 | 100)
}

/// What becomes of a DID that is given to a user, by whoever it belongs to or whoever has lent it.
fn given(life: &Life, scope: Option<i64>, user: i64, is_lender: bool) -> Option<Life> {
    if !takes_dids(user) || !reaches_user(scope, user) {
        return None;
    }
    match life.state {
        _ if is_lender => (user == life.owner).then(|| life.clone()),
        "terminated" => None,
        "closed" if life.user == Some(user) => Some(Life {
            state: "reserved",
            closed_ms: None,
            ..life.clone()
        }),
        _ if life.user == Some(user) => Some(life.clone()),
        _ => reserved(life, scope, user),
    }
}

/// What becomes of a DID that is put on a device.
fn on_device(life: &Life, scope: Option<i64>, id: i64, needs_trunk: bool) -> Option<Life> {
    let (user, is_trunk) = device(id)?;
    if !reaches_user(scope, user) || (needs_trunk && !is_trunk) {
        return None;
    }
    let is_in_scope = scope_of_user(user) == life.owner;
    let is_for_user = life.user == Some(user) || (life.user == Some(life.owner) && is_in_scope);
    match life.state {
        "active" if life.device == Some(id) => return Some(life.clone()),
        "free" if !needs_trunk && is_in_scope => {}
        "reserved" if is_for_user => {}
        _ => return None,
    }
    Some(Life {
        state: "active",
        user: Some(user),
        device: Some(id),
        ..life.clone()
    })
}

/// The DID's state after a step; none: the step is refused.
fn next(life: Option<&Life>, step: Step, scope: Option<i64>, now_ms: i64) -> Option<Life> {
    if let Step::Create(provider) = step {
        // Carrier 1 is admin's and common use, 2 admin's alone, 3 the reseller's.
        let owner = match provider {
            1 | 2 => 0,
            3 => 4,
            _ => return None,
        };
        let is_common = provider == 1 && matches!(scope, Some(4 | 8));
        let may = life.is_none() && (reaches(scope, owner) || is_common);
        let owner = scope.unwrap_or(0);
        let free = Life {
            owner,
            state: "free",
            user: None,
            device: None,
            dialplan: None,
            closed_ms: None,
            lent_by: None,
        };
        return may.then_some(free);
    }
    let life = life?;
    let is_lender =
        !reaches(scope, life.owner) && life.lent_by.is_some_and(|owner| reaches(scope, owner));
    if !reaches(scope, life.owner) && !is_lender {
        return None;
    }
    match step {
        Step::Give(user) => return given(life, scope, user, is_lender),
        Step::TakeBack => {
            let owner = life.lent_by.filter(|owner| reaches(scope, *owner));
            return owner.and_then(|_| taken_back(life));
        }
        Step::TakeAway | Step::MakeFree if is_lender => return taken_back(life),
        Step::TakeAway if life.state == "free" => return Some(life.clone()),
        Step::TakeAway => return Some(freed(life)),
        _ if is_lender => return None,
        _ => {}
    }
    match (step, life.state) {
        (Step::Reserve(user), _) => reserved(life, scope, user),
        (Step::Unreserve, "reserved")
        | (Step::Free, "closed" | "terminated")
        | (Step::MakeFree, "reserved" | "closed" | "terminated") => Some(freed(life)),
        (Step::AssignToTrunk(id), _) => on_device(life, scope, id, true),
        (Step::AssignToAny(id), _) => on_device(life, scope, id, false),
        (Step::AssignToDialplan(id), "reserved") => {
            let owner = match id {
                1 => 0,
                2 => 4,
                _ => return None,
            };
            (owner == life.owner).then(|| Life {
                state: "active",
                dialplan: Some(id),
                ..life.clone()
            })
        }
        (Step::Unassign, "active") => Some(Life {
            state: "reserved",
            device: None,
            dialplan: None,
            ..life.clone()
        }),
        (Step::Close, "active") => Some(Life {
            state: "closed",
            device: None,
            dialplan: None,
            closed_ms: Some(now_ms),
            ..life.clone()
        }),
        (Step::Terminate, "free" | "closed") if life.lent_by.is_none() => Some(Life {
            state: "terminated",
            ..freed(life)
        }),
        (Step::Delete, "terminated") => Some(Life {
            state: "deleted",
            ..life.clone()
        }),
        _ => None,
    }
}

fn actor(scope: Option<i64>, now_ms: i64) -> Actor {
    match scope {
        None => Actor::operator(now_ms),
        Some(owner) => {
            let user = User {
                id: owner,
                username: "somebody".into(),
                user_type: match owner {
                    0 => UserType::Admin,
                    _ => UserType::Reseller,
                },
                owner_id: 0,
                blocked: false,
            };
            // Everyone who may call the methods at all.
            let permissions = Permission::ALL.to_vec();
            Actor::of(&user, permissions, Actor::operator(now_ms).origin())
        }
    }
}

fn try_step(tx: &WriteTx<'_>, by: &Actor, number: &str, step: Step) -> Result<(), Error> {
    let update = |give| did_details::update(tx, by, number, Some(give), Edit::default()).map(drop);
    match step {
        Step::Create(provider) => dids::create(tx, by, number, Some(provider)).map(|_| ()),
        Step::Reserve(user) => did_steps::reserve(tx, by, number, user).map(drop),
        Step::Unreserve => did_steps::take(tx, by, &did_life::UNRESERVE, number).map(drop),
        Step::AssignToTrunk(device) => {
            did_steps::assign_to_trunk(tx, by, Some(device), number).map(drop)
        }
        Step::AssignToAny(device) => {
            did_steps::assign_to_any_device(tx, by, Some(device), number).map(drop)
        }
        Step::AssignToDialplan(dialplan) => {
            did_steps::assign_to_dialplan(tx, by, number, dialplan).map(drop)
        }
        Step::Give(user) => update(Give::User(Some(user))),
        Step::TakeAway => update(Give::Nobody),
        Step::MakeFree => did_steps::make_free(tx, by, number).map(drop),
        Step::TakeBack => did_steps::take(tx, by, &did_life::TAKE_BACK, number).map(drop),
        Step::Delete => did_details::delete(tx, by, number).map(drop),
        Step::Unassign => did_steps::take(tx, by, &did_life::UNASSIGN, number).map(drop),
        Step::Close => did_steps::take(tx, by, &did_life::CLOSE, number).map(drop),
        Step::Free => did_steps::take(tx, by, &did_life::FREE, number).map(drop),
        Step::Terminate => did_steps::take(tx, by, &did_life::TERMINATE, number).map(drop),
        Step::FreeClosed => Ok(did_steps::free_closed(tx, by.now_ms).map(|_| ())?),
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => select(vec![1, 1, 2, 3, 9]).prop_map(Step::Create),
        4 => select(vec![0, 0, 1, 2, 2, 2, 4, 4, 5, 5, 8, 100, 999]).prop_map(Step::Reserve),
        2 => select(vec![0, 1, 2, 2, 4, 4, 5, 5, 8, 100, 999]).prop_map(Step::Give),
        1 => Just(Step::TakeAway),
        1 => Just(Step::MakeFree),
        1 => Just(Step::TakeBack),
        1 => Just(Step::Unreserve),
        2 => select(vec![1, 1, 2, 3, 5, 6, 7, 999]).prop_map(Step::AssignToAny),
        4 => select(vec![1, 1, 1, 1, 2, 3, 5, 5, 5, 6, 7, 999]).prop_map(Step::AssignToTrunk),
        2 => select(vec![1, 1, 2, 9]).prop_map(Step::AssignToDialplan),
        1 => Just(Step::Unassign),
        3 => Just(Step::Close),
        1 => Just(Step::Free),
        2 => Just(Step::Terminate),
        1 => Just(Step::Delete),
        1 => Just(Step::FreeClosed),
    ]
}

fn shown(life: &Life) -> String {
    let or_null = |id: Option<i64>| id.map_or("NULL".into(), |id| id.to_string());
    let links = [
        life.user,
        life.device,
        life.dialplan,
        life.closed_ms,
        life.lent_by,
    ];
    let links = links.map(or_null);
    format!("{}|{}|{}", life.owner, life.state, links.join("|"))
}

#[test]
fn a_did_lives_as_it_is_documented() {
    let attempt = (
        select(vec!["1", "2"]),
        step(),
        select(SCOPES.to_vec()),
        0..50_i64,
    );
    let reached = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let attempts = proptest::collection::vec(attempt, 1..80);
    let live = |attempts: Vec<_>| {
        // The world has only this test's DIDs, so that freeing closed ones touches no others.
        let world = World::after("DELETE FROM quickforwards; DELETE FROM dids");
        let mut lives: BTreeMap<&str, Life> = BTreeMap::new();
        let mut now_ms = NOW_MS;
        for (number, step, scope, days) in attempts {
            now_ms += days * DAY_MS;
            world.app.core.ambient.set(now_ms);
            let by = actor(scope, now_ms);
            let tried = world
                .app
                .core
                .store
                .write(move |tx| try_step(tx, &by, number, step));
            let tried = world.block_on(tried);
            if let Err(Error::Store(error)) = tried {
                panic!("{number} {step:?}: a rule let through what the database refuses: {error}");
            }
            if matches!(step, Step::FreeClosed) {
                for life in lives.values_mut() {
                    if life
                        .closed_ms
                        .is_some_and(|closed_ms| closed_ms <= now_ms - 90 * DAY_MS)
                    {
                        *life = freed(life);
                    }
                }
            } else {
                let next = next(lives.get(number), step, scope, now_ms);
                assert_eq!(
                    tried.is_ok(),
                    next.is_some(),
                    "{number} {step:?} by {scope:?}: {tried:?}, {lives:?}"
                );
                match next {
                    Some(life) if life.state == "deleted" => drop(lives.remove(number)),
                    next => lives.extend(next.map(|life| (number, life))),
                }
            }
            let columns = "SELECT did, owner_id, status, user_id, device_id, dialplan_id, closed_ms, lent_by_id FROM dids ORDER BY did";
            let expected: Vec<String> = lives
                .iter()
                .map(|(number, life)| format!("{number}|{}", shown(life)))
                .collect();
            assert_eq!(
                world.select(columns),
                expected.join(";"),
                "after {step:?} by {scope:?}"
            );
            reached
                .borrow_mut()
                .extend(lives.values().map(|life| life.state));
        }
    };
    // Chance may leave a state out once, but hardly five times.
    for _ in 0..5 {
        if reached.borrow().len() < 5 {
            check(60, &attempts, live);
        }
    }
    assert_eq!(
        reached.borrow().len(),
        5,
        "not every state was reached: {reached:?}"
    );
}

/// The order of the reasons to refuse an assignment, for every state, device and actor.
#[test]
fn an_assignment_says_the_first_reason_against_it() {
    let world = World::new();
    for scope in SCOPES {
        for device_id in [1, 2, 3, 5, 6, 7, 999] {
            for place in 0..=10 {
                let number = format!("370600000{place:02}");
                let expected = reason(scope, device_id, place);
                let by = actor(scope, NOW_MS);
                let asked = number.clone();
                // Each try is rolled back, so that the next one finds the world unchanged.
                let tried = world.block_on(world.app.core.store.write(move |tx| {
                    did_steps::assign_to_trunk(tx, &by, Some(device_id), asked.as_str())?;
                    Err::<(), Error>(StoreError::Missing.into())
                }));
                let said = match tried.unwrap_err() {
                    Error::Refused(refusal) => Some(refusal.rule),
                    Error::Store(error) => {
                        assert_eq!(error, StoreError::Missing);
                        None
                    }
                };
                assert_eq!(said, expected, "{number} on {device_id} by {scope:?}");
            }
        }
    }
}

/// The reason against an assignment. DIDs of the demo world are named by their last digits; 0 does not exist.
fn reason(scope: Option<i64>, device_id: i64, place: i64) -> Option<Rule> {
    let Some((user, is_trunk)) = device(device_id) else {
        return Some(Rule::NotFound(Thing::Device));
    };
    let (owner, state, reserved_for) = match place {
        1 => (0, "free", 0),
        2 => (0, "reserved", 2),
        3 | 4 => (0, "active", 0),
        5 => (0, "closed", 0),
        6 => (0, "terminated", 0),
        7 => (0, "reserved", 100),
        8 => (4, "free", 0),
        9 => (4, "reserved", 5),
        10 => (4, "reserved", 4),
        _ => return Some(Rule::NotFound(Thing::Did)),
    };
    let is_for_another = state == "reserved"
        && reserved_for != user
        && !(reserved_for == 4 && scope_of_user(user) == 4);
    if !reaches_user(scope, user) {
        Some(Rule::Foreign(Thing::Device))
    } else if !reaches(scope, owner) || is_for_another {
        Some(Rule::Foreign(Thing::Did))
    } else {
        match state {
            // On this trunk already.
            _ if (place, device_id) == (3, 1) => None,
            "terminated" => Some(DidError::Terminated.into()),
            "active" | "closed" => Some(DidError::NotFree.into()),
            "free" => Some(DidError::NotReserved.into()),
            _ if !is_trunk => Some(DidError::NotTrunk.into()),
            _ => None,
        }
    }
}

/// A write among others. Its values come from a small set, so that writes get in each other's way.
#[derive(Debug, Clone)]
enum Write {
    Device(Option<u8>),
    Did(u8),
    Cli(u8),
    /// Does something and then refuses.
    Refuse(u8),
    /// Does something and then panics.
    Panic,
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        4 => proptest::option::of(0..6_u8).prop_map(Write::Device),
        4 => (0..8_u8).prop_map(Write::Did),
        4 => (0..8_u8).prop_map(Write::Cli),
        2 => (0..8_u8).prop_map(Write::Refuse),
        1 => Just(Write::Panic),
    ]
}

async fn perform(world: &World, write: Write) -> Result<i64, Error> {
    let ambient = world.app.core.ambient.clone();
    let by = Actor::operator(NOW_MS);
    let work = move |tx: &WriteTx<'_>| match write {
        Write::Device(pin) => {
            let new = NewDevice {
                user_id: Some(2),
                device_type: None,
                device_group_id: None,
                pin: pin.map_or(Pin::Pinless, |pin| Pin::Chosen(format!("9{pin}"))),
                caller_id: None,
                description: String::new(),
                extension: None,
                options: Vec::new(),
            };
            Ok(device_create::create(tx, &by, &ambient, new)?.id)
        }
        Write::Did(number) => dids::create(tx, &by, &format!("9{number}"), Some(1)),
        Write::Cli(number) => {
            let new = NewCli {
                device_id: Some(Some(2)),
                number: Some(format!("9{number}")),
                ..NewCli::default()
            };
            clis::create(tx, &by, new)
        }
        Write::Refuse(number) => {
            dids::create(tx, &by, &format!("9{number}"), Some(1))?;
            Err(DidError::WrongState.into())
        }
        Write::Panic => {
            dids::create(tx, &by, "99", Some(1))?;
            panic!("on purpose")
        }
    };
    world.app.core.store.write(work).await
}

/// Writes that share commits end exactly as single writes do, with the same ids, log and dice.
#[test]
fn a_batch_ends_as_its_writes_one_by_one() {
    check(40, proptest::collection::vec(write(), 1..50), |writes| {
        let together = World::new();
        let all = join_all(
            writes
                .iter()
                .cloned()
                .map(|write| perform(&together, write)),
        );
        let all = together.block_on(all);

        let alone = World::with(
            Options {
                max_batch: 1,
                ..Options::default()
            },
            Ambient::fixed(NOW_MS, 1),
        );
        let one_by_one: Vec<_> = writes
            .iter()
            .cloned()
            .map(|write| alone.block_on(perform(&alone, write)))
            .collect();
        assert_eq!(all, one_by_one, "{writes:?}");
        assert_eq!(together.dump(), alone.dump(), "{writes:?}");
    });
}

/// Through all four ways to send parameters, down to the database.
#[test]
fn every_text_is_decoded_as_it_was_encoded() {
    let world = World::new();
    check(300, "\\PC{0,40}", |text| {
        let call = Call::new("device_create")
            .with("u", "admin")
            .with("user_id", "2")
            .with("pin", "")
            .with("description", &text)
            .signed_by_admin();
        for request in [
            call.post(),
            call.post_form(),
            call.post_json(),
            call.post_multipart(),
        ] {
            assert_eq!(world.send(&request).error(), None, "{}", escape(&text));
            let last = "SELECT description FROM devices ORDER BY id DESC LIMIT 1";
            let stored = if text.trim().is_empty() { "" } else { &text };
            assert_eq!(world.select(last), stored);
        }
    });
}

/// A rule takes a DID that was found, its row's id or its number, and says of what is not one's own that it is not there.
#[test]
fn a_did_is_meant_by_itself_by_its_id_or_by_its_number() {
    let world = World::new();
    let tried = world.block_on(world.app.core.store.write(|tx| {
        let by = Actor::operator(NOW_MS);
        let did = dids::get(tx, &by, 1)?;
        let reserved = did_steps::reserve(tx, &by, &did, 2)?;
        let freed = did_steps::take(tx, &by, &did_life::UNRESERVE, did.id)?;
        let again = did_steps::reserve(tx, &by, did.did.as_str(), 2)?;
        assert_eq!(reserved, again);
        assert_eq!(did, freed);
        // A rule returns the DID as its row holds it.
        assert_eq!(again, dids::get(tx, &by, 1)?);

        let reseller = actor(Some(4), NOW_MS);
        let refused = [
            did_steps::take(tx, &reseller, &did_life::UNRESERVE, &again),
            did_steps::take(tx, &reseller, &did_life::UNRESERVE, again.id),
            did_steps::take(tx, &reseller, &did_life::UNRESERVE, again.did.as_str()),
            did_steps::take(tx, &by, &did_life::UNRESERVE, 999),
            did_steps::take(tx, &by, &did_life::UNRESERVE, "999"),
        ];
        for refused in refused {
            let Err(Error::Refused(refusal)) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(refusal.rule, Rule::NotFound(Thing::Did));
        }
        Ok::<_, Error>(())
    }));
    tried.unwrap();
}
