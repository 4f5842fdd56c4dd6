//! Values that someone might send: right ones, almost right ones, and hostile ones.

use crate::common::request::escape;
use crate::dice::Dice;

/// Markup that must never come back as markup: [`crate::html`] looks for its element.
pub const MARKUP: &str = "\"'><fuzz onload=x>&amp;</fuzz>";

/// A value for a parameter or a field of this name.
pub fn likely(dice: &mut Dice, name: &str) -> String {
    let id = |dice: &mut Dice| match dice.below(6) {
        0 => "100".into(),
        1 => dice.below(200).to_string(),
        _ => dice.below(13).to_string(),
    };
    match name {
        "provider_id" if dice.percent(30) => (1 + dice.below(12)).to_string(),
        "provider_id" => (1 + dice.below(3)).to_string(),
        // DIDs in every state: see the world of `api`, where they come after DID 6511 of the examples.
        "dids_id" | "did_id" => match dice.below(12) {
            0 => (1 + dice.below(18)).to_string(),
            _ => (6500 + dice.below(3650)).to_string(),
        },
        "device_id" if dice.percent(40) => "1".into(),
        // device_delete takes those that calls have made, mostly. The first ones are named by others.
        "device" if dice.percent(80) => (8 + dice.below(100)).to_string(),
        "forward_to_device" | "foward_to_device" => (2 + dice.below(20)).to_string(),
        _ if name.ends_with("_id")
            || matches!(
                name,
                "user" | "device" | "provider" | "dialplan" | "owner" | "group"
            ) =>
        {
            id(dice)
        }
        "did" => match dice.below(4) {
            0 => format!("37070000{:03}", dice.below(900)),
            1 => format!("370600000{:02}", dice.below(14)),
            _ => dice.digits(11),
        },
        "cli_number" | "cli" | "number" => match dice.percent(40) {
            true => format!("37073000{:03}", dice.below(900)),
            false => dice.digits(9),
        },
        "pin" | "extension" => dice.digits(6),
        "caller_id" => dice.text(&["1002", "Anna <1002>", "\"Office\" <1003>"]),
        "type" => dice.text(&[
            "SIP",
            "IAX2",
            "FAX",
            "Virtual",
            "user",
            "accountant",
            "manager",
            "reseller",
        ]),
        "status" => dice.text(&["free", "reserved", "active", "closed", "terminated"]),
        "network" => dice.text(&["192.0.2.0/24", "127.0.0.0/8", "::/0", "10.0.0.1"]),
        "banned" | "common_use" | "is_trunk" | "test" | "confirmed" => dice.text(&["0", "1"]),
        "cli_domain" | "domain" => format!("d{}.example.com", dice.digits(5)),
        "since" | "until" => dice.text(&["2027-01-15", "2026-11-21", "2026-11-21T08:00:00Z"]),
        _ => format!(
            "{}{}",
            dice.text(&["Desk", "Office ", "x", "name"]),
            dice.digits(4)
        ),
    }
}

/// A hostile value.
pub fn hostile(dice: &mut Dice) -> String {
    let long = [81, 256, 1000, 8192, 60_000][dice.below(5)];
    match dice.below(24) {
        0 => String::new(),
        1 => " ".into(),
        2 => "-1".into(),
        3 => "0".into(),
        4 => "999999999999999999".into(),
        5 => "9223372036854775808".into(),
        6 => "1e9".into(),
        7 => "0x1F".into(),
        8 => "\u{661}\u{662}".into(),
        9 => "a\0b".into(),
        10 => "\u{1}\u{8}\u{1b}[2J".into(),
        11 => "\u{202e}\u{200b}\u{feff}e\u{301}".into(),
        12 => "\u{fffe}\u{ffff}".into(),
        13 => "😀\u{10ffff}".into(),
        14 => "line\r\nSet-Cookie: a=b\r\n\r\nmore".into(),
        15 => MARKUP.into(),
        16 => "]]><!--&#0;&undefined;".into(),
        17 => "' OR 1=1; DROP TABLE users --".into(),
        18 => "%00%ff%".into(),
        19 => "../../etc/passwd".into(),
        20 => "=cmd|'/c calc'!A1\t\",\"x".into(),
        21 if dice.percent(20) => "l".repeat(long),
        22 if dice.percent(20) => "ž".repeat(long / 2),
        _ => dice.digits(25),
    }
}

/// A likely value or a hostile one.
pub fn any(dice: &mut Dice, name: &str) -> String {
    match dice.percent(70) {
        true => likely(dice, name),
        false => hostile(dice),
    }
}

/// Pairs as a form, now and then a broken one.
pub fn form(dice: &mut Dice, pairs: &[(String, String)]) -> Vec<u8> {
    let pair = |(name, value): &(String, String)| format!("{}={}", escape(name), escape(value));
    let text = pairs.iter().map(pair).collect::<Vec<_>>().join("&");
    let mut bytes = text.into_bytes();
    if dice.percent(4) {
        let odd: &[u8] = [
            &b"&&=&"[..],
            b"&a=%",
            b"&a=%zz",
            b"&\xff=1",
            b"&a=%ff",
            b"&a=%00",
            b"+&=%0d%0a",
        ][dice.below(7)];
        bytes.extend(odd);
    }
    bytes
}

/// Pairs as one JSON object, now and then a broken one.
pub fn json(dice: &mut Dice, pairs: &[(String, String)]) -> Vec<u8> {
    let object: serde_json::Map<String, serde_json::Value> = pairs
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    let text = serde_json::Value::from(object).to_string();
    if !dice.percent(15) {
        return text.into_bytes();
    }
    let deep = "[".repeat(1 + dice.below(20_000));
    let odd = match dice.below(9) {
        0 => text.replacen('"', "'", 2),
        1 => text.replacen(":\"", ":[\"", 1).replacen("\",", "\"],", 1),
        2 => text.replacen('}', ",\"x\":{\"y\":1}}", 1),
        3 => format!("[{text}]"),
        4 => format!("{{\"x\":{deep}"),
        5 => text.replacen('}', ",\"user_id\":2,\"test\":true,\"z\":null}", 1),
        6 => text.replacen('}', ",\"x\":1e999,\"y\":-0.0}", 1),
        7 => text.replacen('}', ",\"x\":\"\\ud800\"}", 1),
        _ => format!("{text}{text}"),
    };
    odd.into_bytes()
}

/// Pairs as a multipart body and its type, now and then a broken one.
pub fn multipart(dice: &mut Dice, pairs: &[(String, String)]) -> (String, Vec<u8>) {
    let is_odd = dice.percent(20);
    let boundary = match is_odd {
        true => dice.text(&[
            "-",
            "--",
            "a b",
            "'()+_,-./:=?",
            "\u{e9}",
            "",
            &"b".repeat(100),
        ]),
        false => "edge".into(),
    };
    let mut body = String::new();
    for (name, value) in pairs {
        let disposition = match is_odd && dice.percent(20) {
            true => dice.text(&[
                "form-data",
                "attachment; name=\"x\"",
                "form-data; name=x; filename=\"a.txt\"",
                "",
            ]),
            false => format!(
                "form-data; name=\"{}\"",
                name.replace(['"', '\r', '\n', '\0'], "_")
            ),
        };
        body += &format!("--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n{value}\r\n");
    }
    let end = if is_odd && dice.percent(50) {
        ""
    } else {
        "--\r\n"
    };
    body += &format!("--{boundary}{end}");
    let mark = if is_odd && dice.percent(30) { "\"" } else { "" };
    let kind = format!("multipart/form-data; boundary={mark}{boundary}{mark}");
    (kind.replace(['\r', '\n', '\0'], ""), body.into_bytes())
}

/// A request line's target with this query. Bytes that would end the line are escaped.
pub fn target(path: &str, query: &[u8]) -> Vec<u8> {
    let mut target = path.as_bytes().to_vec();
    if !query.is_empty() {
        target.push(b'?');
        target.extend(query);
    }
    target
}

/// A request's bytes.
pub fn request(verb: &str, target: &[u8], headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let mut bytes = [
        verb.as_bytes(),
        b" ",
        target,
        b" HTTP/1.1\r\nHost: linebook\r\n",
    ]
    .concat();
    for (name, value) in headers {
        bytes.extend(format!("{name}: {value}\r\n").bytes());
    }
    if !body.is_empty() || verb == "POST" {
        bytes.extend(format!("Content-Length: {}\r\n", body.len()).bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes
}
