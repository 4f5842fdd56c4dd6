//! Why a hash is, or is not, the one that a call needs: the end of guessing for whoever writes a client.

use std::fmt;

use super::curl::percent_encode;
use super::method::{HashLevel, HashOrder, Method};
use super::parameters::Parameters;
use super::signature;
use crate::store::settings::HashCheck;

use sha1::{Digest, Sha1};

/// Hex digits of a SHA1.
const SHA1_DIGITS: usize = 40;
/// More parameters than this are not tried in every order: there would be too many.
const MAX_PERMUTED: usize = 7;

/// What is found out about a hash.
#[derive(Debug, PartialEq, Eq)]
pub enum Diagnosis {
    /// It is accepted: in this order, with the key at this place of the list.
    Accepted(&'static HashOrder, usize),
    /// It is right, but in an order that the owner's `hash_check` does not accept.
    LevelTooLow(&'static HashOrder, usize),
    /// Nothing was sent, or it is not 40 hex digits.
    NotSha1(String),
    /// It is a SHA1 over the sent values and the key, but put together in this other way.
    OtherText(String, usize),
    /// There is no key that could sign.
    NoKey,
    /// Nothing that clients are known to do gives it: most likely another key, or values other than those sent.
    Unknown,
}

/// Finds out about the hash `sent` with a call of `method`.
pub fn diagnose(
    method: &Method,
    check: HashCheck,
    parameters: &Parameters,
    keys: &[String],
    sent: &str,
) -> Diagnosis {
    if let Some((order, key)) = signature::verify(method, check, parameters, keys, sent) {
        return Diagnosis::Accepted(order, key);
    }
    if let Some((order, key)) =
        signature::verify(method, HashCheck::Lenient, parameters, keys, sent)
    {
        return Diagnosis::LevelTooLow(order, key);
    }
    if sent.len() != SHA1_DIGITS || !sent.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Diagnosis::NotSha1(shape(sent));
    }
    if keys.is_empty() {
        return Diagnosis::NoKey;
    }
    let sent = sent.to_ascii_lowercase();
    for (place, key) in keys.iter().enumerate() {
        if let Some(text) = other_text(method, parameters, key, &sent) {
            return Diagnosis::OtherText(text, place);
        }
    }
    Diagnosis::Unknown
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
type Placing = fn(&str, &str) -> String;

/// How a client writes a value into the text that it hashes, when it does not write it as it is.
const WRITINGS: &[(&str, Writing)] = &[
    ("", str::to_owned),
    (", each value percent-encoded", percent_encode),
    (", each value without the space around it", |value| {
        value.trim().to_owned()
    }),
    (", each value in lower case", str::to_lowercase),
];

/// Where a client puts the key.
const PLACES: &[(&str, Placing)] = &[
    (", then the key", |text, key| format!("{text}{key}")),
    (", after the key", |text, key| format!("{key}{text}")),
    (", without a key", |text, _| text.to_owned()),
    (", then the key and a line end", |text, key| {
        format!("{text}{key}\n")
    }),
];

fn other_text(method: &Method, parameters: &Parameters, key: &str, sent: &str) -> Option<String> {
    let mut names: Vec<&str> = method
        .parameters
        .iter()
        .map(|parameter| parameter.name)
        .collect();
    names.extend(["u", "p"]);
    names.retain(|name| parameters.get(name).is_some());
    names.truncate(MAX_PERMUTED);
    for (writing, write) in WRITINGS {
        let values: Vec<String> = names
            .iter()
            .map(|name| write(parameters.raw(name).unwrap_or_default()))
            .collect();
        let found = arrangements(names.len()).find_map(|order| {
            let text: String = order.iter().map(|place| values[*place].as_str()).collect();
            let (place, _) = PLACES
                .iter()
                .find(|(_, put)| hex::encode(Sha1::digest(put(&text, key))) == sent)?;
            let order: Vec<&str> = order.iter().map(|place| names[*place]).collect();
            let order = if order.is_empty() {
                "nothing".into()
            } else {
                order.join(" + ")
            };
            Some(format!("{order}{writing}{place}"))
        });
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Every way to put some of `count` things in a row, beginning with none of them.
fn arrangements(count: usize) -> impl Iterator<Item = Vec<usize>> {
    let mut waiting = vec![Vec::new()];
    std::iter::from_fn(move || {
        let row: Vec<usize> = waiting.pop()?;
        for next in (0..count).filter(|next| !row.contains(next)) {
            waiting.push([row.as_slice(), &[next]].concat());
        }
        Some(row)
    })
}

impl HashOrder {
    /// The order as it is written in documentation: `user_id + pin + key`.
    pub fn describe(&self) -> String {
        format!("{} + key", self.parameters.join(" + "))
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::methods;

    fn check(pairs: &[(&str, &str)], text: &str, expected: &str) {
        let method = methods::find("device_create").unwrap();
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let parameters = Parameters::new(pairs.collect()).unwrap();
        let sent = hex::encode(Sha1::digest(text));
        let found = diagnose(
            method,
            HashCheck::Documented,
            &parameters,
            &["secret".into()],
            &sent,
        );
        assert!(found.to_string().contains(expected), "{found}");
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
            let found = diagnose(
                method,
                HashCheck::Documented,
                &none,
                &["secret".into()],
                sent,
            )
            .to_string();
            assert!(found.contains(expected), "{found}");
        }
        let found = diagnose(method, HashCheck::Documented, &none, &[], &"a".repeat(40));
        assert_eq!(found, Diagnosis::NoKey);
    }
}
