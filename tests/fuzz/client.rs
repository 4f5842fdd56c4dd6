//! The client's end of a connection: it has an address of its own, sends in pieces, and reads answers as they are on
//! the wire.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

use crate::common::Answer;
use crate::dice::Dice;

/// After this a request counts as unanswered.
pub const PATIENCE: Duration = Duration::from_secs(40);
/// The most that is read of a connection: a list as a CSV file may be very long.
const MAX_READ: usize = 4 * 1024 * 1024;

/// A connection.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// How it ended, once it has.
    end: Option<End>,
    /// How often the server asked for a body.
    pub invitations: usize,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The server closed it, or tore it down.
    Closed,
    /// Nothing came for too long.
    Silence,
    /// Enough was read.
    Full,
}

/// Why no further answer comes.
#[derive(Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The connection is closed, and nothing is left of it.
    Closed,
    /// It was closed in the middle of an answer.
    Cut,
    /// The bytes that came are not HTTP.
    Garbled(String),
    /// Nothing comes.
    Silence,
    /// More came than the client reads.
    Full,
}

/// An address of this machine that no other connection uses, because failed authentications are counted by address.
pub fn own_address(dice: &mut Dice) -> Ipv4Addr {
    let mut part = |least: usize| (least + dice.below(250)) as u8;
    Ipv4Addr::new(127, part(1), part(1), part(1))
}

impl Client {
    /// Connects from `from`.
    pub fn connect(server: SocketAddr, from: Ipv4Addr) -> Result<Self, String> {
        let wrong = |error: rustix::io::Errno| format!("no connection: {error}");
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).map_err(wrong)?;
        bind(&socket, &SocketAddr::new(IpAddr::V4(from), 0)).map_err(wrong)?;
        connect(&socket, &server).map_err(wrong)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Ok(Self {
            stream,
            buffer: Vec::new(),
            end: None,
            invitations: 0,
        })
    }

    /// Writes. A server that has hung up takes no more; reading its answers will show that.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Writes in pieces, each with its length and the pause after it.
    pub fn write_in_pieces(&mut self, bytes: &[u8], pieces: &[(usize, Duration)]) {
        let mut rest = bytes;
        for (length, pause) in pieces {
            let (piece, tail) = rest.split_at((*length).min(rest.len()));
            self.write(piece);
            rest = tail;
            if !pause.is_zero() {
                std::thread::sleep(*pause);
            }
        }
        self.write(rest);
    }

    /// Closes the sending half of the connection.
    pub fn finish_writing(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next answer. `is_head`: it answers a HEAD, so it has no body.
    pub fn answer(&mut self, is_head: bool) -> Result<Answer, NoAnswer> {
        let since = Instant::now();
        loop {
            match parse(&self.buffer, is_head, self.end == Some(End::Closed)) {
                Ok(Some((answer, length))) => {
                    self.buffer.drain(..length);
                    if answer.status == 100 {
                        self.invitations += 1;
                        continue;
                    }
                    return Ok(answer);
                }
                Ok(None) => {}
                Err(why) => return Err(NoAnswer::Garbled(why)),
            }
            match self.end {
                None => self.read(since),
                Some(End::Closed) if self.buffer.is_empty() => return Err(NoAnswer::Closed),
                Some(End::Closed) => return Err(NoAnswer::Cut),
                Some(End::Silence) => return Err(NoAnswer::Silence),
                Some(End::Full) => return Err(NoAnswer::Full),
            }
        }
    }

    fn read(&mut self, since: Instant) {
        let left = PATIENCE.saturating_sub(since.elapsed());
        if left.is_zero() {
            self.end = Some(End::Silence);
            return;
        }
        self.stream.set_read_timeout(Some(left)).unwrap();
        let mut space = [0; 16 * 1024];
        match self.stream.read(&mut space) {
            Ok(0) => self.end = Some(End::Closed),
            Ok(count) => self.buffer.extend(&space[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                self.end = Some(End::Silence);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => self.end = Some(End::Closed),
        }
        if self.buffer.len() > MAX_READ {
            self.end = Some(End::Full);
        }
    }
}

/// The answer at the beginning of the bytes, and its length; none: it is not complete.
fn parse(bytes: &[u8], is_head: bool, is_closed: bool) -> Result<Option<(Answer, usize)>, String> {
    let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
        let start = &bytes[..bytes.len().min(9)];
        let is_http = b"HTTP/1.1 ".starts_with(start) || b"HTTP/1.0 ".starts_with(start);
        return match is_http {
            true => Ok(None),
            false => Err(show(bytes)),
        };
    };
    let wrong = || show(&bytes[..end]);
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| wrong())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1."));
    // A request in HTTP/1.0 is answered in HTTP/1.0.
    let status = status.and_then(|line| line.strip_prefix("0 ").or(line.strip_prefix("1 ")));
    let status = status.and_then(|line| line.get(..3)?.parse().ok());
    let mut answer = Answer {
        status: status.ok_or_else(wrong)?,
        headers: Vec::new(),
        body: Vec::new(),
    };
    for line in lines {
        let (name, value) = line.split_once(": ").ok_or_else(wrong)?;
        if line.contains(['\r', '\n']) {
            return Err(wrong());
        }
        answer.headers.push((name.to_lowercase(), value.into()));
    }
    if head.starts_with("HTTP/1.0") && answer.header("connection").is_none() {
        // In HTTP/1.0, that is the default.
        answer.headers.push(("connection".into(), "close".into()));
    }
    let at = end + 4;
    let length = match body(&answer, &bytes[at..], is_closed)? {
        // A refusal of the connection itself has a body, even to a HEAD.
        Some((_, body)) if is_head && !has_body_all_the_same(&answer, body) => 0,
        None if is_head => 0,
        Some((length, body)) => {
            answer.body = body.to_vec();
            length
        }
        None => return Ok(None),
    };
    if answer.header("transfer-encoding") == Some("chunked") && !is_head {
        answer.body = super::chunked::read(&bytes[at..]).body;
    }
    Ok(Some((answer, at + length)))
}

/// The length on the wire, and the body if it is not chunked; none: it is not complete.
fn body<'a>(
    answer: &Answer,
    rest: &'a [u8],
    is_closed: bool,
) -> Result<Option<(usize, &'a [u8])>, String> {
    if answer.status == 100 || answer.status == 204 || answer.status == 304 {
        return Ok(Some((0, &[])));
    }
    if answer.header("transfer-encoding") == Some("chunked") {
        let read = super::chunked::read(rest);
        let length = read
            .end
            .map_err(|why| format!("an answer's chunks: {why}"))?;
        return Ok(length.map(|length| (length, &rest[..0])));
    }
    match answer.header("content-length") {
        Some(length) => {
            let length: usize = length
                .parse()
                .map_err(|_| "an answer's length".to_owned())?;
            Ok(rest.get(..length).map(|body| (length, body)))
        }
        // The body goes to the end of the connection.
        None => Ok(is_closed.then_some((rest.len(), rest))),
    }
}

fn has_body_all_the_same(answer: &Answer, body: &[u8]) -> bool {
    answer.header("connection") == Some("close") && body.starts_with(b"<?xml")
}

/// Bytes in a form that can be pasted into a byte string.
pub fn show(bytes: &[u8]) -> String {
    let mut shown = String::new();
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|byte| *byte == first).count();
        if run > 64 {
            shown += &format!("{}[x{run}]", [*first].escape_ascii());
            rest = &rest[run..];
        } else {
            shown += &[*first].escape_ascii().to_string();
            rest = &rest[1..];
        }
        if *first == b'\n' {
            shown.push('\n');
        }
        if shown.len() > 12_000 {
            shown += &format!("\n... and {} bytes more", rest.len());
            break;
        }
    }
    shown
}
