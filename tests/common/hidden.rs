//! Requests hidden in the bodies of others, to be sent to the server and through proxies.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use super::Call;
use super::socket::Client;

/// The server's limit for a body in these tests.
pub const BODY: Duration = Duration::from_millis(800);
/// After this, a server that answers early has answered.
const EARLY: Duration = Duration::from_millis(300);

/// A request that makes the server answer, possibly before the body is complete.
pub struct Trigger {
    /// The verb and the path.
    pub line: &'static str,
    /// Further headers.
    pub headers: &'static str,
    /// Bytes of the body that come before the pause.
    pub filler: usize,
    /// How long the client waits before it sends the rest.
    pub pause: Duration,
    /// The status of its answer.
    pub status: u16,
    /// Whether the answer is made before the whole body was received.
    pub is_early: bool,
}

const fn trigger(line: &'static str, status: u16) -> Trigger {
    Trigger {
        line,
        headers: "",
        filler: 10,
        pause: EARLY,
        status,
        is_early: false,
    }
}

/// All triggers.
pub const TRIGGERS: [Trigger; 12] = [
    Trigger {
        filler: 65_600,
        is_early: true,
        ..trigger("POST /billing/api/devices_get", 413)
    },
    Trigger {
        filler: 65_600,
        is_early: true,
        ..trigger("POST /sign-in", 413)
    },
    Trigger {
        pause: BODY.saturating_mul(2),
        is_early: true,
        ..trigger("POST /billing/api/devices_get", 400)
    },
    Trigger {
        is_early: true,
        ..trigger("CONNECT x:80", 405)
    },
    trigger("GET /health/live", 200),
    trigger("GET /metrics", 200),
    trigger("PUT /billing/api/devices_get", 405),
    trigger("HEAD /billing/api/devices_get", 405),
    trigger("POST /billing/api/nothing", 404),
    trigger("GET /devices", 303),
    trigger("POST /sign-in", 403),
    Trigger {
        headers: "Accept: text/html\r\n",
        ..trigger("POST /nowhere", 404)
    },
];

/// A head, and a body with an old POST between blank lines. A server that reads this as a head and adds a length to it
/// reads the second chunk as a request. `more`: further headers.
pub fn attack(trigger: &Trigger, is_chunked: bool, more: &str) -> (Vec<u8>, Vec<u8>) {
    let call = Call::sample("device_create").signed_by_admin().form();
    let line = format!("POST /billing/api/device_create?{call}");
    let hidden = format!("{line} HTTP/1.0\r\n\r\n");
    let filler = "a".repeat(trigger.filler - 4) + "\r\n\r\n";
    // The tail is as long as the header that was once inserted.
    let rest = format!("POST /x HTTP/1.0\r\n\r\n{hidden}\r\n0\r\nA: aaaaaaaaaaa");
    let second = format!("\r\n{line} HTTP/1.1\r\nHost: x\r\n\r\n");
    let (line, headers) = (trigger.line, trigger.headers);
    let head = format!("{line} HTTP/1.1\r\nHost: x\r\n{headers}{more}");
    if is_chunked {
        let size = filler.len() + rest.len();
        let first = format!("{head}Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n{filler}");
        let rest = format!("{rest}\r\n{:x}\r\n{second}\r\n0\r\n\r\n", second.len());
        (first.into(), rest.into())
    } else {
        let length = filler.len() + rest.len() + second.len();
        let first = format!("{head}Content-Length: {length}\r\n\r\n{filler}");
        (first.into(), (rest + &second).into())
    }
}

/// Sends `first`, pauses, sends `rest`, and gives the status and the `Connection` of every answer. `ends`: the client
/// says that it sends no more.
pub fn answers(
    address: SocketAddr,
    first: &[u8],
    pause: Duration,
    rest: &[u8],
    ends: bool,
) -> Vec<(u16, bool)> {
    let client = Client::new(address);
    let mut stream = client.writer();
    // A server that closes may leave some of it unread.
    let _ = stream.write_all(first);
    std::thread::sleep(pause);
    let _ = stream.write_all(rest);
    if ends {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut came = Vec::new();
    let _ = stream.read_to_end(&mut came);
    let came = String::from_utf8_lossy(&came).into_owned();
    let answers = came.split("HTTP/1.1 ").skip(1);
    answers
        .map(|answer| {
            let head = answer.split("\r\n\r\n").next().unwrap();
            (
                head[..3].parse().unwrap(),
                head.contains("connection: close"),
            )
        })
        .collect()
}

/// A body that becomes too large among many old POSTs, in parts that a proxy passes on as chunks of its own. A length
/// that is added behind the early answer would move the end of the second chunk.
pub fn attack_in_parts() -> [Vec<u8>; 3] {
    let call = Call::sample("device_create").signed_by_admin().form();
    let chunk = |bytes: &[u8]| {
        let size = format!("{:x}\r\n", bytes.len());
        [size.as_bytes(), bytes, b"\r\n"].concat()
    };
    let head =
        b"POST /billing/api/devices_get HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let filler = chunk(&[&[b'a'; 59_996][..], b"\r\n\r\n"].concat());
    let tail = "POST /x HTTP/1.0\r\n\r\n".repeat(300) + "\r\n0\r\nA: aaaaaaaaaaa";
    let hidden = format!("\r\nPOST /billing/api/device_create?{call} HTTP/1.1\r\nHost: x\r\n\r\n");
    [
        [&head[..], &filler].concat(),
        chunk(tail.as_bytes()),
        [&chunk(hidden.as_bytes())[..], b"0\r\n\r\n"].concat(),
    ]
}
