//! One action for everything that a list finds: its preview, and doing it to all of them or none.

use crate::world::{Reply, World};

/// The stamp of a preview.
fn stamp(preview: &Reply) -> String {
    let (_, rest) = preview.body.split_once("name=\"stamp\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn confirmed<'a>(form: &[(&'a str, &'a str)], stamp: &'a str) -> Vec<(&'a str, &'a str)> {
    [form, &[("confirmed", "1"), ("stamp", stamp)]].concat()
}

fn logged(world: &World) -> String {
    world.value("SELECT count(*) FROM action_log WHERE action NOT LIKE 'session.%'")
}

#[test]
fn what_was_previewed_is_done_to_all_of_them() {
    let world = World::new();
    let token = world.token(0);
    let form = [("status", "active"), ("action", "close")];
    let before = world.dump();
    let preview = world.post("/dids/bulk", &token, &form);
    assert_eq!(preview.status, 200);
    for number in ["37060000003", "37060000004"] {
        assert!(preview.body.contains(number), "{}", preview.body);
    }
    // Neither another state nor another owner's.
    for number in ["37060000002", "37060000005", "37060000009"] {
        assert!(!preview.body.contains(number), "{}", preview.body);
    }
    assert!(preview.body.contains("Do it to all 2"));
    assert_eq!(world.dump(), before);

    let done = world.post("/dids/bulk", &token, &confirmed(&form, &stamp(&preview)));
    assert_eq!(done.location(), "/dids?done=each");
    let closed = "SELECT group_concat(id) FROM dids WHERE status = 'closed' AND owner_id = 0";
    assert_eq!(world.value(closed), "3,4,5");
    // As if each had been closed alone.
    let log = "SELECT group_concat(action || object_id || actor) FROM action_log WHERE action LIKE 'did.%'";
    assert_eq!(world.value(log), "did.close3admin,did.close4admin");
}

#[test]
fn one_that_cannot_be_done_stops_all_and_is_named() {
    let world = World::new();
    let token = world.token(0);
    let form = [("user", "anna"), ("action", "close")];
    let before = world.dump();
    let preview = world.post("/dids/bulk", &token, &form);
    assert!(
        preview.body.contains("It cannot be done to 2 of 4"),
        "{}",
        preview.body
    );
    assert!(preview.body.contains("DID 37060000002 is reserved"));
    assert!(!preview.body.contains("name=\"stamp\""));
    // Whoever confirms it by hand gets the reason, and nothing happens.
    let refused = world.post("/dids/bulk", &token, &confirmed(&form, "x"));
    assert_eq!(refused.status, 422);
    assert_eq!(world.dump(), before);
}

#[test]
fn what_has_changed_since_its_preview_is_looked_at_again() {
    let world = World::new();
    let token = world.token(0);
    let form = [("status", "active"), ("action", "close")];
    type Change = fn(&World);
    let changes: [(&str, Change); 3] = [
        ("one less", |world| {
            let token = world.token(0);
            assert_eq!(world.post("/dids/3/close", &token, &[]).status, 303);
        }),
        ("one more", |world| {
            world.sql("UPDATE dids SET status = 'active', user_id = 2, device_id = 1 WHERE id = 1");
        }),
        ("on another device", |world| {
            world.sql("UPDATE dids SET device_id = 2 WHERE id = 1");
        }),
    ];
    for (what, change) in changes {
        let seen = stamp(&world.post("/dids/bulk", &token, &form));
        change(&world);
        let before = world.dump();
        for stamp in [seen.as_str(), ""] {
            let refused = world.post("/dids/bulk", &token, &confirmed(&form, stamp));
            assert_eq!(refused.status, 422, "{what}");
            assert!(
                refused.body.contains("not those of the preview"),
                "{what}: {}",
                refused.body
            );
        }
        assert_eq!(world.dump(), before, "{what}");
    }
    // Another action, or another goal, is not what was previewed either.
    let seen = stamp(&world.post(
        "/dids/bulk",
        &token,
        &[("q", "37060000001"), ("action", "unassign")],
    ));
    let other = confirmed(&[("q", "37060000001"), ("action", "close")], &seen);
    assert_eq!(world.post("/dids/bulk", &token, &other).status, 422);
}

#[test]
fn a_thousand_at_once_and_no_more() {
    let world = World::new();
    let token = world.token(0);
    let add = |from: i32, to: i32| {
        world.sql(&format!(
            "WITH RECURSIVE n (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})
             INSERT INTO dids (did, provider_id, owner_id, status, created_ms) SELECT 9990000 + i, 1, 0, 'free', 1 FROM n"
        ));
    };
    add(1, 1000);
    let form = [("q", "999"), ("action", "reserve"), ("user_id", "anna")];
    let preview = world.post("/dids/bulk", &token, &form);
    assert!(preview.body.contains("Do it to all 1000"));
    add(1001, 1001);
    let before = world.dump();
    for form in [form.to_vec(), confirmed(&form, &stamp(&preview))] {
        let refused = world.post("/dids/bulk", &token, &form);
        assert_eq!(refused.status, 422);
        assert!(
            refused.body.contains("1000 at once, at most"),
            "{}",
            refused.body
        );
    }
    assert_eq!(world.dump(), before);
    world.sql("DELETE FROM dids WHERE did = '9991001'");
    let logged_before: i64 = logged(&world).parse().unwrap();
    let done = world.post("/dids/bulk", &token, &confirmed(&form, &stamp(&preview)));
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!(
        world.value("SELECT count(*) FROM dids WHERE status = 'reserved' AND did LIKE '999%'"),
        "1000"
    );
    assert_eq!(logged(&world), (logged_before + 1000).to_string());
}

#[test]
fn a_wrong_choice_is_marked_and_an_empty_list_is_told() {
    let world = World::new();
    let token = world.token(0);
    for (form, problem) in [
        (&[("action", "paint")][..], "id=\"action-problem\""),
        (
            &[
                ("action", "reserve"),
                ("status", "free"),
                ("user_id", "nobody"),
            ],
            "id=\"user_id-problem\"",
        ),
        (
            &[
                ("action", "reserve"),
                ("status", "free"),
                ("user_id", "rita"),
            ],
            "id=\"user_id-problem\"",
        ),
        (
            &[("action", "assign"), ("status", "free"), ("device_id", "x")],
            "id=\"device_id-problem\"",
        ),
        (&[("action", "close"), ("q", "5")], "There are no DIDs"),
    ] {
        let refused = world.post("/dids/bulk", &token, form);
        assert_eq!(refused.status, 422, "{form:?}");
        assert!(refused.body.contains(problem), "{form:?}: {}", refused.body);
    }
}

#[test]
fn a_filter_that_means_nothing_acts_on_nothing() {
    let world = World::new();
    let token = world.token(0);
    let before = world.dump();
    for (path, action, name, value) in [
        ("/dids/bulk", "terminate", "status", "nosuch"),
        ("/dids/bulk", "terminate", "user", "abc"),
        ("/dids/bulk", "terminate", "provider", "abc"),
        ("/dids/bulk", "terminate", "device", "abc"),
        ("/dids/bulk", "terminate", "dialplan", "x"),
        ("/dids/bulk", "terminate", "lent_to", "nobody"),
        ("/dids/bulk", "terminate", "hide", "yes"),
        ("/devices/bulk", "block", "type", "x"),
        ("/devices/bulk", "block", "trunk", "maybe"),
        ("/devices/bulk", "block", "blocked", "1"),
        ("/devices/bulk", "block", "caller_id", "1"),
        ("/devices/bulk", "block", "group", "-1"),
        ("/devices/bulk", "block", "user", "newcomer9"),
    ] {
        let form = [("action", action), (name, value)];
        let asked = world.get(&format!("{path}?action={action}&{name}={value}"), &token);
        let tried = world.post(path, &token, &form);
        let done = world.post(path, &token, &confirmed(&form, "x"));
        for refused in [asked, tried, done] {
            assert_eq!(refused.status, 422, "{form:?}");
            let label = match name {
                "lent_to" => "on loan to",
                "caller_id" => "caller ID",
                "dialplan" => "dial plan",
                "hide" => "hide terminated ones",
                other => other,
            };
            let named = format!("{label} <b>");
            assert!(refused.body.contains(&named), "{form:?}: {}", refused.body);
            assert!(!refused.body.contains("preview"), "{form:?}");
        }
    }
    assert_eq!(world.dump(), before);
}

#[test]
fn a_reseller_acts_on_theirs_alone() {
    let world = World::new();
    let token = world.token(4);
    let form = [("action", "terminate"), ("status", "free")];
    let preview = world.post("/dids/bulk", &token, &form);
    assert!(preview.body.contains("37060000008"), "{}", preview.body);
    assert!(!preview.body.contains("37060000001"), "{}", preview.body);
    let done = world.post("/dids/bulk", &token, &confirmed(&form, &stamp(&preview)));
    assert_eq!(done.status, 303);
    assert_eq!(
        world.value("SELECT group_concat(id) FROM dids WHERE status = 'terminated'"),
        "6,8"
    );
}

#[test]
fn looking_takes_an_id_and_acting_does_not() {
    let world = World::new();
    let token = world.token(0);
    assert!(world.get("/devices?q=2", &token).body.contains(">1002</a>"));
    let page = world.post("/devices/bulk", &token, &[("q", "2"), ("action", "block")]);
    assert_eq!(page.status, 422);
    assert!(page.body.contains("There are no devices"), "{}", page.body);
    assert!(
        page.body.contains("those with search <b>2</b>"),
        "{}",
        page.body
    );
    let page = world.get("/dids/bulk?q=3706&lent_to=reseller", &token).body;
    let said = "number begins with <b>3706</b>, on loan to <b>reseller</b>";
    assert!(page.contains(said), "{page}");
}

#[test]
fn a_page_offers_what_may_be_done() {
    let world = World::new();
    let (admin, reseller) = (world.token(0), world.token(4));
    let back = "value=\"take-back\"";
    assert!(world.get("/dids/bulk", &admin).body.contains(back));
    let page = world.get("/dids/bulk", &reseller).body;
    assert!(page.contains("value=\"terminate\""), "{page}");
    assert!(!page.contains(back), "{page}");
    // A DID is for resellers and plain users.
    let before = world.dump();
    for path in ["/dids/1", "/dids/bulk?action=reserve"] {
        let page = world.get(path, &admin).body;
        for (user, is_offered) in [
            ("anna", true),
            ("reseller", true),
            ("clerk", false),
            ("manager", false),
        ] {
            let offer = format!("<option value=\"{user}\"");
            assert_eq!(page.contains(&offer), is_offered, "{path} {user}: {page}");
        }
    }
    for user in ["0", "1", "manager", "admin"] {
        let form = [("action", "reserve"), ("status", "free"), ("user_id", user)];
        for (path, form) in [("/dids/1/reserve", &form[2..]), ("/dids/bulk", &form)] {
            let refused = world.post(path, &admin, form);
            assert_eq!(refused.status, 422, "{path} {user}");
            assert!(
                refused.body.contains("id=\"user_id-problem\""),
                "{path} {user}"
            );
        }
    }
    assert_eq!(world.dump(), before);
    // Nothing chosen is no action.
    for (path, form) in [
        ("/devices/bulk", &[("action", ""), ("user", "anna")][..]),
        ("/dids/bulk", &[("action", " "), ("user_id", "anna")]),
    ] {
        let refused = world.post(path, &admin, form);
        assert_eq!(refused.status, 422, "{path}");
        assert!(
            refused.body.contains("id=\"action-problem\""),
            "{path}: {}",
            refused.body
        );
        assert!(!refused.body.contains("id=\"preview\""), "{path}");
    }
    let shown = world.get("/devices/bulk?action=", &admin);
    assert_eq!(shown.status, 200);
}

#[test]
fn devices_are_blocked_and_unblocked_together() {
    let world = World::new();
    let token = world.token(0);
    let form = [("user", "anna"), ("action", "block")];
    let preview = world.post("/devices/bulk", &token, &form);
    assert!(preview.body.contains("Do it to all 2"), "{}", preview.body);
    let done = world.post("/devices/bulk", &token, &confirmed(&form, &stamp(&preview)));
    assert_eq!(done.location(), "/devices?done=each");
    let blocked = "SELECT ifnull(group_concat(id), '') FROM devices WHERE blocked_ms IS NOT NULL";
    assert_eq!(world.value(blocked), "1,2");
    // The newest is the first. One that is blocked already stays so, without a row in the log.
    let all = [("type", "SIP"), ("action", "block")];
    let preview = world.post("/devices/bulk", &token, &all);
    assert_eq!(
        world
            .post("/devices/bulk", &token, &confirmed(&all, &stamp(&preview)))
            .status,
        303
    );
    assert_eq!(world.value(blocked), "1,2,3");
    let log =
        "SELECT group_concat(action || object_id) FROM action_log WHERE action LIKE 'device.%'";
    assert_eq!(
        world.value(log),
        "device.block2,device.block1,device.block3"
    );
    let form = [("user", "anna"), ("action", "unblock")];
    let preview = world.post("/devices/bulk", &token, &form);
    assert_eq!(
        world
            .post("/devices/bulk", &token, &confirmed(&form, &stamp(&preview)))
            .status,
        303
    );
    assert_eq!(world.value(blocked), "3");
}
