//! Forms: their token, their effects, their words when a rule refuses, and the headers.

use actix_web::http::Method;
use linebook::http::pages::routes::{ROUTES, Verb};
use linebook::service::guard::access::Actor;
use linebook::service::sessions::form_token;
use linebook::service::settings::{self, SETTINGS};

use crate::world::{NOW_MS, Reply, World};

#[test]
fn a_form_without_its_own_token_is_refused() {
    let world = World::new();
    let (mine, yours) = (world.token(0), world.token(4));
    let before = world.dump();
    for route in ROUTES.iter().filter(|route| route.verb == Verb::Post) {
        let path = route.path.replace("{id}", "1").replace("{name}", "free");
        let stolen = form_token(&yours);
        for form in [
            &[("name", "x")][..],
            &[("form_token", "")],
            &[("form_token", "x")],
            &[("form_token", stolen.as_str())],
            &[("form_token", mine.as_str())],
        ] {
            let reply = world.send(Method::POST, &path, &mine, form);
            assert_eq!(reply.status, 403, "{path} {form:?}");
        }
    }
    assert_eq!(world.dump(), before);
}

#[test]
fn a_token_in_the_address_is_none() {
    let world = World::new();
    let token = world.token(0);
    let before = world.dump();
    let form = form_token(&token);
    for route in ROUTES.iter().filter(|route| route.verb == Verb::Post) {
        let path = route.path.replace("{id}", "1").replace("{name}", "free");
        let path = format!("{path}?form_token={form}&name=x");
        for body in [&[][..], &[("name", "x")]] {
            let reply = world.send(Method::POST, &path, &token, body);
            assert_eq!(reply.status, 403, "{path} {body:?}");
        }
    }
    assert_eq!(world.dump(), before);
}

#[test]
fn every_reply_has_its_headers() {
    let world = World::new();
    for (path, token) in [
        ("/sign-in", String::new()),
        ("/", world.token(0)),
        ("/none", world.token(0)),
        ("/devices.csv", world.token(0)),
    ] {
        let reply = world.get(path, &token);
        let policy = reply.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert!(reply.header("x-request-id").is_some());
    }
}

#[test]
fn pages_ask_nobody_else_and_bring_no_script() {
    let world = World::new();
    let token = world.token(0);
    for route in ROUTES.iter().filter(|route| route.verb == Verb::Get) {
        let path = route.path.replace("{id}", "1").replace("{name}", "cli_add");
        let reply = world.get(&path, &token);
        for word in [
            "<script",
            "style=\"",
            " onclick",
            "src=\"http",
            "href=\"http",
            "//fonts",
            "@import",
        ] {
            assert!(!reply.body.contains(word), "{path} holds {word}");
        }
    }
}

#[test]
fn an_incorrect_hash_is_explained_where_one_looks_for_it() {
    let world = World::new();
    for person in [0, 4] {
        let token = world.token(person);
        for path in ["/", "/settings", "/console"] {
            let body = world.get(path, &token).body;
            let way = "“Incorrect hash”? <a href=\"/hash\">";
            assert!(body.contains(way), "{path}: {body}");
        }
        assert!(
            world
                .get("/hash", &token)
                .body
                .contains("“Incorrect hash”?")
        );
    }
    // Someone who may not open it gets no link to it.
    assert!(!world.get("/", &world.token(2)).body.contains("/hash"));
}

#[test]
fn whoever_asks_for_the_api_never_gets_a_page() {
    let world = World::new();
    for path in [
        "/billing/api",
        "/billing/api/",
        "/billing",
        "/api",
        "/billing/api/none",
        "/billing/api/device_create/x",
        "/api/none",
        "/health/none",
    ] {
        for method in [Method::GET, Method::POST, Method::PUT] {
            let reply = world.send(method.clone(), path, "", &[]);
            assert_eq!(
                reply.header("content-type"),
                Some("text/xml; charset=utf-8"),
                "{method} {path}"
            );
            assert!(
                (400..500).contains(&reply.status),
                "{method} {path}: {}",
                reply.status
            );
        }
    }
}

#[test]
fn a_device_is_created_and_its_refusals_stand_beside_their_fields() {
    let world = World::new();
    let token = world.token(0);
    let made = world.post(
        "/devices/new",
        &token,
        &[
            ("user_id", "anna"),
            ("description", "Kitchen"),
            ("pin", "42"),
        ],
    );
    assert_eq!(
        (made.status, made.location()),
        (303, "/devices/8?done=created")
    );
    assert_eq!(
        world.value("SELECT description || pin || user_id FROM devices WHERE id = 8"),
        "Kitchen422"
    );
    assert_eq!(
        world.value("SELECT through FROM action_log WHERE action = 'device.create'"),
        "pages"
    );

    let before = world.dump();
    for (form, field, text) in [
        (
            &[("user_id", "nobody")][..],
            "user_id",
            "User was not found",
        ),
        (&[("user_id", "rita")], "user_id", "User was not found"),
        (
            &[("user_id", "anna"), ("pin", "4x")],
            "pin",
            "Pin must be numeric",
        ),
        (
            &[("user_id", "anna"), ("pin", "42")],
            "pin",
            "Pin is already used",
        ),
        (
            &[("user_id", "anna"), ("devicegroup_id", "1")],
            "devicegroup_id",
            "Device group invalid",
        ),
        (
            &[("user_id", "anna"), ("type", "Radio")],
            "type",
            "Device type invalid",
        ),
        (
            &[("user_id", "anna"), ("caller_id", "Anna")],
            "caller_id",
            "caller_id is not NUMBER",
        ),
    ] {
        let reply = world.post("/devices/new", &token, form);
        assert_eq!(reply.status, 422, "{form:?}");
        let problem = format!("id=\"{field}-problem\" role=\"alert\">{text}");
        assert!(reply.body.contains(&problem), "{form:?}: {}", reply.body);
    }
    assert_eq!(world.dump(), before);
}

#[test]
fn a_secret_is_shown_when_asked_for_and_that_is_logged() {
    let world = World::new();
    let token = world.token(0);
    assert!(
        !world
            .get("/devices/1", &token)
            .body
            .contains("Demo1TrunkSecret")
    );
    assert!(
        world
            .post("/devices/1/secret", &token, &[])
            .body
            .contains("Demo1TrunkSecret")
    );
    let logged = "SELECT group_concat(action) FROM action_log WHERE action LIKE 'device%'";
    assert_eq!(world.value(logged), "device.show_secret");
    let renewed = world.post("/devices/1/new-secret", &token, &[]);
    let secret = world.value("SELECT secret FROM devices WHERE id = 1");
    assert!(secret != "Demo1TrunkSecret" && renewed.body.contains(&secret));
    let log = world
        .value("SELECT group_concat(coalesce(before, '') || coalesce(after, '')) FROM action_log");
    assert!(!log.contains(&secret));
}

#[test]
fn a_username_that_deceives_is_refused_beside_its_field() {
    let world = World::new();
    let before = world.dump();
    let visible = "A username has 1 to 80 characters, all of them visible";
    for (username, text) in [
        ("ad\u{200b}min", visible),
        ("\u{202e}nimda", visible),
        ("a\u{a0}b", visible),
        ("Operator", "The action log needs this name"),
        ("sYSTEM", "The action log needs this name"),
    ] {
        for person in [0, 4] {
            let form = [("username", username), ("type", "user")];
            let reply = world.post("/users/new", &world.token(person), &form);
            assert_eq!(reply.status, 422, "{username:?}");
            let problem = format!("id=\"username-problem\" role=\"alert\">{text}");
            assert!(
                reply.body.contains(&problem),
                "{username:?}: {}",
                reply.body
            );
        }
    }
    let signed_in = "SELECT count(*) FROM action_log WHERE action <> 'session.start'";
    assert_eq!(world.value(signed_in), "0");
    assert_eq!(world.dump()["users"], before["users"]);
}

#[test]
fn a_pin_is_shown_when_asked_for_and_that_is_logged() {
    let world = World::new();
    world.sql("UPDATE devices SET pin = '90817263' WHERE id = 1");
    let token = world.token(0);
    for person in [0, 3, 2] {
        let token = world.token(person);
        for path in ["/devices", "/devices.csv", "/devices/1", "/devices?user=2"] {
            let reply = world.get(path, &token);
            assert_eq!(reply.status, 200, "{person} {path}");
            assert!(!reply.body.contains("90817263"), "{person} {path}");
            assert!(reply.body.contains("••••••••"), "{person} {path}");
        }
    }
    let shown = world.post("/devices/1/pin", &token, &[]);
    assert_eq!(shown.status, 200);
    assert!(
        shown
            .body
            .contains("<code id=\"shown-pin\">90817263</code>")
    );
    let logged = "SELECT group_concat(actor || ' ' || action || ' ' || object_id || coalesce(before, '') || coalesce(after, '')) FROM action_log WHERE action LIKE 'device%'";
    assert_eq!(world.value(logged), "admin device.show_pin 1");
    // Without a PIN, the page says so.
    world.sql("UPDATE devices SET pin = NULL WHERE id = 1");
    let none = world.get("/devices/1", &token).body;
    assert!(!none.contains("/devices/1/pin"), "{none}");
}

#[test]
fn a_pin_stays_when_none_is_typed_and_goes_when_that_is_ticked() {
    let world = World::new();
    world.sql("UPDATE devices SET pin = '90817263' WHERE id = 1");
    let token = world.token(0);
    let group = world.value("SELECT device_group_id FROM devices WHERE id = 1");
    let edit = |more: (&str, &str)| {
        let form = [
            ("description", "x"),
            ("devicegroup_id", group.as_str()),
            more,
        ];
        assert_eq!(world.post("/devices/1/edit", &token, &form).status, 303);
        world.value("SELECT coalesce(pin, 'none') FROM devices WHERE id = 1")
    };
    assert_eq!(edit(("pin", "")), "90817263");
    assert_eq!(edit(("pin", " ")), "90817263");
    assert_eq!(edit(("no_pin", "1")), "none");
}

#[test]
fn a_pin_is_changed_and_never_logged() {
    let world = World::new();
    let token = world.token(0);
    let (group, description) = (
        world.value("SELECT device_group_id FROM devices WHERE id = 1"),
        world.value("SELECT description FROM devices WHERE id = 1"),
    );
    let save = |pin: &str| {
        let form = [
            ("description", description.as_str()),
            ("pin", pin),
            ("devicegroup_id", group.as_str()),
        ];
        assert_eq!(world.post("/devices/1/edit", &token, &form).status, 303);
        assert_eq!(
            world.value("SELECT pin FROM devices WHERE id = 1"),
            pin.to_owned()
        );
    };
    save("98760001");
    save("98760002");
    save("98760002");
    let log = world.value(
        "SELECT group_concat(coalesce(before, '') || coalesce(after, '')) FROM action_log WHERE action = 'device.update'",
    );
    assert!(!log.contains("9876"), "{log}");
    assert_eq!(log.matches("\"pin_changed\":true").count(), 2, "{log}");
}

#[test]
fn a_did_goes_through_its_life() {
    let world = World::new();
    let token = world.token(0);
    let status = || world.value("SELECT status FROM dids WHERE id = 1");
    type Step = (
        &'static str,
        &'static [(&'static str, &'static str)],
        &'static str,
    );
    let steps: &[Step] = &[
        ("reserve", &[("user_id", "anna")], "reserved"),
        ("assign", &[("device_id", "2")], "active"),
        ("unassign", &[], "reserved"),
        ("dialplan", &[("dialplan_id", "1")], "active"),
        ("close", &[], "closed"),
        ("reopen", &[], "reserved"),
        ("assign", &[("device_id", "1")], "active"),
        ("release", &[], "free"),
        ("assign", &[("device_id", "3")], "active"),
        ("close", &[], "closed"),
        ("free", &[], "free"),
        ("terminate", &[], "terminated"),
        ("free", &[], "free"),
        ("reserve", &[("user_id", "2")], "reserved"),
        ("unreserve", &[], "free"),
    ];
    for (step, form, becomes) in steps {
        let page = world.get("/dids/1", &token);
        assert!(
            page.body.contains(&format!("action=\"/dids/1/{step}\"")),
            "{step} is not offered"
        );
        let reply = world.post(&format!("/dids/1/{step}"), &token, form);
        assert_eq!(
            (reply.status, status().as_str()),
            (303, *becomes),
            "{step}: {}",
            reply.body
        );
    }
    let before = world.dump();
    for (step, form, text) in [
        ("close", &[][..], "this needs one that is active"),
        ("assign", &[("device_id", "5")], "Device was not found"),
        ("take-back", &[], "is not on loan"),
        ("reserve", &[("user_id", "rita")], "User was not found"),
        ("reserve", &[("user_id", "nobody")], "User was not found"),
    ] {
        let reply = world.post(&format!("/dids/1/{step}"), &token, form);
        assert_eq!(reply.status, 422, "{step}");
        assert!(
            reply.body.to_lowercase().contains(&text.to_lowercase()),
            "{step}: {}",
            reply.body
        );
    }
    assert_eq!(world.dump(), before);
}

#[test]
fn a_did_s_details_are_changed_and_a_wrong_one_is_marked() {
    let world = World::new();
    let token = world.token(0);
    let details = [
        ("call_limit", "3"),
        ("active_from", "2026-11-21T08:30"),
        ("active_till", "2026-12-24T00:00"),
        ("grace_time", "5"),
        ("language", "LT"),
        ("tone_zone", "de"),
        ("provider_id", "2"),
        ("custom_sip_header", "X-Carrier: <one>"),
        ("comment", "<b>mine</b>"),
        ("reseller_comment", ""),
    ];
    let saved = world.post("/dids/1/edit", &token, &details);
    assert_eq!(saved.location(), "/dids/1?done=saved", "{}", saved.body);
    let stored = "SELECT format('%s|%s|%s|%s|%s|%s|%s|%s|%s', call_limit, active_from_ms, active_till_ms, grace_time_s,
                  language, tone_zone, provider_id, custom_sip_header, comment) FROM dids WHERE id = 1";
    let wanted = "3|1795249800000|1798070400000|5|lt|de|2|X-Carrier: <one>|<b>mine</b>";
    assert_eq!(world.value(stored), wanted);
    // It is shown, and what is sent as it is shown is no change, not even of the seconds.
    world.sql("UPDATE dids SET active_from_ms = 1795249801000 WHERE id = 1");
    let before = world.dump();
    let page = world.get("/dids/1", &token).body;
    assert!(page.contains("value=\"2026-11-21T08:30\""), "{page}");
    assert!(page.contains("&lt;b&gt;mine&lt;/b&gt;"), "{page}");
    let again = world.post("/dids/1/edit", &token, &details);
    assert_eq!(again.status, 303, "{}", again.body);
    assert_eq!(world.dump(), before);

    for (name, value) in [
        ("call_limit", "many"),
        ("active_from", "2027-01-01T00:00"),
        ("active_till", "soon"),
        ("grace_time", "-1"),
        ("language", "lit"),
        ("custom_sip_header", "no header"),
        ("provider_id", "999"),
    ] {
        let reply = world.post("/dids/1/edit", &token, &[(name, value)]);
        assert_eq!(reply.status, 422, "{name}");
        let problem = format!("id=\"{name}-problem\"");
        assert!(reply.body.contains(&problem), "{name}: {}", reply.body);
        assert!(
            name == "provider_id" || reply.body.contains(value),
            "{name}"
        );
    }
    assert_eq!(world.dump(), before);
}

#[test]
fn a_terminated_did_is_deleted_and_no_other() {
    let world = World::new();
    let token = world.token(0);
    let page = world.get("/dids/1", &token).body;
    assert!(!page.contains("/dids/1/delete"), "{page}");
    let refused = world.post("/dids/1/delete", &token, &[]);
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("DID status must be terminated"));
    let page = world.get("/dids/6", &token).body;
    assert!(page.contains("action=\"/dids/6/delete\""), "{page}");
    let deleted = world.post("/dids/6/delete", &token, &[]);
    assert_eq!(deleted.location(), "/dids?done=deleted");
    assert_eq!(world.get("/dids/6", &token).status, 404);
    let again = world.post("/dids/6/delete", &token, &[]);
    assert_eq!(again.status, 404);
}

#[test]
fn a_did_is_handed_over_to_a_reseller_and_reserved_onward() {
    let world = World::new();
    let (admin, reseller) = (world.token(0), world.token(4));
    let page = world.get("/dids/1", &admin).body;
    assert!(page.contains("can be taken back as long as"), "{page}");
    let reply = world.post("/dids/1/reserve", &admin, &[("user_id", "reseller")]);
    assert_eq!(
        (reply.status, reply.location()),
        (303, "/dids?done=handed-over")
    );
    let list = world.get(reply.location(), &admin);
    assert!(list.body.contains("reserved for the reseller"));
    // Admin still sees what is on loan, and does nothing with it but take it back.
    let page = world.get("/dids/1", &admin).body;
    let offered = page.matches("action=\"/dids/1/").count();
    assert_eq!(offered, 1, "{page}");
    assert!(page.contains("action=\"/dids/1/take-back\""), "{page}");
    let refused = world.post("/dids/1/terminate", &admin, &[]);
    assert_eq!(refused.status, 404, "{}", refused.body);
    let back = world.post("/dids/1/take-back", &admin, &[]);
    assert_eq!(back.location(), "/dids/1?done=take-back", "{}", back.body);
    assert_eq!(world.get("/dids/1", &reseller).status, 404);
    let again = world.post("/dids/1/reserve", &admin, &[("user_id", "reseller")]);
    assert_eq!(again.status, 303);

    // A reseller with own devices can name those of their users, too.
    let made = world.post("/devices/new", &reseller, &[("user_id", "reseller")]);
    assert_eq!(made.status, 303, "{}", made.body);
    let page = world.get("/dids/1", &reseller).body;
    assert!(page.contains("action=\"/dids/1/reserve\""), "{page}");
    assert!(page.contains("<input id=\"device_id\""), "{page}");
    let reply = world.post("/dids/1/reserve", &reseller, &[("user_id", "rita")]);
    assert_eq!(reply.location(), "/dids/1?done=reserve");
    let page = world.get("/dids/1", &reseller).body;
    assert!(!page.contains("action=\"/dids/1/reserve\""), "{page}");
    assert!(page.contains("action=\"/dids/1/unreserve\""), "{page}");
    // One of the reseller's users has it now.
    let page = world.get("/dids/1", &admin).body;
    assert!(!page.contains("action=\"/dids/1/"), "{page}");
    let refused = world.post("/dids/1/take-back", &admin, &[]);
    assert_eq!(refused.status, 422, "{}", refused.body);
}

#[test]
fn a_range_of_dids_is_all_or_nothing_after_a_preview() {
    let world = World::new();
    let token = world.token(0);
    let count = || world.value("SELECT count(*) FROM dids");
    let range = [
        ("provider_id", "1"),
        ("did", "5550095"),
        ("last", "5550104"),
    ];
    let preview = world.post("/dids/new", &token, &range);
    assert!(
        preview.body.contains("10 DIDs would be added"),
        "{}",
        preview.body
    );
    assert_eq!(count(), "10");
    let confirmed = [&range[..], &[("confirmed", "1")]].concat();
    let added = world.post("/dids/new", &token, &confirmed);
    assert_eq!(
        (added.status, added.location()),
        (303, "/dids?q=5550&done=added")
    );
    assert_eq!(count(), "20");

    // One of them exists, so none is added, even when the preview was skipped.
    let overlap = [
        ("provider_id", "1"),
        ("did", "5550104"),
        ("last", "5550109"),
    ];
    assert!(
        world
            .post("/dids/new", &token, &overlap)
            .body
            .contains("1 of 6 exist already")
    );
    let refused = world.post(
        "/dids/new",
        &token,
        &[&overlap[..], &[("confirmed", "1")]].concat(),
    );
    assert_eq!(refused.status, 422);
    assert!(
        refused.body.contains("DID already exists: 5550104"),
        "{}",
        refused.body
    );
    assert_eq!(count(), "20");
    for (first, last) in [
        ("1", "20000"),
        ("10", "9"),
        ("x", ""),
        ("1000000", "1009999"),
    ] {
        let form = [
            ("provider_id", "1"),
            ("did", first),
            ("last", last),
            ("confirmed", "1"),
        ];
        assert_eq!(
            world.post("/dids/new", &token, &form).status,
            422,
            "{first} {last}"
        );
    }
    assert_eq!(count(), "20");
}

#[test]
fn nothing_is_hidden_while_it_is_used() {
    let world = World::new();
    let token = world.token(0);
    let before = world.dump();
    for path in [
        "/groups/3/hide",
        "/ivrs/1/hide",
        "/dialplans/3/hide",
        "/providers/2/hide",
    ] {
        let reply = world.post(path, &token, &[]);
        assert_eq!(reply.status, 422, "{path}");
        assert!(reply.body.contains("in use"), "{path}");
    }
    assert_eq!(world.dump(), before);
    // A terminated DID does not keep its provider.
    world.sql(
        "UPDATE dids SET provider_id = 1 WHERE provider_id = 2;
         UPDATE dids SET provider_id = 2 WHERE status = 'terminated'",
    );
    for (path, sql) in [
        (
            "/groups/12/hide",
            "SELECT count(*) FROM device_groups WHERE id = 12 AND hidden_ms > 0",
        ),
        (
            "/ivrs/2/hide",
            "SELECT count(*) FROM ivrs WHERE id = 2 AND hidden_ms > 0",
        ),
        (
            "/providers/2/hide",
            "SELECT count(*) FROM providers WHERE id = 2 AND hidden_ms > 0",
        ),
        (
            "/devices/4/hide",
            "SELECT count(*) FROM devices WHERE id = 4 AND hidden_ms > 0",
        ),
    ] {
        assert_eq!(world.post(path, &token, &[]).status, 303, "{path}");
        assert_eq!(world.value(sql), "1", "{path}");
    }
    // A hidden provider takes no new DIDs. The DIDs that it has still name it.
    let form = [("provider_id", "2"), ("did", "999"), ("confirmed", "1")];
    assert!(
        world
            .post("/dids/new", &token, &form)
            .body
            .contains("Provider was not found")
    );
    let dids = world.get("/dids?status=terminated", &token).body;
    assert!(dids.contains("Carrier Two"));
}

#[test]
fn settings_keys_and_networks() {
    let world = World::new();
    let (admin, reseller) = (world.token(0), world.token(4));
    assert_eq!(
        world
            .post(
                "/settings/set",
                &admin,
                &[("allow_get", "on"), ("hash_check", "strict")]
            )
            .status,
        303
    );
    assert_eq!(
        world.value(
            "SELECT allow_get || hash_check FROM settings, owner_settings WHERE owner_id = 0"
        ),
        "1strict"
    );
    let before = world.dump();
    for (token, form, status) in [
        (&admin, ("hash_check", "off"), 422),
        (&admin, ("first_extension", "x"), 422),
        (&reseller, ("allow_api", "off"), 403),
    ] {
        let reply = world.post("/settings/set", token, &[form]);
        assert_eq!(reply.status, status, "{form:?}");
    }
    assert_eq!(
        world
            .post("/settings/allow", &admin, &[("network", "0.0.0.0/0")])
            .status,
        422
    );
    assert_eq!(world.dump(), before);

    let made = world.post("/settings/keys/new", &reseller, &[]);
    let key = world.value("SELECT secret FROM api_keys ORDER BY id DESC");
    assert!(made.body.contains(&key));
    assert!(!world.get("/settings", &reseller).body.contains(&key));
    assert_eq!(
        world
            .post("/settings/keys/3/replace", &reseller, &[])
            .status,
        200
    );
    assert_eq!(
        world.value("SELECT count(*) FROM api_keys WHERE user_id = 4 AND revoked_ms IS NULL"),
        "2"
    );
    // A reseller's provider is theirs alone: others are not offered it.
    assert_eq!(
        world
            .post(
                "/providers/new",
                &reseller,
                &[("name", "Mine"), ("common_use", "1")]
            )
            .status,
        422
    );
}

#[test]
fn settings_of_one_form_are_checked_as_a_whole() {
    let world = World::new();
    let admin = world.token(0);
    let save = |password: &str, hash: &str| {
        let form = [("require_password", password), ("hash_check", hash)];
        world.post("/settings/set", &admin, &form).status
    };
    let stored = || {
        world.value("SELECT require_password || ' ' || hash_check FROM settings, owner_settings WHERE owner_id = 0")
    };
    // Either change alone would leave the owner with neither.
    assert_eq!(save("always", "off"), 303);
    assert_eq!(stored(), "always off");
    assert_eq!(save("documented", "documented"), 303);
    assert_eq!(stored(), "documented documented");
    // The final state is still checked.
    assert_eq!(save("never", "off"), 422);
    assert_eq!(stored(), "documented documented");
}

/// Everything that a reseller can find out with the forms of the settings page, after one change of a setting for
/// everyone.
fn answers_of_settings(change: Option<(&'static str, &'static str)>) -> Vec<(String, u16, String)> {
    let world = World::new();
    if let Some((name, value)) = change {
        let set = world.app.core.store.write_blocking(move |tx| {
            settings::set(tx, &Actor::operator(NOW_MS), name, value, None)
        });
        set.expect(name);
    }
    let token = world.token(4);
    let mut answers = Vec::new();
    let mut note = |sent: String, reply: Reply| {
        answers.push((
            sent,
            reply.status,
            reply.location().to_owned() + &reply.body,
        ));
    };
    note("the page".into(), world.get("/settings", &token));
    let one = |name, value| world.post("/settings/set", &token, &[(name, value)]);
    for setting in SETTINGS {
        let words = setting.takes.split([',', ' ']);
        for word in words.chain(["", "1", "7", "90", "1001", "5000", "x"]) {
            note(format!("{}={word}", setting.name), one(setting.name, word));
        }
    }
    // Without a hash check, first with an allow-list, then with its last network removed.
    let network = [("network", "192.0.2.0/24")];
    note(
        "allow".into(),
        world.post("/settings/allow", &token, &network),
    );
    note("off".into(), one("hash_check", "off"));
    note(
        "take off".into(),
        world.post("/settings/disallow", &token, &network),
    );
    note("the page at last".into(), world.get("/settings", &token));
    answers
}

#[test]
fn a_reseller_learns_no_setting_of_everyones_by_guessing() {
    let usual = answers_of_settings(None);
    let status = |sent: &str| {
        usual
            .iter()
            .rev()
            .find(|(known, ..)| known == sent)
            .unwrap()
            .1
    };
    assert_eq!(status("hash_check=off"), 422);
    assert_eq!(status("off"), 303);
    assert_eq!(status("take off"), 422);
    assert_eq!(status("dialect=current"), 303);
    let changes = [
        ("allow_api", "off"),
        ("allow_get", "on"),
        ("gzip", "negotiated"),
        ("require_password", "always"),
        ("require_password", "never"),
        ("shared_admin_key", "off"),
        ("default_device_type", "FAX"),
        ("first_extension", "5000"),
        ("did_closed_days", "7"),
    ];
    for setting in SETTINGS
        .iter()
        .filter(|known| known.field.scope() == "everyone")
    {
        let is_tried = changes.iter().any(|(name, _)| *name == setting.name);
        assert!(is_tried, "{}", setting.name);
    }
    for change in changes {
        for (usual, now) in usual.iter().zip(answers_of_settings(Some(change))) {
            assert_eq!(*usual, now, "{change:?}");
        }
    }
}

#[test]
fn a_hash_is_explained() {
    let world = World::new();
    let token = world.token(0);
    let explain = |request: &str| world.post("/hash", &token, &[("request", request)]).body;
    let right = explain(
        "http://x/billing/api/device_create?u=admin&user_id=2&description=desription1&pin=3&hash=6e79d4a82f68102f43be11d873177f47817f84df",
    );
    assert!(
        right.contains("The hash that was sent is accepted"),
        "{right}"
    );
    assert!(
        right.contains("2desription13se******")
            && right.contains("6e79d4a82f68102f43be11d873177f47817f84df")
    );
    assert!(!right.contains("3secret"));
    let wrong = explain(
        "/billing/api/device_create?u=admin&user_id=2&pin=3&hash=1a9ce54d9d4c3129b35270f5842430ab3345dd71",
    );
    assert!(
        wrong.contains("It is the SHA1 of pin + user_id, then the key"),
        "{wrong}"
    );
    assert!(explain("/billing/api/none?x=1").contains("is not a method"));
    assert!(explain(" ").contains("Paste a request first"));
    // No known key explains the hash: the page names the possible keys, and what is missing.
    let unknown = explain(
        "/billing/api/did_create?u=admin&did=1&hash=1a9ce54d9d4c3129b35270f5842430ab3345dd71",
    );
    assert!(
        unknown
            .contains("The client must sign with <code>se******</code> or <code>45******</code>")
            && unknown.contains("<code>provider_id</code> was not sent"),
        "{unknown}"
    );
}

#[test]
fn a_user_is_chosen_as_long_as_one_can_look_through_them() {
    let world = World::new();
    let token = world.token(0);
    let form = || world.get("/devices/new", &token).body;
    assert!(form().contains("<select id=\"user_id\"") && form().contains("office (user, ID 100)"));
    world.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
        INSERT INTO users (username, type, owner_id, created_ms) SELECT 'many' || i, 'user', 0, 0 FROM n",
    );
    assert!(form().contains("<input id=\"user_id\"") && form().contains("<datalist"));
    assert!(form().contains("Whose device it will be: a username or an ID"));
    // The typed user is still there when the form comes back.
    let again = world.get("/devices/new?user_id=many150", &token).body;
    assert!(again.contains("value=\"many150\""));
}

#[test]
fn a_did_of_a_user_without_devices_leads_to_one() {
    let world = World::new();
    let token = world.token(0);
    world.sql("UPDATE users SET type = 'user' WHERE username = 'clerk'");
    world.post("/dids/1/reserve", &token, &[("user_id", "clerk")]);
    let page = world.get("/dids/1", &token).body;
    let link = "<a href=\"/devices/new?user_id=clerk\">Create one</a>";
    assert!(
        page.contains("clerk has no device yet") && page.contains(link),
        "{page}"
    );
    let form = world.get("/devices/new?user_id=clerk", &token).body;
    assert!(form.contains("<option value=\"clerk\" selected>"));
}

#[test]
fn the_console_calls_the_api() {
    let world = World::new();
    let token = world.token(0);
    let reply = world.post("/console/devices_get", &token, &[("user_id", "100")]);
    assert!(
        reply.body.contains("&lt;device_id&gt;3&lt;/device_id&gt;"),
        "{}",
        reply.body
    );
    let reply = world.post(
        "/console/device_create",
        &token,
        &[("user_id", "2"), ("pin", "1111")],
    );
    assert!(reply.body.contains("Pin is already used"), "{}", reply.body);
    let reply = world.post(
        "/console/did_create",
        &token,
        &[("did", "4242"), ("provider_id", "1"), ("p", "password")],
    );
    assert!(
        reply.body.contains("DID created") && reply.body.contains("p=******"),
        "{}",
        reply.body
    );
    assert_eq!(
        world.value("SELECT through FROM action_log WHERE action = 'did.create'"),
        "api"
    );
}

#[test]
fn a_device_is_set_blocked_and_deleted_with_what_hangs_on_it() {
    let world = World::new();
    let token = world.token(0);
    let path = "/devices/1/settings";
    let saved = |form: &[(&str, &str)]| world.post(path, &token, form).status;
    let form = [
        ("authentication", "1"),
        ("host", "192.0.2.10"),
        ("port", "5060"),
        ("language", "LT"),
        ("call_limit", "0"),
        (
            "webhook_url_for_call_end",
            "https://example.com/end?key=secret",
        ),
        ("fax_email_add", "fax@example.com"),
    ];
    assert_eq!(saved(&form), 303);
    let kept = "SELECT ip_auth || '|' || (SELECT group_concat(name) FROM device_options) FROM devices WHERE id = 1";
    assert_eq!(world.value(kept), "1|language,webhook_url_for_call_end");
    // The key of a web address is on no page, and a blank field keeps it.
    for page in ["/devices/1", path] {
        let body = world.get(page, &token).body;
        assert!(
            body.contains("example.com/end?…") && !body.contains("key=secret"),
            "{page}: {body}"
        );
    }
    assert_eq!(
        saved(&[("webhook_url_for_call_end", ""), ("language", "")]),
        303
    );
    assert_eq!(world.value(kept), "1|webhook_url_for_call_end");

    let before = world.dump();
    let reply = world.post(
        path,
        &token,
        &[("ringing_timeout", "5"), ("comment", "typed <b>")],
    );
    assert_eq!(reply.status, 422);
    assert!(
        reply.body.contains("id=\"ringing_timeout-problem\""),
        "{}",
        reply.body
    );
    assert!(reply.body.contains("typed &lt;b&gt;"), "{}", reply.body);
    assert_eq!(world.dump(), before);

    for (form, blocked) in [(&[("blocked", "1")][..], "1"), (&[], "0")] {
        assert_eq!(world.post("/devices/1/block", &token, form).status, 303);
        let is = "SELECT blocked_ms IS NOT NULL FROM devices WHERE id = 1";
        assert_eq!(world.value(is), blocked);
        let listed = world.get("/devices?blocked=yes", &token).body;
        assert_eq!(listed.contains("/devices/1\""), blocked == "1", "{listed}");
    }

    let body = world.get("/devices/1", &token).body;
    for said in [
        "1 DID on it",
        "1 CLI to be deleted: 37061111111",
        "1 option of its own",
        "fax@example.com",
    ] {
        assert!(body.contains(said), "{said}: {body}");
    }
    assert_eq!(world.post("/devices/1/hide", &token, &[]).status, 303);
    assert_eq!(
        world.value("SELECT status || (device_id IS NULL) FROM dids WHERE id = 3"),
        "reserved1"
    );
    assert_eq!(
        world.value("SELECT count(*) FROM clis WHERE device_id = 1"),
        "0"
    );
}
