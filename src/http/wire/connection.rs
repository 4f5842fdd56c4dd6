//! The conversation on one connection: a request, its answer, the next request. One task reads and writes, so each
//! thing that a client could use up is limited where it is used.
//!
//! A request reaches the routes when all of it has come, or when it is known why it never will. An answer to an
//! incomplete request is the connection's last: the bytes after it are thrown away.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_http::{HttpMessage, Payload, Request, Response};
use actix_server::GracefulShutdownSignal;
use actix_service::Service;
use actix_web::http::header::{HeaderMap, HeaderValue, STRICT_TRANSPORT_SECURITY};
use actix_web::http::{Method, Version};
use actix_web::web::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout, timeout_at};

use crate::api::fault::Fault;
use crate::api::limits::{MAX_BODY, MAX_HEAD};
use crate::http::reply::{self, Ask, HSTS, NOBODY};
use crate::http::wire::chunks::Chunks;
use crate::http::wire::closing::{READ_BYTES, close};
use crate::http::wire::door::{Place, Taken};
use crate::http::wire::head::{self, Head, Length};
use crate::http::wire::tls::Io;

/// Bytes that a client may send before their answer without counting against the limit for all connections together. A
/// connection with a larger head is closed after the answer.
pub const FREE_BYTES: usize = 16 * 1024;
/// Bytes beyond [`FREE_BYTES`] that all connections together may send before their answers.
pub const MAX_HELD_BYTES: usize = 32 * 1024 * 1024;
/// The most that one connection counts for: a head and a body. Anything else that it sends is thrown away as it comes.
const MAX_HELD_BY_ONE: usize = 256 * 1024;
/// The bytes of an answer that are written at once. Each such piece has the time limit to itself.
const PIECE: usize = 16 * 1024;
/// The least time for an answer once the request is complete or given up.
const GRACE: Duration = Duration::from_secs(1);

/// A connection that has been taken in.
pub struct Connection {
    io: Io,
    peer: Option<SocketAddr>,
    place: Place,
    /// Bytes that came and belong to no request yet.
    came: Vec<u8>,
    /// The number of bytes that came since the last answer.
    unanswered: usize,
    /// How many of these count against the limit for all connections together.
    held: usize,
    /// When the present request began to come.
    begun: Instant,
}

/// Why no request comes.
enum End {
    /// The client is gone, or idles for too long.
    Gone,
    /// The client is told why.
    Fault(Fault),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl Connection {
    /// A new connection.
    pub fn new(taken: Taken) -> Self {
        Self {
            io: taken.io,
            peer: taken.peer,
            place: taken.place,
            came: Vec::new(),
            unanswered: 0,
            held: 0,
            begun: Instant::now(),
        }
    }

    /// Answers one request after the other, until one of the two sides ends the connection.
    pub async fn serve<S, E>(mut self, service: &S, stop: GracefulShutdownSignal)
    where
        S: Service<Request, Error = E>,
        S::Response: Into<Response<BoxBody>>,
        E: Into<Response<BoxBody>>,
    {
        let mut stop = pin!(stop.notified().fuse());
        let mut is_first = true;
        loop {
            // Received bytes come first. An idle connection is closed when the server stops.
            let came = match select(pin!(self.head(is_first)), stop.as_mut()).await {
                Either::Left((came, _)) => came,
                Either::Right(_) => Err(End::Gone),
            };
            let mut head = match came {
                Ok(head) => head,
                Err(End::Gone) => return self.hang_up().await,
                Err(End::Fault(fault)) => return self.refuse(fault).await,
            };
            is_first = false;
            head.request.head_mut().peer_addr = self.peer;
            let mut ask = Ask {
                is_head: head.request.method() == Method::HEAD,
                is_old: head.request.version() == Version::HTTP_10,
                is_last: !head.keeps_open,
            };
            let answered = match self.whole(head, &mut ask).await {
                Ok(request) => {
                    // A client that was too slow is still told so.
                    let until = self.begun + self.place.door.timeouts.request;
                    timeout_at(until.max(Instant::now() + GRACE), service.call(request)).await
                }
                Err(fault) => return self.refuse(fault).await,
            };
            let response: Response<BoxBody> = match answered {
                Ok(Ok(response)) => response.into(),
                Ok(Err(error)) => error.into(),
                Err(_) => return self.refuse(Fault::SlowRequest).await,
            };
            // Without chunks, the end of a stream is the end of the connection.
            let is_endless = ask.is_old && response.body().size() == BodySize::Stream;
            ask.is_last |= is_endless || stop.as_mut().now_or_never().is_some();
            self.give_back();
            match self.answer(&ask, response).await {
                Ok(()) if !ask.is_last => {}
                Ok(()) => return self.close().await,
                // In the middle of an answer, no error can be sent.
                Err(_) => return,
            }
        }
    }

    /// The next head.
    async fn head(&mut self, is_first: bool) -> Result<Head, End> {
        let limits = self.place.door.timeouts;
        let (idle, within) = match is_first {
            true => (limits.head, limits.head.min(limits.request)),
            false => (limits.keep_alive, limits.request),
        };
        let mut has_waited = false;
        if self.came.is_empty() {
            // No buffer is kept for an idle client.
            self.came = Vec::new();
            let stirred = timeout(idle, self.idle(is_first)).await;
            has_waited = stirred.map_err(|_| End::Gone)??;
        }
        if !has_waited {
            // Bytes that are there already wait until the other connections of this thread have had their turn.
            yield_now().await;
        }
        self.begun = Instant::now();
        let mut looked = 0;
        loop {
            if let Some(end) = head::end(&self.came, looked)? {
                let mut head = head::parse(&self.take(end), is_first)?;
                head.keeps_open &= end <= FREE_BYTES;
                return Ok(head);
            }
            if self.came.len() >= MAX_HEAD {
                return Err(Fault::HeadTooLarge.into());
            }
            looked = self.came.len();
            let more = timeout_at(self.begun + within, self.more()).await;
            more.map_err(|_| Fault::SlowRequest)??;
        }
    }

    /// Waits for the first bytes of a request. Between two requests it waits only while nobody needs the place more.
    /// Says whether it had to wait.
    async fn idle(&mut self, is_first: bool) -> Result<bool, End> {
        let mut rests = is_first;
        let came = poll_fn(|cx| {
            if let Poll::Ready(came) = self.poll_receive(cx) {
                self.place.stirs();
                return Poll::Ready(came.map_err(End::from));
            }
            if self.place.is_needed(cx.waker()) {
                return Poll::Ready(Err(End::Gone));
            }
            if !std::mem::replace(&mut rests, true) {
                self.place.rests(cx.waker());
            }
            Poll::Pending
        });
        let count = came.await?;
        self.count(count)?;
        Ok(rests)
    }

    /// The request with its body, or with the body's fault.
    async fn whole(&mut self, head: Head, ask: &mut Ask) -> Result<Request, Fault> {
        let limits = self.place.door.timeouts;
        let until = (Instant::now() + limits.body).min(self.begun + limits.request);
        let body = timeout_at(until, self.body(&head)).await;
        let fault = match body.unwrap_or(Err(Fault::SlowRequest.into())) {
            Ok(body) if body.is_empty() => return Ok(head.request),
            Ok(body) => {
                return Ok(head.request.replace_payload(Payload::from(body)).0);
            }
            Err(End::Fault(Fault::Overloaded)) => return Err(Fault::Overloaded),
            Err(End::Fault(fault)) => fault,
            Err(End::Gone) => Fault::BrokenBody,
        };
        ask.is_last = true;
        head.request.extensions_mut().insert(fault);
        Ok(head.request)
    }

    async fn body(&mut self, head: &Head) -> Result<Bytes, End> {
        if head.length.is_beyond(MAX_BODY) {
            return Err(Fault::BodyTooLarge.into());
        }
        let is_awaited = head.length != Length::Bytes(0) && self.came.is_empty();
        if head.is_polite && is_awaited {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        match head.length {
            Length::Bytes(length) => {
                while self.came.len() < length as usize {
                    self.more().await?;
                }
                Ok(self.take(length as usize))
            }
            Length::Chunked => {
                let mut chunks = Chunks::default();
                loop {
                    let used = chunks.read(&self.came)?;
                    self.came.drain(..used);
                    if chunks.is_whole() {
                        return Ok(chunks.body.into());
                    }
                    self.more().await?;
                }
            }
        }
    }

    /// Takes the first bytes of those that came.
    fn take(&mut self, count: usize) -> Bytes {
        let taken = Bytes::copy_from_slice(&self.came[..count]);
        self.came.drain(..count);
        taken
    }

    /// Waits until more has come, and counts it.
    async fn more(&mut self) -> Result<(), End> {
        let count = poll_fn(|cx| self.poll_receive(cx)).await?;
        self.count(count)
    }

    fn count(&mut self, count: usize) -> Result<(), End> {
        if count == 0 {
            return Err(End::Gone);
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
            true => Err(Fault::Overloaded.into()),
            false => Ok(()),
        }
    }

    /// Reads some KiB from the socket; none: the client sends no more.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // The buffer is on the stack, so a waiting client costs none.
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        let mut came = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut came))?;
        self.came.extend_from_slice(came.filled());
        Poll::Ready(Ok(came.filled().len()))
    }

    fn give_back(&mut self) {
        self.unanswered = self.came.len();
        self.place.door.held.fetch_sub(self.held, Ordering::Relaxed);
        self.held = 0;
    }

    /// Writes an answer in pieces, so that no large answer is kept for a client that does not read it.
    async fn answer(&mut self, ask: &Ask, response: Response<BoxBody>) -> io::Result<()> {
        let (head, body) = response.into_parts();
        let mut out = Vec::with_capacity(512);
        let date = self.place.door.app.core.ambient.http_date();
        reply::head(&mut out, ask, head.head(), body.size(), &date);
        if ask.is_head {
            return self.write(&out).await;
        }
        let mut body = match body.try_into_bytes() {
            Ok(bytes) if bytes.len() <= PIECE => {
                out.extend_from_slice(&bytes);
                return self.write(&out).await;
            }
            Ok(bytes) => {
                self.write(&out).await?;
                return self.write(&bytes).await;
            }
            Err(body) => body,
        };
        while let Some(piece) = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
            let piece = piece.map_err(|_| io::ErrorKind::BrokenPipe)?;
            if piece.is_empty() {
                continue;
            }
            if !ask.is_old {
                out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            }
            out.extend_from_slice(&piece);
            if !ask.is_old {
                out.extend_from_slice(b"\r\n");
            }
            self.write(&out).await?;
            out.clear();
        }
        if !ask.is_old {
            out.extend_from_slice(b"0\r\n\r\n");
        }
        self.write(&out).await
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let limit = self.place.door.timeouts.write;
        for piece in bytes.chunks(PIECE) {
            let written = timeout(limit, async {
                self.io.write_all(piece).await?;
                self.io.flush().await
            });
            match written.await {
                Ok(written) => written?,
                Err(_) => {
                    tracing::info!(
                        address = self.peer.map(tracing::field::display),
                        "a reader was too slow"
                    );
                    self.place.door.app.metrics.refused_connections.inc();
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
        }
        Ok(())
    }

    /// Tells the client why the connection ends.
    async fn refuse(mut self, fault: Fault) {
        let app = self.place.door.app.clone();
        if matches!(fault, Fault::SlowRequest | Fault::Overloaded) {
            app.metrics.refused_connections.inc();
        }
        let address = self.peer.map(|peer| peer.ip());
        let headers = HeaderMap::new();
        let mut reply = reply::fault(&app, &headers, address, fault, self.begun.elapsed());
        if matches!(self.io, Io::Tls(_)) {
            let only_so = HeaderValue::from_static(HSTS);
            reply
                .headers_mut()
                .insert(STRICT_TRANSPORT_SECURITY, only_so);
        }
        if self.answer(&NOBODY, reply.into()).await.is_ok() {
            self.close().await;
        }
    }

    async fn close(mut self) {
        self.give_back();
        close(&mut self.io, self.place.door.timeouts.disconnect).await;
    }

    async fn hang_up(mut self) {
        let _ = timeout(self.place.door.timeouts.disconnect, self.io.shutdown()).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.give_back();
    }
}
