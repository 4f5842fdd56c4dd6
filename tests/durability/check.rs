//! `linebook check`: each invariant is broken by hand, and the check names it.

use std::collections::BTreeSet;

use linebook::service::installation;
use linebook::store::file::check::values::VALUE_CHECKS;
use linebook::store::file::check::{COUNT, FILE_CHECKS, SHAPE, checks};
use linebook::store::{OpenError, Options, Store, StoreError, WriteTx};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use super::server::{Load, World, ok, older_world, refused, run};

/// The checks, and a way to break each in the demo world.
const BREAKS: &[(&str, &str)] = &[
    (
        "SQLite finds the file intact",
        // An index that lacks a row of its table.
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX users_of_owner ON users (owner_id) WHERE 0' WHERE name = 'users_of_owner';
         PRAGMA writable_schema = RESET; REINDEX users_of_owner;
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX users_of_owner ON users (owner_id)' WHERE name = 'users_of_owner'",
    ),
    (
        "every reference leads to a row",
        "UPDATE dids SET provider_id = 77 WHERE id = 1",
    ),
    (SHAPE, "DROP TRIGGER users_update"),
    (
        "installation and settings have one row each",
        "DELETE FROM settings",
    ),
    (
        "a reserved, active or closed DID has a user, any other has none",
        "UPDATE dids SET user_id = NULL WHERE status = 'closed'",
    ),
    (
        "a reserved, active or closed DID has a user, any other has none",
        "UPDATE dids SET user_id = 2 WHERE id = 1",
    ),
    (
        "an active DID is on one device or dial plan, any other on none",
        "UPDATE dids SET device_id = NULL WHERE id = 3",
    ),
    (
        "an active DID is on one device or dial plan, any other on none",
        "UPDATE dids SET device_id = 1 WHERE id = 2",
    ),
    (
        "an active DID is on one device or dial plan, any other on none",
        "UPDATE dids SET dialplan_id = 1 WHERE id = 3",
    ),
    (
        "a DID has a closing time if and only if it is closed",
        "UPDATE dids SET closed_ms = NULL WHERE status = 'closed'",
    ),
    (
        "a DID's device is its user's",
        "UPDATE dids SET user_id = 100 WHERE id = 3",
    ),
    (
        "a DID's user is in the DID's scope",
        "UPDATE dids SET owner_id = 4 WHERE id = 2",
    ),
    (
        "a DID's user is in the DID's scope",
        "UPDATE dids SET owner_id = 0 WHERE id = 10",
    ),
    (
        "a DID's dial plan is in the DID's scope",
        "UPDATE dids SET dialplan_id = 2 WHERE id = 4",
    ),
    (
        "a lent DID is admin's, in a reseller's scope, and not terminated",
        "UPDATE dids SET lent_by_id = 8 WHERE id = 10",
    ),
    (
        "a lent DID is admin's, in a reseller's scope, and not terminated",
        "UPDATE dids SET lent_by_id = 4 WHERE id = 1",
    ),
    (
        "a lent DID is admin's, in a reseller's scope, and not terminated",
        "UPDATE dids SET lent_by_id = 0, status = 'terminated' WHERE id = 8",
    ),
    (
        "a DID stops answering after it begins",
        "UPDATE dids SET active_from_ms = 2, active_till_ms = 1 WHERE id = 2",
    ),
    (
        "a freed DID has nothing of its last user's details",
        "UPDATE dids SET call_limit = 1 WHERE id = 1",
    ),
    (
        "a freed DID has nothing of its last user's details",
        "UPDATE dids SET reseller_comment = 'VIP' WHERE id = 6",
    ),
    (
        "owners are admin or resellers",
        "UPDATE providers SET owner_id = 2 WHERE id = 1",
    ),
    (
        "owners are admin or resellers",
        "INSERT INTO allowed_networks VALUES (3, '192.0.2.0/24')",
    ),
    (
        "only callers have keys and permissions",
        "INSERT INTO permissions VALUES (2, 'manage_dids')",
    ),
    (
        "usernames are unique",
        "LOOSEN users; UPDATE users SET username = 'anna' WHERE id = 5",
    ),
    (
        "an owner's providers have names of their own",
        "DROP INDEX providers_named; UPDATE providers SET name = 'Carrier One' WHERE id = 2",
    ),
    (
        "DIDs are unique",
        "LOOSEN dids; UPDATE dids SET did = '37060000001' WHERE id = 6",
    ),
    (
        "PINs are unique",
        "LOOSEN devices; UPDATE devices SET pin = '1111' WHERE id = 2",
    ),
    (
        "extensions are unique",
        "LOOSEN devices; UPDATE devices SET extension = '1001' WHERE id = 2",
    ),
    (
        "device usernames are unique",
        "LOOSEN devices; UPDATE devices SET username = '1001' WHERE id = 2",
    ),
    (
        "CLI numbers are unique",
        "LOOSEN clis; UPDATE clis SET number = '37061111111' WHERE id = 3",
    ),
    (
        "CLI domains are unique",
        "LOOSEN clis; UPDATE clis SET domain = 'sip.example.com' WHERE id = 3",
    ),
    (
        "every device is in a group of its user",
        "UPDATE devices SET device_group_id = 11 WHERE id = 1",
    ),
    (
        "a device's owner is its user's scope",
        "UPDATE devices SET owner_id = 4 WHERE id = 1",
    ),
    (
        "a device's owner is its user's scope",
        "UPDATE devices SET owner_id = NULL WHERE id = 5",
    ),
    (
        "a group's owner is its user's scope",
        "UPDATE device_groups SET owner_id = 0 WHERE id = 6",
    ),
    (
        "a CLI's user and owner are its device's",
        "UPDATE clis SET owner_id = 4 WHERE id = 1",
    ),
    (
        "a CLI's user and owner are its device's",
        "UPDATE clis SET user_id = 100 WHERE id = 2",
    ),
    (
        "every user has exactly one primary group",
        "UPDATE device_groups SET is_primary = 0 WHERE id = 3",
    ),
    (
        "every user has exactly one primary group",
        "LOOSEN device_groups; UPDATE device_groups SET is_primary = 1 WHERE id = 12",
    ),
    (
        "a removed device has no PIN",
        "UPDATE devices SET pin = '7' WHERE id = 7",
    ),
    (
        "no DID is on a removed device",
        "UPDATE dids SET device_id = 7 WHERE id = 3",
    ),
    (
        "no CLI is on a removed device",
        "UPDATE clis SET device_id = 7 WHERE id = 1",
    ),
    (
        "a removed device has no options and no fax addresses",
        "INSERT INTO device_options (device_id, name, value) VALUES (7, 'language', 'lt')",
    ),
    (
        "a removed device has no options and no fax addresses",
        "INSERT INTO fax_emails (device_id, email) VALUES (7, 'fax@example.com')",
    ),
    (
        "device options are known, and differ from their defaults",
        "INSERT INTO device_options (device_id, name, value) VALUES (1, 'lenguage', 'lt')",
    ),
    (
        "device options are known, and differ from their defaults",
        "INSERT INTO device_options (device_id, name, value) VALUES (1, 'ringing_timeout', '60')",
    ),
    (
        "the addresses of devices are in canonical form",
        "UPDATE devices SET ipaddr = '2001:DB8::1' WHERE id = 1",
    ),
    (
        "the addresses of devices are in canonical form",
        "UPDATE devices SET ipaddr = 'phone' WHERE id = 1",
    ),
    (
        "a device that is known by its address has one",
        "LOOSEN devices; UPDATE devices SET ip_auth = 1 WHERE id = 2",
    ),
    (
        "no two devices are known by one address and port",
        "LOOSEN devices; UPDATE devices SET ip_auth = 1, ipaddr = '192.0.2.10', port = 5060 WHERE id IN (1, 3)",
    ),
    (
        "a removed device has no call flow and no rules",
        "INSERT INTO callflows (device_id, state, action) VALUES (7, 'busy', 'voicemail')",
    ),
    (
        "a removed device has no call flow and no rules",
        "INSERT INTO device_rules (device_id, name, cut, prefix, min_length, max_length, applies_to, changes_name, created_ms) VALUES (7, 'x', '1', '', 1, 2, 'dst', 0, 1)",
    ),
    (
        "a removed device has no call flow and no rules",
        "INSERT INTO callflows (device_id, state, action, target_id) VALUES (1, 'busy', 'forward', 7)",
    ),
    (
        "a call flow leads to a device of the same owner, for faxes to a fax device",
        "INSERT INTO callflows (device_id, state, action, target_id) VALUES (1, 'busy', 'forward', 5)",
    ),
    (
        "a call flow leads to a device of the same owner, for faxes to a fax device",
        "INSERT INTO callflows (device_id, state, action, target_id) VALUES (1, 'before_call', 'fax_detect', 2)",
    ),
    (
        "a DID takes its callers somewhere only on a dial plan for quickforwards",
        "INSERT INTO quickforwards (user_id, did_id) VALUES (2, 3)",
    ),
    (
        "a DID takes its callers somewhere only on a dial plan for quickforwards",
        "UPDATE dids SET dialplan_id = 1 WHERE id = 4",
    ),
    (
        "a dial plan's periods are its owner's",
        "UPDATE dialplans SET time_period2_id = 4 WHERE id = 1",
    ),
    (
        "a dial plan's periods are its owner's",
        "UPDATE ivr_time_periods SET hidden_ms = 5 WHERE id = 1",
    ),
    (
        "a call flow shows the number of a DID on its device",
        "INSERT INTO callflows (device_id, state, action, number, caller_id_from, did_id) VALUES (1, 'busy', 'forward', '1', 'did', 2)",
    ),
    (
        "a CLI's IVR is of an owner who reaches its device",
        "UPDATE clis SET ivr_id = 3 WHERE id = 1",
    ),
    (
        "an owner whose calls need no hash has an allow-list, or passwords are required",
        "INSERT INTO owner_settings VALUES (4, 'off', 'classic')",
    ),
    (
        "the next extension is not below the first",
        "UPDATE installation SET next_extension = 1000",
    ),
    (
        "every creation is in the action log",
        "INSERT INTO dids (did, provider_id, owner_id, status, created_ms) VALUES ('5', 1, 0, 'free', 5)",
    ),
    (
        "every creation in the action log is there",
        "INSERT INTO action_log (at_ms, actor, through, action, object_id) VALUES (0, 'x', 'cli', 'device.create', 99)",
    ),
    (
        "every time is between 1970 and 9999",
        "INSERT INTO action_log (at_ms, actor, through, action) VALUES (253402300800000, 'x', 'cli', 'user.unblock')",
    ),
    (
        "every time is between 1970 and 9999",
        "UPDATE devices SET created_ms = -1 WHERE id = 1",
    ),
];

fn demo_world() -> TempDir {
    filled(installation::fill_demo)
}

/// A folder with a new database after `fill`.
fn filled(fill: fn(&WriteTx<'_>, i64) -> Result<(), StoreError>) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Store::create(folder.path(), Options::default(), |tx| {
        Ok::<_, OpenError>(fill(tx, 1)?)
    })
    .expect("a world");
    folder
}

/// The names and examples that `linebook check` prints.
fn violations(folder: &TempDir) -> Vec<(String, Vec<String>)> {
    let output = run(&["check", "--json"], folder.path());
    if output.status.code() == Some(0) {
        return Vec::new();
    }
    assert_eq!(output.status.code(), Some(1));
    let rows: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let rows = rows.as_array().expect("rows").iter();
    rows.map(|row| {
        let examples = row["examples"].as_array().expect("examples").iter();
        (text(&row["name"]), examples.map(text).collect())
    })
    .collect()
}

/// Removes a table's constraints and indexes.
fn loosen(connection: &Connection, table: &str) {
    connection
        .execute_batch(&format!(
            "PRAGMA legacy_alter_table = ON;
             ALTER TABLE {table} RENAME TO tight;
             CREATE TABLE {table} AS SELECT * FROM tight;
             DROP TABLE tight;"
        ))
        .expect("SQL");
}

#[test]
fn each_broken_invariant_is_named() {
    for (name, sql) in BREAKS {
        let folder = demo_world();
        let connection = Connection::open(folder.path().join("linebook.db")).expect("a database");
        connection
            .execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
            .expect("SQL");
        let mut sql = *sql;
        if let Some((table, rest)) = sql
            .strip_prefix("LOOSEN ")
            .and_then(|sql| sql.split_once(';'))
        {
            loosen(&connection, table);
            sql = rest;
        }
        connection.execute_batch(sql).expect(sql);
        drop(connection);
        let found = violations(&folder);
        let examples = found.iter().find(|(found, _)| found == name);
        let (_, examples) = examples.unwrap_or_else(|| panic!("{name}: {sql}: {found:?}"));
        assert!(!examples.is_empty() && examples.len() <= 5, "{found:?}");
        assert!(!examples[0].contains("cannot be told"), "{found:?}");
    }
}

/// Changes of a file's schema, and the name that the check gives to each.
const ALTERED: &[(&str, &str)] = &[
    (
        "DROP TRIGGER users_update",
        "trigger users_update is missing",
    ),
    (
        "DROP TRIGGER users_update;
         CREATE TRIGGER users_update AFTER UPDATE ON users WHEN 0
         BEGIN UPDATE installation SET access_version = access_version + 1; END",
        "trigger users_update is not as linebook makes it",
    ),
    (
        "CREATE TRIGGER helper AFTER INSERT ON devices
         BEGIN UPDATE users SET password = NULL; END",
        "trigger helper on devices is not linebook's",
    ),
    (
        "CREATE TABLE theirs (x)",
        "table theirs is not linebook's",
    ),
    (
        "CREATE VIEW theirs AS SELECT secret FROM api_keys",
        "view theirs is not linebook's",
    ),
    (
        "CREATE UNIQUE INDEX theirs ON devices (caller_id) WHERE caller_id <> ''",
        "index theirs on devices is not linebook's",
    ),
    (
        "DROP INDEX dids_of_user",
        "index dids_of_user is missing",
    ),
    (
        "DROP INDEX dids_of_user; CREATE INDEX dids_of_user ON dids (user_id)",
        "index dids_of_user is not as linebook makes it",
    ),
    (
        "ALTER TABLE users ADD COLUMN note TEXT",
        "table users is not as linebook makes it",
    ),
    // An object that only looks like SQLite's own.
    (
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'IS NULL', 'IS NOT NULL') WHERE name = 'api_keys_active'",
        "index api_keys_active is not as linebook makes it",
    ),
    // SQLite stops reading at a NUL, and ignores what comes after it.
    (
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, ' WHERE revoked_ms', ' --' || char(0) || char(10) || ' WHERE revoked_ms') WHERE name = 'api_keys_active'",
        "index api_keys_active is not as linebook makes it",
    ),
    (
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = sql || '--' || char(0) WHERE name = 'clis'",
        "table clis is not as linebook makes it",
    ),
];

/// A foreign trigger is code that runs as linebook does. A missing one is a rule that does not hold.
#[test]
fn a_schema_that_linebook_did_not_make_is_named_and_not_trusted() {
    for (sql, words) in ALTERED {
        let folder = demo_world();
        let database = folder.path().join("linebook.db");
        let connection = Connection::open(&database).expect("a database");
        connection.execute_batch(sql).expect(sql);
        drop(connection);
        let found = violations(&folder);
        let named = (SHAPE.to_owned(), vec![(*words).to_owned()]);
        assert!(found.contains(&named), "{words}: {found:?}");

        let elsewhere = tempfile::tempdir().expect("a temporary folder");
        let file = elsewhere.path().join("backup.db");
        let path = file.to_str().expect("UTF-8");
        let line = refused(&["backup", path], folder.path());
        assert!(line.contains(words), "{line}");
        std::fs::copy(&database, &file).expect("a copy");
        let line = refused(&["restore", path], &elsewhere.path().join("data"));
        assert!(line.contains(words), "{line}");
        for verb in [
            &["serve", "--listen", "127.0.0.1:0"][..],
            &["did", "create", "777", "--provider", "1"],
            &["user", "add", "another"],
            &["clock", "accept"],
        ] {
            let line = refused(verb, folder.path());
            assert!(
                line.contains("is not trusted") && line.contains(words),
                "{line}"
            );
        }
        // Verbs that only read go on: someone who looks into it needs the log.
        ok(&["log"], folder.path());
    }
}

/// A verb must not run code that somebody else has put into the file.
#[test]
fn the_command_line_runs_no_foreign_trigger() {
    let folder = demo_world();
    let connection = Connection::open(folder.path().join("linebook.db")).expect("a database");
    connection
        .execute_batch(
            "CREATE TRIGGER theirs AFTER INSERT ON dids
             BEGIN INSERT INTO api_keys (user_id, secret, created_ms) VALUES (0, 'backdoor', 1); END",
        )
        .expect("SQL");
    let file = folder.path().join("dids.csv");
    std::fs::write(&file, "did,provider_id\n778,1\n").expect("a file");
    for verb in [
        &["did", "create", "777", "--provider", "1"][..],
        &["did", "import", file.to_str().expect("UTF-8")],
    ] {
        let line = refused(verb, folder.path());
        assert!(
            line.contains("trigger theirs on dids is not linebook's"),
            "{line}"
        );
    }
    let keys = "SELECT count(*) FROM api_keys WHERE secret = 'backdoor'";
    let keys: i64 = connection
        .query_row(keys, [], |row| row.get(0))
        .expect("a count");
    assert_eq!(keys, 0);
}

/// An older file is compared with the schema that the steps to its version make, before a statement of the next step
/// runs. Somebody else's trigger would run with it.
#[test]
fn an_older_file_runs_no_foreign_trigger_when_it_is_brought_forward() {
    let folder = older_world();
    let database = folder.path().join("linebook.db");
    let open = || Connection::open(&database).expect("a database");
    open()
        .execute_batch(
            "CREATE TRIGGER theirs AFTER UPDATE ON installation
             BEGIN INSERT OR IGNORE INTO api_keys (user_id, secret, created_ms) VALUES (0, 'backdoor', 1); END",
        )
        .expect("SQL");
    let before = std::fs::read(&database).expect("the file");
    let words = "trigger theirs on installation is not linebook's";
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let copy = elsewhere.path().join("copy.db");
    for verb in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["user", "list"],
        &["did", "create", "777", "--provider", "1"],
        &["backup", copy.to_str().expect("UTF-8")],
    ] {
        let line = refused(verb, folder.path());
        assert!(line.contains(words), "{verb:?}: {line}");
    }
    let restored = &["restore", database.to_str().expect("UTF-8")];
    let line = refused(restored, &elsewhere.path().join("data"));
    assert!(line.contains(words), "{line}");
    // Nothing has run, and no file was made beside it.
    assert_eq!(std::fs::read(&database).expect("the file"), before);
    let keys = "SELECT count(*) FROM api_keys WHERE secret = 'backdoor'";
    let keys: i64 = open()
        .query_row(keys, [], |row| row.get(0))
        .expect("a count");
    assert_eq!(keys, 0);
    assert!(!folder.path().join("linebook.db.v1").exists());
}

/// The schema of a version that no step leads to is empty, so every table in such a file is foreign.
#[test]
fn an_older_backup_is_compared_with_what_its_steps_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("linebook.db");
    let old = Connection::open(&file).expect("a file");
    old.execute_batch("PRAGMA application_id = 0x6c696e65; CREATE TABLE theirs (x)")
        .expect("SQL");
    drop(old);
    let path = file.to_str().expect("UTF-8");
    let copy = folder.path().join("copy.db");
    for line in [
        refused(&["restore", path], &folder.path().join("data")),
        refused(&["backup", copy.to_str().expect("UTF-8")], folder.path()),
    ] {
        assert!(
            line.contains(
                "is damaged, the schema is linebook's own: table theirs is not linebook's"
            ),
            "{line}"
        );
    }
    assert!(!copy.exists());
}

#[test]
fn statistics_of_sqlite_are_no_fault() {
    let folder = demo_world();
    let connection = Connection::open(folder.path().join("linebook.db")).expect("a database");
    connection.execute_batch("ANALYZE").expect("statistics");
    drop(connection);
    assert_eq!(violations(&folder), []);
}

#[test]
fn every_check_is_broken_once_and_none_stands_twice() {
    let broken: BTreeSet<&str> = BREAKS.iter().map(|(name, _)| *name).collect();
    let checks = FILE_CHECKS.iter().chain(checks()).map(|check| check.name);
    let checks = checks.chain(VALUE_CHECKS.iter().map(|check| check.name));
    let checks: Vec<&str> = checks.chain([SHAPE]).collect();
    assert_eq!(broken, checks.iter().copied().collect());
    assert_eq!(broken.len(), checks.len());
}

#[test]
fn good_databases_pass_also_while_they_are_written() {
    assert_eq!(violations(&demo_world()), []);
    assert_eq!(violations(&filled(installation::fill_examples)), []);
    let world = World::new();
    let server = world.start();
    let load = Load::start(server.address, 16, Vec::new());
    for _ in 0..5 {
        let said = ok(&["check"], &world.data);
        assert_eq!(said, format!("all {COUNT} checks hold\n"));
    }
    assert_eq!(load.finish().refusals, [] as [String; 0]);
    server.terminate();
}

#[test]
fn many_examples_are_cut_short() {
    let folder = demo_world();
    let connection = Connection::open(folder.path().join("linebook.db")).expect("a database");
    connection
        .execute_batch("UPDATE devices SET blocked_ms = -1")
        .expect("SQL");
    drop(connection);
    let output = run(&["check"], folder.path());
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(said.contains("device 5 has -1"), "{said}");
    assert!(!said.contains("device 6"), "{said}");
    assert!(said.contains("yes"), "{said}");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(stderr.contains("a check does not hold: "), "{stderr}");
}

/// A number that cannot be a time is shown as it is, in the table and by the server.
#[test]
fn a_time_that_is_none_stops_nothing() {
    let folder = demo_world();
    let connection = Connection::open(folder.path().join("linebook.db")).expect("a database");
    for at_ms in [253_402_300_800_000, i64::MAX, -1, i64::MIN] {
        let sql = "INSERT INTO action_log (at_ms, actor, through, action) VALUES (?1, 'x', 'cli', 'user.unblock')";
        connection.execute(sql, [at_ms]).expect("SQL");
        let said = ok(&["log"], folder.path());
        assert!(said.contains(&at_ms.to_string()), "{said}");
    }
}
