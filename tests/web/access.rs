//! Every page and action of the route table, as every type of user, on what is his and what is not.

use actix_web::http::Method;
use linebook::http::pages::routes::{ROUTES, Route, Verb};
use linebook::service::access::Right;

use crate::world::{Reply, World};

/// Who there is in the demo world, and in whose scope.
struct Person {
    name: &'static str,
    id: i64,
    scope: Scope,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Admin,
    Reseller,
    Newcomer,
    Anna,
}

const fn person(name: &'static str, id: i64, scope: Scope) -> Person {
    Person { name, id, scope }
}

const PEOPLE: &[Person] = &[
    person("admin", 0, Scope::Admin),
    person("accountant", 1, Scope::Admin),
    person("clerk", 6, Scope::Admin),
    person("manager", 3, Scope::Admin),
    person("trainee", 7, Scope::Admin),
    person("reseller", 4, Scope::Reseller),
    person("newcomer", 8, Scope::Newcomer),
    person("anna", 2, Scope::Anna),
];

/// Who has which right: clerk, trainee and newcomer are those without permissions. Written out, and not asked from the rules.
const MATRIX: &[(Right, &[&str])] = &[
    (
        Right::SignedIn,
        &[
            "admin",
            "accountant",
            "clerk",
            "manager",
            "trainee",
            "reseller",
            "newcomer",
            "anna",
        ],
    ),
    (
        Right::SeeDevices,
        &[
            "admin",
            "accountant",
            "manager",
            "reseller",
            "newcomer",
            "anna",
        ],
    ),
    (
        Right::ManageDevices,
        &["admin", "accountant", "manager", "reseller", "newcomer"],
    ),
    (
        Right::SeeDids,
        &["admin", "accountant", "reseller", "newcomer", "anna"],
    ),
    (Right::ManageDids, &["admin", "accountant", "reseller"]),
    (Right::ManageUsers, &["admin", "reseller", "newcomer"]),
    (Right::ManagePermissions, &["admin"]),
    (Right::ManageSetup, &["admin", "reseller", "newcomer"]),
    (Right::ManageApi, &["admin", "reseller", "newcomer"]),
    (
        Right::SeeLog,
        &[
            "admin",
            "accountant",
            "clerk",
            "manager",
            "trainee",
            "reseller",
            "newcomer",
        ],
    ),
];

fn may(person: &Person, right: Right) -> bool {
    let row = MATRIX.iter().find(|(known, _)| *known == right);
    row.expect("every right stands in the matrix")
        .1
        .contains(&person.name)
}

/// An object that is his, and objects that are not: somebody else's, hidden, or not there. None: there is no such thing.
fn objects(area: &str, scope: Scope) -> Option<(Option<i64>, Vec<i64>)> {
    let (own, foreign): ([Option<i64>; 4], [&[i64]; 4]) = match area {
        "devices" => (
            [Some(3), Some(5), None, Some(1)],
            [&[5, 6, 7], &[1, 3, 7], &[1, 5, 7], &[3, 5, 7]],
        ),
        "dids" => (
            [Some(1), Some(8), None, Some(2)],
            [&[8, 9, 10], &[1, 2, 3, 7], &[1, 8], &[1, 7, 8, 9]],
        ),
        "clis" => (
            [Some(1), Some(3), None, Some(1)],
            [&[3], &[1, 2], &[1, 3], &[3]],
        ),
        "users" => (
            [Some(2), Some(5), Some(8), None],
            [&[5], &[0, 2, 8], &[0, 2, 4, 5], &[0]],
        ),
        "groups" => (
            [Some(12), Some(6), Some(9), None],
            [&[6], &[1, 12], &[1, 6], &[1]],
        ),
        "providers" => (
            [Some(2), Some(3), None, None],
            [&[3], &[1, 2], &[1, 3], &[1]],
        ),
        "ivrs" => (
            [Some(2), Some(3), None, None],
            [&[3], &[1, 2], &[1, 3], &[1]],
        ),
        "dialplans" => ([Some(1), Some(2), None, None], [&[2], &[1], &[1, 2], &[1]]),
        "settings" => (
            [Some(1), Some(3), Some(4), None],
            [&[99], &[1, 2, 4], &[1, 3], &[1]],
        ),
        _ => return None,
    };
    let place = match scope {
        Scope::Admin => 0,
        Scope::Reseller => 1,
        Scope::Newcomer => 2,
        Scope::Anna => 3,
    };
    let mut foreign = foreign[place].to_vec();
    foreign.push(4_000_000);
    Some((own[place], foreign))
}

/// The words that stand for `{name}` in a route.
fn names(route: &Route) -> &'static [&'static str] {
    match route.path {
        "/dids/{id}/{name}" => &[
            "reserve",
            "unreserve",
            "assign",
            "dialplan",
            "unassign",
            "close",
            "free",
            "terminate",
        ],
        path if path.starts_with("/console") => &["device_create", "devices_get"],
        path if path.contains("{name}") => &["style.css"],
        _ => &["-"],
    }
}

fn area(route: &Route) -> &str {
    route.path.split('/').nth(1).unwrap_or_default()
}

fn paths(route: &Route, id: i64) -> Vec<String> {
    let with = |name: &&str| {
        route
            .path
            .replace("{id}", &id.to_string())
            .replace("{name}", name)
    };
    names(route).iter().map(with).collect()
}

/// What an action's form may hold: things that name objects of every scope.
const FORM: &[(&str, &str)] = &[
    ("user", "anna"),
    ("device", "1"),
    ("dialplan", "1"),
    ("name", "x"),
    ("description", "x"),
    ("number", "777"),
    ("username", "fresh"),
    ("type", "user"),
    ("first", "888"),
    ("provider", "1"),
    ("confirmed", "1"),
    ("network", "127.0.0.0/8"),
    ("request", "/billing/api/devices_get?u=admin&user_id=2"),
];

fn ask(world: &World, route: &Route, path: &str, token: &str) -> Reply {
    match route.verb {
        Verb::Get => world.get(path, token),
        Verb::Post if token.is_empty() => world.send(Method::POST, path, "", FORM),
        Verb::Post => world.post(path, token, FORM),
    }
}

#[test]
fn nobody_gets_in_without_signing_in() {
    let world = World::new();
    let before = world.dump();
    for route in ROUTES.iter().filter(|route| route.right.is_some()) {
        for path in paths(route, 1) {
            for token in ["", &"0".repeat(64)] {
                let reply = ask(&world, route, &path, token);
                assert_eq!(reply.status, 303, "{path}");
                assert!(
                    reply.location().starts_with("/sign-in"),
                    "{path}: {}",
                    reply.location()
                );
            }
        }
    }
    assert_eq!(world.dump(), before);
}

#[test]
fn whoever_lacks_the_right_is_refused_and_changes_nothing() {
    let mut count = 0;
    for person in PEOPLE {
        let world = World::new();
        let token = world.token(person.id);
        let before = world.dump();
        for route in ROUTES {
            let Some(right) = route.right else { continue };
            if may(person, right) {
                continue;
            }
            for path in paths(route, 1) {
                let reply = ask(&world, route, &path, &token);
                assert_eq!(reply.status, 403, "{} {:?} {path}", person.name, route.verb);
                count += 1;
            }
        }
        assert_eq!(world.dump(), before, "{}", person.name);
    }
    assert!(count > 250, "only {count}");
}

#[test]
fn what_is_not_ones_own_is_not_there() {
    let mut count = 0;
    for person in PEOPLE {
        let world = World::new();
        let token = world.token(person.id);
        let before = world.dump();
        for route in ROUTES.iter().filter(|route| route.path.contains("{id}")) {
            if !route.right.is_some_and(|right| may(person, right)) {
                continue;
            }
            let (_, foreign) = objects(area(route), person.scope).expect(route.path);
            for path in foreign.iter().flat_map(|id| paths(route, *id)) {
                let reply = ask(&world, route, &path, &token);
                assert_eq!(reply.status, 404, "{} {:?} {path}", person.name, route.verb);
                count += 1;
            }
        }
        assert_eq!(world.dump(), before, "{}", person.name);
    }
    assert!(count > 400, "only {count}");
}

#[test]
fn what_is_ones_own_is_reached() {
    let mut count = 0;
    for person in PEOPLE {
        for route in ROUTES {
            if !route.right.is_some_and(|right| may(person, right)) {
                continue;
            }
            let id = match objects(area(route), person.scope) {
                Some((Some(own), _)) => own,
                _ if !route.path.contains("{id}") => 0,
                _ => continue,
            };
            let world = World::new();
            let token = world.token(person.id);
            for path in paths(route, id) {
                let reply = ask(&world, route, &path, &token);
                let is_answered = matches!(
                    (route.verb, reply.status),
                    (Verb::Get, 200) | (Verb::Post, 200 | 303 | 422)
                );
                assert!(
                    is_answered,
                    "{} {:?} {path}: {} {}",
                    person.name, route.verb, reply.status, reply.body
                );
                count += 1;
            }
        }
    }
    assert!(count > 250, "only {count}");
}

#[test]
fn a_list_shows_only_what_is_ones_own() {
    let world = World::new();
    for (person, shown, hidden) in [
        (
            0,
            &["Reception", "37060000001", "office", "Carrier Two"][..],
            &["Rita", "37060000008", "Reseller Carrier", "Old phone"][..],
        ),
        (
            4,
            &["Rita", "37060000008", "Reseller Carrier"],
            &["Reception", "37060000001", "Carrier Two"],
        ),
        (
            8,
            &[],
            &[
                "Reception",
                "Rita",
                "37060000001",
                "37060000008",
                "Carrier Two",
            ],
        ),
        (
            2,
            &["Desk phone", "37060000002"],
            &["Reception", "Rita", "37060000001", "37060000007"],
        ),
    ] {
        let token = world.token(person);
        let mut all = String::new();
        for list in [
            "devices",
            "dids",
            "clis",
            "users",
            "groups",
            "providers",
            "ivrs",
            "dialplans",
        ] {
            for path in [format!("/{list}"), format!("/{list}.csv")] {
                let reply = world.get(&path, &token);
                if reply.status == 200 {
                    all.push_str(&reply.body);
                }
            }
        }
        for word in shown {
            assert!(all.contains(word), "{person} does not see {word}");
        }
        for word in hidden {
            assert!(!all.contains(word), "{person} sees {word}");
        }
    }
}

#[test]
fn a_filter_does_not_reach_what_is_not_ones_own() {
    let world = World::new();
    let token = world.token(4);
    for path in [
        "/devices?user=anna",
        "/devices?user=2",
        "/devices?group=12",
        "/devices?q=1001",
        "/devices?q=1111",
        "/devices?q=1",
        "/devices?q=Trunk",
        "/dids?user=2",
        "/dids?q=37060000001",
        "/clis?q=37061111111",
        "/clis?device=1",
        "/groups?user=2",
        "/users?q=anna",
        "/devices?type=IAX2",
        "/clis?q=sip.example.com",
    ] {
        let reply = world.get(path, &token);
        assert_eq!(reply.status, 200, "{path}");
        for word in [
            "anna",
            "Desk",
            "37060000001",
            "Head office",
            "Home office",
            "By domain",
            "Branch",
        ] {
            let table = reply.body.split("<tbody>").nth(1).unwrap_or_default();
            assert!(!table.contains(word), "{path} shows {word}");
        }
    }
}

#[test]
fn keys_and_hashes_of_others_are_not_told() {
    let world = World::new();
    let token = world.token(4);
    let reply = world.post(
        "/hash",
        &token,
        &[("request", "/billing/api/devices_get?u=admin&user_id=2")],
    );
    assert_eq!(reply.status, 422);
    assert!(!reply.body.contains("se******"));
    // No page ever shows a whole key, but for the moment in which it is made.
    for person in [0, 4] {
        let token = world.token(person);
        for route in ROUTES.iter().filter(|route| route.verb == Verb::Get) {
            let reply = world.get(&paths(route, 1)[0], &token);
            for key in [
                "reseller-key",
                "newcomer-key",
                "clerk-key",
                "Demo1TrunkSecret",
            ] {
                assert!(!reply.body.contains(key), "{} shows {key}", route.path);
            }
        }
    }
}
