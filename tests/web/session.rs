//! Signing in and out, sessions and how they end, the link of a new database.

use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use linebook::ambient::SLACK_MS;
use linebook::service::guard::access::Actor;
use linebook::service::guard::line::MAX_WAITING;
use linebook::service::guard::passwords;
use linebook::service::guard::verifier::AT_ONCE;
use linebook::service::{sessions, users};
use linebook::store::StoreError;

use crate::world::{NOW_MS, World};

const VISITOR: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn is_in(world: &World, token: &str) -> bool {
    world.get("/account", token).status == 200
}

#[test]
fn signing_in_begins_a_new_session() {
    let world = World::new();
    let form = world.get("/sign-in?next=/devices%3Ftype%3DSIP", "");
    let visitor = form.token().expect("a cookie for the form");
    assert!(form.body.contains(&sessions::form_token(&visitor)));
    let form = [
        ("username", "admin"),
        ("password", "password"),
        ("next", "/devices?type=SIP"),
    ];
    let reply = world.post("/sign-in", &visitor, &form);
    assert_eq!((reply.status, reply.location()), (303, "/devices?type=SIP"));
    let cookie = reply.header("set-cookie").unwrap();
    for word in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=86400"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let token = reply.token().unwrap();
    assert_ne!(token, visitor);
    assert!(is_in(&world, &token) && !is_in(&world, &visitor));
    let stored = world
        .value("SELECT hex(token_hash) FROM sessions")
        .to_lowercase();
    assert_ne!(stored, token);

    assert_eq!(world.post("/sign-out", &token, &[]).location(), "/sign-in");
    assert!(!is_in(&world, &token));
}

#[test]
fn whoever_is_not_known_is_told_nothing() {
    let world = World::new();
    for (username, password) in [
        ("admin", "wrong"),
        ("nobody", "password"),
        ("former", "password"),
        ("clerk", ""),
        ("", ""),
    ] {
        let reply = world.post(
            "/sign-in",
            VISITOR,
            &[("username", username), ("password", password)],
        );
        assert_eq!(reply.status, 422, "{username}");
        assert!(
            reply
                .body
                .contains("The username or the password is wrong.")
        );
    }
    assert_eq!(world.value("SELECT count(*) FROM sessions"), "0");
}

#[test]
fn nobody_is_sent_elsewhere_after_signing_in() {
    let world = World::new();
    for next in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:x",
        "",
        "/\t/evil.example",
        "/devices\u{7f}x",
        "/devices?q=\u{17e}",
        "/devices ?q",
    ] {
        let form = [
            ("username", "anna"),
            ("password", "password"),
            ("next", next),
        ];
        assert_eq!(
            world.post("/sign-in", VISITOR, &form).location(),
            "/",
            "{next}"
        );
    }
}

#[test]
fn a_session_ends_by_time() {
    let world = World::new();
    let token = world.token(0);
    let at = |created: i64, seen: i64| {
        world.sql(&format!(
            "UPDATE sessions SET created_ms = {}, seen_ms = {}",
            NOW_MS - created,
            NOW_MS - seen
        ));
        is_in(&world, &token)
    };
    assert!(at(0, 0));
    assert!(at(sessions::ABSOLUTE_MS - 1, sessions::IDLE_MS - 1));
    // Its use was noted, so it is not idle any more.
    assert_eq!(
        world.value("SELECT seen_ms FROM sessions"),
        NOW_MS.to_string()
    );
    assert!(!at(0, sessions::IDLE_MS));
    assert!(!at(sessions::ABSOLUTE_MS, 0));
    // A clock that was set back makes no session longer. Requests that overtake each other end none.
    assert!(at(-SLACK_MS, -SLACK_MS));
    assert!(!at(0, -SLACK_MS - 1));
    assert!(!at(-SLACK_MS - 1, 0));
}

#[test]
fn a_block_and_a_new_password_end_sessions_at_once() {
    let world = World::new();
    let (admin, reseller) = (world.token(0), world.token(4));
    assert_eq!(world.post("/users/4/block", &admin, &[]).status, 303);
    assert!(!is_in(&world, &reseller));
    assert_eq!(world.post("/users/4/unblock", &admin, &[]).status, 303);
    assert!(!is_in(&world, &reseller), "the old session is back");

    let again = world.token(4);
    let hash = passwords::hash("another password", &world.app.core.ambient).unwrap();
    let set = world
        .app
        .core
        .store
        .write_blocking(move |tx| users::set_password(tx, &Actor::operator(NOW_MS), 4, &hash));
    set.unwrap();
    assert!(!is_in(&world, &again));
    // Nobody can block themselves or admin.
    assert_eq!(world.post("/users/0/block", &admin, &[]).status, 422);
}

#[test]
fn ones_own_password_needs_the_old_one() {
    let world = World::new();
    let token = world.token(0);
    let send = |old: &str, new: &str, again: &str| {
        world.post(
            "/account/password",
            &token,
            &[("password", old), ("new_password", new), ("again", again)],
        )
    };
    assert!(
        send("wrong", "new password", "new password")
            .body
            .contains("That is not the current password.")
    );
    assert!(
        send("password", "new password", "other")
            .body
            .contains("id=\"again-problem\"")
    );
    assert!(
        send("password", "short", "short")
            .body
            .contains("id=\"new_password-problem\"")
    );
    assert!(is_in(&world, &token));
    assert_eq!(
        send("password", "new password", "new password").location(),
        "/sign-in"
    );
    assert!(!is_in(&world, &token));
    let form = [("username", "admin"), ("password", "new password")];
    assert_eq!(world.post("/sign-in", VISITOR, &form).status, 303);
}

#[test]
fn ones_own_password_is_not_set_without_the_old_one() {
    let world = World::new();
    let token = world.token(0);
    let form = [("new_password", "new password"), ("again", "new password")];
    let before = world.dump();
    let reply = world.post("/users/0/password", &token, &form);
    assert_eq!(reply.status, 422, "{}", reply.body);
    assert!(reply.body.contains("on the account page"), "{}", reply.body);
    assert_eq!(world.dump(), before);
    let page = world.get("/users/0", &token).body;
    assert!(!page.contains("/users/0/password") && page.contains("Change your password"));
    assert!(
        world
            .get("/users/4", &token)
            .body
            .contains("/users/4/password")
    );
    assert_eq!(world.post("/users/4/password", &token, &form).status, 303);
}

#[test]
fn the_link_of_a_new_database_works_once_and_in_time() {
    let world = World::new();
    let link = "b".repeat(64);
    let kept = link.clone();
    let made = world
        .app
        .core
        .store
        .write_blocking(move |tx| sessions::insert_first_link(tx, &kept, NOW_MS));
    made.unwrap();
    let file = world.folder.path().join("first-run.txt");
    std::fs::write(&file, "secrets").unwrap();
    let path = format!("/welcome/{link}");
    assert_eq!(world.get("/welcome/none", "").status, 404);
    assert_eq!(world.get(&path, "").status, 200);
    let form = [
        ("new_password", "a good password"),
        ("again", "a good password"),
    ];
    let reply = world.post(&path, VISITOR, &form);
    assert_eq!((reply.status, reply.location()), (303, "/"));
    assert!(is_in(&world, &reply.token().unwrap()));
    assert!(!file.exists());
    assert_eq!(world.post(&path, VISITOR, &form).status, 404);
    assert_eq!(world.value("SELECT count(*) FROM password_links"), "0");

    let made = world.app.core.store.write_blocking(move |tx| {
        sessions::insert_first_link(tx, &link, NOW_MS - sessions::LINK_MS)
    });
    made.unwrap();
    assert_eq!(world.get(&path, "").status, 404);
    for (ahead_ms, status) in [(SLACK_MS, 200), (SLACK_MS + 1, 404)] {
        let expires_ms = NOW_MS + sessions::LINK_MS + ahead_ms;
        world.sql(&format!(
            "UPDATE password_links SET expires_ms = {expires_ms}"
        ));
        assert_eq!(world.get(&path, "").status, status, "{ahead_ms}");
    }
}

#[test]
fn a_sign_in_ends_the_links_of_its_user() {
    let world = World::new();
    let link = "c".repeat(64);
    let kept = link.clone();
    let made = world
        .app
        .core
        .store
        .write_blocking(move |tx| sessions::insert_first_link(tx, &kept, NOW_MS));
    made.unwrap();
    let path = format!("/welcome/{link}");
    world.token(4);
    assert_eq!(world.get(&path, "").status, 200);
    let form = [("username", "admin"), ("password", "password")];
    assert_eq!(world.post("/sign-in", VISITOR, &form).status, 303);
    assert_eq!(world.get(&path, "").status, 404);
}

#[test]
fn the_first_sign_in_of_admin_removes_the_first_secrets() {
    let world = World::new();
    let file = world.folder.path().join("first-run.txt");
    std::fs::write(&file, "secrets").unwrap();
    world.post(
        "/sign-in",
        VISITOR,
        &[("username", "anna"), ("password", "password")],
    );
    assert!(file.exists());
    world.post(
        "/sign-in",
        VISITOR,
        &[("username", "admin"), ("password", "password")],
    );
    assert!(!file.exists());
}

#[test]
fn sessions_of_one_user_are_bounded() {
    let world = World::new();
    for _ in 0..30 {
        world.sql("UPDATE sessions SET created_ms = created_ms - 1");
        world.token(0);
    }
    let count: u32 = world
        .value("SELECT count(*) FROM sessions")
        .parse()
        .unwrap();
    assert!(count <= sessions::MAX_SESSIONS, "{count}");
}

#[test]
fn guessing_is_slowed_down() {
    let world = World::new();
    let guess = |password| {
        let form = [("username", "admin"), ("password", password)];
        world.post("/sign-in", VISITOR, &form).status
    };
    for _ in 0..10 {
        assert_eq!(guess("wrong"), 422);
    }
    assert_eq!(guess("wrong"), 429);
    assert_eq!(guess("password"), 429);
    assert_eq!(world.value("SELECT count(*) FROM sessions"), "0");

    let form = [("username", "admin"), ("password", "password")];
    let reply = world.post("/sign-in", VISITOR, &form);
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (429, Some("60"))
    );
    assert!(reply.body.contains("Wait a minute, then try again"));
    // Without a session there is no overview.
    assert!(reply.body.contains("href=\"/sign-in\"") && !reply.body.contains("overview"));
}

#[test]
fn a_new_password_waits_for_its_turn_or_is_refused() {
    let world = World::new();
    let token = world.token(0);
    let verifier = &world.app.core.verifier;
    let slow = "$argon2id$v=19$m=8,t=1000000,p=1$ZGVjb3ktZGVjb3ktZGVjbw$Wcwb2WuLe+gBq6S7HRMvwKisMyC70uw5Vpoqac+gc58";
    let names: Vec<String> = (0..MAX_WAITING + AT_ONCE)
        .map(|name| name.to_string())
        .collect();
    // They come from the page's own address, because others would make room for it.
    let here = "127.0.0.1".parse().ok();
    let guesses: Vec<_> = names
        .iter()
        .map(|name| world.app.core.throttle.guess(NOW_MS, here, name))
        .collect();
    let mut waiting = Vec::new();
    // As many as can run and wait. Those that wait keep their places while two slow ones run.
    while waiting.len() < names.len() {
        let guess = &guesses[waiting.len()];
        let mut call: LocalBoxFuture<'_, _> = match waiting.len() < AT_ONCE {
            true => verifier.verify(guess, "p", Some(slow)).boxed_local(),
            false => {
                let hashed = verifier.hash("a new password", &world.app.core.ambient, here);
                hashed.map(|hashed| hashed.map(|_| ())).boxed_local()
            }
        };
        match (&mut call).now_or_never() {
            None => {
                waiting.push(call);
                // The slow ones run first, because a new password would go before them in the line.
                while waiting.len() == AT_ONCE && verifier.waiting() > 0 {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            Some(answer) => {
                assert_eq!(answer, Err(StoreError::Overloaded.into()));
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
    let before = world.dump();
    let form = [("new_password", "new password"), ("again", "new password")];
    let reply = world.post("/users/4/password", &token, &form);
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (503, Some("1"))
    );
    assert!(reply.body.contains("try again later"), "{}", reply.body);
    assert_eq!(world.dump(), before);
    drop(waiting);
    let mut reply = world.post("/users/4/password", &token, &form);
    while reply.status == 503 {
        std::thread::sleep(Duration::from_millis(20));
        reply = world.post("/users/4/password", &token, &form);
    }
    assert_eq!(reply.status, 303, "{}", reply.body);
}

#[test]
fn guessing_the_old_password_is_slowed_down() {
    let world = World::new();
    let token = world.token(0);
    let guess = |old: &str| {
        let form = [
            ("password", old),
            ("new_password", "new password"),
            ("again", "new password"),
        ];
        world.post("/account/password", &token, &form).status
    };
    for _ in 0..5 {
        assert_eq!(guess("wrong"), 422);
        assert_eq!(guess(&"x".repeat(1000)), 422);
    }
    assert_eq!(guess("password"), 429);
    // It counts together with failed sign-ins.
    let form = [("username", "admin"), ("password", "password")];
    assert_eq!(world.post("/sign-in", VISITOR, &form).status, 429);
    assert!(is_in(&world, &token));
}

#[test]
fn what_changed_while_a_password_was_verified_counts() {
    let world = World::new();
    let start = |verified: &str| {
        let verified = verified.to_owned();
        let from = Actor::system(NOW_MS).origin();
        world.app.core.store.write_blocking(move |tx| {
            sessions::start_verified(tx, from, 4, &verified, &"d".repeat(64))
        })
    };
    let password = || world.value("SELECT password FROM users WHERE id = 4");
    let verified = password();
    assert!(start(&verified).is_ok());
    world.sql("DELETE FROM sessions; UPDATE users SET blocked = 1 WHERE id = 4");
    assert!(start(&verified).is_err());
    world.sql("UPDATE users SET blocked = 0, password = password || 'x' WHERE id = 4");
    assert!(start(&verified).is_err());
    assert_eq!(world.value("SELECT count(*) FROM sessions"), "0");
    assert!(start(&password()).is_ok());
}

#[test]
fn a_sign_in_that_is_overtaken_by_a_change_begins_nothing() {
    let world = World::new();
    // A password that takes a moment to verify: this many passes over 8 KiB.
    let params = Params::new(8, 200_000, 1, None).unwrap();
    let slow = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    // Each time with another salt, because a verified one is remembered.
    let set_password = |salt: &[u8]| {
        let stored = slow
            .hash_password_with_salt(b"slow password", salt)
            .unwrap();
        let stored = stored.to_string();
        world.sql(&format!(
            "UPDATE users SET blocked = 0, password = '{stored}' WHERE id = 4"
        ));
    };
    let form = [("username", "reseller"), ("password", "slow password")];
    for (salt, change) in [
        (b"salt for another", "password = 'another'"),
        (b"salt for a block", "blocked = 1"),
    ] {
        set_password(salt);
        let connection = world.connection();
        let changed = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            connection.execute_batch(&format!("UPDATE users SET {change} WHERE id = 4"))
        });
        assert_eq!(
            world.post("/sign-in", VISITOR, &form).status,
            422,
            "{change}"
        );
        changed.join().unwrap().unwrap();
        assert_eq!(
            world.value("SELECT count(*) FROM sessions"),
            "0",
            "{change}"
        );
    }
    set_password(b"salt for nothing");
    assert_eq!(world.post("/sign-in", VISITOR, &form).status, 303);
}

#[test]
fn pages_are_shown_when_nothing_can_be_noted() {
    let world = World::new();
    let token = world.token(0);
    world.sql(&format!(
        "UPDATE sessions SET seen_ms = {};
         CREATE TRIGGER full BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'full'); END",
        NOW_MS - sessions::SEEN_EVERY_MS
    ));
    assert!(is_in(&world, &token));
}

/// Signs in with the password.
fn sign_in(world: &World, username: &str) -> String {
    let form = [("username", username), ("password", "password")];
    let reply = world.post("/sign-in", VISITOR, &form);
    assert_eq!(reply.status, 303, "{username}");
    reply.token().unwrap()
}

#[test]
fn ones_own_sessions_are_shown_and_nobody_elses() {
    let world = World::new();
    let (mine, other) = (sign_in(&world, "anna"), sign_in(&world, "anna"));
    let foreign = sign_in(&world, "admin");
    world.sql(&format!(
        "UPDATE sessions SET address = '192.0.2.77', created_ms = created_ms - 3600000 WHERE hex(token_hash) = '{}'",
        sessions::name(&other).to_uppercase()
    ));
    let page = world.get("/account", &mine).body;
    for shown in [
        sessions::name(&mine).as_str(),
        &sessions::name(&other),
        "127.0.0.1",
        "192.0.2.77",
        "2027-01-15 07:00:00",
        "this one",
        "/account/sessions/end-others",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains(&sessions::name(&foreign)));
    assert!(!page.contains(&mine) && !page.contains(&other));
    // A session that has expired is not shown any more.
    world.sql("UPDATE sessions SET seen_ms = 0 WHERE address = '192.0.2.77'");
    let page = world.get("/account", &mine).body;
    assert!(!page.contains("192.0.2.77") && !page.contains("end-others"));
}

#[test]
fn one_ends_ones_own_sessions_and_they_are_out_at_once() {
    let world = World::new();
    let tokens: Vec<String> = (0..4).map(|_| sign_in(&world, "anna")).collect();
    let foreign = sign_in(&world, "admin");
    let end = |by: &str, of: &str| {
        let name = sessions::name(of);
        world.post("/account/sessions/end", by, &[("session", &name)])
    };
    // Neither somebody else's session nor one that does not exist.
    for of in [foreign.as_str(), VISITOR] {
        assert_eq!(end(&tokens[0], of).status, 422);
    }
    assert!(is_in(&world, &foreign));
    assert_eq!(
        end(&tokens[0], &tokens[1]).location(),
        "/account?done=ended"
    );
    assert!(is_in(&world, &tokens[0]) && !is_in(&world, &tokens[1]));
    // An ended session can do nothing any more, not even end itself.
    assert_eq!(end(&tokens[1], &tokens[0]).status, 303);
    assert!(is_in(&world, &tokens[0]));
    assert_eq!(end(&tokens[0], &tokens[1]).status, 422);
    let others = world.post("/account/sessions/end-others", &tokens[0], &[]);
    assert_eq!(others.location(), "/account?done=ended");
    let still: Vec<bool> = tokens.iter().map(|token| is_in(&world, token)).collect();
    assert_eq!(still, [true, false, false, false]);
    assert!(is_in(&world, &foreign));
    // Ending one's own session signs out, as the button does.
    assert_eq!(end(&tokens[0], &tokens[0]).location(), "/sign-in");
    assert!(!is_in(&world, &tokens[0]));
    let logged = "SELECT group_concat(actor || object_id || coalesce(json_extract(before, '$.address'), '-'), ' ') FROM action_log WHERE action = 'session.end'";
    assert_eq!(
        world.value(logged),
        "anna2127.0.0.1 anna2127.0.0.1 anna2127.0.0.1 anna2-"
    );
}

#[test]
fn where_a_session_was_last_used_is_known() {
    let world = World::new();
    let token = world.token(0);
    assert_eq!(
        world.value("SELECT coalesce(address, '-') FROM sessions"),
        "-"
    );
    world.sql(&format!(
        "UPDATE sessions SET seen_ms = {}",
        NOW_MS - sessions::SEEN_EVERY_MS
    ));
    assert!(is_in(&world, &token));
    assert_eq!(world.value("SELECT address FROM sessions"), "127.0.0.1");
}
