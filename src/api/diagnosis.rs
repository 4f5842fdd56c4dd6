//! Why a hash is, or is not, the one that a call needs, so that authors of clients need not guess.

use std::fmt;

pub use super::arrangements::Budget;
use super::arrangements::{Search, Stop, Text};
use super::encoding::percent_encode;
use super::method::{HashLevel, HashOrder, Method};
use super::parameters::Parameters;
use super::signature;
use crate::store::tables::settings::HashCheck;

/// Hex digits of a SHA1.
const SHA1_DIGITS: usize = 40;
/// The most values that are tried in every order: more would have too many orders.
const MAX_PERMUTED: usize = 7;

/// The finding about a hash.
#[derive(Debug, PartialEq, Eq)]
pub enum Diagnosis {
    /// It is accepted: in this order, with the key at this place of the list.
    Accepted(&'static HashOrder, usize),
    /// It is right, but in an order that the owner's `hash_check` does not accept.
    LevelTooLow(&'static HashOrder, usize),
    /// Nothing was sent, or it is not 40 hex digits.
    NotSha1(String),
    /// It is a SHA1 over the sent values and the key at this place of the list, if any, but in this other arrangement.
    OtherText(String, Option<usize>),
    /// No key exists that could sign.
    NoKey,
    /// No known habit of clients explains it: most likely another key was used, or values other than the sent ones.
    Unknown,
    /// Nothing that was tried explains it, and this was not tried.
    NotAllTried(Untried),
}

/// What was not tried.
#[derive(Debug, PartialEq, Eq)]
pub struct Untried {
    /// Why the search was given up, and how many of how many texts had been hashed by then; none: it was completed.
    pub stopped: Option<(Stop, u64, u64)>,
    /// Values that were left out, where there were too many for every order.
    pub left_out: Vec<&'static str>,
}

/// The finding about a hash, and its cost.
#[derive(Debug)]
pub struct Finding {
    /// The finding.
    pub diagnosis: Diagnosis,
    /// Bytes that went through SHA1 while orders were tried.
    pub hashed: u64,
}

/// Explains the hash `sent` with a call of `method`, within `budget`.
pub fn diagnose(
    method: &Method,
    check: HashCheck,
    parameters: &Parameters,
    keys: &[String],
    sent: &str,
    budget: Budget,
) -> Finding {
    match at_once(method, check, parameters, keys, sent) {
        Ok(sent) => search(method, parameters, keys, sent, budget),
        Err(diagnosis) => Finding {
            diagnosis,
            hashed: 0,
        },
    }
}

/// The hash to try other orders for, or the finding if none need be tried.
fn at_once(
    method: &Method,
    check: HashCheck,
    parameters: &Parameters,
    keys: &[String],
    sent: &str,
) -> Result<[u8; SHA1_DIGITS / 2], Diagnosis> {
    if let Some((order, key)) = signature::verify(method, check, parameters, keys, sent) {
        return Err(Diagnosis::Accepted(order, key));
    }
    if let Some((order, key)) =
        signature::verify(method, HashCheck::Lenient, parameters, keys, sent)
    {
        return Err(Diagnosis::LevelTooLow(order, key));
    }
    let mut hash = [0; SHA1_DIGITS / 2];
    if hex::decode_to_slice(sent, &mut hash).is_err() {
        return Err(Diagnosis::NotSha1(shape(sent)));
    }
    match keys.is_empty() {
        true => Err(Diagnosis::NoKey),
        false => Ok(hash),
    }
}

fn shape(sent: &str) -> String {
    let is_hex = sent.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (sent.len(), is_hex) {
        (0, _) => "no hash was sent".into(),
        (32, true) => "32 hex digits: that is an MD5, the API takes SHA1".into(),
        (64, true) => "64 hex digits: that is a SHA256, the API takes SHA1".into(),
        (length, true) => format!("{length} hex digits: a SHA1 has {SHA1_DIGITS}"),
        (length, false) => {
            format!("{length} characters, not all hex digits: a SHA1 is {SHA1_DIGITS} hex digits")
        }
    }
}

type Writing = fn(&str) -> String;

/// Ways in which clients change a value before they hash it.
const WRITINGS: &[(&str, Writing)] = &[
    ("", str::to_owned),
    (", each value percent-encoded", percent_encode),
    (", each value without the space around it", |value| {
        value.trim().to_owned()
    }),
    (", each value in lower case", str::to_lowercase),
];

/// Tries every order in every writing, within the budget.
fn search(
    method: &Method,
    parameters: &Parameters,
    keys: &[String],
    sent: [u8; SHA1_DIGITS / 2],
    budget: Budget,
) -> Finding {
    let (names, left_out) = names(method, parameters);
    let writings = writings(parameters, &names);
    let mut search = Search::new(sent, keys, budget);
    let count = search.count(names.len()) * writings.len() as u64;
    let mut diagnosis = match left_out.is_empty() {
        true => Diagnosis::Unknown,
        false => Diagnosis::NotAllTried(Untried {
            stopped: None,
            left_out: left_out.clone(),
        }),
    };
    for (writing, values) in writings {
        match search.all(&values) {
            Ok(None) => continue,
            Ok(Some(text)) => diagnosis = other_text(&names, writing, &text),
            Err(stop) => {
                let stopped = Some((stop, search.tried, count));
                diagnosis = Diagnosis::NotAllTried(Untried { stopped, left_out });
            }
        }
        break;
    }
    Finding {
        diagnosis,
        hashed: search.hashed,
    }
}

/// The names that are tried in every order, and those beyond the limit.
fn names(method: &Method, parameters: &Parameters) -> (Vec<&'static str>, Vec<&'static str>) {
    let taken = method.parameters.iter().map(|parameter| parameter.name);
    let mut names: Vec<&str> = taken.chain(["u", "p"]).collect();
    names.retain(|name| parameters.get(name).is_some());
    let left_out = names.split_off(names.len().min(MAX_PERMUTED));
    (names, left_out)
}

/// The values of these names in each writing that differs from those before.
fn writings(parameters: &Parameters, names: &[&str]) -> Vec<(&'static str, Vec<String>)> {
    let mut all: Vec<(&str, Vec<String>)> = Vec::new();
    for (writing, write) in WRITINGS {
        let values = names
            .iter()
            .map(|name| parameters.raw(name).unwrap_or_default());
        let values = values.map(write).collect();
        if all.iter().all(|(_, known)| *known != values) {
            all.push((writing, values));
        }
    }
    all
}

fn other_text(names: &[&str], writing: &str, text: &Text) -> Diagnosis {
    let order: Vec<&str> = text.row.iter().map(|place| names[*place]).collect();
    let order = match order.is_empty() {
        true => "nothing".into(),
        false => order.join(" + "),
    };
    Diagnosis::OtherText(format!("{order}{writing}{}", text.place), text.key)
}

impl Diagnosis {
    /// The key, by its place in the list, that made the hash.
    pub fn key(&self) -> Option<usize> {
        match self {
            Self::Accepted(_, key) | Self::LevelTooLow(_, key) => Some(*key),
            Self::OtherText(_, key) => *key,
            Self::NotSha1(_) | Self::NoKey | Self::Unknown | Self::NotAllTried(_) => None,
        }
    }
}

impl fmt::Display for Untried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not all orders were tried: ")?;
        if let Some((stop, tried, count)) = self.stopped {
            let why = match stop {
                Stop::Bytes => "the values are too long, or there are too many of them or of keys",
                Stop::Time => "it took too long",
            };
            write!(
                f,
                "{why}, so it was given up after {tried} of {count} texts"
            )?;
        }
        if !self.left_out.is_empty() {
            let and = if self.stopped.is_some() { "; " } else { "" };
            let names = self.left_out.join(", ");
            write!(f, "{and}there are too many values; left out: {names}")?;
        }
        Ok(())
    }
}

impl HashOrder {
    /// The order as MOR's manual writes it: `user_id + pin + key`.
    pub fn describe(&self) -> String {
        let parameters = self.parameters.iter().copied();
        parameters.chain(["key"]).collect::<Vec<_>>().join(" + ")
    }
}

impl HashLevel {
    /// The lowest `hash_check` that accepts it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Documented => "documented",
            Self::Lenient => "lenient",
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(order, _) => write!(f, "accepted: {}", order.describe()),
            Self::LevelTooLow(order, _) => write!(
                f,
                "right, but the order {} is accepted only from hash_check {} on",
                order.describe(),
                order.level.as_str()
            ),
            Self::NotSha1(shape) => write!(f, "not a SHA1: {shape}"),
            Self::OtherText(text, _) => write!(f, "not accepted: it is the SHA1 of {text}"),
            Self::NoKey => f.write_str("not accepted: there is no active key to sign with"),
            Self::Unknown => f.write_str(
                "not accepted: no order of the values that were sent gives it; check the key, and that the values signed are the values sent",
            ),
            Self::NotAllTried(untried) => write!(
                f,
                "not accepted, and nothing that was tried gives it; {untried}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::api::methods;
    use sha1::{Digest, Sha1};

    const ENDLESS: Budget = Budget {
        bytes: u64::MAX / 2,
        time: Duration::from_secs(600),
    };

    fn find(method: &str, pairs: &[(&str, &str)], sent: &str, budget: Budget) -> Finding {
        let method = methods::find(method).unwrap();
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let parameters = Parameters::new(pairs.collect()).unwrap();
        let keys = ["secret".to_owned(), "other-secret".to_owned()];
        diagnose(
            method,
            HashCheck::Documented,
            &parameters,
            &keys,
            sent,
            budget,
        )
    }

    fn check(pairs: &[(&str, &str)], text: &str, expected: &str) {
        let sent = hex::encode(Sha1::digest(text));
        let found = find("device_create", pairs, &sent, ENDLESS).diagnosis;
        assert!(found.to_string().contains(expected), "{found}");
    }

    #[test]
    fn what_was_not_tried_is_said() {
        let long = "x".repeat(9000);
        let names = [
            "u",
            "user_id",
            "pin",
            "description",
            "caller_id",
            "type",
            "p",
        ];
        let sent = names.map(|name| (name, long.as_str()));
        let found = find(
            "device_create",
            &sent,
            &"0".repeat(40),
            Budget {
                bytes: 1_000_000,
                ..ENDLESS
            },
        );
        assert!(found.hashed <= 1_000_000, "{}", found.hashed);
        let said = found.diagnosis.to_string();
        assert!(
            said.contains("not all orders were tried: the values are too long"),
            "{said}"
        );
        // These values have one writing: percent-encoding, trimming and lower case change nothing.
        assert!(said.ends_with(" of 95900 texts"), "{said}");
        let soon = Budget {
            time: Duration::ZERO,
            ..ENDLESS
        };
        let found = find("device_create", &sent, &"0".repeat(40), soon);
        let said = found.diagnosis.to_string();
        assert!(
            said.contains("it took too long, so it was given up after 0 of"),
            "{said}"
        );
        assert_eq!(found.hashed, 0);

        let names = [
            "device_id",
            "cli_number",
            "cli_domain",
            "cli_description",
            "comment",
            "banned",
            "ivr_id",
            "u",
            "p",
        ];
        let sent = names.map(|name| (name, "1"));
        let said = find("cli_add", &sent, &"0".repeat(40), ENDLESS)
            .diagnosis
            .to_string();
        assert!(
            said.ends_with("there are too many values; left out: u, p"),
            "{said}"
        );
        let said = find("cli_add", &sent[1..8], &"0".repeat(40), ENDLESS).diagnosis;
        assert_eq!(said, Diagnosis::Unknown);
    }

    #[test]
    fn what_clients_do_is_recognised() {
        let sent = [
            ("u", "admin"),
            ("p", "pw"),
            ("user_id", "2"),
            ("pin", "3"),
            ("description", "Ab c "),
        ];
        check(&sent, "2Ab c 3secret", "accepted: user_id + description");
        check(&sent, "2secret", "only from hash_check lenient on");
        check(
            &sent,
            "3Ab c 2secret",
            "SHA1 of pin + description + user_id, then the key",
        );
        check(
            &sent,
            "2Ab%20c%203secret",
            "each value percent-encoded, then the key",
        );
        check(&sent, "2Ab c3secret", "without the space around it");
        check(&sent, "2ab c 3secret", "in lower case");
        check(&sent, "secret2Ab c 3", "after the key");
        check(&sent, "2Ab c 3", "without a key");
        check(&sent, "2Ab c 3secret\n", "and a line end");
        check(&sent, "admin2secret", "SHA1 of u + user_id, then the key");
        check(&sent, "secret", "SHA1 of nothing, then the key");
        check(&sent, "2Ab c 3other", "no order of the values");
    }

    #[test]
    fn other_hashes_are_recognised_by_their_length() {
        let method = methods::find("devices_get").unwrap();
        let none = Parameters::default();
        for (sent, expected) in [
            ("", "no hash"),
            (&"a".repeat(32) as &str, "MD5"),
            (&"a".repeat(64), "SHA256"),
            ("xyz", "3 characters"),
        ] {
            let found = find("devices_get", &[], sent, ENDLESS)
                .diagnosis
                .to_string();
            assert!(found.contains(expected), "{found}");
        }
        let (check, sent) = (HashCheck::Documented, "a".repeat(40));
        let found = diagnose(method, check, &none, &[], &sent, ENDLESS);
        assert_eq!(found.diagnosis, Diagnosis::NoKey);
    }
}
