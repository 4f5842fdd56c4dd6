//! Lists: their parts, orders, filters, and CSV files.

use std::collections::BTreeSet;

use linebook::service::action::{Action, Area};
use linebook::service::guard::access::Actor;
use linebook::service::log;
use linebook::store::StoreError;
use linebook::store::file::check::checks;

use crate::world::{NOW_MS, World};

/// A world in which user 100 has this many more devices.
fn crowded(count: u32) -> World {
    let world = World::new();
    world.sql(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO devices (user_id, device_group_id, type, description, extension, username, secret, ipaddr, port, is_trunk, created_ms, owner_id)
         SELECT 100, 11, iif(i % 10, 'SIP', 'FAX'), 'Desk ' || i, 50000 + i, 50000 + i, 'x', '0.0.0.0', 5060, i % 7 = 0, 0, 0 FROM n"
    ));
    world
}

/// The addresses of the table's rows, and the address of the list's next part.
fn page(world: &World, token: &str, path: &str, list: &str) -> (Vec<String>, Option<String>) {
    let body = world.get(path, token).body;
    let table = body.split("<tbody>").nth(1).unwrap_or_default();
    let start = format!("<td data-name=\"{list}\"><div><a href=\"");
    let rows = table
        .split(&start)
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned());
    let next = body.split("rel=\"next\" href=\"").nth(1);
    let next = next.map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"));
    (rows.collect(), next)
}

fn walk(world: &World, token: &str, path: &str, list: &str) -> Vec<String> {
    let (mut all, mut next) = page(world, token, path, list);
    let mut pages = 1;
    while let Some(path) = next {
        let (rows, further) = page(world, token, &path, list);
        all.extend(rows);
        next = further;
        pages += 1;
        assert!(pages < 100, "{path} does not end");
    }
    all
}

#[test]
fn pages_hold_every_row_once_whatever_the_order_and_the_filter() {
    let world = crowded(333);
    let token = world.token(0);
    for (path, count) in [
        ("/devices", 337),
        ("/devices?sort=extension", 337),
        ("/devices?sort=description", 337),
        ("/devices?user=100", 335),
        ("/devices?user=office&type=FAX", 33),
        ("/devices?group=11", 335),
        ("/devices?type=FAX", 33),
        ("/devices?trunk=yes", 48),
        ("/devices?trunk=no", 289),
        ("/devices?trunk=yes&type=FAX", 4),
        ("/devices?caller_id=yes", 2),
        ("/devices?type=SIP&sort=extension&trunk=yes", 44),
        ("/devices?type=H323", 0),
    ] {
        let rows = walk(&world, &token, path, "Extension");
        assert_eq!(rows.len(), count, "{path}");
        assert_eq!(
            rows.iter().collect::<BTreeSet<_>>().len(),
            count,
            "{path} repeats a row"
        );
    }
}

#[test]
fn a_cursor_of_another_list_starts_the_filter_from_its_beginning() {
    let world = crowded(120);
    world.sql(
        "INSERT INTO clis (device_id, number, created_ms) VALUES (1, '5500', 0), (1, '5501', 0)",
    );
    let token = world.token(0);
    for (path, list) in [
        ("/dids?q=3706000000", "DID"),
        ("/dids?q=3706000000&status=free", "DID"),
        ("/devices?q=5000", "Extension"),
        ("/devices?q=desk", "Extension"),
        ("/clis?q=550", "Number or domain"),
        ("/users?q=re", "Username"),
    ] {
        let first = page(&world, &token, path, list).0;
        assert!(!first.is_empty(), "{path}");
        for cursor in [
            "after=5",
            "after=5&at=",
            "after=5&at=0",
            "after=5&at=zz",
            "after=x&at=1",
        ] {
            let path = format!("{path}&{cursor}");
            assert_eq!(page(&world, &token, &path, list).0, first, "{path}");
        }
    }
}

#[test]
fn a_filter_that_means_nothing_is_not_there() {
    let world = World::new();
    let token = world.token(0);
    for (path, list, without, chosen) in [
        ("/dids?status=nosuch", "DID", "/dids", "nosuch"),
        ("/dids?hide=yes", "DID", "/dids", "checked"),
        ("/devices?type=x", "Extension", "/devices", "\"x\" selected"),
        (
            "/devices?trunk=maybe",
            "Extension",
            "/devices",
            "maybe\" selected",
        ),
        (
            "/clis?banned=maybe",
            "Number or domain",
            "/clis",
            "maybe\" selected",
        ),
        (
            "/users?blocked=maybe",
            "Username",
            "/users",
            "maybe\" selected",
        ),
        (
            "/devices?blocked=maybe",
            "Extension",
            "/devices",
            "maybe\" selected",
        ),
    ] {
        let shown = page(&world, &token, path, list).0;
        assert_eq!(shown, page(&world, &token, without, list).0, "{path}");
        let body = world.get(path, &token).body;
        let form = body.split("role=\"search\"").nth(1).unwrap();
        let form = form.split("</form>").next().unwrap();
        assert!(!form.contains(chosen), "{path}: {form}");
    }
}

#[test]
fn orders_are_what_they_say() {
    let world = crowded(120);
    let token = world.token(0);
    let column = |path: &str, column: &str| {
        walk(&world, &token, path, "Extension")
            .iter()
            .map(|row| row.rsplit('/').next().unwrap().to_owned())
            .map(|id| world.value(&format!("SELECT {column} FROM devices WHERE id = {id}")))
            .collect::<Vec<String>>()
    };
    for (path, name) in [
        ("/devices?sort=extension", "extension"),
        ("/devices?sort=description", "lower(description)"),
    ] {
        let values = column(path, name);
        assert!(values.is_sorted(), "{path}: {values:?}");
    }
    let ids: Vec<i64> = column("/devices", "id")
        .iter()
        .map(|id| id.parse().unwrap())
        .collect();
    assert!(ids.iter().rev().is_sorted());
}

#[test]
fn a_search_finds_by_extension_description_and_number_and_by_no_pin() {
    let world = crowded(120);
    let token = world.token(0);
    for (search, found) in [
        ("50007", "50007"),
        ("Desk 77", "50077"),
        ("desk 77", "50077"),
        ("3", "1003"),
        ("recep", "1003"),
    ] {
        let path = format!(
            "/devices?q={}",
            linebook::api::encoding::percent_encode(search)
        );
        let body = world.get(&path, &token).body;
        assert!(body.contains(&format!(">{found}</a>")), "{search}");
    }
    // The last one is a PIN. A search does not reveal what is masked.
    for search in ["zzz", "1111", "1111&user=anna"] {
        let body = world.get(&format!("/devices?q={search}"), &token).body;
        assert!(body.contains("Nothing matches this filter."), "{search}");
    }
}

#[test]
fn a_search_pages_through_all_that_it_finds_and_so_does_its_file() {
    let world = crowded(1500);
    // One device is found by its extension and by its description, another by its number.
    world.sql(
        "UPDATE devices SET description = '501 and more' WHERE extension = '50100';
         UPDATE devices SET description = '501' WHERE extension = '50777';
         UPDATE devices SET description = 'DESK twice' WHERE extension IN ('50001', '50002', '51499')",
    );
    let token = world.token(0);
    for (search, count) in [
        ("desk", 1500 - 2 + 1),
        ("dEsK 1", 609),
        ("50", 999),
        ("501", 102),
        ("5", 1500),
        ("zzz", 0),
    ] {
        let query = format!("q={}", linebook::api::encoding::percent_encode(search));
        let rows = walk(&world, &token, &format!("/devices?{query}"), "Extension");
        assert_eq!(rows.len(), count, "{search}");
        let once: BTreeSet<_> = rows.iter().collect();
        assert_eq!(once.len(), count, "{search} repeats a row");
        let file = world.get(&format!("/devices.csv?{query}"), &token).body;
        assert_eq!(file.lines().count(), 1 + count, "{search} as a file");
    }
    let rows = walk(&world, &token, "/devices?q=501", "Extension");
    let extension = |row: &String| {
        let id = row.rsplit('/').next().unwrap();
        world.value(&format!("SELECT extension FROM devices WHERE id = {id}"))
    };
    // Exact matches come first, in the order of the numbers. Matches of the description come last.
    assert_eq!(rows[0], "/devices/501");
    assert_eq!(extension(&rows[1]), "50100");
    assert_eq!(extension(rows.last().unwrap()), "50777");
}

#[test]
fn a_place_in_a_search_that_nobody_was_told_is_its_beginning() {
    let world = crowded(60);
    let token = world.token(0);
    let first = page(&world, &token, "/devices?q=desk", "Extension").0;
    for at in ["", "x", "%C5%BE"] {
        let path = format!("/devices?q=desk&after=9&at={at}");
        assert_eq!(page(&world, &token, &path, "Extension").0, first, "{at}");
    }
}

#[test]
fn other_lists_page_too() {
    let world = World::new();
    world.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 130)
         INSERT INTO dids (did, provider_id, owner_id, status, created_ms) SELECT 90000 + i, 1, 0, 'free', 0 FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 130)
         INSERT INTO users (username, type, owner_id, created_ms) SELECT 'User' || i, 'user', 0, 0 FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 130)
         INSERT INTO clis (device_id, number, created_ms) SELECT 3, 70000 + i, 0 FROM n;
         INSERT INTO providers (owner_id, name, created_ms) SELECT 0, 'P' || id, 0 FROM users;
         INSERT INTO device_groups (user_id, name, created_ms) SELECT id, 'G', 0 FROM users WHERE owner_id = 0;",
    );
    let token = world.token(0);
    for (path, name, count) in [
        ("/dids", "DID", 137),
        ("/dids?status=free", "DID", 131),
        ("/dids?q=9000", "DID", 9),
        ("/dids?provider=1", "DID", 136),
        ("/dids?user=anna", "DID", 4),
        ("/users", "Username", 140),
        ("/users?sort=newest", "Username", 140),
        ("/users?q=user1", "Username", 42),
        ("/users?type=manager", "Username", 2),
        ("/clis", "Number or domain", 132),
        ("/clis?q=7000", "Number or domain", 9),
        ("/clis?device=3", "Number or domain", 130),
        ("/clis?banned=yes", "Number or domain", 0),
        ("/groups", "Name", 147),
        ("/groups?user=2", "Name", 3),
        ("/providers", "Name", 144),
    ] {
        let rows = walk(&world, &token, path, name);
        let different: BTreeSet<&String> = rows.iter().collect();
        assert_eq!((rows.len(), different.len()), (count, count), "{path}");
    }
}

#[test]
fn the_log_is_filtered_and_everyone_but_admin_sees_his_own() {
    let world = World::new();
    let (admin, reseller) = (world.token(0), world.token(4));
    world.post(
        "/devices/5/edit",
        &reseller,
        &[("description", "Changed"), ("devicegroup_id", "6")],
    );
    world.post(
        "/devices/3/edit",
        &admin,
        &[("description", "Other"), ("devicegroup_id", "11")],
    );
    let rows =
        |path: &str, token: &str| world.get(path, token).body.matches("device.update").count();
    assert_eq!(rows("/log", &admin), 2);
    assert_eq!(rows("/log", &reseller), 1);
    assert_eq!(rows("/log?object=3", &admin), 1);
    assert_eq!(rows("/log?object=3", &reseller), 0);
    assert_eq!(rows("/log?actor=reseller", &admin), 1);
    assert_eq!(rows("/log?through=api", &admin), 0);
    assert_eq!(rows("/log?since=2027-01-15&until=2027-01-15", &admin), 2);
    assert_eq!(rows("/log?since=2027-01-16", &admin), 0);
    let body = world.get("/log?action=device", &admin).body;
    assert!(
        body.contains("<del>Reception</del>") && body.contains("<ins>Other</ins>"),
        "{body}"
    );
}

#[test]
fn files_hold_the_whole_filtered_list() {
    let world = crowded(1234);
    world.sql("UPDATE devices SET description = '=1+1' WHERE id = 3");
    world.sql("UPDATE users SET username = '@cmd' WHERE id = 100");
    let token = world.token(0);
    let reply = world.get("/devices.csv", &token);
    assert_eq!(
        reply.header("content-type"),
        Some("text/csv; charset=utf-8")
    );
    assert_eq!(
        reply.header("content-disposition"),
        Some("attachment; filename=\"devices.csv\"")
    );
    assert_eq!(reply.body.lines().count(), 1 + 1238);
    assert!(
        reply.body.contains("1003,'=1+1,'@cmd,SIP"),
        "{}",
        &reply.body[reply.body.len() - 300..]
    );
    assert!(!reply.body.contains("Demo3PhoneSecret"));
    assert_eq!(
        world
            .get("/devices.csv?type=FAX&trunk=yes", &token)
            .body
            .lines()
            .count(),
        1 + 17
    );
    assert_eq!(
        world
            .get("/devices.csv?user=nobody", &token)
            .body
            .lines()
            .count(),
        1
    );
    for list in [
        "dids",
        "clis",
        "users",
        "groups",
        "providers",
        "ivrs",
        "dialplans",
        "log",
    ] {
        let reply = world.get(&format!("/{list}.csv"), &token);
        assert_eq!(reply.status, 200, "{list}");
        assert!(reply.body.lines().count() > 1, "{list}");
    }
    // The page keeps its filter, and so does its link to the CSV file.
    let page = world
        .get("/devices?type=FAX&q=&sort=extension", &token)
        .body;
    assert!(
        page.contains("href=\"/devices.csv?type=FAX&amp;sort=extension\""),
        "{page}"
    );
}

#[test]
fn where_a_page_ends_tells_nothing_of_another_scope() {
    let world = World::new();
    let numbers =
        "WITH RECURSIVE n(i) AS (SELECT 7000000 UNION ALL SELECT i + 1 FROM n WHERE i < 7021000)";
    world.sql(&format!(
        "{numbers} INSERT INTO dids (did, provider_id, owner_id, status, created_ms)
         SELECT i, 1, 0, 'free', 0 FROM n;
         {numbers} INSERT INTO clis (device_id, number, domain, description, comment, created_ms)
         SELECT 2, i, 'x' || i, '', '', 0 FROM n"
    ));
    let reseller = world.token(4);
    for path in ["/dids?provider=1&q=7", "/clis?q=7", "/clis?q=x7"] {
        let body = world.get(path, &reseller).body;
        assert!(
            !body.contains("70200") && !body.contains("rel=\"next\""),
            "{path}: {body}"
        );
    }
    let admin = world.token(0);
    for path in ["/dids?provider=1&q=7", "/clis?q=7", "/clis?q=x7"] {
        assert!(
            world.get(path, &admin).body.contains("rel=\"next\""),
            "{path}"
        );
    }
    // Now the DIDs are in the reseller's scope and reserved for the reseller, on a provider of admin's who owns the
    // user.
    world
        .sql("UPDATE dids SET owner_id = 4, status = 'reserved', user_id = 4 WHERE did LIKE '70%'");
    for (path, token, has_more) in [
        ("/dids?provider=1&q=7", &admin, false),
        ("/dids?user=reseller", &admin, false),
        ("/dids?provider=1&q=7", &reseller, true),
        ("/dids?user=reseller", &reseller, true),
    ] {
        let body = world.get(path, token).body;
        assert_eq!(body.contains("rel=\"next\""), has_more, "{path}: {body}");
        assert_eq!(
            body.contains("data-name=\"DID\""),
            has_more,
            "{path}: {body}"
        );
    }
}

/// The words that databases hold. A name in the code may change, but these may not.
/// What each filter of the list of DIDs leaves, by its last two digits.
#[test]
fn dids_are_filtered_by_all_that_dids_get_searches() {
    let world = World::new();
    world.sql("UPDATE dids SET language = 'lt' WHERE id = 7");
    let found = |id: i64, query: &str| {
        let file = world
            .get(&format!("/dids.csv?{query}"), &world.token(id))
            .body;
        let lines = file.lines().skip(1);
        let ends = lines.map(|line| line.split(',').next().unwrap()[9..].to_owned());
        ends.collect::<Vec<_>>().join(" ")
    };
    for (query, wanted) in [
        ("", "01 02 03 04 05 06 07"),
        ("part=00002", "02"),
        ("device=1", "03"),
        ("device=5", ""),
        ("device=x", ""),
        ("dialplan=3", "04"),
        ("dialplan=2", ""),
        ("language=LT", "07"),
        ("hide=1", "01 02 03 04 05 07"),
        ("hide=1&status=terminated", ""),
        ("lent_to=reseller", "10"),
        ("lent_to=newcomer", ""),
        ("user=anna&part=4", "04"),
    ] {
        assert_eq!(found(0, query), wanted, "{query}");
    }
    assert_eq!(found(4, ""), "08 09 10");
    assert_eq!(found(4, "lent_to=reseller"), "");
    assert_eq!(found(2, "device=3"), "");
    assert_eq!(found(2, "device=1"), "03");
}

/// What admin and a reseller note about a DID is for themselves.
#[test]
fn notes_about_a_did_are_for_those_who_write_them() {
    let world = World::new();
    world.sql(
        "UPDATE dids SET comment = 'of admin', reseller_comment = 'of reseller', custom_sip_header = 'X-Way: north'",
    );
    let lent = "UPDATE dids SET owner_id = 4, lent_by_id = 0, status = 'reserved', device_id = NULL, dialplan_id = NULL,
        user_id = 5, closed_ms = NULL WHERE id = 10";
    world.sql(lent);
    let shown = |did: i64, user: i64| {
        let page = world.get(&format!("/dids/{did}"), &world.token(user));
        assert_eq!(page.status, 200, "DID {did} for user {user}");
        ["of admin", "of reseller", "X-Way"].map(|note| page.body.contains(note))
    };
    // The DID of a user, and one that a reseller has on loan and has passed on.
    assert_eq!(shown(3, 0), [true; 3]);
    assert_eq!(shown(3, 2), [false; 3]);
    assert_eq!(shown(10, 0), [true; 3]);
    assert_eq!(shown(10, 4), [false, true, true]);
    assert_eq!(shown(10, 5), [false; 3]);
}

const ACTIONS: &str = "callflow.update cli.create cli.update cli.delete clock.accept device.create device.update device.trunk device.hide \
    device.block device.unblock device.new_secret device.show_secret device.show_pin \
    device_rule.create device_rule.delete dialplan.create dialplan.update dialplan.hide did.create did.reserve \
    did.unreserve did.assign did.unassign did.close did.free did.terminate did.take_back \
    did.details did.delete group.create group.update group.hide ivr.create \
    ivr.update ivr.hide key.add key.revoke owner_settings.set phonebook.create phonebook.update provider.create provider.update provider.hide \
    provider_rule.create provider_rule.delete quickforward.update quickforward.delete session.start \
    session.end session.failed settings.set time_period.create time_period.update time_period.hide user.create user.set_password user.set_permission user.set_blocked \
    user.set_quickforwards \
    user.allow_network";

#[test]
fn the_log_filters_by_every_action_and_every_area() {
    let known: Vec<&str> = ACTIONS.split_whitespace().collect();
    let words: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
    assert_eq!(words, known);
    for check in checks() {
        let quoted = check.sql.split('\'').skip(1).step_by(2);
        let is_action = |word: &&str| {
            let (area, verb) = word.split_once('.').unwrap_or_default();
            let is_word = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            !area.is_empty() && !verb.is_empty() && is_word(area) && is_word(verb)
        };
        for word in quoted.filter(is_action) {
            assert!(known.contains(&word), "{}: {word}", check.name);
        }
    }

    let world = World::new();
    let recorded = world.app.core.store.write_blocking(|tx| {
        let by = Actor::operator(NOW_MS);
        for action in Action::ALL {
            log::record(tx, &by, *action, 1, None, None)?;
        }
        Ok::<_, StoreError>(())
    });
    recorded.unwrap();
    let token = world.token(0);
    let shown = |action: &str| -> Vec<String> {
        let file = world
            .get(&format!("/log.csv?actor=operator&action={action}"), &token)
            .body;
        let whats = file
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(2).unwrap().to_owned());
        let mut whats: Vec<String> = whats.collect();
        whats.reverse();
        whats
    };
    assert_eq!(shown(""), words);
    for action in Action::ALL {
        assert_eq!(shown(action.as_str()), [action.as_str()]);
        let whole = format!("{}.{}", action.area().as_str(), action.verb());
        assert_eq!(action.as_str(), whole);
    }
    for area in Area::ALL {
        let start = format!("{}.", area.as_str());
        let of_area: Vec<&str> = words
            .iter()
            .copied()
            .filter(|word| word.starts_with(&start))
            .collect();
        assert!(!of_area.is_empty(), "{start}");
        assert_eq!(shown(&start), of_area);
        assert!(
            of_area.iter().all(|word| Area::of(word) == Some(*area)),
            "{start}"
        );
    }
    assert_eq!(Area::of("colour.paint"), None);
}
