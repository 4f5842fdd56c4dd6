//! Databases of earlier builds: this one opens each, brings it forward, finds nothing wrong with it and serves it.

use std::collections::BTreeMap;

use linebook::ambient::Ambient;
use linebook::store::file::check::{check, check_shape};
use linebook::store::file::migrate::{look, steps};
use linebook::store::file::schema::{RELEASED, SCHEMA, STEPS, VERSION};
use linebook::store::{FILE_NAME, Options};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::common::world::{NOW_MS, older_databases, rows};
use crate::common::{Call, World};

/// For each table, the statement that reads every column of every row, and what it reads.
type Tables = BTreeMap<String, (String, Vec<Vec<Value>>)>;

/// Every row of every table.
fn tables(connection: &Connection) -> Tables {
    let columns = "
SELECT tables.name, 'SELECT ' || group_concat(columns.name, ', ') || ' FROM ' || tables.name || ' ORDER BY 1, 2'
FROM sqlite_schema AS tables
JOIN pragma_table_info(tables.name) AS columns
WHERE tables.type = 'table'
  AND tables.name NOT LIKE 'sqlite_%'
GROUP BY tables.name";
    rows(connection, columns)
        .into_iter()
        .map(|row| match <[Value; 2]>::try_from(row) {
            Ok([Value::Text(name), Value::Text(sql)]) => {
                let rows = rows(connection, &sql);
                (name, (sql, rows))
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn every_earlier_release_has_a_database() {
    let versions: Vec<usize> = older_databases()
        .iter()
        .map(|(version, _)| *version)
        .collect();
    assert_eq!(versions, RELEASED);
    assert!(versions.iter().all(|version| *version < VERSION));
}

#[test]
fn a_database_of_an_earlier_build_is_brought_forward_and_served() {
    for (version, bytes) in older_databases() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        std::fs::write(&path, bytes).unwrap();
        let (before, next) = {
            let connection = Connection::open(&path).unwrap();
            let found: i64 = connection
                .pragma_query_value(None, "user_version", |row| row.get(0))
                .unwrap();
            assert_eq!(found, version as i64);
            let next = "SELECT '<id>' || (max(devices.id) + 1) || '</id><username>' || next_extension || '</username>'
                FROM devices, installation";
            let Value::Text(next) = rows(&connection, next).remove(0).remove(0) else {
                panic!("no text");
            };
            (tables(&connection), next)
        };
        let empty: Vec<&String> = before
            .iter()
            .filter(|(_, (_, rows))| rows.is_empty())
            .map(|(name, _)| name)
            .collect();
        assert_eq!(empty, [""; 0], "a row in every table");

        let world = World::in_folder(folder, Options::default(), Ambient::fixed(NOW_MS, 1));
        let path = world.path().join(FILE_NAME);
        assert_eq!(check(&look(&path).unwrap()).unwrap(), []);
        // Columns that came later are not compared.
        for (name, (sql, before)) in &before {
            let mut after = rows(&world.connection(), sql);
            if name == "action_log" {
                // A step notes what it renames.
                after.truncate(before.len());
            }
            assert_eq!(before.len(), after.len(), "rows of {name}");
            let is_changed =
                ["installation", "owner_settings", "providers"].contains(&name.as_str());
            assert!(is_changed || *before == after, "{name}: {after:?}");
        }
        let names = "SELECT count(DISTINCT owner_id || name) = count(*) FROM providers WHERE hidden_ms IS NULL";
        assert_eq!(world.select(names), "1");
        let dialects = "SELECT owner_id, hash_check, dialect FROM owner_settings ORDER BY owner_id";
        assert_eq!(
            world.select(dialects),
            "0|lenient|classic;4|documented|current"
        );

        // The devices that the earlier build made are listed, and the next one gets the next number.
        let listed = world.send(
            &Call::new("devices_get")
                .with("u", "admin")
                .with("user_id", "2")
                .signed_by_admin()
                .post(),
        );
        for id in ["1", "2", "8"] {
            let device = format!("<device_id>{id}</device_id>");
            assert!(listed.text().contains(&device), "{}", listed.text());
        }
        let made = world.send(
            &Call::sample("device_create")
                .with("pin", "77")
                .signed_by_admin()
                .post(),
        );
        assert!(made.text().contains(&next), "{}", made.text());
        // Each owner keeps their dialect: admin `classic`, the reseller `current`.
        let refused = |u: &str, key: &str| {
            let call = Call::new("devices_get").with("u", u).with("user_id", "999");
            world.send(&call.signed_with(key).post()).text()
        };
        assert!(refused("admin", "secret").contains("<page><error>"));
        assert!(refused("reseller", "reseller-key").contains("<status><error>"));
    }
}

/// A file is compared with what the steps make, and this release's own files with what `schema.sql` makes.
#[test]
fn the_steps_and_the_schema_meet_word_by_word() {
    let mut by_steps = Connection::open_in_memory().unwrap();
    assert_eq!(steps(&mut by_steps, 0).unwrap(), None);
    assert_eq!(check_shape(&by_steps, &[SCHEMA]).unwrap(), None);
    let whole = Connection::open_in_memory().unwrap();
    whole.execute_batch(SCHEMA).unwrap();
    assert_eq!(check_shape(&whole, STEPS).unwrap(), None);
}

/// Names became unique among an owner's providers. The first of a name keeps it.
#[test]
fn providers_of_one_name_get_names_of_their_own() {
    let mut file = Connection::open_in_memory().unwrap();
    let mut numbers = 0..STEPS.len();
    let step = numbers.find(|at| STEPS[*at].contains("INDEX providers_named"));
    let step = step.unwrap();
    for step in &STEPS[..step] {
        file.execute_batch(step).unwrap();
    }
    let long = "z".repeat(255);
    file.execute_batch(&format!(
        "PRAGMA user_version = {step};
         INSERT INTO users (id, username, type, owner_id, created_ms)
         VALUES (0, 'admin', 'admin', 0, 1), (4, 'shop', 'reseller', 0, 1);
         INSERT INTO providers (id, owner_id, name, created_ms, hidden_ms) VALUES
           (1, 0, 'A', 1, NULL), (2, 0, 'A', 1, NULL), (3, 0, 'A', 1, NULL), (4, 0, 'A #2', 1, NULL), (5, 4, 'A', 1, NULL),
           (6, 0, 'A', 1, 5), (9, 0, '{long}', 1, NULL), (10, 0, '{long}', 1, NULL)"
    ))
    .unwrap();
    assert_eq!(steps(&mut file, step).unwrap(), None);
    let names = "SELECT group_concat(name, '|') FROM (SELECT name FROM providers ORDER BY id)";
    let shortened = format!("{} ##10", "z".repeat(250));
    let expected = format!("A|A ##2|A ##3|A #2|A|A|{long}|{shortened}");
    assert_eq!(rows(&file, names), [[Value::Text(expected)]]);
    let log = "SELECT group_concat(object_id || actor || action || json_extract(before, '$.name') || json_extract(after, '$.name'), '|')
        FROM action_log WHERE object_id < 9 AND at_ms > 1700000000000";
    let logged = "2systemprovider.updateAA ##2|3systemprovider.updateAA ##3";
    assert_eq!(rows(&file, log), [[Value::Text(logged.into())]]);
    // A name that is taken is refused from now on.
    let again = "INSERT INTO providers (owner_id, name, created_ms) VALUES (0, 'A', 1)";
    assert!(file.execute_batch(again).is_err());
}
