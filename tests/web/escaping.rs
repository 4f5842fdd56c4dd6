//! Markup in every field that is shown: none of it reaches the browser as markup.

use linebook::http::pages::routes::{ROUTES, Verb};

use crate::world::World;

const EVIL: &str = "<script>alert(1)</script>\"'><img src=x>";

fn check(path: &str, body: &str) {
    for word in ["<script", "<img"] {
        assert!(!body.contains(word), "{path}: {body}");
    }
}

/// The visible part of a page: everything but its tags.
fn seen(html: &str) -> String {
    let pieces = html.split('<').map(|piece| piece.split_once('>'));
    pieces.flatten().map(|(_, text)| text).collect()
}

#[test]
fn what_nobody_sees_is_shown_as_its_escape() {
    let hidden = "a\u{200b}\u{202e}\u{ad}\u{2066}\u{3164}z";
    let escaped = r"a\u{200b}\u{202e}\u{ad}\u{2066}\u{3164}z";
    let world = World::new();
    // Such rows are older than the rule, or come through the API.
    world.sql(&format!(
        "UPDATE users SET username = '{hidden}' || id WHERE id <> 0;
         UPDATE devices SET description = '{hidden}';
         UPDATE device_groups SET name = '{hidden}';
         UPDATE providers SET name = '{hidden}' || id;
         UPDATE ivrs SET name = '{hidden}';
         UPDATE dialplans SET name = '{hidden}';
         UPDATE clis SET description = '{hidden}', comment = '{hidden}';
         INSERT INTO action_log (at_ms, actor_id, actor, through, action, object_id, after)
           VALUES (0, 2, '{hidden}', 'api', 'device.create', 1, json_object('x', '{hidden}'));"
    ));
    let mut count = 0;
    for person in [0, 2, 4] {
        let token = world.token(person);
        for route in ROUTES.iter().filter(|route| route.verb == Verb::Get) {
            let path = route.path.replace("{name}", "cli_add");
            let reply = world.get(&path.replace("{id}", "2"), &token);
            let text = match path.ends_with(".csv") {
                true => reply.body,
                false => seen(&reply.body),
            };
            let bad = text.chars().find(|c| hidden[1..].contains(*c) && *c != 'z');
            assert_eq!(bad, None, "{path}: {text}");
            count += usize::from(text.contains(escaped));
        }
    }
    assert!(count > 30, "shown on {count} pages only");
    // The form sends the stored text back unchanged.
    let form = world.get("/devices/2", &world.token(0)).body;
    assert!(form.contains(&format!("value=\"{hidden}\"")), "{form}");
}

#[test]
fn what_is_stored_is_shown_as_text() {
    let world = World::new();
    let evil = EVIL.replace('\'', "''");
    for (table, column) in [
        ("devices", "description"),
        ("devices", "caller_id"),
        ("devices", "secret"),
        ("devices", "ipaddr"),
        ("device_groups", "name"),
        ("ivrs", "name"),
        ("dialplans", "name"),
        ("clis", "description"),
        ("clis", "comment"),
    ] {
        world.sql(&format!("UPDATE {table} SET {column} = '{evil}'"));
    }
    for column in [
        "login",
        "server_ip",
        "cid_name",
        "fromuser",
        "fromdomain",
        "server_ids",
    ] {
        let sql =
            format!("UPDATE providers SET {column} = '{evil}' WHERE network_type <> 'dynamic'");
        world.sql(&sql);
    }
    world.sql(&format!("UPDATE providers SET name = '{evil}' || id"));
    world.sql(&format!(
        "UPDATE provider_rules SET name = '{evil}', cut = '{evil}', suffix = '{evil}'"
    ));
    world.sql(&format!("UPDATE users SET username = '{evil}' || id"));
    world.sql(&format!("UPDATE devices SET username = '{evil}' || id"));
    world.sql(&format!(
        "INSERT INTO action_log (at_ms, actor_id, actor, through, address, action, object_id, before, after)
         VALUES (1, 0, '{evil}', 'pages', '{evil}', '{evil}', 1, json_object('{evil}', '{evil}'), json_object('x', '{evil}'))"
    ));
    let mut escaped = 0;
    for person in [0, 4, 2] {
        let token = world.token(person);
        let id = if person == 4 { "5" } else { "1" };
        for route in ROUTES.iter().filter(|route| route.verb == Verb::Get) {
            let path = route.path.replace("{id}", id).replace("{name}", "cli_add");
            let reply = world.get(&path, &token);
            if reply
                .header("content-type")
                .is_some_and(|kind| kind.starts_with("text/html"))
            {
                check(&path, &reply.body);
                escaped += usize::from(reply.body.contains("&lt;script&gt;"));
            }
        }
        check(
            "secret",
            &world
                .post(&format!("/devices/{id}/secret"), &token, &[])
                .body,
        );
    }
    assert!(escaped > 60, "only {escaped} pages showed it at all");
}

#[test]
fn what_is_sent_is_shown_as_text() {
    let world = World::new();
    let token = world.token(0);
    let encoded = linebook::api::encoding::percent_encode(EVIL);
    for route in ROUTES.iter().filter(|route| route.verb == Verb::Get) {
        let path = route.path.replace("{id}", "1").replace("{name}", "cli_add");
        let names = [
            "q",
            "user",
            "type",
            "trunk",
            "caller_id",
            "group",
            "status",
            "provider",
            "banned",
            "device",
            "actor",
            "action",
            "object",
            "through",
            "since",
            "until",
            "sort",
            "done",
            "next",
            "at",
            "name",
            "username",
            "user_id",
            "device_id",
            "devicegroup_id",
            "provider_id",
            "did",
        ];
        let query: Vec<String> = names
            .iter()
            .map(|name| format!("{name}={encoded}"))
            .collect();
        let reply = world.get(&format!("{path}?after=5&{}", query.join("&")), &token);
        if reply
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
        {
            check(&path, &reply.body);
        }
    }
    let fields = [
        "user_id",
        "description",
        "pin",
        "type",
        "devicegroup_id",
        "caller_id",
        "device_id",
        "cli_number",
        "cli_domain",
        "comment",
        "ivr_id",
        "name",
        "username",
        "new_password",
        "again",
        "did",
        "last",
        "provider_id",
        "network",
        "request",
        "dialplan_id",
        "hash_check",
        "first_extension",
        "cli_description",
        "password",
    ];
    let form: Vec<(&str, &str)> = fields.iter().map(|name| (*name, EVIL)).collect();
    for route in ROUTES
        .iter()
        .filter(|route| route.verb == Verb::Post && route.path != "/sign-out")
    {
        for name in ["reserve", "assign", "cli_add", "device_create"] {
            let path = route.path.replace("{id}", "1").replace("{name}", name);
            check(&path, &world.post(&path, &world.token(0), &form).body);
        }
    }
    let reply = world.get(&format!("/{encoded}"), &token);
    check("path", &reply.body);
}
