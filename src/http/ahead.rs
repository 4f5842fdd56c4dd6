//! What a client has sent that the framework has not been given yet, and where in it a head ends.

use memchr::memchr_iter;
use tokio::io::ReadBuf;

use crate::api::limits::MAX_HEAD;

/// Bytes off the socket, in their order.
#[derive(Debug, Default)]
pub struct Ahead {
    bytes: Vec<u8>,
    /// The client sends no more.
    pub has_ended: bool,
    /// How many of the bytes may be given in one part; 0: not known yet.
    part: usize,
    /// How many have been looked at for the end of a head.
    looked: usize,
    blank: Blank,
}

impl Ahead {
    /// Adds what came; nothing: the client sends no more.
    pub fn put(&mut self, came: &[u8]) {
        self.has_ended = came.is_empty();
        self.bytes.extend_from_slice(came);
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Moves some to the framework's buffer.
    pub fn take(&mut self, count: usize, buf: &mut ReadBuf<'_>) {
        buf.put_slice(&self.bytes[..count]);
        if count == self.bytes.len() {
            // Nothing is kept for a client who idles.
            self.bytes = Vec::new();
        } else {
            self.bytes.drain(..count);
        }
        self.part = self.part.saturating_sub(count);
        self.looked = self.looked.saturating_sub(count);
    }

    /// How many bytes may be given: to the next blank line and no further, so that no second head comes with the
    /// first. `is_head`: they begin a head; if it is one that the framework would not understand, the whole of it must
    /// be here, and 0 says that it is not.
    pub fn part(&mut self, is_head: bool) -> usize {
        if self.part > 0 || self.bytes.is_empty() {
            return self.part;
        }
        match self.blank.find(&self.bytes[self.looked..]) {
            Some(count) => {
                self.part = self.looked + count;
                self.looked = self.part;
                if is_head {
                    self.complete();
                }
            }
            None => {
                self.looked = self.bytes.len();
                // What is too long is given to the framework, for it to say so.
                let is_full = self.has_ended || self.bytes.len() >= MAX_HEAD;
                if is_full || !is_head || !may_be_old_post(&self.bytes) {
                    self.part = self.bytes.len();
                }
            }
        }
        self.part
    }

    /// An HTTP/1.0 POST without a length has no body: proxies and old clients send their query strings so. The framework
    /// refuses it, so it is told.
    fn complete(&mut self) {
        const NO_BODY: &[u8] = b"Content-Length: 0\r\n";
        let head = &self.bytes[..self.part];
        let mut lines = head.split_inclusive(|byte| *byte == b'\n');
        // The framework, too, passes over blank lines before a request.
        let Some(line) = lines.find(|line| !line.trim_ascii().is_empty()) else {
            return;
        };
        let has_length = lines.clone().any(|line| {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            name.eq_ignore_ascii_case(b"content-length")
                || name.eq_ignore_ascii_case(b"transfer-encoding")
        });
        if !is_old_post(line) || has_length {
            return;
        }
        let after_line = self.part - lines.map(<[u8]>::len).sum::<usize>();
        self.bytes
            .splice(after_line..after_line, NO_BODY.iter().copied());
        self.part += NO_BODY.len();
        self.looked = self.part;
    }
}

/// Whether the bytes, the beginning of a head, can turn out to be an HTTP/1.0 POST's.
fn may_be_old_post(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    match head.iter().position(|byte| *byte == b'\n') {
        Some(end) => is_old_post(&head[..end]),
        None => b"POST ".starts_with(&head[..head.len().min(5)]),
    }
}

fn is_old_post(line: &[u8]) -> bool {
    line.starts_with(b"POST ") && line.trim_ascii_end().ends_with(b" HTTP/1.0")
}

/// Looks for a blank line in bytes that come in pieces. The framework takes a line feed alone for the end of a line, too.
#[derive(Debug, Default)]
struct Blank {
    /// Nothing but carriage returns has come since the last line's end.
    is_at_start: bool,
}

impl Blank {
    /// How many of the bytes there are up to the end of the first blank line.
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut start = 0;
        for end in memchr_iter(b'\n', bytes) {
            let is_blank = self.is_at_start && is_nothing(&bytes[start..end]);
            self.is_at_start = !is_blank;
            start = end + 1;
            if is_blank {
                return Some(start);
            }
        }
        self.is_at_start &= is_nothing(&bytes[start..]);
        None
    }
}

/// Whether a line is blank. With a second carriage return it is no more, but to stop there does no harm.
fn is_nothing(line: &[u8]) -> bool {
    line.iter().all(|byte| *byte == b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is given when `sent` comes in pieces of `size`.
    fn given(sent: &[u8], size: usize) -> Vec<String> {
        let mut ahead = Ahead::default();
        let mut parts = vec![String::new()];
        let mut is_head = true;
        for piece in sent.chunks(size) {
            ahead.put(piece);
            loop {
                let count = ahead.part(is_head);
                if count == 0 {
                    break;
                }
                let mut space = vec![0; count];
                ahead.take(count, &mut ReadBuf::new(&mut space));
                let part = parts.last_mut().unwrap();
                *part += std::str::from_utf8(&space).unwrap();
                is_head = part.ends_with("\n\r\n") || part.ends_with("\n\n");
                if is_head {
                    parts.push(String::new());
                }
            }
        }
        parts.retain(|part| !part.is_empty());
        parts
    }

    #[test]
    fn heads_are_given_one_by_one_and_old_posts_whole_with_a_length() {
        let heads = [
            "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n",
            "POST /2 HTTP/1.1\nHost: x\n\n",
            "POST /3 HTTP/1.0\r\nHost: x\r\n\r\n",
            "POST /4 HTTP/1.0\r\n\r\n",
            "POST /5 HTTP/1.0\r\nX: y\r\nCONTENT-length: 1\r\n\r\n",
            "POSTER /6 HTTP/1.0\r\n\r\n",
        ];
        let sent = heads.concat();
        let expected = heads.map(|head| match &head[6..7] {
            "3" | "4" => head.replacen("\r\n", "\r\nContent-Length: 0\r\n", 1),
            _ => head.into(),
        });
        for size in 1..sent.len() {
            assert_eq!(given(sent.as_bytes(), size), expected, "pieces of {size}");
        }
    }

    #[test]
    fn a_head_that_is_too_long_is_not_waited_for() {
        let mut ahead = Ahead::default();
        ahead.put(b"POST /");
        assert_eq!(ahead.part(true), 0);
        ahead.put(&vec![b'a'; MAX_HEAD]);
        assert_eq!(ahead.part(true), MAX_HEAD + 6);
    }
}
