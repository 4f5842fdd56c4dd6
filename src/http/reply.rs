//! Makes an HTTP reply from an answer: status, headers, gzip.

use std::net::IpAddr;
use std::time::Duration;

use actix_http::body::{BodySize, MessageBody};
use actix_http::{Response, ResponseHead};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE,
    HeaderMap, RETRY_AFTER, VARY,
};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures_util::stream;

use super::gzip::{self, Gzip};
use super::line::Answered;
use crate::api::answer::{self, Answer, Body, Outcome, Pieces};
use crate::api::fault::Fault;
use crate::api::xml::Layout;
use crate::app::App;
use crate::service::Error;
use crate::store::StoreError;
use crate::store::tables::settings::Gzip as Compression;

/// Sent to clients who came over TLS: for a year, come only over TLS. It leaves out subdomains, which may belong to
/// others.
pub const HSTS: &str = "max-age=31536000";

/// The traits of a request that decide how its answer is sent.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// Whether only the headers are wanted.
    pub is_head: bool,
    /// Whether it speaks HTTP/1.0, which has no chunks.
    pub is_old: bool,
    /// Whether the connection is closed after the answer.
    pub is_last: bool,
}

/// The traits that count when no request was understood.
pub const NOBODY: Ask = Ask {
    is_head: false,
    is_old: false,
    is_last: true,
};

/// Writes the status line and the headers of an answer.
pub fn head(out: &mut Vec<u8>, ask: &Ask, head: &ResponseHead, size: BodySize, date: &str) {
    let version: &[u8] = if ask.is_old {
        b"HTTP/1.0 "
    } else {
        b"HTTP/1.1 "
    };
    out.extend_from_slice(version);
    out.extend_from_slice(head.status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(head.reason().as_bytes());
    let mut line = |name: &str, value: &[u8]| {
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
    };
    match size {
        BodySize::None => line("content-length", b"0"),
        BodySize::Sized(length) => line("content-length", length.to_string().as_bytes()),
        BodySize::Stream if ask.is_old => {}
        BodySize::Stream => line("transfer-encoding", b"chunked"),
    }
    match (ask.is_last, ask.is_old) {
        (true, _) => line("connection", b"close"),
        (false, true) => line("connection", b"keep-alive"),
        (false, false) => {}
    }
    for (name, value) in head.headers() {
        line(name.as_str(), value.as_bytes());
    }
    line("date", date.as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
}

/// All bytes of a short answer.
pub fn bytes(ask: &Ask, reply: HttpResponse, date: &str) -> Vec<u8> {
    let (reply, body) = Response::from(reply).into_parts();
    let mut bytes = Vec::new();
    head(&mut bytes, ask, reply.head(), body.size(), date);
    bytes.extend_from_slice(&body.try_into_bytes().unwrap_or_default());
    bytes
}

/// The reply that states a fault to a request that calls no method. It is counted and logged.
pub fn fault(
    app: &App,
    headers: &HeaderMap,
    address: Option<IpAddr>,
    said: Fault,
    took: Duration,
) -> HttpResponse {
    let request_id = app.core.ambient.request_id();
    let answered = Answered {
        request_id: &request_id,
        address,
        status: said.status(),
        took,
    };
    answered.fault(app, Outcome::Fault(said));
    xml(headers, &request_id, answer::fault(said, Layout::Compact))
}

/// A reply with the headers that every reply has.
pub fn builder(status: u16, request_id: &str) -> HttpResponseBuilder {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = HttpResponse::build(status);
    builder
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((VARY, "Accept-Encoding"))
        .insert_header(("X-Request-Id", request_id));
    builder
}

/// The reply with an answer.
pub fn xml(request: &HeaderMap, request_id: &str, answer: Answer) -> HttpResponse {
    let is_packed = is_packed(request, &answer);
    let mut builder = builder(answer.status, request_id);
    builder.insert_header((CONTENT_TYPE, answer.media.content_type()));
    if let Some(seconds) = answer.retry_after_s {
        builder.insert_header((RETRY_AFTER, seconds.to_string()));
    }
    if let Outcome::Fault(fault) = answer.outcome
        && let Some(verbs) = fault.allow()
    {
        builder.insert_header((ALLOW, verbs));
    }
    if is_packed {
        builder.insert_header((CONTENT_ENCODING, "gzip"));
        if let Some(name) = answer.file {
            let disposition = format!("attachment; filename=\"{name}.xml\"");
            builder.insert_header((CONTENT_DISPOSITION, disposition));
        }
    }
    match answer.body {
        Body::Whole(plain) if is_packed => builder.body(gzip::whole(&plain)),
        Body::Whole(plain) => builder.body(plain),
        Body::Pieces(pieces) => builder.streaming(stream::try_unfold(
            Some((pieces, is_packed.then(Gzip::new))),
            |state| async {
                let Some((pieces, gzip)) = state else {
                    return Ok(None);
                };
                // This runs off the worker: a long list must not stop its other connections.
                let next = tokio::task::spawn_blocking(move || next(pieces, gzip));
                next.await.unwrap_or(Err(StoreError::Internal.into()))
            },
        )),
    }
}

type Rest = Option<(Box<Pieces>, Option<Gzip>)>;

/// The next bytes of a reply in pieces, and what is left. An error cuts the connection, so that the client sees that
/// the list is incomplete.
fn next(mut pieces: Box<Pieces>, mut gzip: Option<Gzip>) -> Result<Option<(Bytes, Rest)>, Error> {
    match (pieces.next().transpose()?, &mut gzip) {
        (Some(plain), None) => Ok(Some((plain.into(), Some((pieces, gzip))))),
        (Some(plain), Some(packer)) => {
            let packed = packer.piece(&plain);
            Ok(Some((packed.into(), Some((pieces, gzip)))))
        }
        (None, None) => Ok(None),
        (None, Some(packer)) => Ok(Some((packer.finish().into(), None))),
    }
}

fn is_packed(request: &HeaderMap, answer: &Answer) -> bool {
    if answer.is_plain {
        return false;
    }
    let accepts = request
        .get(ACCEPT_ENCODING)
        .map(|value| value.to_str().is_ok_and(allows_gzip));
    match (answer.file, answer.gzip) {
        (Some(_), Compression::Documented) => accepts.unwrap_or(true),
        _ => accepts.unwrap_or(false),
    }
}

/// Whether an `Accept-Encoding` allows gzip: by name, or else by `*`, and not with a quality of 0.
fn allows_gzip(accepted: &str) -> bool {
    let quality = |wanted: &str| {
        accepted.split(',').find_map(|item| {
            let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
            if !coding.trim().eq_ignore_ascii_case(wanted) {
                return None;
            }
            let quality = parameters.trim().strip_prefix("q=").unwrap_or("1");
            Some(quality.trim().parse::<f32>().unwrap_or(0.0))
        })
    };
    quality("gzip")
        .or_else(|| quality("x-gzip"))
        .or_else(|| quality("*"))
        .is_some_and(|quality| quality > 0.0)
}

#[cfg(test)]
mod tests {
    use super::allows_gzip;

    #[test]
    fn gzip_is_allowed_by_name_or_star_with_a_quality_above_zero() {
        for yes in [
            "gzip",
            "GZIP",
            "deflate, gzip;q=0.5",
            "*",
            "br, *;q=0.1",
            "x-gzip",
            "gzip; q=1.0",
        ] {
            assert!(allows_gzip(yes), "{yes}");
        }
        for no in [
            "",
            "identity",
            "gzip;q=0",
            "*, gzip;q=0",
            "gzip;q=0.000",
            "deflate, br",
            "*;q=0",
            "gzip;q=x",
        ] {
            assert!(!allows_gzip(no), "{no}");
        }
    }
}
