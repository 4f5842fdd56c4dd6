//! Every page and action of the route table, as every type of user, for things of their own and of others.

use actix_web::http::Method;
use linebook::api::encoding::percent_encode;
use linebook::http::pages::routes::{ROUTES, Route, Verb, Who};
use linebook::service::did_details::{Edit, Give};
use linebook::service::did_search::{Reached, Search};
use linebook::service::guard::access::{Actor, Right};
use linebook::service::guard::callers::signers;
use linebook::service::named::{DIALPLANS, IVRS};
use linebook::service::{
    AccessError, Error, Rule, clis, device_delete, device_details, device_lists, device_update,
    devices, did_details, did_life, did_lists, did_ranges, did_search, did_steps, dids, groups,
    keys, log, providers, settings, users,
};
use linebook::store::{ReadTx, WriteTx};

pub use crate::rights::{PEOPLE, Person, Scope, may};
use crate::world::{NOW_MS, Reply, World};

/// The right that each page or action needs, written out by hand. The route table only says who is let through, so a
/// refusal here comes from the service.
const NEEDS: &[(Right, &[(Verb, &str)])] = &[
    (
        Right::SignedIn,
        &[
            (Verb::Post, "/sign-out"),
            (Verb::Get, "/"),
            (Verb::Get, "/account"),
            (Verb::Post, "/account/password"),
            (Verb::Post, "/account/sessions/end"),
            (Verb::Post, "/account/sessions/end-others"),
        ],
    ),
    (
        Right::SeeDevices,
        &[
            (Verb::Get, "/devices"),
            (Verb::Get, "/devices.csv"),
            (Verb::Get, "/devices/{id}"),
            (Verb::Get, "/clis"),
            (Verb::Get, "/clis.csv"),
            (Verb::Get, "/clis/{id}"),
            (Verb::Get, "/devices/{id}/callflow"),
            (Verb::Get, "/devices/{id}/rules"),
        ],
    ),
    (
        Right::ManageDevices,
        &[
            (Verb::Get, "/devices/new"),
            (Verb::Post, "/devices/new"),
            (Verb::Get, "/devices/bulk"),
            (Verb::Post, "/devices/bulk"),
            (Verb::Post, "/devices/{id}/edit"),
            (Verb::Post, "/devices/{id}/secret"),
            (Verb::Post, "/devices/{id}/pin"),
            (Verb::Post, "/devices/{id}/new-secret"),
            (Verb::Post, "/devices/{id}/trunk"),
            (Verb::Post, "/devices/{id}/hide"),
            (Verb::Get, "/devices/{id}/callflow/{name}"),
            (Verb::Post, "/devices/{id}/callflow/{name}"),
            (Verb::Post, "/devices/{id}/rules/new"),
            (Verb::Post, "/devices/{id}/rules/delete"),
            (Verb::Get, "/devices/{id}/settings"),
            (Verb::Post, "/devices/{id}/settings"),
            (Verb::Post, "/devices/{id}/block"),
            (Verb::Get, "/clis/new"),
            (Verb::Post, "/clis/new"),
            (Verb::Post, "/clis/{id}/edit"),
            (Verb::Post, "/clis/{id}/delete"),
            (Verb::Get, "/groups"),
            (Verb::Get, "/groups.csv"),
            (Verb::Get, "/groups/new"),
            (Verb::Post, "/groups/new"),
            (Verb::Get, "/groups/{id}"),
            (Verb::Post, "/groups/{id}/edit"),
            (Verb::Post, "/groups/{id}/hide"),
        ],
    ),
    (
        Right::SeeDids,
        &[
            (Verb::Get, "/dids"),
            (Verb::Get, "/dids.csv"),
            (Verb::Get, "/dids/{id}"),
        ],
    ),
    (
        Right::ManageDids,
        &[
            (Verb::Get, "/dids/new"),
            (Verb::Post, "/dids/new"),
            (Verb::Get, "/dids/bulk"),
            (Verb::Post, "/dids/bulk"),
            (Verb::Post, "/dids/{id}/{name}"),
        ],
    ),
    (
        Right::ManageUsers,
        &[
            (Verb::Post, "/quickforwards/{id}/pattern"),
            (Verb::Get, "/users"),
            (Verb::Get, "/users.csv"),
            (Verb::Get, "/users/new"),
            (Verb::Post, "/users/new"),
            (Verb::Get, "/users/{id}"),
            (Verb::Post, "/users/{id}/password"),
            (Verb::Post, "/users/{id}/block"),
            (Verb::Post, "/users/{id}/unblock"),
        ],
    ),
    (
        Right::ManagePermissions,
        &[(Verb::Post, "/users/{id}/permissions")],
    ),
    (
        Right::SeeProviders,
        &[
            (Verb::Get, "/providers"),
            (Verb::Get, "/providers.csv"),
            (Verb::Get, "/providers/{id}"),
        ],
    ),
    (
        Right::ManageSetup,
        &[
            (Verb::Get, "/providers/new"),
            (Verb::Post, "/providers/new"),
            (Verb::Post, "/providers/{id}/edit"),
            (Verb::Post, "/providers/{id}/hide"),
            (Verb::Post, "/providers/{id}/rules"),
            (Verb::Post, "/provider-rules/{id}/delete"),
            (Verb::Get, "/ivrs"),
            (Verb::Get, "/ivrs.csv"),
            (Verb::Get, "/ivrs/new"),
            (Verb::Post, "/ivrs/new"),
            (Verb::Get, "/ivrs/{id}"),
            (Verb::Post, "/ivrs/{id}/edit"),
            (Verb::Post, "/ivrs/{id}/hide"),
            (Verb::Get, "/dialplans"),
            (Verb::Get, "/dialplans.csv"),
            (Verb::Get, "/dialplans/new"),
            (Verb::Post, "/dialplans/new"),
            (Verb::Get, "/dialplans/{id}"),
            (Verb::Post, "/dialplans/{id}/edit"),
            (Verb::Post, "/dialplans/{id}/hide"),
            (Verb::Get, "/periods"),
            (Verb::Get, "/periods.csv"),
            (Verb::Get, "/periods/new"),
            (Verb::Post, "/periods/new"),
            (Verb::Get, "/periods/{id}"),
            (Verb::Post, "/periods/{id}/edit"),
            (Verb::Post, "/periods/{id}/hide"),
        ],
    ),
    (
        Right::UseQuickforwards,
        &[
            (Verb::Get, "/quickforwards"),
            (Verb::Get, "/quickforwards/{id}"),
            (Verb::Post, "/quickforwards/{id}/set"),
            (Verb::Post, "/quickforwards/{id}/delete"),
        ],
    ),
    (
        Right::ManagePhonebooks,
        &[
            (Verb::Get, "/phonebook"),
            (Verb::Get, "/phonebooks/{id}"),
            (Verb::Post, "/phonebooks/{id}/new"),
            (Verb::Get, "/records/{id}"),
            (Verb::Post, "/records/{id}/edit"),
        ],
    ),
    (
        Right::ManageApi,
        &[
            (Verb::Get, "/settings"),
            (Verb::Post, "/settings/set"),
            (Verb::Post, "/settings/allow"),
            (Verb::Post, "/settings/disallow"),
            (Verb::Post, "/settings/keys/new"),
            (Verb::Post, "/settings/keys/{id}/replace"),
            (Verb::Post, "/settings/keys/{id}/revoke"),
            (Verb::Get, "/hash"),
            (Verb::Post, "/hash"),
            (Verb::Get, "/console"),
            (Verb::Get, "/console/{name}"),
            (Verb::Post, "/console/{name}"),
        ],
    ),
    (
        Right::SeeLog,
        &[(Verb::Get, "/log"), (Verb::Get, "/log.csv")],
    ),
];

pub fn right(route: &Route) -> Right {
    let mut needs = NEEDS
        .iter()
        .flat_map(|(right, routes)| routes.iter().map(move |route| (right, route)));
    let found = needs.find(|(_, (verb, path))| (*verb, *path) == (route.verb, route.path));
    *found
        .unwrap_or_else(|| panic!("{:?} {} needs a right", route.verb, route.path))
        .0
}

pub fn closed() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.who == Who::SignedIn)
}

/// An object in this area that is the user's own, if they have one, and objects that are not: somebody else's, hidden,
/// or missing. None: the area has no objects.
pub fn objects(area: &str, scope: Scope) -> Option<(Option<i64>, Vec<i64>)> {
    let (own, foreign): ([Option<i64>; 4], [&[i64]; 4]) = match area {
        "devices" => (
            [Some(3), Some(5), None, Some(1)],
            [&[5, 6, 7], &[1, 3, 7], &[1, 5, 7], &[3, 5, 7]],
        ),
        "dids" => (
            [Some(1), Some(8), None, Some(2)],
            // Admin has lent 10, and sees it.
            [&[8, 9], &[1, 2, 3, 7], &[1, 8, 10], &[1, 7, 8, 9]],
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
        "provider-rules" => ([Some(1), Some(2), None, None], [&[2], &[1], &[1, 2], &[1]]),
        "ivrs" => (
            [Some(2), Some(3), None, None],
            [&[3], &[1, 2], &[1, 3], &[1]],
        ),
        "dialplans" => ([Some(1), Some(2), None, None], [&[2], &[1], &[1, 2], &[1]]),
        "periods" => (
            [Some(2), Some(4), None, None],
            [&[4], &[1, 2], &[1, 4], &[1]],
        ),
        "phonebooks" | "quickforwards" => (
            [Some(2), Some(5), Some(8), Some(2)],
            [&[5], &[0, 2, 8], &[0, 2, 4, 5], &[0, 5, 100]],
        ),
        "records" => (
            [Some(2), Some(3), None, Some(2)],
            [&[3], &[1, 2], &[1, 2, 3], &[1, 3]],
        ),
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
            "reopen",
            "release",
            "free",
            "take-back",
            "terminate",
            "edit",
            "delete",
        ],
        "/devices/{id}/callflow/{name}" => &["before_call", "no_answer", "busy", "failed"],
        path if path.starts_with("/console") => &["device_create", "devices_get"],
        path if path.contains("{name}") => &["style.css"],
        _ => &["-"],
    }
}

pub fn area(route: &Route) -> &str {
    route.path.split('/').nth(1).unwrap_or_default()
}

pub fn paths(route: &Route, id: i64) -> Vec<String> {
    let with = |name: &&str| {
        route
            .path
            .replace("{id}", &id.to_string())
            .replace("{name}", name)
    };
    names(route).iter().map(with).collect()
}

/// Fields of an action's form that name objects, for every scope.
pub const FORM: [(&str, &str); 23] = [
    ("blocked", "yes"),
    ("callflow_action", "voicemail"),
    ("device_rule_id", "3"),
    ("cut", "8"),
    ("number", "5550199"),
    ("speeddial", "77"),
    ("quickforwards", "1"),
    ("call_limit", "7"),
    ("user_id", "anna"),
    ("device_id", "1"),
    ("dialplan_id", "1"),
    ("name", "x"),
    ("description", "x"),
    ("cli_number", "777"),
    ("username", "fresh"),
    ("type", "user"),
    ("did", "888"),
    ("provider_id", "1"),
    ("confirmed", "1"),
    ("network", "127.0.0.0/8"),
    ("request", "/billing/api/devices_get?u=admin&user_id=2"),
    ("rule_name", "x"),
    ("cut", "1"),
];

fn ask(world: &World, route: &Route, path: &str, token: &str) -> Reply {
    match route.verb {
        Verb::Get => world.get(path, token),
        Verb::Post if token.is_empty() => world.send(Method::POST, path, "", &FORM),
        Verb::Post => world.post(path, token, &FORM),
    }
}

#[test]
fn nobody_gets_in_without_signing_in() {
    let world = World::new();
    let before = world.dump();
    for route in closed() {
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
        for route in closed().filter(|route| !may(person, right(route))) {
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
fn whoever_lacks_the_right_is_told_so_whatever_the_form_and_the_number() {
    let (mut count, mut others) = (0, Vec::new());
    let wrong = FORM.map(|(name, _)| (name, "no such \"thing\""));
    for name in ["anna", "clerk", "trainee"] {
        let person = PEOPLE.iter().find(|known| known.name == name).unwrap();
        let world = World::new();
        let token = world.token(person.id);
        let before = world.dump();
        for route in closed().filter(|route| !may(person, right(route))) {
            let (own, mut ids) = objects(area(route), person.scope).unwrap_or((None, vec![1]));
            ids.extend(own);
            let words = ["no-such-word", "device_create", "reserve"];
            let paths = ids.iter().flat_map(|id| {
                let path = route.path.replace("{id}", &id.to_string());
                words.map(|word| path.replace("{name}", word))
            });
            for path in paths {
                for form in [&[][..], &FORM, &wrong] {
                    let query: Vec<String> = form
                        .iter()
                        .map(|(name, value)| format!("{name}={}", percent_encode(value)))
                        .collect();
                    let reply = match route.verb {
                        Verb::Get => world.get(&format!("{path}?{}", query.join("&")), &token),
                        Verb::Post => world.post(&path, &token, form),
                    };
                    if reply.status != 403 {
                        others.push(format!("{name} {:?} {path}: {}", route.verb, reply.status));
                    }
                    count += 1;
                }
            }
        }
        assert_eq!(world.dump(), before, "{name}");
    }
    assert_eq!(others, [""; 0]);
    assert!(count > 1000, "only {count}");
}

#[test]
fn what_is_not_ones_own_is_not_there() {
    let mut count = 0;
    for person in PEOPLE {
        let world = World::new();
        let token = world.token(person.id);
        let before = world.dump();
        let reached = closed().filter(|route| may(person, right(route)));
        for route in reached.filter(|route| route.path.contains("{id}")) {
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
        for route in closed().filter(|route| may(person, right(route))) {
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
    // No page shows a whole key, except for the one that makes it.
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

#[test]
fn rules_refuse_by_themselves_whoever_calls_them() {
    let world = World::new();
    let before = world.dump();
    type Call = fn(&WriteTx<'_>, &Actor) -> Result<(), Error>;
    let rules: &[(&str, Call)] = &[
        ("devices::find_own", |tx, by| {
            devices::find_own(tx, by, 1).map(drop)
        }),
        ("device_lists::list", |tx, by| {
            device_lists::list(tx, by, &device_lists::Filter::default(), None, 1).map(drop)
        }),
        ("devices::list_of_user", |tx, by| {
            devices::list_of_user(tx, by, Some(2), true, 0, 1).map(drop)
        }),
        ("devices::list_offered", |tx, by| {
            devices::list_offered(tx, by, 2).map(drop)
        }),
        ("devices::set_trunk", |tx, by| {
            devices::set_trunk(tx, by, 3, true)
        }),
        ("device_delete::remove", |tx, by| {
            device_delete::remove(tx, by, Some(4))
        }),
        ("device_delete::preview", |tx, by| {
            device_delete::preview(tx, by, 4).map(drop)
        }),
        ("device_details::get", |tx, by| {
            device_details::get(tx, by, Some(1)).map(drop)
        }),
        ("device_details::get_by_username", |tx, by| {
            device_details::get_by_username(tx, by, "1001").map(drop)
        }),
        ("device_update::update", |tx, by| {
            device_update::update(tx, by, Some(1), &device_update::Change::default())
        }),
        ("device_update::set_blocked", |tx, by| {
            device_update::set_blocked(tx, by, 1, true)
        }),
        ("devices::show_secret", |tx, by| {
            devices::show_secret(tx, by, 1).map(drop)
        }),
        ("devices::show_pin", |tx, by| {
            devices::show_pin(tx, by, 1).map(drop)
        }),
        ("clis::create", |tx, by| {
            clis::create(tx, by, clis::NewCli::default()).map(drop)
        }),
        ("clis::list", |tx, by| {
            clis::list(tx, by, &clis::Filter::default(), None, 1).map(drop)
        }),
        ("clis::list_of", |tx, by| {
            clis::list_of(tx, by, None, None, 0, 1).map(drop)
        }),
        ("clis::device_of", |tx, by| {
            clis::device_of(tx, by, Some("37061111111"), None).map(drop)
        }),
        ("clis::delete", |tx, by| {
            clis::delete(tx, by, clis::Named::by_id(1)).map(drop)
        }),
        ("dids::create", |tx, by| {
            dids::create(tx, by, "777", Some(1)).map(drop)
        }),
        ("dids::create_range", |tx, by| {
            did_ranges::create_range(tx, by, "777", "778", Some(1)).map(drop)
        }),
        ("dids::taken", |tx, by| {
            did_ranges::taken(tx, by, &["777".into()]).map(drop)
        }),
        ("dids::get", |tx, by| dids::get(tx, by, 1).map(drop)),
        ("dids::list", |tx, by| {
            did_lists::list(tx, by, &did_lists::Filter::default(), None, 1).map(drop)
        }),
        ("dids::list_on_device", |tx, by| {
            dids::list_on_device(tx, by, 1, 1).map(drop)
        }),
        ("did_search::search", |tx, by| {
            let (all, from) = (Search::default(), Reached::default());
            did_search::search(tx, by, &all, from).map(drop)
        }),
        ("did_search::list", |tx, by| {
            did_search::list(tx, by, &Search::default(), 0, 1).map(drop)
        }),
        ("did_details::update", |tx, by| {
            let give = Some(Give::Nobody);
            did_details::update(tx, by, "37060000002", give, Edit::default()).map(drop)
        }),
        ("did_details::delete", |tx, by| {
            did_details::delete(tx, by, "37060000006").map(drop)
        }),
        ("did_steps::assign_to_any_device", |tx, by| {
            did_steps::assign_to_any_device(tx, by, Some(1), "37060000001").map(drop)
        }),
        ("did_steps::take_off_device", |tx, by| {
            did_steps::take_off_device(tx, by, "37060000003").map(drop)
        }),
        ("did_steps::stop", |tx, by| {
            did_steps::stop(tx, by, "37060000003").map(drop)
        }),
        ("did_steps::make_free", |tx, by| {
            did_steps::make_free(tx, by, "37060000002").map(drop)
        }),
        ("did_steps::terminate", |tx, by| {
            did_steps::terminate(tx, by, "37060000001").map(drop)
        }),
        ("dids::reserve", |tx, by| {
            did_steps::reserve(tx, by, "37060000001", 2).map(drop)
        }),
        ("dids::assign_to_trunk", |tx, by| {
            did_steps::assign_to_trunk(tx, by, Some(1), "37060000003").map(drop)
        }),
        ("dids::terminate", |tx, by| {
            did_steps::take(tx, by, &did_life::TERMINATE, "37060000001").map(drop)
        }),
        ("dids::close_on_device", |tx, by| {
            did_steps::close_on_device(tx, by, "37060000003").map(drop)
        }),
        ("users::get", |tx, by| users::get(tx, by, 2).map(drop)),
        ("users::get_named", |tx, by| {
            users::get_named(tx, by, "anna").map(drop)
        }),
        ("users::list_offered", |tx, by| {
            users::list_offered(tx, by).map(drop)
        }),
        ("users::set_password", |tx, by| {
            users::set_password(tx, by, 2, "x")
        }),
        ("users::set_blocked", |tx, by| {
            users::set_blocked(tx, by, 2, true)
        }),
        ("users::allow_network", |tx, by| {
            users::allow_network(tx, by, 0, "192.0.2.0/24", true).map(drop)
        }),
        ("groups::list_offered", |tx, by| {
            groups::list_offered(tx, by, 2).map(drop)
        }),
        ("groups::hide", |tx, by| groups::hide(tx, by, 12)),
        ("providers::list_usable", |tx, by| {
            providers::list_usable(tx, by).map(drop)
        }),
        ("providers::hide", |tx, by| providers::hide(tx, by, 1)),
        ("IVRS.list_offered", |tx, by| {
            IVRS.list_offered(tx, by).map(drop)
        }),
        ("DIALPLANS.list_offered", |tx, by| {
            DIALPLANS.list_offered(tx, by).map(drop)
        }),
        ("DIALPLANS.create", |tx, by| {
            DIALPLANS.create(tx, by, 0, "x").map(drop)
        }),
        ("keys::add", |tx, by| {
            keys::add(tx, by, 0, "a-secret-key").map(drop)
        }),
        ("keys::list_own", |tx, by| keys::list_own(tx, by).map(drop)),
        ("settings::list", |tx, by| {
            settings::list(tx, by, 0).map(drop)
        }),
        ("settings::networks", |tx, by| {
            settings::networks(tx, by).map(drop)
        }),
        ("settings::set", |tx, by| {
            settings::set(tx, by, "dialect", "current", None)
        }),
        ("signers", |tx, by| signers(tx, by, "admin").map(drop)),
    ];
    for (name, rule) in rules {
        let rule = *rule;
        // An accountant without permissions.
        let refused = world.app.core.store.write_blocking(move |tx| {
            let clerk = linebook::store::tables::users::find(tx, 6)?.expect("a clerk");
            let from = Actor::operator(NOW_MS).origin();
            rule(tx, &Actor::find(tx, &clerk, from)?)
        });
        let Err(Error::Refused(refusal)) = refused else {
            panic!("{name}: {refused:?}");
        };
        let is_forbidden = matches!(
            refusal.rule,
            Rule::Access(AccessError::NotPermitted | AccessError::WrongType)
        );
        assert!(is_forbidden, "{name}: {refusal}");
    }
    assert_eq!(world.dump(), before);
}

#[test]
fn lists_over_all_owners_are_the_operator_s_alone() {
    let world = World::new();
    type List = fn(&ReadTx<'_>, &Actor) -> Result<usize, Error>;
    let lists: &[(&str, List)] = &[
        ("clis", |tx, by| Ok(clis::list_all(tx, by, -1, 99)?.len())),
        ("devices", |tx, by| {
            Ok(devices::list_all(tx, by, -1, 99)?.len())
        }),
        ("groups", |tx, by| {
            Ok(groups::list_all(tx, by, -1, 99)?.len())
        }),
        ("keys", |tx, by| Ok(keys::list_all(tx, by, -1, 99)?.len())),
        ("providers", |tx, by| {
            Ok(providers::list_all(tx, by, -1, 99)?.len())
        }),
        ("users", |tx, by| Ok(users::list_all(tx, by, -1, 99)?.len())),
        ("ivrs", |tx, by| Ok(IVRS.list_all(tx, by, -1, 99)?.len())),
        ("dialplans", |tx, by| {
            Ok(DIALPLANS.list_all(tx, by, -1, 99)?.len())
        }),
        ("log", |tx, by| {
            Ok(log::list_all(tx, by, i64::MAX, 99)?.len())
        }),
    ];
    world.get("/", &world.token(0));
    for (name, list) in lists {
        let listed = world.app.core.store.read(|tx| {
            let all = list(tx, &Actor::operator(NOW_MS))?;
            // Admin, an accountant with every permission, a plain user, a reseller.
            for id in [0, 1, 2, 4] {
                let user = linebook::store::tables::users::find(tx, id)?.expect("a user");
                let from = Actor::operator(NOW_MS).origin();
                let refused = list(tx, &Actor::find(tx, &user, from)?);
                let Err(Error::Refused(refusal)) = refused else {
                    panic!("{name} as {id}: {refused:?}");
                };
                assert!(matches!(refusal.rule, Rule::Access(_)), "{name} as {id}");
            }
            Ok::<_, Error>(all)
        });
        assert!(listed.expect(name) > 0, "{name}");
    }
}

#[test]
fn only_its_owner_reads_the_name_of_a_provider_that_is_not_for_common_use() {
    let world = World::new();
    // Anna is admin's user, Rita the reseller's.
    world.sql(
        "UPDATE providers SET name = 'Secret Carrier', common_use = 0 WHERE id = 2;
         UPDATE providers SET name = 'Open Carrier', common_use = 1 WHERE id = 1;
         UPDATE providers SET name = 'Reseller Secret' WHERE id = 3;
         UPDATE dids SET provider_id = 2 WHERE user_id = 2 AND id = (SELECT min(id) FROM dids WHERE user_id = 2);
         UPDATE dids SET provider_id = 1 WHERE user_id = 2 AND id <> (SELECT min(id) FROM dids WHERE user_id = 2);
         UPDATE dids SET provider_id = 3 WHERE owner_id = 4;
         UPDATE dids SET provider_id = 2 WHERE owner_id = 4 AND id = (SELECT min(id) FROM dids WHERE owner_id = 4);",
    );
    let all = |person: i64, filter: &str| {
        let token = world.token(person);
        let mut all = String::new();
        for path in [format!("/dids{filter}"), format!("/dids.csv{filter}")] {
            let reply = world.get(&path, &token);
            assert_eq!(reply.status, 200, "{path}");
            let table = reply.body.split("<tbody>").last().unwrap_or_default();
            all.push_str(table.split("</tbody>").next().unwrap_or_default());
        }
        all
    };
    let pages = |person: i64| -> String {
        let token = world.token(person);
        (1..=10)
            .map(|id| world.get(&format!("/dids/{id}"), &token).body)
            .collect()
    };
    for (person, shown, hidden) in [
        (0, &["Secret Carrier", "Open Carrier"][..], &[][..]),
        (1, &["Secret Carrier", "Open Carrier"], &[]),
        (2, &["Open Carrier"], &["Secret Carrier", "Reseller Secret"]),
        (4, &["Reseller Secret"], &["Secret Carrier"]),
        (5, &[], &["Secret Carrier", "Reseller Secret"]),
    ] {
        let (lists, pages) = (all(person, ""), pages(person));
        for word in shown {
            assert!(
                lists.contains(word) && pages.contains(word),
                "{person} {word}"
            );
        }
        for word in hidden {
            assert!(
                !lists.contains(word) && !pages.contains(word),
                "{person} {word}"
            );
        }
    }
    // The filter tells nothing about its DIDs either.
    let number = world.value("SELECT did FROM dids WHERE provider_id = 2 AND user_id = 2");
    assert!(all(0, "?provider=2").contains(&number));
    assert!(!all(2, "?provider=2").contains(&number));
    assert!(all(2, "").contains(&number));
}

#[test]
fn what_one_may_not_see_is_on_no_other_page_either() {
    let world = World::new();
    // A manager never sees DIDs, not even on the device where they ring.
    let (admin, manager) = (world.token(0), world.token(3));
    let device = |token: &str| world.get("/devices/1", token).body;
    assert!(device(&admin).contains("DIDs on it") && device(&admin).contains("href=\"/dids/"));
    for word in ["DIDs on it", "/dids"] {
        assert!(!device(&manager).contains(word), "{word}");
    }
    // Someone who manages DIDs but no devices is not told on which one a DID rings, as in the API.
    world.sql("DELETE FROM permissions WHERE user_id = 1 AND permission = 'manage_devices'");
    let accountant = world.token(1);
    for (path, id) in [("/dids", ""), ("/dids/", "3")] {
        let page = |token: &str| world.get(&format!("{path}{id}"), token).body;
        assert!(page(&admin).contains("href=\"/devices/"), "{path}");
        assert!(page(&admin).contains("device 1001"), "{path}");
        assert!(page(&accountant).contains("a device"), "{path}");
        assert!(!page(&accountant).contains("1001"), "{path}");
        assert!(!page(&accountant).contains("href=\"/devices/"), "{path}");
    }
    // A plain user reads the name of the IVR that answers their CLI, and no other IVR's.
    let clis = world.get("/clis/2", &world.token(2)).body;
    assert!(
        clis.contains("Welcome") && !clis.contains("Night"),
        "{clis}"
    );
}
