//! Makes parameters from an HTTP request: its query and its body, complete, within limits, and decoded by the stated
//! type.

use actix_multipart::Multipart;
use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpMessage, HttpRequest};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::api::encoding::{Pairs, form, json, segment};
use crate::api::fault::Fault;
use crate::api::limits::{MAX_BODY, MAX_QUERY};
use crate::api::parameters::Parameters;

/// The parameters of a request: the query's, then the body's. A value in the path counts, under its given name, where
/// neither of them has that name.
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

/// The body, or why it did not come.
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
