//! Requests hidden in the bodies of others: whatever is answered, and however early, nothing in a body is ever a request.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use linebook::ambient::Ambient;
use linebook::http::server::Options;
use linebook::http::wire::closing::MAX_DRAINED;
use linebook::http::wire::head::MAX_BLANK;
use linebook::http::wire::timeouts::Timeouts;
use linebook::store;

use crate::common::hidden::{BODY, TRIGGERS, answers, attack};
use crate::common::socket::{Client, serve_with};
use crate::common::{Call, World};

#[test]
fn nothing_in_a_body_is_a_request() {
    let world = World::with(store::Options::default(), Ambient::system());
    let address = serve_with(
        &world,
        Options {
            timeouts: Timeouts {
                body: BODY,
                ..Timeouts::default()
            },
            ..Options::default()
        },
    );
    let before = world.dump();
    let innocent = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut problems = Vec::new();
    for trigger in &TRIGGERS {
        for is_chunked in [true, false] {
            let (first, mut rest) = attack(trigger, is_chunked, "");
            rest.extend(innocent.as_bytes());
            let seen = answers(address, &first, trigger.pause, &rest, true);
            let expected = match trigger.is_early {
                true => vec![(trigger.status, true)],
                false => vec![(trigger.status, false), (200, false)],
            };
            let is_unchanged = world.dump() == before;
            if seen != expected || !is_unchanged {
                let line = trigger.line;
                problems.push(format!(
                    "{line}, chunked: {is_chunked}: answered {seen:?} for {expected:?}, unchanged: {is_unchanged}"
                ));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A client that gets `first` and then, if the connection is still open, the health of the process.
fn then_live(address: SocketAddr, first: &[u8]) -> Vec<(u16, bool)> {
    let live = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    answers(address, first, Duration::ZERO, live, true)
}

fn served() -> (World, SocketAddr) {
    let world = World::with(store::Options::default(), Ambient::system());
    let address = serve_with(&world, Options::default());
    (world, address)
}

#[test]
fn an_upgrade_is_not_agreed_to() {
    let (_world, address) = served();
    let form = Call::sample("devices_get").signed_by_admin().form();
    for upgrade in [
        "h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        "websocket",
        "TLS/1.0",
    ] {
        let mut client = Client::new(address);
        for _ in 0..3 {
            let head = format!(
                "POST /billing/api/devices_get HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n\
                 Upgrade: {upgrade}\r\nContent-Length: {}\r\n\r\n{form}",
                form.len()
            );
            client.write(head.as_bytes());
            let answer = client.read(true).unwrap();
            assert_eq!((answer.status, answer.error()), (200, None), "{upgrade}");
            assert_eq!(answer.header("connection"), None);
            assert_eq!(answer.header("upgrade"), None);
        }
    }
}

#[test]
fn a_tunnel_is_refused_at_once() {
    let (_world, address) = served();
    let connect = b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\nContent-Length: 9\r\n\r\n";
    let mut client = Client::new(address);
    client.write(connect);
    let answer = client.read(true).unwrap();
    assert_eq!(
        (answer.status, answer.header("connection")),
        (405, Some("close"))
    );
    answer.check();
    assert_eq!(then_live(address, connect), [(405, true)]);
}

/// A refused request is refused once, and nothing after it is a request.
#[test]
fn what_is_broken_ends_its_connection() {
    let (world, address) = served();
    let before = world.dump();
    let call = Call::sample("device_create").signed_by_admin().form();
    let behind = format!("POST /billing/api/device_create?{call} HTTP/1.1\r\nHost: x\r\n\r\n");
    let post = |line: &str, headers: &str, body: &str| {
        format!("POST {line}\r\n{headers}\r\n{body}{behind}")
    };
    for (line, headers, body) in [
        ("/x HTTP/1.1", "", ""),
        ("/x HTTP/1.1", "Host: x y\r\n", ""),
        (
            "/x HTTP/1.1",
            "Host: x\r\nContent-Length: 4\r\nContent-Length: 4\r\n",
            "a=b&",
        ),
        (
            "/x HTTP/1.1",
            "Host: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
        ),
        (
            "/x HTTP/1.1",
            "Host: x\r\nTransfer-Encoding: identity\r\n",
            "",
        ),
        (
            "/x HTTP/1.1",
            "Host: x\r\nTransfer-Encoding: xchunked\r\n",
            "0\r\n\r\n",
        ),
        ("/x HTTP/1.1", "Host: x\r\nContent-Length : 4\r\n", "a=b&"),
        ("/x HTTP/1.1", "Host: x\r\nA: b\r\n c\r\n", ""),
        ("/x HTTP/1.1", "Host: x\r\nA: b\rc\r\n", ""),
        ("/x HTTP/1.0", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("/x HTTP/1.1 ", "Host: x\r\n", ""),
    ] {
        let sent = post(line, headers, body);
        assert_eq!(then_live(address, sent.as_bytes()), [(400, true)], "{sent}");
    }
    for body in [
        "0x1\r\na\r\n0\r\n\r\n",
        "1\na\r\n0\r\n\r\n",
        "0\r\n\n",
        "-1\r\n",
        "fffffffffffffffff\r\n",
    ] {
        for path in ["/billing/api/devices_get", "/sign-in"] {
            let sent = post(
                &format!("{path} HTTP/1.1"),
                "Host: x\r\nTransfer-Encoding: chunked\r\n",
                body,
            );
            let seen = then_live(address, sent.as_bytes());
            assert!(matches!(seen[..], [(400 | 413, true)]), "{sent}: {seen:?}");
        }
    }
    assert_eq!(world.dump(), before);
}

/// Some clients send a line end after a body. A client that sends nothing else once cost a core.
#[test]
fn a_few_line_ends_may_come_before_a_request() {
    let (_world, address) = served();
    let live = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    let few = "\r\n".repeat(MAX_BLANK / 2) + live;
    assert_eq!(
        then_live(address, few.repeat(2).as_bytes()),
        [(200, false); 3]
    );
    let many = "\r\n".repeat(MAX_BLANK / 2) + "\n" + live;
    assert_eq!(then_live(address, many.as_bytes()), [(400, true)]);
    let sent = live.to_owned() + &many;
    assert_eq!(
        then_live(address, sent.as_bytes()),
        [(200, false), (400, true)]
    );
    // One by one, too.
    let mut client = Client::new(address);
    let mut writer = client.writer();
    for _ in 0..=MAX_BLANK {
        let _ = writer.write_all(b"\n");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(client.read(true).unwrap().status, 400);
    assert!(client.is_closed());
}

/// A client that is still sending gets its answer. One that never stops is hung up on.
#[test]
fn what_comes_behind_an_early_answer_is_thrown_away() {
    let (_world, address) = served();
    let head =
        b"POST /billing/api/devices_get HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n";
    for size in [0, 10_000, MAX_DRAINED - 1] {
        let sent = [&head[..], &vec![b'a'; size]].concat();
        for _ in 0..5 {
            let mut client = Client::new(address);
            client.write(&sent);
            let answer = client.read(true).unwrap();
            assert_eq!(
                (answer.status, answer.header("connection")),
                (413, Some("close"))
            );
            // The answer comes to its end, without a reset.
            assert_eq!(client.writer().read(&mut [0]).unwrap(), 0);
        }
    }
    let client = Client::new(address);
    let mut writer = client.writer();
    let started = Instant::now();
    let piece = [b'a'; 10_000];
    let _ = writer.write_all(head);
    while writer.write_all(&piece).is_ok() {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "it is still read"
        );
    }
}

/// A client that has sent everything may close its side, and is answered.
#[test]
fn a_client_that_sends_no_more_is_answered() {
    let (_world, address) = served();
    let mut client = Client::new(address);
    let list = Call::sample("devices_get").signed_by_admin();
    client.write(&list.post_form().to_bytes());
    client.writer().shutdown(Shutdown::Write).unwrap();
    let answer = client.read(true).unwrap();
    assert_eq!((answer.status, answer.error()), (200, None));
    assert!(client.is_closed());
}
