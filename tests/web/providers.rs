//! Providers in a browser: their details, their secrets, and the rules for numbers in calls through them.

use crate::world::World;

/// What a browser sends of the form, as it is.
const FORM: [(&str, &str); 17] = [
    ("name", "Carrier Two"),
    ("tech", "SIP"),
    ("active", "1"),
    ("network_type", "ip"),
    ("server_ip", "192.0.2.20"),
    ("ipaddr", ""),
    ("port", "5060"),
    ("login", ""),
    ("provider_password", ""),
    ("fromuser", ""),
    ("fromdomain", ""),
    ("timeout", "60"),
    ("max_timeout", "0"),
    ("call_limit", "0"),
    ("balance_limit", "0.0"),
    ("cid_name", ""),
    ("cid_number", ""),
];

/// The form with other values.
fn form<'a>(changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = FORM.into_iter();
    let kept = kept.filter(|(name, _)| changed.iter().all(|(other, _)| other != name));
    kept.chain(changed.iter().copied()).collect()
}

#[test]
fn a_form_that_is_sent_back_as_it_is_changes_nothing() {
    let world = World::new();
    let token = world.token(0);
    let before = world.dump();
    let saved = world.post(
        "/providers/2/edit",
        &token,
        &form(&[("dtmfmode", ""), ("server_ids", "")]),
    );
    assert_eq!(saved.status, 303, "{}", saved.body);
    assert_eq!(world.dump(), before);
}

#[test]
fn a_provider_is_added_and_changed_with_all_its_details() {
    let world = World::new();
    let token = world.token(0);
    let new = form(&[
        ("name", "New one"),
        ("network_type", "hostname"),
        ("server_ip", "sip.example.com"),
        ("register", "1"),
        ("login", "us"),
        ("provider_password", " their secret "),
        ("balance_limit", "-20.5"),
        ("dtmfmode", "info"),
        ("server_ids", ""),
    ]);
    assert_eq!(
        world.post("/providers/new", &token, &new).location(),
        "/providers/5?done=added"
    );
    let stored = "SELECT name || server_ip || register || login || '[' || password || ']' || balance_limit_e8 || dtmfmode
        FROM providers WHERE id = 5";
    assert_eq!(
        world.value(stored),
        "New onesip.example.com1us[ their secret ]-2050000000info"
    );
    // Nobody is shown a password, and a blank one stays as it is.
    let page = world.get("/providers/5", &token).body;
    assert!(
        page.contains("sip.example.com:5060") && !page.contains("their secret"),
        "{page}"
    );
    let edited = form(&[
        ("name", "New one"),
        ("server_ip", ""),
        ("dtmfmode", ""),
        ("server_ids", "1,2"),
    ]);
    assert_eq!(world.post("/providers/5/edit", &token, &edited).status, 303);
    assert_eq!(world.value(stored), "New one0[ their secret ]0");
    let cleared = form(&[("name", "New one"), ("no_password", "1")]);
    assert_eq!(
        world.post("/providers/5/edit", &token, &cleared).status,
        303
    );
    assert_eq!(
        world.value("SELECT password FROM providers WHERE id = 5"),
        ""
    );
    assert!(
        !world
            .value("SELECT group_concat(after) FROM action_log")
            .contains("secret")
    );
}

#[test]
fn a_wrong_value_marks_its_field_and_keeps_what_was_typed() {
    let world = World::new();
    let token = world.token(0);
    let before = world.dump();
    for (field, value) in [
        ("name", ""),
        ("name", "Carrier One"),
        ("timeout", "29"),
        ("max_timeout", ""),
        ("call_limit", "x"),
        ("balance_limit", "1,5"),
        ("server_ip", "a_b"),
        ("ipaddr", "x"),
        ("port", "70000"),
        ("login", "unknown"),
        ("provider_password", "anonymous"),
        ("cid_number", "+1"),
    ] {
        for path in ["/providers/2/edit", "/providers/new"] {
            let typed = [
                ("name", "Carrier Three"),
                ("fromuser", "typed"),
                (field, value),
            ];
            // The last one of a name counts.
            let page = world.post(path, &token, &form(&typed));
            assert_eq!(page.status, 422, "{path} {field}");
            let problem = format!("id=\"{field}-problem\"");
            assert!(
                page.body.contains(&problem),
                "{path} {field}: {}",
                page.body
            );
            assert!(page.body.contains("value=\"typed\""), "{path} {field}");
        }
    }
    assert_eq!(world.dump(), before);
}

#[test]
fn one_that_registers_here_loses_its_address_and_can_have_one_again() {
    let world = World::new();
    let token = world.token(0);
    let at = "SELECT network_type || server_ip || port FROM providers WHERE id = 2";
    let dynamic = form(&[("network_type", "dynamic"), ("port", "")]);
    assert_eq!(
        world.post("/providers/2/edit", &token, &dynamic).status,
        303
    );
    assert_eq!(world.value(at), "dynamicdynamic0");
    let page = world.get("/providers/2", &token).body;
    assert!(page.contains("it registers here"), "{page}");
    assert!(
        page.contains("name=\"port\" type=\"text\" value=\"5060\""),
        "{page}"
    );
    let back = form(&[
        ("network_type", "hostname"),
        ("server_ip", "b.example"),
        ("port", "5061"),
    ]);
    assert_eq!(world.post("/providers/2/edit", &token, &back).status, 303);
    assert_eq!(world.value(at), "hostnameb.example5061");
}

#[test]
fn rules_are_added_shown_and_deleted() {
    let world = World::new();
    let token = world.token(0);
    let rule = [
        ("rule_name", "<b>"),
        ("cut", "00"),
        ("add", ""),
        ("pr_type", "src"),
        ("set_pai", "1"),
    ];
    let added = world.post("/providers/2/rules", &token, &rule);
    assert_eq!(added.location(), "/providers/2?done=added");
    assert_eq!(
        world.value("SELECT name || cut || applies_to || sets_pai || max_length FROM provider_rules WHERE id = 3"),
        "<b>00src1100"
    );
    let page = world.get("/providers/2", &token).body;
    assert!(
        page.contains("&lt;b&gt;") && page.contains("the caller's number"),
        "{page}"
    );
    let before = world.dump();
    for (field, form) in [
        ("rule_name", vec![("rule_name", ""), ("cut", "1")]),
        ("cut", vec![("rule_name", "x"), ("cut", "")]),
        (
            "maxlen",
            vec![("rule_name", "x"), ("cut", "1"), ("maxlen", "101")],
        ),
        (
            "suffix",
            vec![
                ("rule_name", "x"),
                ("cut", "1"),
                ("pr_type", "src"),
                ("suffix", "1"),
            ],
        ),
    ] {
        let page = world.post("/providers/2/rules", &token, &form);
        assert_eq!(page.status, 422, "{field}");
        assert!(
            page.body.contains(&format!("id=\"{field}-problem\"")),
            "{field}: {}",
            page.body
        );
    }
    assert_eq!(world.dump(), before);
    let deleted = world.post("/provider-rules/3/delete", &token, &[]);
    assert_eq!(deleted.location(), "/providers/2?done=deleted");
    assert_eq!(
        world.post("/provider-rules/3/delete", &token, &[]).status,
        404
    );
}

#[test]
fn the_list_filters_by_name_technology_and_state() {
    let world = World::new();
    world.sql("UPDATE providers SET tech = 'H323', active = 0 WHERE id = 2");
    let token = world.token(0);
    for (filter, one, two) in [
        ("", true, true),
        ("?q=ONE", true, false),
        ("?tech=H323", false, true),
        ("?network_type=hostname", true, false),
        ("?active=no", false, true),
        ("?active=yes&tech=H323", false, false),
    ] {
        for path in ["/providers", "/providers.csv"] {
            let body = world.get(&format!("{path}{filter}"), &token).body;
            assert_eq!(body.contains("Carrier One"), one, "{path}{filter}");
            assert_eq!(body.contains("Carrier Two"), two, "{path}{filter}");
        }
    }
}

/// An accountant who manages DIDs has to know where they come from, and no more.
#[test]
fn who_manages_dids_sees_providers_and_changes_none() {
    let world = World::new();
    world.sql("INSERT INTO permissions VALUES (6, 'manage_dids')");
    world.sql("UPDATE providers SET login = 'our-login', password = 'our-password' WHERE id = 1");
    let (admin, clerk) = (world.token(0), world.token(6));
    let opened = |token: &str| world.get("/providers/1", token).body;
    assert!(opened(&admin).contains("our-login"));
    for path in ["/providers", "/providers.csv", "/providers/1"] {
        let page = world.get(path, &clerk);
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains("Carrier One"), "{path}");
        for word in [
            "our-login",
            "our-password",
            "/providers/new",
            "/providers/1/",
        ] {
            assert!(!page.body.contains(word), "{path} has {word}");
        }
    }
    assert_eq!(world.get("/providers/3", &clerk).status, 404);
    assert_eq!(world.get("/providers/new", &clerk).status, 403);
    let hidden = world.post("/providers/1/hide", &clerk, &[]);
    assert_eq!(hidden.status, 403);
}
