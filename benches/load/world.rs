//! Databases of a known size, and signed requests against them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;

use linebook::ambient::Ambient;
use linebook::api::methods;
use linebook::api::parameters::Parameters;
use linebook::api::signature;
use linebook::service::guard::passwords;
use linebook::store::FILE_NAME;
use rusqlite::Connection;

/// The release binary of this tree.
pub const BINARY: &str = env!("CARGO_BIN_EXE_linebook");
/// Admin's secret key.
pub const KEY: &str = "bench-key-0123456789";
/// Admin's password.
pub const PASSWORD: &str = "bench password";
/// Devices of each user.
pub const DEVICES_PER_USER: u64 = 10;
/// The id of the first plain user. Their first device is a trunk, and the DIDs are reserved for them.
pub const FIRST_USER: u64 = 10;

/// Makes a database in the folder `data` with this many devices, and DIDs that wait to be assigned. Rows that no rule
/// needs to see go in as plain SQL.
pub fn create(data: &Path, devices: u64, reserved_dids: u64) {
    create_by(Path::new(BINARY), data, devices, reserved_dids);
}

/// Makes it with another release of linebook, whose schema may differ.
pub fn create_by(binary: &Path, data: &Path, devices: u64, reserved_dids: u64) {
    let made = Command::new(binary)
        .args(["init", "--data"])
        .arg(data)
        .stdout(Stdio::null())
        .status();
    assert!(made.expect("linebook runs").success(), "no database");
    let hash = passwords::hash(PASSWORD, &Ambient::system()).expect("a hash");
    let connection = Connection::open(data.join(FILE_NAME)).expect("the database");
    connection
        .execute_batch(&format!(
            "BEGIN;
            UPDATE users SET password = '{hash}' WHERE id = 0;
            INSERT INTO api_keys (user_id, secret, created_ms) VALUES (0, '{KEY}', 0);
            CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {devices}) SELECT i FROM n;
            INSERT INTO users (id, username, type, owner_id, created_ms)
              SELECT {FIRST_USER} + i, 'user' || i, 'user', 0, 0 FROM n WHERE i < {devices} / {DEVICES_PER_USER};
            INSERT INTO device_groups (user_id, name, is_primary, created_ms)
              SELECT id, 'primary', 1, 0 FROM users WHERE id >= {FIRST_USER};
            INSERT INTO devices (id, user_id, device_group_id, type, extension, username, secret, pin, ipaddr, port, is_trunk, created_ms, owner_id)
              SELECT 1 + i, g.user_id, g.id, 'SIP', 1001 + i, 1001 + i, 'Secret0123456789', printf('%010d', i), '192.0.2.1', 5060, i = 0, 0, 0
              FROM n JOIN device_groups g ON g.user_id = {FIRST_USER} + i / {DEVICES_PER_USER} ORDER BY i;
            UPDATE installation SET next_extension = 1001 + {devices};
            INSERT INTO providers (id, owner_id, name, created_ms) VALUES (1, 0, 'Carrier', 0);
            INSERT INTO dids (did, provider_id, owner_id, status, user_id, created_ms)
              SELECT '37' || printf('%010d', i), 1, 0, 'reserved', {FIRST_USER}, 0 FROM (
                WITH RECURSIVE m(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM m WHERE i + 1 < {reserved_dids}) SELECT i FROM m);
            COMMIT;
            PRAGMA wal_checkpoint(TRUNCATE);"
        ))
        .expect("a world");
}

/// Gives the first plain users admin's password.
pub fn give_passwords(data: &Path, users: u64) {
    let connection = Connection::open(data.join(FILE_NAME)).expect("the database");
    let end = FIRST_USER + users;
    let given = connection.execute(
        &format!("UPDATE users SET password = (SELECT password FROM users WHERE id = 0) WHERE id >= {FIRST_USER} AND id < {end}"),
        [],
    );
    assert_eq!(given.expect("passwords") as u64, users);
}

/// A signed request, as bytes to send.
pub fn request(method: &str, parameters: &[(&str, String)]) -> Rc<[u8]> {
    let method = methods::find(method).expect("a method");
    let mut pairs = vec![("u".to_owned(), "admin".to_owned())];
    pairs.extend(
        parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    );
    let sent = Parameters::new(pairs.clone()).expect("parameters");
    let hash = signature::sign(&method.hashes[0], &sent, KEY);
    pairs.push(("hash".into(), hash));
    let query: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace(' ', "+")))
        .collect();
    let request = format!(
        "POST /billing/api/{}?{} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n",
        method.name,
        query.join("&")
    );
    request.into_bytes().into()
}

/// A request for the devices of the user at this place.
pub fn devices_get(user: u64) -> Rc<[u8]> {
    request(
        "devices_get",
        &[("user_id", (FIRST_USER + user).to_string())],
    )
}

/// A request for a device, with a random PIN, for the user at this place.
pub fn device_create(user: u64) -> Rc<[u8]> {
    request(
        "device_create",
        &[("user_id", (FIRST_USER + user).to_string())],
    )
}

/// The number of a DID, by its place among those that wait to be assigned.
pub fn reserved_did(place: u64) -> String {
    format!("37{place:010}")
}

/// Numbers that look random, the same in every run.
pub fn scatter(place: u64) -> u64 {
    let mixed = place
        .wrapping_add(0x9E37_79B9_7F4A_7C15)
        .wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed ^ (mixed >> 29)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 16
}
