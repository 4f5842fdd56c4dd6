//! One head: where it ends, what request it is, how long its body is, and whether another request may follow.
//!
//! What two readers could understand differently is refused here, so that a proxy in front and the routes behind never
//! see different requests in the same bytes.

use actix_http::{Payload, Request};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::uri::Authority;
use actix_web::http::{Method, Uri, Version};
use actix_web::web::Bytes;
use httparse::{EMPTY_HEADER, Error, Status};

use crate::api::fault::Fault;

/// Most headers that a request may have.
pub const MAX_HEADERS: usize = 96;
/// Most bytes of bare line ends that may come before a request: some clients send one behind each body.
pub const MAX_BLANK: usize = 8;

/// What a head says.
pub struct Head {
    /// The request, without its body.
    pub request: Request,
    /// How long the body is.
    pub length: Length,
    /// The client waits to be invited before it sends the body.
    pub is_polite: bool,
    /// The client may ask again on this connection.
    pub keeps_open: bool,
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// So many bytes.
    Bytes(u64),
    /// As its chunks say.
    Chunked,
}

impl Length {
    /// Whether a body is known to be longer than this.
    pub fn is_beyond(self, limit: usize) -> bool {
        matches!(self, Self::Bytes(length) if length > limit as u64)
    }
}

/// Where the first head in these bytes ends, if it does. The first `looked` of them were looked at before.
pub fn end(bytes: &[u8], looked: usize) -> Option<usize> {
    let start = blank(bytes);
    let ends = memchr::memchr_iter(b'\n', bytes.get(start.max(looked)..)?);
    let mut ends = ends.map(|end| start.max(looked) + end);
    // The parser takes a line feed alone for the end of a line, too.
    let is_blank = |end: usize| {
        let before = bytes[start..end].strip_suffix(b"\r");
        before.unwrap_or(&bytes[start..end]).ends_with(b"\n")
    };
    ends.find(|end| is_blank(*end)).map(|end| end + 1)
}

/// How many bytes of bare line ends stand before a head.
fn blank(bytes: &[u8]) -> usize {
    let is_line_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
    bytes.iter().take_while(is_line_end).count()
}

/// Whether these bytes, which came first, can be the beginning of a head. Whoever speaks something else is told at once.
pub fn begin(bytes: &[u8]) -> Result<(), Fault> {
    if blank(bytes) > MAX_BLANK {
        return Err(Fault::BrokenRequest);
    }
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let parsed = httparse::Request::new(&mut headers).parse(bytes);
    parsed.map(|_| ()).map_err(refused)
}

/// Understands a whole head. `is_first`: none came before it on its connection.
pub fn parse(bytes: &Bytes, is_first: bool) -> Result<Head, Fault> {
    if blank(bytes) > MAX_BLANK {
        return Err(Fault::BrokenRequest);
    }
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    if parsed.parse(bytes).map_err(refused)? != Status::Complete(bytes.len()) {
        return Err(Fault::BrokenRequest);
    }
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Err(Fault::BrokenRequest);
    };
    let is_old = minor == 0;
    let mut request = Request::with_payload(Payload::None);
    let head = request.head_mut();
    head.method = Method::from_bytes(method.as_bytes()).map_err(broken)?;
    head.version = if is_old {
        Version::HTTP_10
    } else {
        Version::HTTP_11
    };
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::BrokenRequest);
    }
    head.uri = Uri::from_maybe_shared(bytes.slice_ref(target.as_bytes())).map_err(broken)?;
    let mut facts = Facts::default();
    for sent in parsed.headers.iter() {
        let name = HeaderName::from_bytes(sent.name.as_bytes()).map_err(broken)?;
        facts.note(&name, sent.value)?;
        let value = HeaderValue::from_maybe_shared(bytes.slice_ref(sent.value));
        head.headers.append(name, value.map_err(broken)?);
    }
    facts.conclude(request, is_first)
}

fn refused(error: Error) -> Fault {
    match error {
        Error::TooManyHeaders => Fault::HeadTooLarge,
        _ => Fault::BrokenRequest,
    }
}

fn broken<E>(_: E) -> Fault {
    Fault::BrokenRequest
}

/// What the headers say about the connection. `Upgrade` is none of it: only HTTP/1.1 is spoken here.
#[derive(Default)]
struct Facts {
    has_host: bool,
    length: Option<u64>,
    is_chunked: bool,
    is_polite: bool,
    closes: bool,
    keeps_alive: bool,
}

impl Facts {
    fn note(&mut self, name: &HeaderName, value: &[u8]) -> Result<(), Fault> {
        let is_sound = match *name {
            header::HOST => !std::mem::replace(&mut self.has_host, true) && is_host(value),
            header::CONTENT_LENGTH => {
                let length = number(value);
                length.is_some() && std::mem::replace(&mut self.length, length).is_none()
            }
            header::TRANSFER_ENCODING => {
                value.eq_ignore_ascii_case(b"chunked")
                    && !std::mem::replace(&mut self.is_chunked, true)
            }
            header::EXPECT => {
                self.is_polite |= value.eq_ignore_ascii_case(b"100-continue");
                true
            }
            header::CONNECTION => {
                for option in value.split(|byte| *byte == b',') {
                    let option = option.trim_ascii();
                    self.closes |= option.eq_ignore_ascii_case(b"close");
                    self.keeps_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
                true
            }
            _ => true,
        };
        is_sound.then_some(()).ok_or(Fault::BrokenRequest)
    }

    fn conclude(self, request: Request, is_first: bool) -> Result<Head, Fault> {
        let is_old = request.version() == Version::HTTP_10;
        let is_post = *request.method() == Method::POST;
        // It asks for a tunnel, so what follows is no body and no request.
        let is_tunnel = *request.method() == Method::CONNECT;
        // HTTP/1.0 has no chunks and needs no host. A POST of it without a length has no body; proxies send query strings
        // so. One that comes behind another request may be a piece of that one's body.
        let is_without_length = is_old && is_post && self.length.is_none();
        let is_sound = match is_old {
            true => !self.is_chunked && (is_first || !is_without_length),
            false => self.has_host && !(self.is_chunked && self.length.is_some()),
        };
        if !is_sound {
            return Err(Fault::BrokenRequest);
        }
        Ok(Head {
            request,
            length: match self.is_chunked {
                _ if is_tunnel => Length::Bytes(0),
                true => Length::Chunked,
                false => Length::Bytes(self.length.unwrap_or(0)),
            },
            is_polite: self.is_polite && !is_old,
            keeps_open: !(self.closes || is_tunnel || is_without_length)
                && (self.keeps_alive || !is_old),
        })
    }
}

/// Digits and nothing else.
fn number(value: &[u8]) -> Option<u64> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(value).ok()?;
    is_number.then(|| digits.parse().ok())?
}

/// A name or an address, and maybe a port; nothing at all is allowed, too.
fn is_host(value: &[u8]) -> bool {
    if value.is_empty() {
        return true;
    }
    Authority::try_from(value).is_ok_and(|authority| {
        let port = authority.as_str().strip_prefix(authority.host());
        let port = port.map(|port| port.strip_prefix(':').unwrap_or(port));
        port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    })
}
