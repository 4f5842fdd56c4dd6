//! The load generator: one thread, many connections, closed or open loop.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// The measures of a run.
pub struct Load {
    /// Requests that were answered.
    pub count: u64,
    /// How long the run took.
    pub elapsed: Duration,
    /// The latency of each request, and its place, sorted. In an open loop, the latency counts from the moment at which
    /// the request should have been sent.
    latencies: Vec<(Duration, u64)>,
}

impl Load {
    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that this share of the requests stays within. Only the places that `is_asked` chooses count.
    pub fn quantile(&self, share: f64, is_asked: impl Fn(u64) -> bool) -> Duration {
        let asked = self.latencies.iter().filter(|(_, place)| is_asked(*place));
        let asked: Vec<Duration> = asked.map(|(latency, _)| *latency).collect();
        let place = (asked.len() as f64 * share) as usize;
        asked[place.min(asked.len() - 1)]
    }
}

/// How requests follow each other.
#[derive(Clone, Copy)]
pub enum Pace {
    /// Each connection sends its next request when it has the last answer.
    Closed,
    /// This many a second, whether or not earlier ones are answered.
    Open(f64),
}

/// Sends the requests that `next` makes (from a request's place to its bytes) for this long over this many connections.
/// Every answer must be a 200 without an error.
pub fn run(
    address: SocketAddr,
    connections: usize,
    duration: Duration,
    pace: Pace,
    next: impl Fn(u64) -> Rc<[u8]> + 'static,
) -> Load {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let local = LocalSet::new();
    let shared = Rc::new(Shared {
        next: Box::new(next),
        sent: Cell::new(0),
        latencies: RefCell::new(Vec::with_capacity(1 << 20)),
        start: Instant::now(),
        duration,
        pace,
    });
    for _ in 0..connections {
        local.spawn_local(connection(address, shared.clone()));
    }
    runtime.block_on(local);
    let elapsed = shared.start.elapsed();
    let mut latencies = shared.latencies.take();
    latencies.sort_unstable();
    Load {
        count: latencies.len() as u64,
        elapsed,
        latencies,
    }
}

struct Shared {
    next: Box<dyn Fn(u64) -> Rc<[u8]>>,
    sent: Cell<u64>,
    latencies: RefCell<Vec<(Duration, u64)>>,
    start: Instant,
    duration: Duration,
    pace: Pace,
}

async fn connection(address: SocketAddr, shared: Rc<Shared>) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        let place = shared.sent.get();
        shared.sent.set(place + 1);
        let planned = match shared.pace {
            Pace::Closed => Instant::now(),
            Pace::Open(rate) => shared.start + Duration::from_secs_f64(place as f64 / rate),
        };
        if planned > shared.start + shared.duration {
            return;
        }
        // Timers are too coarse for this; the thread has nothing better to do.
        while Instant::now() < planned {
            tokio::task::yield_now().await;
        }
        stream
            .write_all(&(shared.next)(place))
            .await
            .expect("a request is sent");
        read_answer(&mut stream, &mut buffer).await;
        let mut latencies = shared.latencies.borrow_mut();
        latencies.push((planned.elapsed(), place));
    }
}

/// Reads one answer, whole or in chunks.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.expect("an answer");
        assert!(read > 0, "the server closed the connection");
        filled += read;
        let answer = &buffer[..filled];
        let Some(head) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            continue;
        };
        let body = head + 4;
        let text = std::str::from_utf8(&answer[..body]).expect("a head is ASCII");
        // Nothing is asked before the answer has come, so the last chunk is the last that comes. XML has no CR.
        let is_whole = match text.contains("\r\ntransfer-encoding: chunked\r\n") {
            true => answer.ends_with(b"\r\n0\r\n\r\n"),
            false => filled >= body + content_length(text),
        };
        if is_whole {
            assert!(
                text.starts_with("HTTP/1.1 200 ")
                    && !answer[body..].windows(7).any(|bytes| bytes == b"<error>"),
                "{}",
                String::from_utf8_lossy(answer)
            );
            return;
        }
    }
}

/// The length of the body after a head.
pub fn content_length(head: &str) -> usize {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.parse().ok())
        .expect("a Content-Length")
}
