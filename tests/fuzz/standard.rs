//! A second reader of HTTP/1.x, straight from RFC 9112 and 9110: which requests a conforming server may see in the bytes
//! of a connection, with which bodies, and where it has to refuse. It shares no code with the server or its framework.

use super::chunked;

/// How sure the reader is of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Well-formed and within the limits: it has to be answered.
    Sure,
    /// The standard, or one of the server's limits, allows the server to read it in this way or to refuse it, for this
    /// reason.
    Either(&'static str),
}

/// What happens to the connection after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum After {
    /// It stays open.
    Stays,
    /// The server may close it.
    MayClose,
    /// The server has to close it: nothing behind the request is a request.
    Closes,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Message {
    /// `POST`, ...
    pub method: Vec<u8>,
    /// As it was sent.
    pub target: Vec<u8>,
    /// Names in lower case, and values without the space around them.
    pub fields: Vec<(String, Vec<u8>)>,
    /// Decoded.
    pub body: Vec<u8>,
    /// How sure it is.
    pub trust: Trust,
    /// What happens to the connection.
    pub after: After,
    /// The client sent `Expect: 100-continue`.
    pub has_expectation: bool,
}

/// What follows the last complete request.
#[derive(Debug, Clone)]
pub enum Rest {
    /// Nothing that has to be answered.
    Nothing,
    /// An incomplete request; its head, if that is complete.
    Cut(Option<Box<Message>>),
    /// A request that has to be refused, and why; its head, if that is complete.
    Broken(&'static str, Option<Box<Message>>),
}

impl Rest {
    /// The head of the incomplete request.
    pub fn head(&self) -> Option<&Message> {
        match self {
            Self::Cut(head) | Self::Broken(_, head) => head.as_deref(),
            Self::Nothing => None,
        }
    }
}

/// The server's own limits: what is larger may be refused.
const MAX_HEAD: usize = 128 * 1024;
const MAX_SMALL_HEAD: usize = 16 * 1024;
const MAX_FIELDS: usize = 96;
const MAX_BODY: usize = 64 * 1024;

/// Reads a connection's bytes to their end.
pub fn read(bytes: &[u8]) -> (Vec<Message>, Rest) {
    let mut messages = Vec::new();
    let mut at = 0;
    loop {
        match Reader::new(bytes, at).message() {
            Ok((message, end)) => {
                let after = message.after;
                messages.push(message);
                at = end;
                if after == After::Closes {
                    return (messages, Rest::Nothing);
                }
            }
            Err(rest) => return (messages, rest),
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    trust: Trust,
}

/// A line without its end; none: it has not come yet.
type Line<'a> = Option<&'a [u8]>;

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            trust: Trust::Sure,
        }
    }

    fn doubt(&mut self, why: &'static str) {
        if self.trust == Trust::Sure {
            self.trust = Trust::Either(why);
        }
    }

    /// The next line of a head. A line feed alone may count as its end (RFC 9112, 2.2).
    fn line(&mut self) -> Line<'a> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        self.at += end + 1;
        match rest[..end].strip_suffix(b"\r") {
            Some(line) => Some(line),
            None => {
                self.doubt("a line feed alone ends a line");
                Some(&rest[..end])
            }
        }
    }

    /// Empty lines before a request: one should be passed over, more may be.
    fn pass_blank_lines(&mut self) {
        let mut count = 0;
        loop {
            let rest = &self.bytes[self.at..];
            let blank = [&b"\r\n"[..], b"\n"];
            let Some(end) = blank.into_iter().find(|end| rest.starts_with(end)) else {
                return;
            };
            self.at += end.len();
            count += 1;
            if count > 1 || end.len() == 1 {
                self.doubt("blank lines before a request");
            }
        }
    }

    fn message(mut self) -> Result<(Message, usize), Rest> {
        self.pass_blank_lines();
        let start = self.at;
        match &self.bytes[start..] {
            b"" if self.trust == Trust::Sure => return Err(Rest::Nothing),
            // A client that sends nothing but line ends may be refused.
            b"" | b"\r" => return Err(Rest::Cut(None)),
            _ => {}
        }
        let broken = |why| Rest::Broken(why, None);
        let line = self.line().ok_or(Rest::Cut(None))?;
        let (method, target, minor) = self.request_line(line).map_err(broken)?;
        let fields = self.fields()?;
        if self.at - start > MAX_HEAD || fields.len() > MAX_FIELDS {
            self.doubt("a head beyond the limits");
        }
        let mut message = Message {
            method,
            target,
            fields,
            body: Vec::new(),
            trust: self.trust,
            after: After::Stays,
            has_expectation: false,
        };
        self.check_host(&message, minor).map_err(broken)?;
        self.check_expectation(&mut message, minor);
        message.after = after(&message, minor, self.at - start);
        let framing = self.framing(&mut message, minor).map_err(broken)?;
        message.trust = self.trust;
        match framing {
            Framing::Length(length) => self.length(message, length),
            Framing::Chunked => self.chunked(message),
        }
    }

    /// RFC 9112, 3.
    fn request_line(&mut self, line: &[u8]) -> Result<(Vec<u8>, Vec<u8>, u8), &'static str> {
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | 0x0b | 0x0c | b'\r');
        let words: Vec<&[u8]> = line
            .split(is_space)
            .filter(|word| !word.is_empty())
            .collect();
        let [method, target, version] = words[..] else {
            return Err("a request line has three words");
        };
        if words.join(&b' ') != line {
            self.doubt("more or other space in the request line");
        }
        if !method.iter().all(|byte| is_token(*byte)) {
            return Err("a method is a token");
        }
        if !method.iter().all(u8::is_ascii_alphabetic) {
            self.doubt("a method that nobody has");
        }
        if target.iter().any(u8::is_ascii_control) {
            return Err("a control character in the target");
        }
        if !target.iter().all(|byte| is_target(*byte)) {
            self.doubt("a character that no target holds");
        }
        let minor = match version {
            b"HTTP/1.0" => 0,
            b"HTTP/1.1" => 1,
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] => {
                self.doubt("a later version");
                1
            }
            _ => return Err("no version of HTTP/1"),
        };
        let is_origin = target.starts_with(b"/");
        let is_absolute = target.starts_with(b"http://") && target.len() > 7;
        let is_asterisk = target == b"*" && method == b"OPTIONS";
        if method == b"CONNECT" || !(is_origin || is_absolute || is_asterisk) {
            self.doubt("a form of target that no origin server has to know");
        }
        Ok((method.into(), target.into(), minor))
    }

    /// RFC 9112, 5.
    fn fields(&mut self) -> Result<Vec<(String, Vec<u8>)>, Rest> {
        let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
        loop {
            let line = self.line().ok_or(Rest::Cut(None))?;
            if line.is_empty() {
                return Ok(fields);
            }
            if matches!(line[0], b' ' | b'\t') {
                match fields.last_mut() {
                    Some((_, value)) => {
                        self.doubt("a folded line");
                        value.push(b' ');
                        value.extend(trim(line));
                    }
                    None => self.doubt("space before the first header"),
                }
                continue;
            }
            let field = self.field(line).map_err(|why| Rest::Broken(why, None))?;
            fields.push(field);
        }
    }

    fn field(&mut self, line: &[u8]) -> Result<(String, Vec<u8>), &'static str> {
        let colon = line.iter().position(|byte| *byte == b':');
        let colon = colon.ok_or("a header line without a colon")?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err("a header's name is a token, right before the colon");
        }
        let is_odd = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        if value.iter().any(is_odd) {
            self.doubt("a control character in a header");
        }
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        Ok((name, trim(value).into()))
    }

    /// RFC 9112, 3.2.
    fn check_host(&mut self, message: &Message, minor: u8) -> Result<(), &'static str> {
        let hosts: Vec<&[u8]> = message.all("host").collect();
        match hosts[..] {
            [] if minor == 0 => Ok(()),
            [] => Err("HTTP/1.1 without Host"),
            [host] => {
                let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-:".contains(byte);
                if host.is_empty() || !host.iter().all(is_plain) {
                    self.doubt("an unusual Host");
                }
                let is_wrong = |byte: &u8| *byte <= b' ' || b"/?#@\\<>\"\x7f".contains(byte);
                let mut parts = host.rsplitn(2, |byte| *byte == b':');
                let (port, name) = (parts.next().unwrap_or_default(), parts.next());
                let has_wrong_port = name.is_some_and(|name| {
                    name.contains(&b':') || !port.iter().all(u8::is_ascii_digit)
                }) && !host.starts_with(b"[");
                match has_wrong_port || host.iter().any(is_wrong) {
                    true => Err("a Host that is none"),
                    false => Ok(()),
                }
            }
            _ => Err("more than one Host"),
        }
    }

    /// RFC 9110, 10.1.1.
    fn check_expectation(&mut self, message: &mut Message, minor: u8) {
        let mut expected = message.all("expect");
        let is_known = expected.all(|value| value.eq_ignore_ascii_case(b"100-continue"));
        drop(expected);
        if minor > 0 && !is_known {
            self.doubt("an expectation that nobody knows");
        }
        message.has_expectation = minor > 0 && message.all("expect").next().is_some();
    }

    /// RFC 9112, 6.
    fn framing(&mut self, message: &mut Message, minor: u8) -> Result<Framing, &'static str> {
        let codings: Vec<Vec<u8>> = message.list("transfer-encoding");
        let has_coding = message.all("transfer-encoding").next().is_some();
        let length = self.content_length(message)?;
        if has_coding {
            if minor == 0 {
                return Err("Transfer-Encoding in HTTP/1.0");
            }
            let is_plain = |value: &[u8]| value.eq_ignore_ascii_case(b"chunked");
            if !message.all("transfer-encoding").all(is_plain) {
                self.doubt("an empty item in Transfer-Encoding");
            }
            match &codings[..] {
                [one] if one.eq_ignore_ascii_case(b"chunked") => {}
                _ => return Err("a Transfer-Encoding other than chunked, once and last"),
            }
            if message.all("content-length").next().is_some() {
                self.doubt("both lengths");
                message.after = After::Closes;
            }
            return Ok(Framing::Chunked);
        }
        if length.is_none() && minor == 0 && message.method == b"POST" {
            self.doubt("an HTTP/1.0 POST without a length");
        }
        Ok(Framing::Length(length.unwrap_or(0)))
    }

    fn content_length(&mut self, message: &Message) -> Result<Option<u64>, &'static str> {
        let mut found: Option<u64> = None;
        for value in message.all("content-length") {
            for item in value.split(|byte| *byte == b',') {
                let digits = trim(item);
                if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                    return Err("a Content-Length that is no number");
                }
                let text = String::from_utf8_lossy(digits);
                let length = text
                    .parse()
                    .map_err(|_| "a Content-Length beyond all limits")?;
                if found.is_some() {
                    self.doubt("Content-Length twice");
                }
                if found.is_some_and(|found| found != length) {
                    return Err("two values of Content-Length");
                }
                found = Some(length);
            }
        }
        Ok(found)
    }

    fn length(mut self, mut message: Message, length: u64) -> Result<(Message, usize), Rest> {
        if length > MAX_BODY as u64 {
            self.too_large(&mut message);
        }
        let rest = &self.bytes[self.at..];
        if (rest.len() as u64) < length {
            message.body = rest.into();
            return Err(Rest::Cut(Some(Box::new(message))));
        }
        message.body = rest[..length as usize].into();
        Ok((message, self.at + length as usize))
    }

    fn chunked(mut self, mut message: Message) -> Result<(Message, usize), Rest> {
        let decoded = chunked::read(&self.bytes[self.at..]);
        if let Some(why) = decoded.doubt {
            self.doubt(why);
            message.trust = self.trust;
        }
        if decoded.body.len() > MAX_BODY {
            self.too_large(&mut message);
        }
        message.body = decoded.body;
        match decoded.end {
            Ok(Some(length)) => Ok((message, self.at + length)),
            Ok(None) => Err(Rest::Cut(Some(Box::new(message)))),
            Err(why) => Err(Rest::Broken(why, Some(Box::new(message)))),
        }
    }

    fn too_large(&mut self, message: &mut Message) {
        self.doubt("a body beyond the limit");
        message.trust = self.trust;
        message.after = message.after.max(After::MayClose);
    }
}

enum Framing {
    Length(u64),
    Chunked,
}

/// RFC 9112, 9.3; a large head ends the connection, as docs/operating.md says.
fn after(message: &Message, minor: u8, head: usize) -> After {
    let options = message.list("connection");
    let has = |option: &[u8]| {
        options
            .iter()
            .any(|known| known.eq_ignore_ascii_case(option))
    };
    match () {
        () if has(b"close") => After::Closes,
        () if minor == 0 && !has(b"keep-alive") => After::Closes,
        () if minor == 0 || head > MAX_SMALL_HEAD || message.method == b"CONNECT" => {
            After::MayClose
        }
        () => After::Stays,
    }
}

impl Message {
    /// The values of a header.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.fields.iter().filter(move |(known, _)| known == name);
        fields.map(|(_, value)| value.as_slice())
    }

    /// The items of a header that is a list, without empty ones.
    fn list(&self, name: &str) -> Vec<Vec<u8>> {
        let items = self
            .all(name)
            .flat_map(|value| value.split(|byte| *byte == b','));
        let items = items.map(|item| trim(item).to_vec());
        items.filter(|item| !item.is_empty()).collect()
    }
}

/// The text without spaces and tabs around it.
pub fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// RFC 9110, 5.6.2.
pub fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Bytes that a URI holds without escaping (RFC 3986).
fn is_target(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte)
}
