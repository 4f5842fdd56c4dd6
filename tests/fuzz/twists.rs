//! Ways to change a well-formed request into one that the standard forbids or leaves open.

use crate::dice::Dice;
use crate::stream::Bent;

/// Changes a request in one or two ways.
pub fn bend(dice: &mut Dice, parts: &mut Bent<'_>) {
    for _ in 0..1 + usize::from(dice.percent(20)) {
        match dice.below(8) {
            0 => bend_start(dice, parts),
            1 => bend_line(dice, parts),
            2..=3 => bend_fields(dice, parts),
            4..=5 => bend_framing(dice, parts),
            6 => bend_body(dice, parts),
            _ => bend_host(dice, parts),
        }
    }
}

/// Changes what comes before the request line, and how lines end.
fn bend_start(dice: &mut Dice, parts: &mut Bent<'_>) {
    match dice.below(7) {
        0 => *parts.before() = b"\r\n".to_vec(),
        1 => *parts.before() = b"\n".to_vec(),
        2 => *parts.before() = b"\r\n".repeat(1 + dice.below(20)),
        3 => *parts.before() = b"\r".to_vec(),
        4 => *parts.before() = b" ".to_vec(),
        5 => parts.end_lines_with(b"\n"),
        _ => parts.end_lines_with([&b"\r\r\n"[..], b"\r", b"\n\r"][dice.below(3)]),
    }
}

fn bend_line(dice: &mut Dice, parts: &mut Bent<'_>) {
    let text = String::from_utf8_lossy(parts.line()).into_owned();
    let bent = match dice.below(16) {
        0 => text.replacen(' ', "  ", 1),
        1 => text.replacen(' ', "\t", 1),
        2 => text.replace(" HTTP", " \t HTTP"),
        3 => text + " ",
        4 => text.replace("HTTP/1.", "HTTP/2."),
        5 => text.replace("HTTP/1.1", "HTTP/1.2"),
        6 => text.replace("HTTP/", "http/"),
        7 => text.replace(" HTTP/1.1", ""),
        8 => text.replace("HTTP/1.1", "HTTP/1.0"),
        9 => text.replacen(" /", " http://linebook/", 1),
        10 => text.replacen(" /", " ", 1),
        11 => text.replacen(" /", " *", 1),
        12 => text.replacen(' ', "\r ", 1),
        13 => text.replace("HTTP/1.1", "HTTP/1.1\0"),
        14 => "PRI * HTTP/2.0".into(),
        _ => text.replacen('/', "/%zz\u{e9}//..;/", 1),
    };
    *parts.line() = bent.into_bytes();
}

fn bend_fields(dice: &mut Dice, parts: &mut Bent<'_>) {
    let count = parts.fields().len();
    let at = dice.below(count);
    let odd: &[u8] = match dice.below(16) {
        0 => b" X-First: space before it",
        1 => b"X-Fold: a\r\n b",
        2 => b"X-Fold: a\r\n\tTransfer-Encoding: chunked",
        3 => b"X-Space : a",
        4 => b"no colon",
        5 => b": no name",
        6 => b"X-Nul: a\0b",
        7 => b"X-Return: a\rContent-Length: 5",
        8 => b"X-High: \x80\xff",
        9 => b"X\x80: a",
        10 => b"X-Feed: a\nContent-Length: 5",
        11 => b"X-Bell: \x07",
        12 => b"Expect: something else",
        13 => b"Content-Encoding: gzip",
        14 => b"X(Y): a",
        _ => {
            let field = parts.fields()[at].clone();
            parts.fields().push(field);
            return;
        }
    };
    parts.fields().insert(at, odd.into());
    if dice.percent(3) {
        let many = std::iter::repeat_n(b"X-Many: a".to_vec(), 60 + dice.below(80));
        parts.fields().extend(many);
    }
    if dice.percent(2) {
        let mut long = b"X-Long: ".to_vec();
        long.resize(130_000 + dice.below(4000), b'l');
        parts.fields().push(long);
    }
}

/// Changes the stated length of the body.
fn bend_framing(dice: &mut Dice, parts: &mut Bent<'_>) {
    let length = parts.body().len();
    let coding = [
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: CHUNKED",
        "Transfer-Encoding: ,chunked,",
        "Transfer-Encoding:",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding : chunked",
        "Transfer_Encoding: chunked",
    ];
    let number = match dice.below(15) {
        0 => format!("{}", length + 1 + dice.below(30)),
        1 => format!("{}", length.saturating_sub(1 + dice.below(30))),
        2 => format!("+{length}"),
        3 => format!("-{length}"),
        4 => format!("0x{length:x}"),
        5 => format!("0000000000000000000000000{length}"),
        6 => format!("{length}, {length}"),
        7 => format!("{length}, 0"),
        8 => format!("{length} 0"),
        9 => format!("{length}\x0b"),
        10 => "18446744073709551616".into(),
        11 => "9223372036854775807".into(),
        12 => String::new(),
        13 => format!("{length}.0"),
        _ => format!("{length}"),
    };
    let field = match dice.percent(50) {
        true => dice.text(&coding),
        false => format!("Content-Length: {number}"),
    };
    // In place of the right one, or beside it.
    match parts.framing() {
        Some(known) if dice.percent(60) => *known = field.into_bytes(),
        _ => {
            let at = dice.below(parts.fields().len() + 1);
            parts.fields().insert(at, field.into_bytes());
        }
    }
}

/// Replaces the body.
fn bend_body(dice: &mut Dice, parts: &mut Bent<'_>) {
    let body = parts.body().clone();
    let mut bent: Vec<u8> = Vec::new();
    let text = |bent: &mut Vec<u8>, text: &str| bent.extend(text.bytes());
    if let Some(known) = parts.framing() {
        *known = b"Transfer-Encoding: chunked".to_vec();
    } else {
        parts.fields().push(b"Transfer-Encoding: chunked".to_vec());
    }
    // The old body may be chunked already. Then its framing becomes text of the new one.
    let length = body.len();
    match dice.below(16) {
        0 => text(&mut bent, "0x"),
        1 => text(&mut bent, "+"),
        2 => text(&mut bent, "-"),
        3 => text(&mut bent, "00000000000000000000"),
        4 => text(&mut bent, "10000000000000000"),
        5 => text(&mut bent, " "),
        _ => {}
    }
    text(&mut bent, &format!("{length:x}"));
    let end = dice.text(&[
        "\r\n",
        "\r\n",
        "\r\n",
        "\r\n",
        "\r\n",
        "\n",
        "\r",
        "\r\r\n",
        " \r\n",
        ";\r\n",
        ";a\nb\r\n",
        ";a\rb\r\n",
        ";a=\"\r\n",
        ";\0\r\n",
        ";\u{e9}\r\n",
        "\t;a\r\n",
    ]);
    text(&mut bent, &end);
    if length == 0 {
        text(&mut bent, "\r\n");
        *parts.body() = bent;
        return;
    }
    bent.extend(&body);
    let end = dice.text(&[
        "\r\n", "\r\n", "\r\n", "\r\n", "\n", "", "\r", "a\r\n", "\r\n\r\n",
    ]);
    text(&mut bent, &end);
    let last = dice.text(&[
        "0\r\n", "0\r\n", "0\r\n", "0\n", "0", "0;\r\n", "0 \r\n", "00x\r\n",
    ]);
    text(&mut bent, &last);
    let trailer = dice.text(&[
        "",
        "",
        "X: y\r\n",
        "X: y\n",
        "X: y\n\nGET /sign-in?username=mark7end HTTP/1.1\r\nHost: x\r\n",
        "X y\r\n",
        " X: y\r\n",
        "X: y\rz\r\n",
        "GET /sign-in?username=mark7end HTTP/1.1\r\n",
        "Content-Length: 5\r\n",
        "X: \0\r\n",
    ]);
    text(&mut bent, &trailer);
    let end = dice.text(&["\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r\r\n"]);
    text(&mut bent, &end);
    *parts.body() = bent;
}

fn bend_host(dice: &mut Dice, parts: &mut Bent<'_>) {
    let is_host = |field: &Vec<u8>| field.to_ascii_lowercase().starts_with(b"host:");
    let host: &[u8] = match dice.below(14) {
        0 => b"Host:",
        1 => b"Host: x y",
        2 => b"Host: x\r\nHost: y",
        3 => b"Host: x\r\nHost: x",
        4 => b"Host: user@x",
        5 => b"Host: x/y",
        6 => b"Host: [::1]:80",
        7 => b"Host: x:port",
        8 => b"Host: \xff",
        9 => b"Host: x,y",
        10 => b"Host: x#y",
        11 => b"Host : x",
        12 => b"Host: a\tb",
        _ => b"X-Host: x",
    };
    match parts.fields().iter_mut().find(|field| is_host(field)) {
        Some(field) => *field = host.into(),
        None => parts.fields().push(host.into()),
    }
}
