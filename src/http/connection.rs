//! One connection, watched: how many there may be, how long a client may take, how much he may send before he is answered.
//!
//! The framework bounds the head of a connection's first request and what is idle. Everything else that one client could
//! use up for the others is bounded here. Here, too, its own empty answers to what is no HTTP get their XML.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_rustls::server::TlsStream;

use super::ahead::Ahead;
use super::door::Place;
use super::turn::Turn;
use crate::api::dispatch::{Body, Outcome, fault};
use crate::api::fault::Fault;
use crate::api::xml::Layout;
use crate::app::App;
use crate::metrics::NO_METHOD;

/// Bytes that a client may send before he is answered without their being counted for all connections together. A
/// connection whose head is larger is closed after the answer.
pub const FREE_BYTES: usize = 16 * 1024;
/// Bytes beyond [`FREE_BYTES`] that all connections together may have sent without being answered yet.
pub const MAX_HELD_BYTES: usize = 32 * 1024 * 1024;
/// What one connection is counted with at most: a head, a body and what is read ahead. Whatever else it sends is thrown
/// away as it comes.
const MAX_HELD_BY_ONE: usize = 256 * 1024;
/// What is taken off a socket at once, also beside a request that is being answered.
pub const READ_BYTES: usize = 8 * 1024;

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
    /// The shortest of the limits that are kept here. None can be reached sooner after it has begun, so a connection that
    /// looks at its time so often, and when one is due, keeps each of them to the moment.
    fn shortest(&self) -> Duration {
        self.request.min(self.write).min(self.quiet())
    }

    /// Without a byte in either direction. The framework hangs up on who idles between two requests; this is for the rest
    /// of a body that was answered before it was whole, for which it waits without end.
    pub fn quiet(&self) -> Duration {
        self.keep_alive.max(self.request)
    }
}

/// What a connection goes over.
pub(super) enum Io {
    /// As it is.
    Plain(TcpStream),
    /// Behind keys.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection that has been taken in.
pub struct Connection {
    io: Io,
    peer: Option<SocketAddr>,
    turn: Rc<Turn>,
    ahead: Ahead,
    /// The framework has been given something that it has not looked at yet.
    has_given: bool,
    /// How much of the head that is being sent it has been given.
    head: usize,
    /// Bytes that came since the last answer.
    unanswered: usize,
    /// Of these, what the door counts.
    held: usize,
    /// Since when a request waits for the first byte of its answer.
    asked: Option<Instant>,
    /// Since when something is ready to be sent that the client does not take.
    stuck: Option<Instant>,
    /// When the last byte went in either direction.
    moved: Instant,
    alarm: Pin<Box<Sleep>>,
    /// What is sent instead of an empty answer, and how much of it has been.
    instead: Option<(Vec<u8>, usize)>,
    place: Place,
}

/// What to do for a framework that wants to read.
enum Next {
    /// Ask the socket.
    Read,
    /// Give it so much of what is there.
    Give(usize),
    /// Let it wait until it has looked at what it has.
    LookFirst,
    /// Let it wait until the request that it has is answered.
    AnswerFirst,
}

impl Connection {
    pub(super) fn new(io: Io, place: Place, peer: Option<SocketAddr>) -> Self {
        Self {
            io,
            peer,
            turn: Rc::default(),
            ahead: Ahead::default(),
            has_given: false,
            head: 0,
            unanswered: 0,
            held: 0,
            asked: None,
            stuck: None,
            moved: Instant::now(),
            alarm: Box::pin(sleep(place.door.timeouts.shortest())),
            instead: None,
            place,
        }
    }

    /// What the service tells this connection through.
    pub fn turn(&self) -> Rc<Turn> {
        self.turn.clone()
    }

    /// Takes what has come off the socket, some KiB at most.
    fn poll_come(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        let mut came = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut came))?;
        self.ahead.put(came.filled());
        Poll::Ready(self.came(cx, came.filled().len()))
    }

    /// Counts what came; refuses when all connections together hold too much.
    fn came(&mut self, cx: &mut Context<'_>, count: usize) -> io::Result<()> {
        if count > 0 {
            self.moved = Instant::now();
            self.place.stirs();
        }
        // What comes beside an answer is looked at after it, and has its time from then.
        if self.asked.is_none() && !self.turn.has_answer() {
            self.asked = Some(self.moved);
        }
        self.unanswered += count;
        let counted = self.unanswered.min(MAX_HELD_BY_ONE);
        let held = counted.saturating_sub(FREE_BYTES).max(self.held) - self.held;
        if held == 0 {
            return Ok(());
        }
        self.held += held;
        let before = self.place.door.held.fetch_add(held, Ordering::Relaxed);
        match before + held > MAX_HELD_BYTES {
            true => Err(self.cut(cx, Fault::Overloaded)),
            false => Ok(()),
        }
    }

    /// What the framework may have next.
    fn next(&mut self) -> Next {
        if self.ahead.is_empty() && !self.ahead.has_ended {
            // Also while it may have nothing: so a client who hangs up is noticed.
            return Next::Read;
        }
        if self.has_given {
            return Next::LookFirst;
        }
        match self.turn.wants() {
            (0, _) => Next::AnswerFirst,
            (u64::MAX, is_body) => match self.ahead.part(!is_body && self.head == 0) {
                0 if !self.ahead.has_ended => Next::Read,
                count => Next::Give(count),
            },
            (length, _) => Next::Give(self.ahead.len().min(length as usize)),
        }
    }

    /// Gives the framework what it may have.
    fn give(&mut self, count: usize, buf: &mut ReadBuf<'_>) {
        let count = count.min(buf.remaining());
        self.ahead.take(count, buf);
        self.has_given = true;
        if self.turn.wants().1 {
            self.turn.gave(count);
            return;
        }
        self.head += count;
        // The buffer that a large head has made the framework keep is not kept for a client who idles.
        if self.head > FREE_BYTES {
            self.turn.end_after_this();
        }
    }

    fn answered(&mut self) {
        self.asked = None;
        self.unanswered = self.ahead.len();
        if !self.turn.is_last() {
            self.give_back();
        }
    }

    fn give_back(&mut self) {
        self.place.door.held.fetch_sub(self.held, Ordering::Relaxed);
        self.held = 0;
    }

    /// All that was to be sent is. After an answer, the next request's time begins if it is there.
    fn sent(&mut self, cx: &mut Context<'_>) {
        self.stuck = None;
        if !self.turn.sent() {
            return;
        }
        self.head = 0;
        if !self.ahead.is_empty() {
            self.asked = Some(Instant::now());
        }
        if !self.ahead.is_empty() || self.ahead.has_ended {
            cx.waker().wake_by_ref();
        } else if !self.turn.is_last() {
            self.place.rests(cx.waker());
        }
    }

    /// Ends a connection that idles, because others need its place.
    fn make_room(&mut self, cx: &mut Context<'_>) -> io::Error {
        // In TLS, too, its client is told.
        let _ = Pin::new(&mut self.io).poll_shutdown(cx);
        io::ErrorKind::ConnectionAborted.into()
    }

    /// Looks at the time. Called whenever the connection has to wait, so that the alarm wakes it.
    fn watch(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.alarm.as_mut().poll(cx).is_ready() {
            let (now, timeouts) = (Instant::now(), self.place.door.timeouts);
            let end = |since: Option<Instant>, limit| since.map(|since| since + limit);
            let stuck = end(self.stuck, timeouts.write);
            let asked = end(self.asked, timeouts.request);
            let quiet = Some(self.moved + timeouts.quiet());
            if stuck.is_some_and(|end| end <= now) {
                tracing::info!(
                    address = self.peer.map(tracing::field::display),
                    "a reader was too slow"
                );
                self.place.door.app.metrics.refused_connections.inc();
                return Err(io::ErrorKind::TimedOut.into());
            }
            if [asked, quiet].into_iter().flatten().any(|end| end <= now) {
                return Err(self.cut(cx, Fault::SlowRequest));
            }
            let ends = [stuck, asked, quiet, Some(now + timeouts.shortest())];
            let next = ends.into_iter().flatten().min();
            self.alarm.as_mut().reset(next.unwrap_or(now));
        }
        Ok(())
    }

    /// Ends the connection; says why, if the client takes it at once.
    fn cut(&mut self, cx: &mut Context<'_>, fault: Fault) -> io::Error {
        let app = &self.place.door.app;
        app.metrics.refused_connections.inc();
        let answer = answer(app, self.peer, fault);
        let mut io = Pin::new(&mut self.io);
        // In the middle of an answer nothing can be said.
        let is_free = self.stuck.is_none() && !self.turn.has_answer();
        if is_free && io.as_mut().poll_write(cx, &answer).is_ready() {
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
                Poll::Pending => return self.is_not_taken(cx),
            }
        }
        self.answered();
        Poll::Ready(Ok(length))
    }

    fn is_not_taken(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.stuck.get_or_insert_with(Instant::now);
        self.watch(cx)?;
        Poll::Pending
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.next() {
                Next::Give(count) => {
                    self.give(count, buf);
                    return Poll::Ready(Ok(()));
                }
                Next::Read => {
                    if self.poll_come(cx)?.is_ready() {
                        continue;
                    }
                }
                Next::LookFirst => cx.waker().wake_by_ref(),
                Next::AnswerFirst => {}
            }
            if self.place.is_needed(cx.waker()) {
                return Poll::Ready(Err(self.make_room(cx)));
            }
            self.watch(cx)?;
            return Poll::Pending;
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        // It writes after it has looked.
        self.has_given = false;
        if self.instead.is_none() && !self.turn.is_ours() {
            let answer = answer(&self.place.door.app, self.peer, own_answer(buf));
            self.instead = Some((answer, 0));
        }
        if self.instead.is_some() {
            return self.send_instead(cx, buf.len());
        }
        match Pin::new(&mut self.io).poll_write(cx, buf) {
            Poll::Pending => self.is_not_taken(cx),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(count)) => {
                self.moved = Instant::now();
                // An invitation to send the body answers nothing.
                if self.turn.has_answer() {
                    self.answered();
                }
                Poll::Ready(Ok(count))
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.has_given = false;
        // The framework flushes once all is written.
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Pending => self.is_not_taken(cx).map_ok(|_| ()),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                self.sent(cx);
                Poll::Ready(Ok(()))
            }
        }
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

/// What the framework's own answer to a broken, slow or large head is about.
fn own_answer(sent: &[u8]) -> Fault {
    match sent.get(9..12) {
        Some(b"408") => Fault::SlowRequest,
        Some(b"431") => Fault::HeadTooLarge,
        Some(b"500") => Fault::Internal,
        _ => Fault::BrokenRequest,
    }
}

/// The bytes that say `fault`, counted and logged as any other request.
pub(super) fn answer(app: &App, peer: Option<SocketAddr>, said: Fault) -> Vec<u8> {
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
