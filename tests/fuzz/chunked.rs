//! The chunked coding, from RFC 9112, 7.1.

use super::standard::{is_token, trim};

/// The result of reading a chunked body.
pub struct Decoded {
    /// The chunks' data, as far as they came.
    pub body: Vec<u8>,
    /// Why it may be refused although it can be read.
    pub doubt: Option<&'static str>,
    /// Its length with the last line; none: its end has not come yet; an error: why it has to be refused.
    pub end: Result<Option<usize>, &'static str>,
}

/// Reads a chunked body at the beginning of `bytes`.
pub fn read(bytes: &[u8]) -> Decoded {
    let mut decoded = Decoded {
        body: Vec::new(),
        doubt: None,
        end: Ok(None),
    };
    decoded.end = decoded.chunks(bytes);
    decoded
}

impl Decoded {
    fn doubt(&mut self, why: &'static str) {
        self.doubt.get_or_insert(why);
    }

    fn chunks(&mut self, bytes: &[u8]) -> Result<Option<usize>, &'static str> {
        let mut at = 0;
        loop {
            let Some(line) = line(&bytes[at..])? else {
                return Ok(None);
            };
            at += line.len() + 2;
            let size = self.size(line)?;
            if size == 0 {
                return self.trailer(bytes, at);
            }
            let left = bytes.len() - at;
            if (left as u64) < size {
                self.body.extend(&bytes[at..]);
                return Ok(None);
            }
            let end = at + size as usize;
            self.body.extend(&bytes[at..end]);
            match &bytes[end..] {
                [b'\r', b'\n', ..] => at = end + 2,
                [] | [b'\r'] => return Ok(None),
                _ => return Err("a chunk that is longer than its size"),
            }
        }
    }

    fn size(&mut self, line: &[u8]) -> Result<u64, &'static str> {
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit());
        let (digits, extension) = line.split_at(digits.count());
        if digits.is_empty() {
            return Err("a chunk without a size");
        }
        if digits.len() > 8 {
            self.doubt("a chunk's size with many digits");
        }
        let text = String::from_utf8_lossy(digits);
        let text = text.trim_start_matches('0');
        let size = match text {
            "" => 0,
            text => {
                u64::from_str_radix(text, 16).map_err(|_| "a chunk's size beyond all limits")?
            }
        };
        match trim(extension) {
            [] if extension.is_empty() => {}
            [] => self.doubt("space behind a chunk's size"),
            [b';', rest @ ..] => {
                if !extension.starts_with(b";") {
                    self.doubt("space before a chunk's extension");
                }
                self.extension(rest);
            }
            _ => return Err("a chunk's size that is no number"),
        }
        Ok(size)
    }

    fn extension(&mut self, text: &[u8]) {
        let (name, value) = match text.iter().position(|byte| *byte == b'=') {
            Some(middle) => (&text[..middle], &text[middle + 1..]),
            None => (text, &b"a"[..]),
        };
        let is_plain = |text: &[u8]| !text.is_empty() && text.iter().all(|byte| is_token(*byte));
        if !is_plain(trim(name)) || !is_plain(trim(value)) {
            self.doubt("an unusual extension of a chunk");
        }
    }

    fn trailer(&mut self, bytes: &[u8], mut at: usize) -> Result<Option<usize>, &'static str> {
        loop {
            let Some(line) = line(&bytes[at..])? else {
                return Ok(None);
            };
            at += line.len() + 2;
            if line.is_empty() {
                return Ok(Some(at));
            }
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            let is_field = name.len() < line.len() && !name.is_empty();
            let is_odd = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
            if !is_field || !name.iter().all(|byte| is_token(*byte)) || line.iter().any(is_odd) {
                self.doubt("a trailer that is no header");
            }
        }
    }
}

/// A line that ends in CR LF. Either of them alone ends no line and is not allowed inside one.
fn line(bytes: &[u8]) -> Result<Option<&[u8]>, &'static str> {
    let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        return Ok(None);
    };
    match &bytes[end..] {
        [b'\r', b'\n', ..] => Ok(Some(&bytes[..end])),
        [b'\r'] => Ok(None),
        _ => Err("half a line's end in a chunked body"),
    }
}
