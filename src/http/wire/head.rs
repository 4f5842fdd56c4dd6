//! One head: its end, its request, the length of the body, and whether another request may follow.
//!
//! Anything that two readers could understand differently is refused here, so that a proxy in front and the routes
//! behind always see the same requests in the same bytes.

use actix_http::{Payload, Request};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::uri::Authority;
use actix_web::http::{Method, Uri, Version};
use actix_web::web::Bytes;
use httparse::{EMPTY_HEADER, Error, Status};

use crate::api::fault::Fault;

/// The most headers of a request.
pub const MAX_HEADERS: usize = 96;
/// The most bytes of bare line ends before a request. Some clients send a line end after each body.
pub const MAX_BLANK: usize = 8;

/// A head that was read.
pub struct Head {
    /// The request, without its body.
    pub request: Request,
    /// The length of the body.
    pub length: Length,
    /// The client waits to be invited before it sends the body.
    pub is_polite: bool,
    /// The client may ask again on this connection.
    pub keeps_open: bool,
}

/// The length of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// This many bytes.
    Bytes(u64),
    /// The chunks tell the length.
    Chunked,
}

impl Length {
    /// Whether a body is known to be longer than this.
    pub fn is_beyond(self, limit: usize) -> bool {
        matches!(self, Self::Bytes(length) if length > limit as u64)
    }
}

/// The end of the first head in these bytes, if it is complete. The first `looked` bytes were looked at before.
pub fn end(bytes: &[u8], looked: usize) -> Result<Option<usize>, Fault> {
    let is_line_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
    let blank = bytes.iter().take(MAX_BLANK + 1).take_while(is_line_end);
    let start = blank.count();
    if start > MAX_BLANK {
        return Err(Fault::BrokenRequest);
    }
    let from = start.max(looked);
    // To the parser, a line feed alone ends a line, too.
    let is_blank = |end: &usize| {
        let before = &bytes[start..*end];
        let before = before.strip_suffix(b"\r").unwrap_or(before);
        before.ends_with(b"\n")
    };
    let mut ends = memchr::memchr_iter(b'\n', bytes.get(from..).unwrap_or_default());
    let end = ends.by_ref().map(|end| from + end).find(is_blank);
    if end.is_none() && looked == 0 {
        // A client that does not speak HTTP is told at once.
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let parsed = httparse::Request::new(&mut headers).parse(bytes);
        parsed.map_err(refused)?;
    }
    Ok(end.map(|end| end + 1))
}

/// Parses a complete head. `is_first`: it is the first on its connection.
pub fn parse(bytes: &Bytes, is_first: bool) -> Result<Head, Fault> {
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

/// What the headers say about the connection. `Upgrade` is ignored: linebook speaks only HTTP/1.
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
        // It asks for a tunnel, so the bytes after it are neither a body nor a request.
        let is_tunnel = *request.method() == Method::CONNECT;
        // HTTP/1.0 has no chunks and needs no host. A POST of HTTP/1.0 without a length has no body; proxies send query
        // strings in this way. After another request, it may be a piece of that one's body.
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

/// A number in digits only.
fn number(value: &[u8]) -> Option<u64> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(value).ok()?;
    is_number.then(|| digits.parse().ok())?
}

/// A name or an address, with or without a port. A blank value is allowed, too.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(head: &str, is_first: bool) -> Result<(Length, bool), Fault> {
        let head = parse(&Bytes::copy_from_slice(head.as_bytes()), is_first)?;
        Ok((head.length, head.keeps_open))
    }

    #[test]
    fn a_head_ends_at_its_first_blank_line_however_it_is_cut() {
        for head in [
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\nHost: x\n\n",
            "\r\n\nGET / HTTP/1.1\r\nHost: x\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
        ] {
            let sent = format!("{head}POST / HTTP/1.0\r\n\r\n");
            for first in 0..sent.len() {
                for second in first..sent.len() {
                    let mut found = end(&sent.as_bytes()[..first], 0).unwrap();
                    for (looked, come) in [(first, second), (second, sent.len())] {
                        found = found.or_else(|| end(&sent.as_bytes()[..come], looked).unwrap());
                    }
                    assert_eq!(found, Some(head.len()), "{head:?} cut at {first}, {second}");
                }
            }
            assert!(parsed(head, true).is_ok(), "{head:?}");
        }
    }

    #[test]
    fn a_head_says_how_long_its_body_is_and_whether_more_may_follow() {
        for (head, length, keeps_open) in [
            ("GET / HTTP/1.1\r\nHost: x", Length::Bytes(0), true),
            ("POST / HTTP/1.1\r\nHost:", Length::Bytes(0), true),
            (
                "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 007 ",
                Length::Bytes(7),
                true,
            ),
            (
                "GET http://x/ HTTP/1.1\r\nHost: x:1\r\nTRANSFER-encoding: Chunked",
                Length::Chunked,
                true,
            ),
            (
                "GET / HTTP/1.1\r\nHost: x\r\nConnection: a, Close",
                Length::Bytes(0),
                false,
            ),
            (
                "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3",
                Length::Bytes(3),
                true,
            ),
            (
                "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nContent-Length: 3",
                Length::Bytes(0),
                false,
            ),
            ("GET / HTTP/1.0", Length::Bytes(0), false),
            (
                "GET / HTTP/1.0\r\nConnection: Keep-Alive",
                Length::Bytes(0),
                true,
            ),
            (
                "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 0",
                Length::Bytes(0),
                true,
            ),
        ] {
            for is_first in [true, false] {
                let found = parsed(&format!("{head}\r\n\r\n"), is_first);
                assert_eq!(found, Ok((length, keeps_open)), "{head}");
            }
        }
        let old = "POST / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
        assert_eq!(parsed(old, true), Ok((Length::Bytes(0), false)));
        assert_eq!(parsed(old, false), Err(Fault::BrokenRequest));
    }

    #[test]
    fn what_could_be_understood_differently_is_refused() {
        let headers = [
            "Content-Length: 1\r\nContent-Length: 1",
            "Content-Length: 1, 1",
            "Content-Length: +1",
            "Content-Length: -1",
            "Content-Length: 0x1",
            "Content-Length:",
            "Content-Length: 1 1",
            "Content-Length: 18446744073709551616",
            "Content-Length : 1",
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: identity",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: \"chunked\"",
            "Transfer-Encoding:",
            "Transfer-Encoding\t: chunked",
            "Host: y",
            "X: a\r\n b",
            "X: a\r\n\tb",
            "X: a\rb",
            "X: a\0b",
            "X y: a",
            ": a",
            "No colon",
        ];
        for header in headers {
            let head = format!("POST / HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n");
            assert_eq!(parsed(&head, true), Err(Fault::BrokenRequest), "{header:?}");
        }
        for host in [
            "x y", "x/y", "a@b", "x:y", "x:1:2", "[::1", "x\u{e4}", "x,y z",
        ] {
            let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            assert_eq!(parsed(&head, true), Err(Fault::BrokenRequest), "{host:?}");
        }
        for host in ["", "x", "x.example:8080", "127.0.0.1:1", "[::1]:80", "x_y"] {
            let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            assert!(parsed(&head, true).is_ok(), "{host:?}");
        }
        for line in [
            "GET / HTTP/1.1",
            "GET / HTTP/1.0\r\nTransfer-Encoding: chunked",
            "GET / HTTP/2.0\r\nHost: x",
            "GET / HTTP/1.2\r\nHost: x",
            "GET /\r\nHost: x",
            "GET  / HTTP/1.1\r\nHost: x",
            "GET /a b HTTP/1.1\r\nHost: x",
            "GET /\u{e4} HTTP/1.1\r\nHost: x",
            " GET / HTTP/1.1\r\nHost: x",
        ] {
            let head = format!("{line}\r\n\r\n");
            assert_eq!(parsed(&head, true), Err(Fault::BrokenRequest), "{line:?}");
        }
    }

    #[test]
    fn line_ends_before_a_head_and_headers_have_limits() {
        let head = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        let behind = |count: usize| format!("{}{head}", "\n".repeat(count));
        let refused = Err(Fault::BrokenRequest);
        for (count, whole) in [
            (MAX_BLANK, Ok(Some(MAX_BLANK + head.len()))),
            (MAX_BLANK + 1, refused),
        ] {
            for looked in 0..=count {
                assert_eq!(
                    end(behind(count).as_bytes(), looked),
                    whole,
                    "{count}, {looked}"
                );
            }
        }
        assert_eq!(end("\r\n".repeat(MAX_BLANK / 2).as_bytes(), 2), Ok(None));
        let with = |count: usize| {
            format!(
                "GET / HTTP/1.1\r\nHost: x\r\n{}\r\n",
                "A: b\r\n".repeat(count - 1)
            )
        };
        assert!(parsed(&with(MAX_HEADERS), true).is_ok());
        assert_eq!(
            parsed(&with(MAX_HEADERS + 1), true),
            Err(Fault::HeadTooLarge)
        );
    }
}
