//! A body in chunks: its bytes and its end. Anything that two readers could understand differently is refused.

use crate::api::fault::Fault;
use crate::api::limits::MAX_BODY;

/// The most bytes of a body, with the sizes, extensions and trailers around its chunks.
pub const MAX_WIRE: usize = 512 * 1024;

/// How far the chunks of a body have been read.
#[derive(Debug, Default)]
pub struct Chunks {
    /// The content of the chunks so far.
    pub body: Vec<u8>,
    state: State,
    /// Bytes left of the present chunk.
    left: usize,
    /// All bytes read so far.
    wire: usize,
}

/// What comes next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// The first digit of a size.
    #[default]
    Size,
    /// Another digit, an extension or the line's end.
    MoreSize,
    /// More blanks between a size and its extension.
    Blank,
    /// The rest of an extension.
    Extension,
    /// The line feed after a size.
    SizeEnd,
    /// Bytes of the body.
    Data,
    /// The line end after them.
    DataReturn,
    DataEnd,
    /// A trailer's name, or the last line's end.
    Trailer,
    TrailerName,
    TrailerValue,
    TrailerEnd,
    /// The last line feed.
    LastEnd,
    /// Nothing: the body is complete.
    Whole,
}

impl Chunks {
    /// Whether the body has been read to its end.
    pub fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    /// Reads on, and says how many of the bytes belong to the body.
    pub fn read(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut used = 0;
        while used < bytes.len() && !self.is_whole() {
            if self.state == State::Data {
                let count = self.left.min(bytes.len() - used);
                self.body.extend_from_slice(&bytes[used..used + count]);
                self.left -= count;
                used += count;
                if self.left == 0 {
                    self.state = State::DataReturn;
                }
            } else {
                self.state = self.next(bytes[used])?;
                used += 1;
            }
        }
        self.wire += used;
        match self.wire > MAX_WIRE {
            true => Err(Fault::BodyTooLarge),
            false => Ok(used),
        }
    }

    fn next(&mut self, byte: u8) -> Result<State, Fault> {
        use State::*;
        let next = match (self.state, byte) {
            (Size | MoreSize, _) if byte.is_ascii_hexdigit() => self.digit(byte)?,
            (MoreSize | Extension, b'\r') => SizeEnd,
            (MoreSize | Blank, b';') => Extension,
            (MoreSize | Blank, b' ' | b'\t') => Blank,
            (Extension, _) if is_text(byte) => Extension,
            (SizeEnd, b'\n') if self.left > 0 => Data,
            (SizeEnd | TrailerEnd, b'\n') => Trailer,
            (DataReturn, b'\r') => DataEnd,
            (DataEnd, b'\n') => Size,
            (Trailer, b'\r') => LastEnd,
            (Trailer | TrailerName, _) if is_token(byte) => TrailerName,
            (TrailerName, b':') => TrailerValue,
            (TrailerValue, b'\r') => TrailerEnd,
            (TrailerValue, _) if is_text(byte) => TrailerValue,
            (LastEnd, b'\n') => Whole,
            _ => return Err(Fault::BrokenBody),
        };
        Ok(next)
    }

    /// A digit of a size. Zeros before it change nothing: some senders write sizes of one width.
    fn digit(&mut self, byte: u8) -> Result<State, Fault> {
        let digit = (byte as char).to_digit(16).ok_or(Fault::BrokenBody)?;
        self.left = self.left << 4 | digit as usize;
        // The size is checked before its bytes come, so it never has more digits than the limit.
        match self.body.len() + self.left > MAX_BODY {
            true => Err(Fault::BodyTooLarge),
            false => Ok(State::MoreSize),
        }
    }
}

/// Whether a byte may be in a line.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}

/// Whether a byte may be in the name of a trailer.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body of bytes that come in pieces of `size`, and the number of bytes left over.
    fn read(sent: &[u8], size: usize) -> Result<(Vec<u8>, usize), Fault> {
        let mut chunks = Chunks::default();
        let mut came = Vec::new();
        for piece in sent.chunks(size) {
            came.extend_from_slice(piece);
            let used = chunks.read(&came)?;
            came.drain(..used);
        }
        match chunks.is_whole() {
            true => Ok((chunks.body, came.len())),
            false => Err(Fault::SlowRequest),
        }
    }

    #[test]
    fn a_body_ends_where_its_chunks_say_however_they_are_cut() {
        let behind = b"POST / HTTP/1.0\r\n\r\n";
        for (sent, body) in [
            ("0\r\n\r\n", ""),
            ("000\r\n\r\n", ""),
            (
                "0000000000000001 ;x\r\na\r\n0000000000000000\t ; y\r\n\r\n",
                "a",
            ),
            ("3\r\nabc\r\n0\r\n\r\n", "abc"),
            ("2\r\n\r\n\r\n1;x\r\n0\r\n00;y=\"z\"\r\n\r\n", "\r\n0"),
            (
                "00000B\r\n0\r\n\r\nGET / \r\n0\r\nA: b\r\nC:\r\n\r\n",
                "0\r\n\r\nGET / ",
            ),
        ] {
            let sent = [sent.as_bytes(), behind].concat();
            for size in 1..=sent.len() {
                let expected = Ok((body.as_bytes().to_vec(), behind.len()));
                assert_eq!(read(&sent, size), expected, "{body:?} in {size}");
            }
        }
    }

    #[test]
    fn what_could_be_understood_differently_is_broken() {
        for sent in [
            "\r\n",
            "\n",
            "-1\r\n",
            "+1\r\n",
            "0x1\r\n",
            " 1\r\n",
            "1 \r\n",
            "1 1\r\n",
            "1\n",
            "1\r\r\n",
            "1;a\nb\r\n",
            "1;\x00\r\n",
            "1\r\nab\r\n",
            "1\r\na\n",
            "1\r\na0\r\n\r\n",
            "0\r\n\n",
            "0\r\nA: b\n\r\n",
            "0\r\n A: b\r\n\r\n",
            "0\r\nGET / HTTP/1.1\r\n\r\n",
            "0\r\n: b\r\n\r\n",
            "0\r\n\rx",
            "fffffffff\r\n",
        ] {
            for size in 1..=sent.len() {
                let is_broken = matches!(read(sent.as_bytes(), size), Err(Fault::BrokenBody));
                let is_large = matches!(read(sent.as_bytes(), size), Err(Fault::BodyTooLarge));
                assert!(
                    is_broken || is_large && sent.starts_with('f'),
                    "{sent:?} in {size}"
                );
            }
        }
    }

    #[test]
    fn a_body_and_what_is_around_its_chunks_are_bounded() {
        let body = |size: usize| format!("{size:x}\r\n{}\r\n0\r\n\r\n", "a".repeat(size));
        assert!(read(body(MAX_BODY).as_bytes(), 1000).is_ok());
        let refused = Err(Fault::BodyTooLarge);
        assert_eq!(read(body(MAX_BODY + 1).as_bytes(), 1000), refused);
        let last = "0\r\n\r\n";
        let around = |size: usize| format!("1;{}\r\na\r\n{last}", "x".repeat(size));
        let most = MAX_WIRE - around(0).len();
        assert!(read(around(most).as_bytes(), 1000).is_ok());
        assert_eq!(read(around(most + 1).as_bytes(), 1000), refused);
    }
}
