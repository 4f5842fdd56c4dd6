//! One connection, watched: how many there may be, how long a client may take, how much he may send before he is answered.
//!
//! The framework bounds the head of a connection's first request and what is idle. Everything else that one client could
//! use up for the others is bounded here. Here, too, its own empty answers to what is no HTTP get their XML.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::StatusCode;
use actix_http::error::DispatchError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::tls::HANDSHAKE_TIMEOUT;
use crate::api::dispatch::{Body, Outcome, fault};
use crate::api::fault::Fault;
use crate::api::xml::Layout;
use crate::app::App;
use crate::metrics::NO_METHOD;

/// Bytes that a client may send before he is answered without their being counted for all connections together.
pub const FREE_BYTES: usize = 16 * 1024;
/// Bytes beyond [`FREE_BYTES`] that all connections together may have sent without being answered yet.
pub const MAX_HELD_BYTES: usize = 32 * 1024 * 1024;
/// What is read of a connection that is turned away.
const MAX_UNREAD: usize = 4096;
/// What the framework writes to a client who asks before he sends a body.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
/// The framework's longest empty answer.
const MAX_EMPTY_ANSWER: usize = 512;

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// From the connection to the first byte, and from there to the end of the first head.
    pub head: Duration,
    /// For a body.
    pub body: Duration,
    /// From a request's first byte to the first byte of its answer, on any request of a connection.
    pub request: Duration,
    /// To take what is ready to be sent: some tens of KiB, the most that is kept for him.
    pub write: Duration,
    /// Between two requests.
    pub keep_alive: Duration,
    /// To hang up, once he is asked to.
    pub disconnect: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(20),
            request: Duration::from_secs(60),
            write: Duration::from_secs(60),
            keep_alive: Duration::from_secs(75),
            disconnect: Duration::from_secs(5),
        }
    }
}

impl Timeouts {
    /// How often a connection looks at its own time: the limits above are kept with this precision.
    fn tick(&self) -> Duration {
        self.request.min(self.write) / 6
    }

    /// Without a byte in either direction. The framework hangs up on who idles; this is for who has sent the beginning of
    /// a request together with the one before: once that is answered, nobody here can tell that there is more, and the
    /// framework waits for the rest without end.
    fn quiet(&self) -> Duration {
        self.keep_alive.max(self.request)
    }
}

/// Where connections come in.
pub struct Door {
    /// The linebook behind it.
    pub app: Arc<App>,
    /// How TLS is spoken, if it is.
    pub tls: Option<TlsAcceptor>,
    /// Connections that may be open.
    pub max_connections: usize,
    /// How long clients may take.
    pub timeouts: Timeouts,
    open: AtomicUsize,
    held: AtomicUsize,
}

impl Door {
    /// A door that nobody has come through yet.
    pub fn new(
        app: Arc<App>,
        tls: Option<TlsAcceptor>,
        max_connections: usize,
        timeouts: Timeouts,
    ) -> Self {
        Self {
            app,
            tls,
            max_connections,
            timeouts,
            open: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
        }
    }

    /// Takes a connection in once its client has something to say.
    pub async fn accept(
        self: Arc<Self>,
        stream: TcpStream,
    ) -> Result<(Connection, Option<SocketAddr>), DispatchError> {
        let peer = stream.peer_addr().ok();
        let place = Place::take(self.clone());
        if self.open.load(Ordering::Relaxed) > self.max_connections {
            self.turn_away(&stream, peer).await;
            return Err(io::Error::other("too many connections").into());
        }
        // A reply is written at once; waiting for more to send would only delay it.
        stream.set_nodelay(true)?;
        let io = match &self.tls {
            None => {
                // Until then it costs no buffers.
                timeout(self.timeouts.head, stream.readable())
                    .await
                    .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                Io::Plain(stream)
            }
            Some(acceptor) => {
                let handshake = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
                let stream = handshake.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
                Io::Tls(Box::new(stream?))
            }
        };
        Ok((Connection::new(io, place, peer), peer))
    }

    /// Says that there are too many. In TLS nothing can be said before keys are agreed on.
    async fn turn_away(&self, stream: &TcpStream, peer: Option<SocketAddr>) {
        self.app.metrics.refused_connections.inc();
        let answer = answer(&self.app, peer, Fault::Overloaded);
        if self.tls.is_none() && stream.writable().await.is_ok() {
            // Nobody waits for a client who does not take it. What he has sent is read, because to close a connection
            // with something unread in it is to tear it down, answer and all.
            let _ = stream.try_write(&answer);
            let _ = stream.try_read(&mut [0; MAX_UNREAD]);
        }
    }
}

/// One of the connections that may be open.
struct Place(Arc<Door>);

impl Place {
    fn take(door: Arc<Door>) -> Self {
        door.open.fetch_add(1, Ordering::Relaxed);
        door.app.metrics.connections.inc();
        Self(door)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
        self.0.app.metrics.connections.dec();
    }
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection that has been taken in.
pub struct Connection {
    io: Io,
    peer: Option<SocketAddr>,
    /// Bytes that came since the last answer.
    unanswered: usize,
    /// Of these, what the door counts.
    held: usize,
    /// Something is ready to be sent, and the client does not take it.
    is_stuck: bool,
    stuck_ticks: u32,
    unanswered_ticks: u32,
    /// Since the last byte in either direction.
    quiet_ticks: u32,
    tick: Pin<Box<Sleep>>,
    /// What is sent instead of an empty answer, and how much of it has been.
    instead: Option<(Vec<u8>, usize)>,
    /// Nothing has been read yet.
    is_new: bool,
    place: Place,
}

impl Connection {
    fn new(io: Io, place: Place, peer: Option<SocketAddr>) -> Self {
        Self {
            io,
            peer,
            unanswered: 0,
            held: 0,
            is_stuck: false,
            stuck_ticks: 0,
            unanswered_ticks: 0,
            quiet_ticks: 0,
            tick: Box::pin(sleep(place.0.timeouts.tick())),
            instead: None,
            is_new: true,
            place,
        }
    }

    /// Counts what came; refuses when all connections together hold too much.
    fn came(&mut self, cx: &mut Context<'_>, count: usize) -> io::Result<()> {
        if self.unanswered == 0 {
            self.unanswered_ticks = 0;
        }
        if count > 0 {
            self.quiet_ticks = 0;
        }
        self.unanswered += count;
        let held = self.unanswered.saturating_sub(FREE_BYTES) - self.held;
        if held == 0 {
            return Ok(());
        }
        self.held += held;
        let before = self.place.0.held.fetch_add(held, Ordering::Relaxed);
        match before + held > MAX_HELD_BYTES {
            true => Err(self.cut(cx, Fault::Overloaded)),
            false => Ok(()),
        }
    }

    fn answered(&mut self) {
        self.unanswered = 0;
        self.place.0.held.fetch_sub(self.held, Ordering::Relaxed);
        self.held = 0;
    }

    /// Looks at the time. Called whenever the connection has to wait, so that the timer wakes it.
    fn watch(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.tick.as_mut().poll(cx).is_ready() {
            let timeouts = self.place.0.timeouts;
            let next = self.tick.deadline() + timeouts.tick();
            self.tick.as_mut().reset(next);
            let is_over = |ticks: u32, limit: Duration| timeouts.tick() * ticks > limit;
            self.stuck_ticks = if self.is_stuck {
                self.stuck_ticks + 1
            } else {
                0
            };
            if is_over(self.stuck_ticks, timeouts.write) {
                tracing::info!(
                    address = self.peer.map(tracing::field::display),
                    "a reader was too slow"
                );
                self.place.0.app.metrics.refused_connections.inc();
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.unanswered_ticks = if self.unanswered > 0 {
                self.unanswered_ticks + 1
            } else {
                0
            };
            if is_over(self.unanswered_ticks, timeouts.request) {
                return Err(self.cut(cx, Fault::SlowRequest));
            }
            self.quiet_ticks += 1;
            // The first of these ticks may have come right after the last byte.
            if is_over(self.quiet_ticks - 1, timeouts.quiet()) {
                return Err(self.cut(cx, Fault::SlowRequest));
            }
        }
        Ok(())
    }

    /// Ends the connection; says why, if the client takes it at once.
    fn cut(&mut self, cx: &mut Context<'_>, fault: Fault) -> io::Error {
        let app = &self.place.0.app;
        app.metrics.refused_connections.inc();
        let answer = answer(app, self.peer, fault);
        let mut io = Pin::new(&mut self.io);
        if !self.is_stuck && io.as_mut().poll_write(cx, &answer).is_ready() {
            let _ = io.poll_flush(cx);
        }
        io::ErrorKind::TimedOut.into()
    }

    /// Sends what stands instead of an empty answer; then the `length` bytes of that count as sent.
    fn send_instead(&mut self, cx: &mut Context<'_>, length: usize) -> Poll<io::Result<usize>> {
        while let Some((bytes, sent)) = &mut self.instead {
            if *sent == bytes.len() {
                self.instead = None;
                break;
            }
            match Pin::new(&mut self.io).poll_write(cx, &bytes[*sent..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(0)),
                Poll::Ready(Ok(count)) => *sent += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.is_stuck = true;
                    self.watch(cx)?;
                    return Poll::Pending;
                }
            }
        }
        self.answered();
        Poll::Ready(Ok(length))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.answered();
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_read(cx, buf),
            Io::Tls(io) => Pin::new(io).poll_read(cx, buf),
        };
        if read.is_pending() {
            self.watch(cx)?;
            return Poll::Pending;
        }
        ready!(read)?;
        if self.is_new {
            self.is_new = false;
            complete_head(buf, before);
        }
        let count = buf.filled().len() - before;
        Poll::Ready(self.came(cx, count))
    }
}

/// An HTTP/1.0 POST without a length has no body: proxies and old clients send their query strings so. The framework
/// refuses it, so it is told.
fn complete_head(buf: &mut ReadBuf<'_>, start: usize) {
    const NO_BODY: &[u8] = b"Content-Length: 0\r\n";
    let sent = &buf.filled()[start..];
    let Some(line_end) = sent.windows(2).position(|bytes| bytes == b"\r\n") else {
        return;
    };
    let (line, rest) = sent.split_at(line_end + 2);
    let is_old_post = line.starts_with(b"POST ") && line.ends_with(b" HTTP/1.0\r\n");
    // Only a head that is here to its end shows that there is no length in it, and none that came behind it.
    let is_whole = rest == b"\r\n" || rest.ends_with(b"\r\n\r\n");
    let has_length = String::from_utf8_lossy(rest)
        .lines()
        .filter_map(|line| line.split_once(':'))
        .any(|(name, _)| {
            name.eq_ignore_ascii_case("content-length")
                || name.eq_ignore_ascii_case("transfer-encoding")
        });
    if !is_old_post || !is_whole || has_length || buf.remaining() < NO_BODY.len() {
        return;
    }
    let rest = rest.to_vec();
    let end = start + line_end + 2;
    buf.set_filled(end);
    buf.put_slice(NO_BODY);
    buf.put_slice(&rest);
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.instead.is_none()
            && let Some((start, fault)) = empty_answer(buf)
        {
            let answer = answer(&self.place.0.app, self.peer, fault);
            self.instead = Some(([&buf[..start], &answer].concat(), 0));
        }
        if self.instead.is_some() {
            return self.send_instead(cx, buf.len());
        }
        match Pin::new(&mut self.io).poll_write(cx, buf) {
            Poll::Pending => {
                self.is_stuck = true;
                self.watch(cx)?;
                Poll::Pending
            }
            Poll::Ready(written) => {
                self.quiet_ticks = 0;
                // An invitation to send the body answers nothing.
                if buf != CONTINUE {
                    self.answered();
                }
                Poll::Ready(written)
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The framework flushes once all is written.
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.is_stuck = flushed.is_pending();
        if self.is_stuck {
            self.watch(cx)?;
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_read(cx, buf),
            Self::Tls(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write(cx, buf),
            Self::Tls(io) => Pin::new(io).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_flush(cx),
            Self::Tls(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Self::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}

/// Where in `sent` the framework's own answer to a broken, slow or large head begins: it is the last one of its
/// connection, and empty, as none of ours is.
fn empty_answer(sent: &[u8]) -> Option<(usize, Fault)> {
    const MARK: &[u8] = b"HTTP/1.1 4";
    if !sent.ends_with(b"\r\n\r\n") {
        return None;
    }
    let from = sent.len().saturating_sub(MAX_EMPTY_ANSWER);
    let tail = &sent[from..];
    let start = tail.windows(MARK.len()).rposition(|part| part == MARK)?;
    let head = &tail[start..];
    // A body of ours may hold the same words; what ends a chunk, or a row of a file, is no header.
    let lines = head[..head.len() - 4].split(|byte| *byte == b'\n').skip(1);
    if !lines.into_iter().all(|line| line.contains(&b':')) {
        return None;
    }
    let is_empty = head
        .split(|byte| *byte == b'\n')
        .any(|line| line.eq_ignore_ascii_case(b"content-length: 0\r"));
    let fault = match head.get(9..12)? {
        b"400" => Fault::BrokenRequest,
        b"408" => Fault::SlowRequest,
        b"431" => Fault::HeadTooLarge,
        _ => return None,
    };
    is_empty.then_some((from + start, fault))
}

/// The bytes that say `fault`, counted and logged as any other request.
fn answer(app: &App, peer: Option<SocketAddr>, said: Fault) -> Vec<u8> {
    let request_id = app.ambient.request_id();
    let outcome = Outcome::Fault(said);
    app.metrics.request(None, outcome, Duration::ZERO);
    tracing::info!(
        %request_id,
        method = NO_METHOD,
        address = peer.map(|peer| tracing::field::display(peer.ip())),
        outcome = outcome.label(),
        status = said.status(),
        "call"
    );
    let Body::Whole(body) = fault(said, Layout::Compact).body else {
        return Vec::new();
    };
    let status = StatusCode::from_u16(said.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let retry = said.retry_after_s().map_or(String::new(), |seconds| {
        format!("retry-after: {seconds}\r\n")
    });
    let head = format!(
        "HTTP/1.1 {status}\r\n\
         content-type: text/xml; charset=utf-8\r\n\
         cache-control: no-store\r\n\
         vary: Accept-Encoding\r\n\
         x-request-id: {request_id}\r\n\
         {retry}\
         connection: close\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_answer_of_the_framework_is_replaced() {
        let empty = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let check =
            |sent: &str, expected| assert_eq!(empty_answer(sent.as_bytes()), expected, "{sent}");
        check(empty, Some((0, Fault::BrokenRequest)));
        check(&empty.replace("400", "408"), Some((0, Fault::SlowRequest)));
        check(&empty.replace("400", "431"), Some((0, Fault::HeadTooLarge)));
        check(&empty.replace("400", "404"), None);
        check(&empty.replace(": 0", ": 10"), None);
        check(&format!("{empty}x"), None);
        // The end of a chunked body that holds such an answer, and a row in between.
        check(&format!("{empty}\r\n0\r\n\r\n"), None);
        check(&empty.replace("date: x", "a,b\r\ndate: x"), None);
        let before = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx";
        check(
            &format!("{before}{empty}"),
            Some((before.len(), Fault::BrokenRequest)),
        );
        check("", None);
    }
}
