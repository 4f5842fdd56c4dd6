//! Requests whose answers tell which of them the server has read: each carries a number that comes back.

use std::collections::BTreeSet;

use crate::common::{Answer, sha1};
use crate::dice::Dice;
use crate::standard::Message;

/// How many numbers there are. Each has a user, a device and a CLI.
pub const MARKS: usize = 2000;
/// The user of number 0.
pub const FIRST_USER: usize = 100_000;
/// The device of number 0.
pub const FIRST_DEVICE: usize = 5_000_000;

/// The word that stands for a number in text.
pub fn word(mark: usize) -> String {
    format!("mark{mark}end")
}

/// The CLI of a number.
fn cli(mark: usize) -> String {
    format!("37099{mark:07}")
}

/// Makes the users, devices and CLIs that the numbers stand for.
pub fn world() -> String {
    // They are as old as the world itself, so they need no row in the action log.
    let mut sql = String::from("BEGIN;");
    for mark in 0..MARKS {
        if mark % 100 == 99 {
            // The server runs already, and may write in between.
            sql += "COMMIT; BEGIN;";
        }
        let (user, device, cli, word) = (
            FIRST_USER + mark,
            FIRST_DEVICE + mark,
            cli(mark),
            word(mark),
        );
        sql += &format!(
            "INSERT INTO users (id, username, type, owner_id, created_ms)
             SELECT {user}, '{word}', 'user', 0, created_ms FROM installation;
             INSERT INTO device_groups (id, user_id, name, is_primary, created_ms)
             SELECT {user}, {user}, 'primary', 1, created_ms FROM installation;
             INSERT INTO devices (id, user_id, device_group_id, type, description, extension, username, secret, created_ms, owner_id)
             SELECT {device}, {user}, {user}, 'SIP', '{word}', '{device}', '{device}', 'NotSoSecretAtAll', created_ms, 0
             FROM installation;
             INSERT INTO clis (device_id, number, created_ms) SELECT {device}, '{cli}', created_ms FROM installation;"
        );
    }
    sql + "COMMIT;"
}

/// A request before it is framed.
#[derive(Debug, Clone)]
pub struct Intent {
    pub method: String,
    pub target: String,
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Intent {
    fn new(method: &str, target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            fields: Vec::new(),
            body: body.into(),
        }
    }
}

/// The parameters of a signed call that answers with the number.
fn call(dice: &mut Dice, mark: usize) -> (&'static str, String) {
    let prefix = dice.pick(&["/billing/api/", "/api/"]);
    let is_write = dice.percent(40);
    let path = match (prefix, is_write) {
        ("/api/", true) => "/api/cli_add",
        (_, true) => "/billing/api/cli_add",
        ("/api/", false) => "/api/devices_get",
        (_, false) => "/billing/api/devices_get",
    };
    if is_write {
        let cli = cli(mark);
        let hash = sha1::hex(&format!("2{cli}secret"));
        (
            path,
            format!("u=admin&device_id=2&cli_number={cli}&hash={hash}"),
        )
    } else {
        let user = FIRST_USER + mark;
        let hash = sha1::hex(&format!("{user}secret"));
        (path, format!("u=admin&user_id={user}&hash={hash}"))
    }
}

/// A request of this number. `inside` is further text in its body, beside the parameters.
pub fn intend(dice: &mut Dice, mark: usize, inside: &str) -> Intent {
    let (path, parameters) = call(dice, mark);
    let echo = format!("username={}", word(mark));
    let filled = |parameters: &str| match inside {
        "" => parameters.to_owned(),
        inside => format!("x={inside}&{parameters}"),
    };
    let mut intent = match dice.below(20) {
        0..=3 => Intent::new("POST", &format!("{path}?{parameters}"), inside_only(inside)),
        4..=8 => Intent::new("POST", path, filled(&parameters)),
        9 => {
            let object: serde_json::Map<String, serde_json::Value> = parameters
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .chain([("x", inside)])
                .map(|(name, value)| (name.into(), value.into()))
                .collect();
            let mut intent = Intent::new("POST", path, serde_json::Value::from(object).to_string());
            intent
                .fields
                .push(("Content-Type".into(), "application/json".into()));
            intent
        }
        10..=11 => Intent::new("GET", &format!("/sign-in?{echo}"), ""),
        12 => Intent::new("GET", "/sign-in", filled(&echo)),
        13 => Intent::new("HEAD", &format!("/sign-in?{echo}"), inside_only(inside)),
        14 => Intent::new("GET", "/health/live", inside_only(inside)),
        15 => Intent::new("POST", "/nothing/here", filled(&echo)),
        16 => Intent::new("GET", "/devices", filled(&echo)),
        17 => {
            let verbs = [
                "PUT", "OPTIONS", "DELETE", "PATCH", "TRACE", "FOO", "PROPFIND", "CONNECT", "post",
            ];
            let verb = dice.text(&verbs);
            Intent::new(&verb, path, filled(&parameters))
        }
        18 => {
            // Larger than any body may be.
            let length = [65_500, 65_536, 65_537, 70_000, 200_000][dice.below(5)];
            let mut body = filled(&parameters).into_bytes();
            body.splice(..0, b"y=&".iter().copied());
            let fill = b'a' + dice.below(26) as u8;
            let missing = length - body.len().min(length);
            body.splice(2..2, std::iter::repeat_n(fill, missing));
            Intent::new("POST", path, body)
        }
        _ => Intent::new("POST", "/health/live", filled(&echo)),
    };
    if !intent.body.is_empty() && intent.fields.is_empty() && dice.percent(80) {
        let form = "application/x-www-form-urlencoded";
        intent.fields.push(("Content-Type".into(), form.into()));
    }
    intent
}

fn inside_only(inside: &str) -> String {
    match inside {
        "" => String::new(),
        inside => format!("x={inside}"),
    }
}

/// The answer that a request must get.
#[derive(Debug, PartialEq, Eq)]
pub enum Due {
    /// 200, with this number.
    Mark(usize),
    /// 200.
    Success,
    /// Any answer without another request's number.
    Anything,
}

/// Works out the answer that this request must get, without the server's code.
pub fn due(message: &Message) -> Due {
    let known = |name: &str| message.all(name).next().is_some();
    let Ok(target) = std::str::from_utf8(&message.target) else {
        return Due::Anything;
    };
    // The absolute form names the server once more.
    let path = target
        .strip_prefix("http://")
        .and_then(|rest| rest.find('/').map(|at| &rest[at..]));
    let target = path.unwrap_or(target);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if query.len() > 8192 || known("content-encoding") || target.contains('#') {
        return Due::Anything;
    }
    match (&message.method[..], path) {
        (b"GET" | b"HEAD", "/health/live") => Due::Success,
        (b"HEAD", "/sign-in") if message.body.is_empty() && pairs(query.as_bytes()).is_some() => {
            Due::Success
        }
        (b"GET", "/sign-in") if !known("cookie") => marked(message, query, |name| match name {
            "username" => Some(|value: &str| {
                value
                    .strip_prefix("mark")?
                    .strip_suffix("end")?
                    .parse()
                    .ok()
            }),
            _ => None,
        }),
        (b"POST", "/billing/api/cli_add" | "/api/cli_add") => called(message, query, true),
        (b"POST", "/billing/api/devices_get" | "/api/devices_get") => called(message, query, false),
        _ => Due::Anything,
    }
}

type Find = fn(&str) -> Option<usize>;

fn marked(message: &Message, query: &str, find: impl Fn(&str) -> Option<Find>) -> Due {
    let Some(sent) = parameters(message, query) else {
        return Due::Anything;
    };
    let mark = sent
        .iter()
        .rev()
        .find_map(|(name, value)| Some((find(name)?, value)));
    match mark.and_then(|(find, value)| find(value)) {
        Some(mark) if mark < MARKS => Due::Mark(mark),
        _ => Due::Anything,
    }
}

fn called(message: &Message, query: &str, is_write: bool) -> Due {
    let Some(sent) = parameters(message, query) else {
        return Due::Anything;
    };
    let last = |wanted: &str| {
        let found = sent.iter().rev().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str())
    };
    let others = [
        "p",
        "cli_description",
        "comment",
        "banned",
        "ivr_id",
        "cli_domain",
    ];
    if last("u") != Some("admin") || others.iter().any(|name| last(name).is_some()) {
        return Due::Anything;
    }
    let (mark, signed) = match (is_write, last("user_id"), last("cli_number")) {
        (false, Some(user), _) => {
            let mark = user
                .parse()
                .ok()
                .and_then(|user: usize| user.checked_sub(FIRST_USER));
            (mark, user.to_owned())
        }
        (true, _, Some(number)) if last("device_id") == Some("2") => {
            let mark = (0..MARKS).find(|mark| cli(*mark) == number);
            (mark, format!("2{number}"))
        }
        _ => return Due::Anything,
    };
    let is_signed = last("hash") == Some(&sha1::hex(&(signed + "secret")));
    match mark {
        Some(mark) if mark < MARKS && is_signed => Due::Mark(mark),
        _ => Due::Anything,
    }
}

/// The parameters, if they leave no doubt.
fn parameters(message: &Message, query: &str) -> Option<Vec<(String, String)>> {
    let mut sent = pairs(query.as_bytes())?;
    if !message.body.is_empty() {
        let kinds: Vec<&[u8]> = message.all("content-type").collect();
        match kinds[..] {
            [] | [b"application/x-www-form-urlencoded"] => sent.extend(pairs(&message.body)?),
            [b"application/json"] => {
                let object: serde_json::Map<String, serde_json::Value> =
                    serde_json::from_slice(&message.body).ok()?;
                for (name, value) in object {
                    sent.push((name, value.as_str()?.to_owned()));
                }
            }
            _ => return None,
        }
    }
    let is_odd = |c: char| c.is_control() && !matches!(c, '\t' | '\r' | '\n') || c >= '\u{fffe}';
    let has_odd = |text: &String| text.contains(is_odd);
    let has_odd = sent
        .iter()
        .any(|(name, value)| has_odd(name) || has_odd(value));
    (sent.len() <= 200 && !has_odd && message.body.len() <= 65_536).then_some(sent)
}

fn pairs(text: &[u8]) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for pair in text.split(|byte| *byte == b'&') {
        if pair.contains(&b'%') {
            return None;
        }
        let text = std::str::from_utf8(pair).ok()?.replace('+', " ");
        let (name, value) = text.split_once('=').unwrap_or((&text, ""));
        if !pair.is_empty() {
            pairs.push((name.into(), value.into()));
        }
    }
    Some(pairs)
}

/// The numbers that stand in a request: in its target, its headers and its body.
pub fn marks_of_request(message: &Message) -> BTreeSet<usize> {
    let fields = message.fields.iter().map(|(_, value)| value.as_slice());
    let parts = [message.target.as_slice(), &message.body];
    let all = parts
        .into_iter()
        .chain(fields)
        .collect::<Vec<_>>()
        .join(&b' ');
    let text = String::from_utf8_lossy(&all);
    let mut marks = between(&text, "mark", "end");
    marks.extend(numbers(&text, "37099").filter(|mark| *mark < MARKS));
    marks.extend(numbers(&text, "1").filter(|mark| *mark < MARKS));
    marks
}

/// The numbers that an answer brings back.
pub fn marks_of_answer(answer: &Answer) -> BTreeSet<usize> {
    let text = match answer.is_gzipped() {
        true => answer.text(),
        false => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    let mut marks = between(&text, "mark", "end");
    let ids = between(&text, "<device_id>", "</device_id>");
    marks.extend(ids.iter().filter_map(|id| id.checked_sub(FIRST_DEVICE)));
    marks
}

fn between(text: &str, start: &str, end: &str) -> BTreeSet<usize> {
    let parts = text.split(start).skip(1);
    parts
        .filter_map(|part| part.split_once(end)?.0.parse().ok())
        .collect()
}

/// The numbers that stand behind `start` in the digits of CLIs (7 of them) and of users (5 of them).
fn numbers<'a>(text: &'a str, start: &'a str) -> impl Iterator<Item = usize> + 'a {
    let count = if start.len() > 1 { 7 } else { 5 };
    text.match_indices(start).filter_map(move |(at, _)| {
        text.get(at + start.len()..at + start.len() + count)?
            .parse()
            .ok()
    })
}
