//! SIGTERM and SIGINT: requests in flight are finished, queued writes are made, and what was answered is what is
//! stored.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::server::{
    Load, Server, What, World, assert_stored, assert_whole, look, reserve, wait_for,
};

fn stop(signal: &str) {
    let world = World::new();
    let reserved = reserve(&world.database(), 200);
    let mut server = world.start();
    let load = Load::start(server.address, 64, reserved);
    wait_for("some writes", || (load.count() > 300).then_some(()));
    let told = Instant::now();
    server.signal(signal);
    let status = wait_for("the end", || server.child.try_wait().expect("a child"));
    assert!(status.success(), "{status}: {}", server.log());
    // Connections that keep asking do not delay the end to the limit of 30 seconds.
    assert!(told.elapsed() < Duration::from_secs(10));
    let outcome = load.finish();
    assert_eq!(outcome.half_answers, 0);
    assert_eq!(outcome.refusals, [] as [String; 0]);
    assert_stored(&world.database(), &outcome.acknowledged);
    assert_whole(&world.database());

    // Every write on disk was answered: none was lost on the way to its caller.
    let count = |what: fn(&What) -> bool| {
        let done = outcome.acknowledged.iter();
        done.filter(|done| what(&done.what)).count() as i64
    };
    let connection = look(&world.database());
    let stored = |action: &str| -> i64 {
        let sql = "SELECT count(*) FROM action_log WHERE action = ?1 AND through = 'api'";
        connection
            .query_row(sql, [action], |row| row.get(0))
            .expect("a count")
    };
    // The world's own device was made through the API, too.
    assert_eq!(
        stored("device.create") - 1,
        count(|what| matches!(what, What::Device { .. }))
    );
    assert_eq!(
        stored("did.create"),
        count(|what| matches!(what, What::Did { .. }))
    );
    assert_eq!(
        stored("did.assign"),
        count(|what| matches!(what, What::Assigned { .. }))
    );
    assert_eq!(
        stored("cli.create"),
        count(|what| matches!(what, What::Cli { .. }))
    );
    assert_eq!(
        stored("device.update"),
        count(|what| matches!(what, What::Described { .. }))
    );
    drop(connection);
    assert!(!world.data.join("linebook.db-wal").exists());
}

#[test]
fn sigterm_finishes_what_is_in_flight() {
    stop("TERM");
}

#[test]
fn sigint_does_so_too() {
    stop("INT");
}

/// A request whose body the server waits for.
fn half_a_request(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = "POST /billing/api/devices_get HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n";
    let plain = "Accept-Encoding: identity\r\nContent-Length: 5\r\n\r\n";
    write!(stream, "{head}{plain}").expect("it is read");
    let mut invited = [0; 25];
    stream.read_exact(&mut invited).expect("an invitation");
    assert_eq!(invited, *b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[test]
fn a_request_in_flight_has_its_time() {
    let world = World::new();
    let mut server = world.start();
    let mut stream = half_a_request(server.address);
    server.signal("TERM");
    wait_for("a closed door", || {
        TcpStream::connect(server.address).is_err().then_some(())
    });
    // Once a second, the framework looks whether the time is over.
    std::thread::sleep(Duration::from_millis(2500));
    stream.write_all(b"u=abc").expect("it is read");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains("<error>Bad login</error>"), "{answer}");
    let status = wait_for("the end", || server.child.try_wait().expect("a child"));
    assert!(status.success(), "{status}: {}", server.log());
}

#[test]
fn and_no_more_than_that() {
    let world = World::new();
    let mut server = Server::start(&world.data, &["--shutdown-timeout-s", "1"]);
    let mut stream = half_a_request(server.address);
    server.signal("TERM");
    // Being told that it is too slow would take much longer.
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(String::from_utf8_lossy(&answer), "");
    let status = wait_for("the end", || server.child.try_wait().expect("a child"));
    assert!(status.success(), "{status}: {}", server.log());
    assert_whole(&world.database());
}
