//! Whose turn it is on a connection: the framework takes in what it can get, so what it gets is one request at a time.
//!
//! It would decode what is pipelined behind a request as long as bytes come, and keep it until its turn: some MiB for one
//! client who does not take his answers. The service therefore tells the connection when a request is being served and
//! when its answer is made, and the connection gives nothing of the next one before.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_http::body::{BodySize, MessageBody};
use actix_http::{ConnectionType, Request, ResponseHead};
use actix_web::web::Bytes;

/// What of an answer is handed over at once, so that the buffer that a connection keeps for it stays small.
const PIECE: usize = 16 * 1024;

/// What a connection and the service behind it tell each other.
#[derive(Debug, Default)]
pub struct Turn {
    phase: Cell<Phase>,
    /// How much of the body has not been given yet; all that comes, when its length was not announced.
    body: Cell<u64>,
    /// The connection is closed after the answer.
    is_last: Cell<bool>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    /// A head is awaited, or what is left of a body that nobody waits for.
    #[default]
    Listening,
    /// The service has the request.
    Serving,
    /// Its answer has begun.
    Answering,
    /// Its answer is made; not all of it is sent.
    Answered,
}

impl Turn {
    /// How many bytes may be given now, and whether they are a body's.
    pub fn wants(&self) -> (u64, bool) {
        match self.phase.get() {
            Phase::Listening => (u64::MAX, false),
            Phase::Serving => (self.body.get(), true),
            Phase::Answering | Phase::Answered => (0, true),
        }
    }

    /// So much of a body was given.
    pub fn gave(&self, count: usize) {
        let left = self.body.get();
        if left != u64::MAX {
            self.body.set(left.saturating_sub(count as u64));
        }
    }

    /// The body has been read to its end.
    pub fn body_is_read(&self) {
        self.body.set(0);
    }

    /// Whether what is sent belongs to a request that the service has, or had. If not, the framework speaks for itself.
    pub fn is_ours(&self) -> bool {
        self.phase.get() != Phase::Listening
    }

    /// Whether there is an answer; before it, all that is sent is an invitation to send the body.
    pub fn has_answer(&self) -> bool {
        matches!(self.phase.get(), Phase::Answering | Phase::Answered)
    }

    /// The connection will be closed after the answer.
    pub fn end_after_this(&self) {
        self.is_last.set(true);
    }

    /// Whether it will.
    pub fn is_last(&self) -> bool {
        self.is_last.get()
    }

    /// All that was made has been sent. Says whether that was the end of an answer.
    pub fn sent(&self) -> bool {
        let is_over = self.phase.get() == Phase::Answered;
        if is_over {
            self.phase.set(Phase::Listening);
        }
        is_over
    }
}

/// A request's hold on its turn, until its answer is made. None: it did not come over a socket.
pub struct Held(Option<Rc<Turn>>);

impl Held {
    /// Takes the turn for a request.
    pub fn take(request: &Request) -> Self {
        let turn = request.conn_data::<Rc<Turn>>().cloned();
        if let Some(turn) = &turn {
            turn.phase.set(Phase::Serving);
            turn.body.set(announced(request));
        }
        Self(turn)
    }

    /// The answer's body, which gives the turn back when it is at its end.
    pub fn answer<B: MessageBody + Unpin>(self, head: &mut ResponseHead, body: B) -> Answer<B> {
        if let Some(turn) = &self.0 {
            turn.phase.set(Phase::Answering);
            if turn.is_last() {
                head.set_connection_type(ConnectionType::Close);
            }
        }
        Answer {
            body,
            rest: Bytes::new(),
            _held: self,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(turn) = &self.0 {
            turn.phase.set(Phase::Answered);
        }
    }
}

/// How long the body is that follows a head.
fn announced(request: &Request) -> u64 {
    let headers = &request.head().headers;
    if headers.contains_key("transfer-encoding") {
        return u64::MAX;
    }
    let length = headers.get("content-length");
    let length = length.and_then(|length| length.to_str().ok()?.trim().parse().ok());
    length.unwrap_or(0)
}

/// The body of an answer, in pieces.
pub struct Answer<B> {
    body: B,
    rest: Bytes,
    _held: Held,
}

impl<B: MessageBody + Unpin> MessageBody for Answer<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Ok(bytes)) => self.rest = bytes,
                other => return Poll::Ready(other),
            }
        }
        let count = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(self.rest.split_to(count))))
    }
}

#[cfg(test)]
mod tests {
    use actix_http::{Response, StatusCode};
    use futures_util::FutureExt;
    use futures_util::future::poll_fn;

    use super::*;

    fn held(turn: &Rc<Turn>, body: u64) -> Held {
        turn.phase.set(Phase::Serving);
        turn.body.set(body);
        Held(Some(turn.clone()))
    }

    #[test]
    fn nothing_of_the_next_request_is_wanted_until_the_answer_is_sent() {
        let turn = Rc::new(Turn::default());
        assert_eq!(turn.wants(), (u64::MAX, false));
        let held = held(&turn, 10);
        assert!(turn.is_ours() && !turn.has_answer());
        turn.gave(7);
        assert_eq!(turn.wants(), (3, true));
        turn.body_is_read();
        assert_eq!(turn.wants(), (0, true));
        let mut response = Response::new(StatusCode::OK);
        let mut answer = held.answer(response.head_mut(), Bytes::from(vec![b'a'; 3 * PIECE + 1]));
        let mut sizes = Vec::new();
        while let Some(Some(Ok(piece))) =
            poll_fn(|cx| Pin::new(&mut answer).poll_next(cx)).now_or_never()
        {
            sizes.push(piece.len());
            assert_eq!(turn.wants(), (0, true));
            assert!(turn.has_answer() && !turn.sent());
        }
        assert_eq!(sizes, [PIECE, PIECE, PIECE, 1]);
        drop(answer);
        assert_eq!(turn.wants(), (0, true));
        assert!(turn.sent() && !turn.sent());
        assert_eq!(turn.wants(), (u64::MAX, false));
        assert!(!turn.is_ours());
    }
}
