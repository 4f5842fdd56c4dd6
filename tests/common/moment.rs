//! A change in the middle of a request: while its body is on its way, or while its write waits in the queue.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use linebook::ambient::Ambient;
use linebook::app::App;
use linebook::service::Error;
use linebook::store::{StoreError, WriteTx};

/// A change of somebody's rights.
pub type Change = fn(&WriteTx<'_>) -> Result<(), Error>;

/// The answer to a request that was sent while the writer was held.
pub struct Overtaken<T> {
    /// The answer.
    pub reply: T,
    /// Whether it waited for a write.
    pub has_waited: bool,
    /// When the writer was released, by the machine's clock.
    pub open_ms: i64,
}

/// Calls `ask` while the writer is held, so that `change` is written before anything that `ask` writes.
pub fn overtaken<T>(app: &Arc<App>, change: Change, ask: impl FnOnce() -> T) -> Overtaken<T> {
    let (open, gate) = channel::<()>();
    let (has_asked, has_waited) = (AtomicBool::new(false), AtomicBool::new(false));
    let open_ms = AtomicI64::new(0);
    let reply = std::thread::scope(|scope| {
        let store = &app.core.store;
        let before = store.activity().writes;
        scope.spawn(move || {
            let held = store.write_blocking(move |_| {
                let _ = gate.recv();
                Ok::<_, StoreError>(())
            });
            held.expect("a write that changes nothing");
        });
        wait(|| store.activity().writes > before);
        scope.spawn(move || store.write_blocking(change).expect("the change"));
        wait(|| store.activity().queue_depth == 1);
        scope.spawn(|| {
            wait(|| store.activity().queue_depth > 1 || has_asked.load(Ordering::SeqCst));
            has_waited.store(store.activity().queue_depth > 1, Ordering::SeqCst);
            // The clock moves on after the request.
            std::thread::sleep(Duration::from_millis(5));
            open_ms.store(Ambient::system().now_ms(), Ordering::SeqCst);
            open.send(()).expect("the writer waits");
        });
        let reply = ask();
        has_asked.store(true, Ordering::SeqCst);
        reply
    });
    Overtaken {
        reply,
        has_waited: has_waited.into_inner(),
        open_ms: open_ms.into_inner(),
    }
}

fn wait(until: impl Fn() -> bool) {
    while !until() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A request whose head has arrived, and whose body the server waits for.
pub struct HalfSent {
    stream: TcpStream,
    body: Vec<u8>,
}

impl HalfSent {
    /// Sends the head, with `headers` in lines of their own, until the server asks for the body.
    pub fn new(address: SocketAddr, verb: &str, target: &str, headers: &str, body: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let head = format!(
            "{verb} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nExpect: 100-continue\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut invitation = [0; 25];
        stream.read_exact(&mut invitation).unwrap();
        assert_eq!(&invitation, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self {
            stream,
            body: body.into(),
        }
    }

    /// Sends the body, and gives the whole answer with its head.
    pub fn finish(mut self) -> String {
        self.stream.write_all(&self.body).unwrap();
        let mut answer = Vec::new();
        self.stream.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    }
}

/// The status of an answer.
pub fn status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1);
    status.and_then(|status| status.parse().ok()).expect(answer)
}

/// The value of an answer's header, blank if there is none.
pub fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let found = fields.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map_or("", |(_, value)| value)
}
