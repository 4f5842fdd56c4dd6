//! Callers and their rights are remembered between calls. Every change of them holds from the next call on, whoever
//! made it.

use crate::common::{Call, World};

/// The outcome of a call: `ok`, or its error.
fn outcome(world: &World, call: &Call) -> String {
    let answer = world.send(&call.post().from("198.51.100.1"));
    answer.error().unwrap_or("ok".into())
}

fn devices() -> Call {
    Call::sample("devices_get").signed_by_admin()
}

/// A call is answered with `before`. Then `sql` runs behind the server's back, the database says that its callers have
/// changed, and the call is answered with `after`.
fn check(call: &Call, before: &str, sql: &str, after: &str) {
    let world = World::new();
    for _ in 0..2 {
        assert_eq!(outcome(&world, call), before, "before {sql}");
    }
    let version = "SELECT access_version FROM installation";
    let unchanged = world.select(version);
    world.sql(sql);
    assert_ne!(world.select(version), unchanged, "{sql}");
    assert_eq!(outcome(&world, call), after, "after {sql}");
}

#[test]
fn users_and_permissions() {
    let manager = devices().with("u", "manager").signed_by_admin();
    let block = "UPDATE users SET blocked = 1 WHERE username = 'manager'";
    check(&manager, "ok", block, "Bad login");
    let rename = "UPDATE users SET username = 'boss' WHERE username = 'manager'";
    check(&manager, "ok", rename, "Bad login");
    let take = "DELETE FROM permissions WHERE user_id = 3";
    check(&manager, "ok", take, "Bad login");
    let other = "UPDATE permissions SET permission = 'manage_dids' WHERE user_id = 3";
    check(&manager, "ok", other, "Bad login");
    let trainee = devices().with("u", "trainee").signed_by_admin();
    let give = "INSERT INTO permissions VALUES (7, 'manage_devices')";
    check(&trainee, "Bad login", give, "ok");
    let former = devices().with("u", "later").signed_by_admin();
    let add = "INSERT INTO users (id, username, type, owner_id, created_ms) VALUES (55, 'later', 'manager', 0, 0);
        INSERT INTO permissions VALUES (55, 'manage_devices')";
    check(&former, "Bad login", add, "ok");
}

#[test]
fn passwords() {
    let call = devices().with("p", "password");
    let forget = "UPDATE users SET password = NULL WHERE id = 0";
    check(&call, "ok", forget, "Bad login");
}

#[test]
fn keys() {
    let revoke = "UPDATE api_keys SET revoked_ms = 1 WHERE id = 1";
    check(&devices(), "ok", revoke, "Incorrect hash");
    let delete = "DELETE FROM api_keys WHERE id = 1";
    check(&devices(), "ok", delete, "Incorrect hash");
    let new = devices().signed_with("quite-new-key");
    let add = "INSERT INTO api_keys (user_id, secret, created_ms) VALUES (0, 'quite-new-key', 0)";
    check(&new, "Incorrect hash", add, "ok");
}

#[test]
fn settings_and_networks() {
    let off = "UPDATE settings SET allow_api = 0";
    check(&devices(), "ok", off, "API Requests are disabled");
    let unshare = "UPDATE settings SET shared_admin_key = 0";
    let manager = devices().with("u", "manager").signed_by_admin();
    check(&manager, "ok", unshare, "Incorrect hash");
    let wrong = devices().with("hash", "00");
    let trust = "INSERT INTO owner_settings (owner_id, hash_check) VALUES (0, 'off')";
    check(&wrong, "Incorrect hash", trust, "ok");
    let elsewhere = "INSERT INTO allowed_networks VALUES (0, '203.0.113.0/24')";
    check(&devices(), "ok", elsewhere, "Bad login");
}

#[test]
fn what_is_changed_and_changed_back() {
    let world = World::new();
    let elsewhere = "INSERT INTO allowed_networks VALUES (0, '203.0.113.0/24')";
    let here = "UPDATE allowed_networks SET network = '198.51.100.0/24'";
    let anywhere = "DELETE FROM allowed_networks";
    let strict = "INSERT INTO owner_settings (owner_id, hash_check) VALUES (0, 'off')";
    let lax = "UPDATE owner_settings SET hash_check = 'strict'";
    let usual = "DELETE FROM owner_settings";
    let wrong = devices().with("hash", "00");
    assert_eq!(outcome(&world, &devices()), "ok");
    for (sql, right, forged) in [
        (elsewhere, "Bad login", "Bad login"),
        (here, "ok", "Incorrect hash"),
        (anywhere, "ok", "Incorrect hash"),
        (strict, "ok", "ok"),
        (lax, "ok", "Incorrect hash"),
        (usual, "ok", "Incorrect hash"),
    ] {
        world.sql(sql);
        assert_eq!(outcome(&world, &devices()), right, "{sql}");
        assert_eq!(outcome(&world, &wrong), forged, "{sql}");
    }
}
