//! Streams of requests as bytes: most of them well-formed, some bent a little, some broken, and requests that hide in
//! the bodies of others.

use std::time::Duration;

use crate::dice::Dice;
use crate::request::{Intent, MARKS, intend};

/// A request as bytes, in parts that can be changed.
struct Parts {
    before: Vec<u8>,
    line: Vec<u8>,
    fields: Vec<Vec<u8>>,
    line_end: &'static [u8],
    body: Vec<u8>,
}

impl Parts {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.before.clone();
        for line in [&self.line].into_iter().chain(&self.fields) {
            bytes.extend(line);
            bytes.extend(self.line_end);
        }
        bytes.extend(self.line_end);
        bytes.extend(&self.body);
        bytes
    }
}

/// A stream of a few requests.
pub fn stream(dice: &mut Dice) -> Vec<u8> {
    let mut mark = dice.below(MARKS - 64);
    let mut next = || {
        mark += 1;
        mark
    };
    let mut bytes = Vec::new();
    for _ in 0..1 + dice.below(4) {
        if dice.percent(4) {
            bytes.extend(shifted(dice, &mut next));
            continue;
        }
        let inside = match dice.percent(35) {
            true => hidden(dice, &mut next),
            false => String::new(),
        };
        let intent = intend(dice, next(), &inside);
        let mut parts = frame(dice, &intent);
        if dice.percent(30) {
            super::twists::bend(dice, &mut Bent(&mut parts));
        }
        bytes.extend(parts.bytes());
    }
    if dice.percent(8) {
        mutate(dice, &mut bytes);
    }
    if dice.percent(4) {
        bytes.truncate(dice.below(bytes.len()));
    }
    bytes
}

/// The parts that [`super::twists`] may change.
pub struct Bent<'a>(&'a mut Parts);

impl Bent<'_> {
    pub fn before(&mut self) -> &mut Vec<u8> {
        &mut self.0.before
    }

    pub fn line(&mut self) -> &mut Vec<u8> {
        &mut self.0.line
    }

    pub fn fields(&mut self) -> &mut Vec<Vec<u8>> {
        &mut self.0.fields
    }

    pub fn body(&mut self) -> &mut Vec<u8> {
        &mut self.0.body
    }

    pub fn end_lines_with(&mut self, end: &'static [u8]) {
        self.0.line_end = end;
    }

    /// The header that says how the body is framed.
    pub fn framing(&mut self) -> Option<&mut Vec<u8>> {
        let is_framing = |field: &&mut Vec<u8>| {
            let name = field.split(|byte| *byte == b':').next().unwrap_or_default();
            let name = name.to_ascii_lowercase();
            name == b"content-length" || name == b"transfer-encoding"
        };
        self.0.fields.iter_mut().find(is_framing)
    }
}

/// Text that would be a request if the server lost its place in the body around it.
fn hidden(dice: &mut Dice, next: &mut impl FnMut() -> usize) -> String {
    let mut text = dice.text(&[
        "",
        "a",
        "\r\n",
        "\r\n\r\n",
        "\n\n",
        "\r\n0\r\n\r\n",
        "0\r\n\r\n",
    ]);
    for _ in 0..1 + dice.below(3) {
        text += &match dice.below(4) {
            0 => "POST /x HTTP/1.0\r\n\r\n".into(),
            1 => "POST /x HTTP/1.0\n\n".into(),
            _ => {
                let mut intent = intend(dice, next(), "");
                intent.body.truncate(2000);
                let parts = frame(dice, &intent);
                String::from_utf8_lossy(&parts.bytes()).into_owned()
            }
        };
        text += &dice.text(&["", "\r\n", "\r\n\r\n", "z"]);
    }
    text
}

/// A well-formed chunked request with a hidden one, which a server would run if its place in the body shifted by some
/// bytes; and an innocent request after it.
fn shifted(dice: &mut Dice, next: &mut impl FnMut() -> usize) -> Vec<u8> {
    let mut hide = |dice: &mut Dice| {
        let mut intent = intend(dice, next(), "");
        intent.body.truncate(1000);
        frame(dice, &intent).bytes()
    };
    // Requests that a server may be tempted to answer before it has read them.
    let mut line = dice.text(&[
        "GET /health/live",
        "POST /nothing/here",
        "HEAD /sign-in",
        "PUT /billing/api/device_create",
        "POST /health/live",
        "GET /assets/style.css",
        "POST /devices/new",
    ]);
    line += " HTTP/1.1\r\nHost: linebook\r\nTransfer-Encoding: chunked\r\n\r\n";
    let shift = match dice.percent(70) {
        // The lengths of headers that a server might add: `Content-Length: 0`, `Connection: close`, each with its line
        // end.
        true => 19,
        false => 12 + dice.below(60),
    };
    let mut first = b"x=1\r\n\r\n".to_vec();
    if dice.percent(20) {
        first.resize(70_000, b'a');
        first.extend(b"\r\n\r\n");
    }
    first.extend(b"POST /x HTTP/1.0\r\n\r\n".repeat(1 + dice.below(8)));
    first.extend(std::iter::repeat_n(b'a', dice.below(40)));
    let mut tail = b"\r\n5;".to_vec();
    tail.resize(shift.max(5), b'e');
    first.extend(tail);
    let mut second = b"\r\n0\r\n\r\n".to_vec();
    second.extend(hide(dice));
    // Three digits, so that the line of its size is five bytes.
    second.resize(second.len().clamp(0x100, 0xfff), b'\n');
    let mut bytes = line.into_bytes();
    for chunk in [first, second] {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    bytes.extend(hide(dice));
    bytes
}

/// Puts a request into well-formed bytes.
fn frame(dice: &mut Dice, intent: &Intent) -> Parts {
    let version = if dice.percent(93) { "1.1" } else { "1.0" };
    let host = dice.text(&["linebook", "127.0.0.1:8080", "a.example", "x"]);
    let mut fields = vec![format!("Host: {host}")];
    let fields_of_intent = intent.fields.iter();
    fields.extend(fields_of_intent.map(|(name, value)| format!("{name}: {value}")));
    let mut body = intent.body.clone();
    let has_no_body = body.is_empty() && intent.method != "POST";
    if has_no_body && dice.percent(85) || body.is_empty() && dice.percent(30) {
    } else if dice.percent(45) && version == "1.1" {
        fields.push("Transfer-Encoding: chunked".into());
        body = chunked(dice, &body);
    } else {
        fields.push(format!("Content-Length: {}", body.len()));
    }
    if dice.percent(40) {
        for _ in 0..1 + dice.below(3) {
            let field = harmless(dice);
            let name = field.split(':').next().unwrap_or_default();
            let is_single = matches!(name, "Connection" | "Expect" | "Upgrade");
            if !is_single || !fields.iter().any(|known| known.starts_with(name)) {
                fields.insert(dice.below(fields.len() + 1), field);
            }
        }
    }
    for field in &mut fields {
        match dice.below(12) {
            0 => *field = lower_name(field),
            1 => *field = field.replacen(": ", ":", 1),
            2 => *field = field.replacen(": ", ":\t  ", 1) + " ",
            _ => {}
        }
    }
    let start = dice.below(fields.len());
    fields.rotate_left(start);
    Parts {
        before: Vec::new(),
        line: format!("{} {} HTTP/{version}", intent.method, intent.target).into(),
        fields: fields.into_iter().map(String::into_bytes).collect(),
        line_end: b"\r\n",
        body,
    }
}

fn lower_name(field: &str) -> String {
    let (name, value) = field.split_once(':').expect("every header has a colon");
    format!("{}:{value}", name.to_ascii_lowercase())
}

/// A header that changes nothing about where the request ends.
fn harmless(dice: &mut Dice) -> String {
    let length = [10, 300, 5000, 15_000, 20_000][dice.below(5)];
    match dice.below(14) {
        0 => "Connection: keep-alive".into(),
        1 => "Connection: close".into(),
        2 => "Connection: Upgrade, HTTP2-Settings".into(),
        3 => "Connection: upgrade".into(),
        4 => "Upgrade: h2c".into(),
        5 => "Upgrade: websocket".into(),
        6 => "HTTP2-Settings: AAMAAABkAAQAAP__".into(),
        7 => "Expect: 100-continue".into(),
        8 => "Accept-Encoding: gzip, deflate".into(),
        9 => "TE: trailers, deflate;q=0.5".into(),
        10 => "X-Forwarded-For: 192.0.2.1".into(),
        11 => "Accept: text/html, */*".into(),
        12 => format!(
            "X-Long: {}",
            "l".repeat(if dice.percent(20) { length } else { 10 })
        ),
        _ => "Trailer: X-Late".into(),
    }
}

/// The chunked coding of a body.
pub fn chunked(dice: &mut Dice, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let most = if dice.percent(50) {
            rest.len()
        } else {
            rest.len().min(20)
        };
        let (chunk, tail) = rest.split_at((1 + dice.below(most)).max(rest.len() / 64));
        rest = tail;
        let size = match dice.below(6) {
            0 => format!("{:X}", chunk.len()),
            1 => format!("{:05x}", chunk.len()),
            _ => format!("{:x}", chunk.len()),
        };
        let extension = match dice.below(12) {
            0 => ";a=b",
            1 => ";name",
            2 => " ; a = \"quoted; text\"",
            _ => "",
        };
        bytes.extend(format!("{size}{extension}\r\n").bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    let last = dice.text(&["0", "0", "0", "0", "000", "0;a=b"]);
    bytes.extend(format!("{last}\r\n").bytes());
    if dice.percent(10) {
        bytes.extend(b"X-Late: yes\r\n");
    }
    bytes.extend(b"\r\n");
    bytes
}

/// Changes a few bytes anywhere.
fn mutate(dice: &mut Dice, bytes: &mut Vec<u8>) {
    for _ in 0..1 + dice.below(3) {
        let at = dice.below(bytes.len());
        let odd = b"\r\n\0 \t:;,0159afx=&%\x80\xff\x0b";
        let odd = odd[dice.below(odd.len())];
        match dice.below(5) {
            0 if at < bytes.len() => bytes[at] = odd,
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => bytes.insert(at, odd),
            3 => {
                let end = (at + dice.below(40)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let end = (at + dice.below(40)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
}

/// Where the client cuts the bytes, and how long it waits there.
pub fn pieces(dice: &mut Dice, bytes: &[u8]) -> Vec<(usize, Duration)> {
    let mut pieces = Vec::new();
    let pause = match dice.below(4) {
        0 => Duration::from_micros(200),
        1 => Duration::from_micros(1500),
        _ => Duration::ZERO,
    };
    match dice.below(10) {
        0..=3 => {}
        // After each line.
        4..=5 => {
            let mut start = 0;
            for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
                if pieces.len() < 40 {
                    pieces.push((at + 1 - start, pause));
                    start = at + 1;
                }
            }
        }
        // Byte by byte, for a while.
        6 => {
            pieces.push((dice.below(bytes.len()), pause));
            pieces.extend(std::iter::repeat_n((1, pause / 8), 30));
        }
        // A few long ones.
        _ => {
            for _ in 0..1 + dice.below(4) {
                pieces.push((1 + dice.below(1 + bytes.len() / 2), pause));
            }
        }
    }
    pieces
}
