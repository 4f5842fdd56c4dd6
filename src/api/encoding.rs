//! Names and values in an address, a form and JSON: reads them strictly, and writes them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fault::Fault;
use super::limits::MAX_SEGMENT;

/// Names and values, in their order.
pub type Pairs = Vec<(String, String)>;

/// Encodes everything but letters, digits and `-._~` as `%XX`: safe in a query, and between single quotes of a shell.
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// `name=value&name=value`, both sides percent-encoded.
pub fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs = pairs.into_iter();
    let encoded =
        pairs.map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)));
    encoded.collect::<Vec<_>>().join("&")
}

/// The pairs of a query or a body that someone pasted.
pub fn pasted(text: &str) -> Result<Pairs, Fault> {
    match text.starts_with('{') {
        true => json(text.as_bytes()),
        false => form(text.as_bytes()),
    }
}

/// `name=value&name=value`, percent-encoded UTF-8.
pub fn form(encoded: &[u8]) -> Result<Pairs, Fault> {
    encoded
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let middle = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = match middle {
                Some(middle) => (&pair[..middle], &pair[middle + 1..]),
                None => (pair, &pair[pair.len()..]),
            };
            Ok((percent_decode(name)?, percent_decode(value)?))
        })
        .collect()
}

/// Decodes a segment of a path. One that is too long leads nowhere.
pub fn segment(encoded: &str) -> Result<String, Fault> {
    // In a path, a plus is a plus.
    let value = percent_decode(encoded.replace('+', "%2B").as_bytes())?;
    match value.chars().count() <= MAX_SEGMENT {
        true => Ok(value),
        false => Err(Fault::UnknownMethod),
    }
}

/// Decodes strictly, where the libraries are lenient: a cut or misspelt escape, or a byte that is not UTF-8, is an
/// error. A guess here would be signed and stored.
fn percent_decode(encoded: &[u8]) -> Result<String, Fault> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        decoded.push(match first {
            b'+' => b' ',
            b'%' => {
                let digits = rest.get(..2).ok_or(Fault::BrokenEncoding)?;
                rest = &rest[2..];
                let mut byte = [0];
                hex::decode_to_slice(digits, &mut byte).map_err(|_| Fault::BrokenEncoding)?;
                byte[0]
            }
            other => *other,
        });
    }
    String::from_utf8(decoded).map_err(|_| Fault::BrokenEncoding)
}

/// Reads one flat object: a number counts as its characters, `true` as 1, `false` as 0, `null` as not sent.
pub fn json(body: &[u8]) -> Result<Pairs, Fault> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let members = deserializer
        .deserialize_map(Members)
        .and_then(|members| deserializer.end().map(|()| members))
        .map_err(|_| Fault::BrokenJson)?;
    let mut pairs = Pairs::with_capacity(members.len());
    for (name, value) in members {
        let value = match value.get() {
            "null" => continue,
            "true" => "1".into(),
            "false" => "0".into(),
            text if text.starts_with('"') => {
                serde_json::from_str(text).map_err(|_| Fault::BrokenJson)?
            }
            nested if nested.starts_with(['{', '[']) => return Err(Fault::BrokenJson),
            number => number.into(),
        };
        pairs.push((name.into_owned(), value));
    }
    Ok(pairs)
}

/// The members of a JSON object in their order, so that the last one of a name wins.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one flat object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Result<Pairs, Fault> {
        Ok(pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect())
    }

    #[test]
    fn forms_are_decoded_strictly() {
        assert_eq!(form(b""), pairs(&[]));
        assert_eq!(
            form(b"a=1&&b=&c&d=x=y"),
            pairs(&[("a", "1"), ("b", ""), ("c", ""), ("d", "x=y")])
        );
        assert_eq!(
            form(b"a=%c5%BE+%2B&%61=2"),
            pairs(&[("a", "ž +"), ("a", "2")])
        );
        for bad in ["a=%", "a=%1", "a=%zz", "a=%+1", "a=%ff", "%c5=1"] {
            assert_eq!(form(bad.as_bytes()), Err(Fault::BrokenEncoding), "{bad}");
        }
    }

    #[test]
    fn json_is_one_flat_object() {
        let body = r#" {"a":"x","n":1.50e2,"big":123456789012345678901234567890,"t":true,"f":false,"z":null,"a":"\u017e"} "#;
        let expected = [
            ("a", "x"),
            ("n", "1.50e2"),
            ("big", "123456789012345678901234567890"),
            ("t", "1"),
            ("f", "0"),
            ("a", "ž"),
        ];
        assert_eq!(json(body.as_bytes()), pairs(&expected));
        let broken: [&[u8]; 9] = [
            br#"{"a":{}}"#,
            br#"{"a":[1]}"#,
            br#"{"a":1"#,
            br#"{"a":1} x"#,
            b"[]",
            b"1",
            br#"{"a":"\ud800"}"#,
            b"{\"a\":\"\xff\"}",
            br#"{"a":01}"#,
        ];
        for bad in broken {
            assert_eq!(
                json(bad),
                Err(Fault::BrokenJson),
                "{}",
                String::from_utf8_lossy(bad)
            );
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(20_000), "]".repeat(20_000));
        assert_eq!(json(deep.as_bytes()), Err(Fault::BrokenJson));
    }

    #[test]
    fn a_segment_is_decoded_and_has_a_limit() {
        assert_eq!(segment("a%20b+%C5%BE"), Ok("a b+ž".into()));
        assert_eq!(segment("%"), Err(Fault::BrokenEncoding));
        assert_eq!(segment(&"%C5%BE".repeat(MAX_SEGMENT)).map(drop), Ok(()));
        let long = "ž".repeat(MAX_SEGMENT + 1);
        assert_eq!(segment(&long), Err(Fault::UnknownMethod));
    }
}
