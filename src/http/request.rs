//! From an HTTP request to parameters: query, form, multipart and JSON, each strictly decoded and bounded.

use std::borrow::Cow;
use std::fmt;

use actix_multipart::Multipart;
use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpMessage, HttpRequest};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::api::fault::Fault;
use crate::api::limits::{MAX_BODY, MAX_QUERY, MAX_SEGMENT};
use crate::api::parameters::Parameters;

type Pairs = Vec<(String, String)>;

/// The parameters of a request: the query's, then the body's. What stands in the path, under the name that is given with
/// it, counts where neither of them has that name.
pub async fn parameters(
    request: &HttpRequest,
    payload: Payload,
    in_path: Option<(&str, &str)>,
) -> Result<Parameters, Fault> {
    let query = request.query_string();
    if query.len() > MAX_QUERY {
        return Err(Fault::QueryTooLarge);
    }
    let body = read(request, payload).await?;
    let query = form(query.as_bytes())?;
    let body = match body.is_empty() {
        true => Pairs::new(),
        false => decode(request, body).await?,
    };
    let sent = Parameters::sent(query, body)?;
    match in_path {
        None => Ok(sent),
        Some((name, encoded)) => sent.preceded_by(name, &segment(encoded)?),
    }
}

/// A segment of a path; one that is too long leads nowhere.
fn segment(encoded: &str) -> Result<String, Fault> {
    // There, a plus is a plus.
    let value = percent_decode(encoded.replace('+', "%2B").as_bytes())?;
    match value.chars().count() <= MAX_SEGMENT {
        true => Ok(value),
        false => Err(Fault::UnknownMethod),
    }
}

/// The body, which is here; or why it is not.
async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Bytes, Fault> {
    if let Some(fault) = request.extensions().get::<Fault>() {
        return Err(*fault);
    }
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Fault::BrokenBody)?;
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Fault::BodyTooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

async fn decode(request: &HttpRequest, body: Bytes) -> Result<Pairs, Fault> {
    let encoding = request.headers().get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding != "identity") {
        return Err(Fault::UnknownMediaType);
    }
    match request.content_type().trim().to_ascii_lowercase().as_str() {
        "" | "application/x-www-form-urlencoded" => form(&body),
        "application/json" => json(&body),
        "multipart/form-data" => multipart(request.headers(), body).await,
        _ => Err(Fault::UnknownMediaType),
    }
}

/// The pairs of a query or a body that someone pasted.
pub fn pasted(text: &str) -> Result<Vec<(String, String)>, Fault> {
    match text.starts_with('{') {
        true => json(text.as_bytes()),
        false => form(text.as_bytes()),
    }
}

/// `name=value&name=value`, percent-encoded UTF-8.
fn form(encoded: &[u8]) -> Result<Pairs, Fault> {
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

/// Strict, where the libraries are lenient: a cut or misspelt escape, or a byte that is not UTF-8, is an error, because
/// what is guessed here would be signed and stored.
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

/// One flat object: a number counts as its characters, `true` as 1, `false` as 0, `null` as not sent.
fn json(body: &[u8]) -> Result<Pairs, Fault> {
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

/// The members of a JSON object in the order in which they stand, so that the last of a name can win.
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

async fn multipart(headers: &HeaderMap, body: Bytes) -> Result<Pairs, Fault> {
    let mut parts = Multipart::new(headers, stream::once(async { Ok(body) }));
    let mut pairs = Pairs::new();
    while let Some(mut part) = parts.try_next().await.map_err(|_| Fault::BrokenMultipart)? {
        let name = part.name().ok_or(Fault::BrokenMultipart)?.to_owned();
        let mut value = Vec::new();
        while let Some(chunk) = part.try_next().await.map_err(|_| Fault::BrokenMultipart)? {
            value.extend_from_slice(&chunk);
        }
        let value = String::from_utf8(value).map_err(|_| Fault::BrokenEncoding)?;
        pairs.push((name, value));
    }
    Ok(pairs)
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
