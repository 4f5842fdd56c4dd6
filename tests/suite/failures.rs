//! Failed sign-ins reach the action log, in bounded numbers and without the typed text.

use std::net::IpAddr;

use linebook::housekeeping;
use linebook::service::guard::failures;
use linebook::service::sessions::form_token;
use linebook::store;
use rusqlite::Connection;
use rustix::process::Signal;

use crate::common::socket::Client;
use crate::common::{Call, Request, Server, World};

/// The failed sign-ins in a server's action log: address, object, name and how many.
fn failed_sign_ins(connection: &Connection) -> Vec<String> {
    let sql = "SELECT actor || ' ' || coalesce(address, '-') || ' ' || coalesce(object_id, '-') || ' ' || json_extract(after, '$.username') || ' ' || json_extract(after, '$.count') FROM action_log WHERE action = 'session.failed' ORDER BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn failed_sign_ins_are_in_the_action_log_once_the_server_ends() {
    let mut server = Server::start_plain(&["--trusted-proxy", "127.0.0.1"]);
    let mut client = Client::new(server.address);
    let mut call = |name: &str, password: &str, address: &str| {
        let call = Call::sample("did_create")
            .with("u", name)
            .with("p", password)
            .signed_by_admin();
        let post = call.post().header("X-Forwarded-For", address);
        client.send(&post);
    };
    for password in ["wrong-one", "wrong-two"] {
        call("admin", password, "192.0.2.1");
    }
    call("admin", "wrong-three", "2001:db8::1");
    call("admin", "wrong-four", "2001:db8::2");
    // Passwords typed into the wrong field.
    call("typed-password-1", "x", "192.0.2.1");
    call("typed-password-2", "x", "192.0.2.1");
    // On the web pages, too.
    let form = client.send(&Request::new("GET", "/sign-in").header("Accept", "text/html"));
    let cookie = form.header("set-cookie").unwrap();
    let token = cookie["linebook=".len()..].split(';').next().unwrap();
    let form_token = form_token(token);
    let body = format!("form_token={form_token}&username=anna&password=wrong-five");
    let sign_in = Request::new("POST", "/sign-in")
        .header("Cookie", &format!("linebook={token}"))
        .header("X-Forwarded-For", "192.0.2.9")
        .body(Some("application/x-www-form-urlencoded"), body);
    assert_eq!(client.send(&sign_in).status, 422);
    drop(client);

    let connection = Connection::open(server.path().join(store::FILE_NAME)).unwrap();
    assert_eq!(failed_sign_ins(&connection), [""; 0]);
    server.signal(Signal::TERM);
    server.child.wait().unwrap();
    assert_eq!(
        failed_sign_ins(&connection),
        [
            "system 192.0.2.1 - (unknown names) 2",
            "system 192.0.2.1 0 admin 2",
            "system 192.0.2.9 2 anna 1",
            "system 2001:db8::/64 0 admin 2",
        ]
    );
    let all: String = connection
        .query_row(
            "SELECT group_concat(actor || coalesce(before, '') || coalesce(after, '')) FROM action_log",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!(
        !all.contains("typed-password") && !all.contains("wrong-"),
        "{all}"
    );
    assert!(store::file::check::check(&connection).unwrap().is_empty());
}

#[test]
fn an_hour_of_failed_sign_ins_is_a_limited_number_of_rows() {
    let world = World::new();
    let app = world.app.clone();
    for number in 0..failures::MAX_ROWS as u32 + 500 {
        let address = IpAddr::from((0x0a00_0000 + number).to_be_bytes());
        app.core
            .failures
            .note(&app.core.store, number.into(), Some(address), "nobody");
    }
    world.block_on(housekeeping::log_failures(&app.core));
    let rows = failed_sign_ins(&world.connection());
    assert_eq!(rows.len(), failures::MAX_ROWS);
    assert_eq!(rows.iter().filter(|row| row.ends_with("501")).count(), 1);
    // Once written, they are forgotten.
    world.block_on(housekeeping::log_failures(&app.core));
    assert_eq!(
        failed_sign_ins(&world.connection()).len(),
        failures::MAX_ROWS
    );
}
