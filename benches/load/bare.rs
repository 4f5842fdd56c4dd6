//! The floor: the statements of one `device_create` in a bare loop over one connection, without queue, rules or HTTP.

use std::path::Path;
use std::time::{Duration, Instant};

use linebook::store::FILE_NAME;
use rusqlite::{Connection, TransactionBehavior, params};

use super::world::{FIRST_USER, scatter};

/// Devices per second, with `batch` of them in each transaction.
pub fn device_create(data: &Path, batch: u64, users: u64, duration: Duration) -> f64 {
    let mut connection = connect(data);
    let mut next: i64 = connection
        .query_row("SELECT next_extension FROM installation", [], |row| {
            row.get(0)
        })
        .expect("the next extension");
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < duration {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .expect("a transaction");
        for _ in 0..batch {
            one(&transaction, FIRST_USER + scatter(count) % users, next).expect("a device");
            next += 1;
            count += 1;
        }
        transaction.commit().expect("a commit");
    }
    count as f64 / start.elapsed().as_secs_f64()
}

fn connect(data: &Path) -> Connection {
    let connection = Connection::open(data.join(FILE_NAME)).expect("the database");
    connection.set_prepared_statement_cache_capacity(64);
    for (pragma, value) in [
        ("journal_mode", "WAL"),
        ("synchronous", "FULL"),
        ("foreign_keys", "ON"),
    ] {
        connection
            .pragma_update(None, pragma, value)
            .expect("a pragma");
    }
    connection
}

/// The reads and writes that the service makes for one device, in a savepoint as there.
fn one(connection: &Connection, user_id: u64, extension: i64) -> Result<(), rusqlite::Error> {
    let run = |sql: &str| connection.prepare_cached(sql)?.execute([]).map(|_| ());
    let id = user_id as i64;
    let extension_text = extension.to_string();
    // Distinct and in no order, like random PINs: the factor and the modulus have no common divisor.
    let pin = 10_000_000_000 + extension as u64 * 61_803_399 % 100_000_000;
    let pin = pin.to_string();
    run("SAVEPOINT one")?;
    let mut user = connection
        .prepare_cached("SELECT id, username, type, owner_id, blocked FROM users WHERE id = ?1")?;
    user.query_row([id], |row| row.get::<_, String>(1))?;
    let mut settings =
        connection.prepare_cached("SELECT default_device_type, first_extension FROM settings")?;
    settings.query_row([], |row| row.get::<_, String>(0))?;
    let mut group = connection
        .prepare_cached("SELECT id FROM device_groups WHERE user_id = ?1 AND is_primary = 1")?;
    let group: i64 = group.query_row([id], |row| row.get(0))?;
    let mut used =
        connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM devices WHERE pin = ?1)")?;
    used.query_row([&pin], |row| row.get::<_, bool>(0))?;
    let mut next = connection.prepare_cached("SELECT next_extension FROM installation")?;
    next.query_row([], |row| row.get::<_, i64>(0))?;
    let mut taken = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM devices WHERE extension = ?1) OR EXISTS (SELECT 1 FROM devices WHERE username = ?1)",
    )?;
    taken.query_row([&extension_text], |row| row.get::<_, bool>(0))?;
    connection
        .prepare_cached("UPDATE installation SET next_extension = ?1")?
        .execute([extension + 1])?;
    connection
        .prepare_cached(
            "INSERT INTO devices (user_id, device_group_id, type, description, extension, username, secret, pin, caller_id, ipaddr, port, is_trunk, created_ms, owner_id)
             VALUES (?1, ?2, 'SIP', '', ?3, ?3, 'Secret0123456789', ?4, '', '0.0.0.0', 5060, 0, 0, 0)",
        )?
        .execute(params![id, group, extension_text, pin])?;
    let device = connection.last_insert_rowid();
    let after = format!(
        "{{\"caller_id\":\"\",\"description\":\"\",\"device_group_id\":{group},\"extension\":\"{extension}\",\"id\":{device},\"ipaddr\":\"0.0.0.0\",\"is_trunk\":false,\"pin\":\"{pin}\",\"port\":5060,\"type\":\"SIP\",\"user_id\":{id},\"username\":\"{extension}\"}}"
    );
    connection
        .prepare_cached(
            "INSERT INTO action_log (at_ms, actor_id, actor, through, address, request_id, action, object_id, before, after)
             VALUES (1700000000000, 0, 'admin', 'api', '127.0.0.1', '0123456789abcdef', 'device.create', ?1, NULL, ?2)",
        )?
        .execute(params![device, after])?;
    run("RELEASE one")
}
