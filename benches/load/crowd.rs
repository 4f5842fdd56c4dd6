//! A database with many rows and long texts: the world for the most expensive permitted requests.

use std::path::Path;

use linebook::ambient::Ambient;
use linebook::service::guard::access::Actor;
use linebook::service::sessions;
use linebook::store::{FILE_NAME, Options, Store};
use rusqlite::Connection;

use super::world;

/// The id of a plain user with half as many devices as all others have together.
pub const BIG_USER: i64 = 40_000_000;
/// The id of a manager with keys of their own, who also signs with admin's.
pub const MANAGER: i64 = 40_000_001;
/// The id of the first reseller. Every reseller has a key.
pub const RESELLER: i64 = 41_000_000;
/// Rows with long texts: more than one web page looks at.
const LONG: u64 = 25_000;

/// Makes the database in the folder `data`, with this many devices, DIDs, CLIs and rows in the log.
pub fn create(data: &Path, count: u64) {
    world::create(data, count, count);
    let connection = Connection::open(data.join(FILE_NAME)).expect("the database");
    let from = count.saturating_sub(LONG);
    let fifth = count / 5;
    connection
        .execute_batch(&format!(
            "BEGIN;
            CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}) SELECT i FROM n;
            CREATE TEMP TABLE text AS SELECT replace(hex(zeroblob(120)), '0', 'ž') AS long;
            INSERT INTO users (id, username, type, owner_id, created_ms) VALUES
              ({BIG_USER}, 'big', 'user', 0, 0), ({MANAGER}, 'manager', 'manager', 0, 0);
            INSERT INTO permissions (user_id, permission) VALUES ({MANAGER}, 'manage_devices');
            INSERT INTO users (id, username, type, owner_id, created_ms)
              SELECT {RESELLER} + i, 'reseller' || i, 'reseller', 0, 0 FROM n WHERE i < 1100;
            INSERT INTO api_keys (user_id, secret, created_ms) SELECT 0, 'another-key-' || i, 0 FROM n WHERE i < 15;
            INSERT INTO api_keys (user_id, secret, created_ms) SELECT {MANAGER}, 'another-key-' || i, 0 FROM n WHERE i < 16;
            INSERT INTO api_keys (user_id, secret, created_ms) SELECT {RESELLER} + i, 'another-key-' || i, 0 FROM n WHERE i < 1100;
            INSERT INTO allowed_networks (owner_id, network) SELECT 0, '10.0.' || i || '.0/24' FROM n WHERE i < 255;
            INSERT INTO allowed_networks (owner_id, network) VALUES (0, '127.0.0.0/8');
            INSERT INTO device_groups (user_id, name, is_primary, created_ms, owner_id)
              SELECT {BIG_USER}, 'group ' || i || long, i = 0, 0, 0 FROM n JOIN text WHERE i < 5000;
            INSERT INTO devices (id, user_id, device_group_id, type, extension, username, secret, ipaddr, port, created_ms, owner_id)
              SELECT 50000000 + i, {BIG_USER}, g.id, 'SIP', 50000000 + i, 50000000 + i, 'Secret0123456789', '192.0.2.1', 5060, 0, 0
              FROM n JOIN device_groups g ON g.user_id = {BIG_USER} AND g.is_primary = 1 WHERE i < {count} / 2 ORDER BY i;
            UPDATE devices SET description = 'office ' || (SELECT long FROM text) WHERE id > {from} AND id < 50000000;
            UPDATE devices SET description = 'office ' || (SELECT long FROM text) WHERE id > 50000000 AND id < 50000000 + {LONG};
            INSERT INTO clis (device_id, number, description, comment, created_ms, user_id, owner_id)
              SELECT 1 + i, '5' || printf('%011d', i), CASE WHEN i > {from} THEN long ELSE '' END, CASE WHEN i > {from} THEN long ELSE '' END, 0, {first} + i / 10, 0
              FROM n JOIN text ORDER BY i;
            UPDATE dids SET reserved_ms = 1 WHERE id <= {fifth};
            UPDATE dids SET status = 'free', user_id = NULL WHERE id > {fifth} AND id <= 2 * {fifth};
            UPDATE dids SET status = 'closed', closed_ms = 9000000000000 WHERE id > 2 * {fifth} AND id <= 3 * {fifth};
            UPDATE dids SET status = 'terminated', user_id = NULL WHERE id > 3 * {fifth} AND id <= 4 * {fifth};
            UPDATE dids SET status = 'active', device_id = 1 WHERE id > 4 * {fifth};
            INSERT INTO providers (owner_id, name, created_ms) SELECT 0, 'provider ' || i || long, 0 FROM n JOIN text WHERE i < 5000;
            INSERT INTO ivrs (owner_id, name, created_ms) SELECT 0, 'ivr ' || i || long, 0 FROM n JOIN text WHERE i < 20000;
            INSERT INTO dialplans (owner_id, name, created_ms) SELECT 0, 'plan ' || i || long, 0 FROM n JOIN text WHERE i < 20000;
            INSERT INTO action_log (at_ms, actor_id, actor, through, address, request_id, action, object_id, before, after)
              SELECT 1700000000000 + i, 0, 'admin', 'api', '127.0.0.1', '0123456789abcdef', 'device.update', 1,
                CASE WHEN i > {from} THEN json_object('description', long, 'caller_id', long) END,
                CASE WHEN i > {from} THEN json_object('description', long, 'caller_id', long) ELSE '{{\"pin\":1}}' END
              FROM n JOIN text ORDER BY i;
            COMMIT;
            PRAGMA wal_checkpoint(TRUNCATE);",
            first = world::FIRST_USER,
        ))
        .expect("a crowd");
}

/// Makes a session of this user, and gives its cookie.
pub fn session(data: &Path, user_id: i64) -> String {
    let (store, ambient) = (Store::open(data, Options::default()), Ambient::system());
    let token = sessions::new_token(&ambient);
    let (kept, by) = (token.clone(), Actor::system(ambient.now_ms()));
    let begun = store
        .expect("the database")
        .write_blocking(move |tx| sessions::start(tx, &by, user_id, &kept));
    begun.expect("a session");
    token
}
