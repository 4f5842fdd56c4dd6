//! Where a request comes in: which path leads where.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::Method as HttpMethod;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, STRICT_TRANSPORT_SECURITY};
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use futures_util::FutureExt;

use super::reply::HSTS;
use super::{address, pages, reply, request};
use crate::api::answer;
use crate::api::dispatch::{Request, Verb, dispatch};
use crate::api::fault::Fault;
use crate::api::methods::{self, METHODS};
use crate::api::xml::Layout;
use crate::app::App;
use crate::metrics;

/// The routes, for the server and for tests alike. Paths are matched here and not by the framework, so that doubled and
/// trailing slashes are tolerated without a redirect, which a client would follow with a GET.
pub fn routes(config: &mut ServiceConfig, app: Arc<App>) {
    config
        .app_data(Data::from(app))
        .default_service(web::to(entry));
}

/// The routes of the metrics' own address.
pub fn metrics_routes(config: &mut ServiceConfig, app: Arc<App>) {
    config
        .app_data(Data::from(app))
        .default_service(web::to(inside));
}

async fn entry(http: HttpRequest, payload: Payload, app: Data<App>) -> HttpResponse {
    let is_secure = address::is_secure(&http, &app);
    let mut reply = answer(http, payload, app.into_inner()).await;
    if is_secure {
        let headers = reply.headers_mut();
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    reply
}

async fn answer(http: HttpRequest, payload: Payload, app: Arc<App>) -> HttpResponse {
    let started = Instant::now();
    let path = http.path().to_owned();
    if http.method() == HttpMethod::CONNECT {
        return fault(&http, &app, Fault::VerbNotAllowed, started);
    }
    match segments(&path)[..] {
        ["billing", "api", ref call @ ..] | ["api", ref call @ ..] => {
            api(http, payload, app, call, started).await
        }
        ["metrics"] if !app.has_public_metrics => unknown(&http, &app, started),
        // Whoever asks for the API gets XML, whatever his path: never a page, never a redirect to one.
        ref other @ ["billing" | "health" | "metrics", ..] => {
            look(&http, &app, other, started).await
        }
        ref other => page(http, payload, &app, other, started).await,
    }
}

async fn page(
    http: HttpRequest,
    payload: Payload,
    app: &Arc<App>,
    segments: &[&str],
    started: Instant,
) -> HttpResponse {
    let Some(found) = pages::find(&http, segments) else {
        return unknown(&http, app, started);
    };
    let request_id = app.core.ambient.request_id();
    let name = found.name();
    let served = pages::serve(&http, payload, app, found, &request_id);
    let reply = AssertUnwindSafe(served).catch_unwind().await;
    let Ok(reply) = reply else {
        return fault(&http, app, Fault::Internal, started);
    };
    tracing::info!(
        %request_id,
        page = name,
        verb = %http.method(),
        status = reply.status().as_u16(),
        duration_us = started.elapsed().as_micros() as u64,
        "page"
    );
    reply
}

async fn inside(http: HttpRequest, app: Data<App>) -> HttpResponse {
    let path = http.path().to_owned();
    look(&http, &app, &segments(&path), Instant::now()).await
}

fn segments(path: &str) -> Vec<&str> {
    let segments = path.split('/');
    segments.filter(|segment| !segment.is_empty()).collect()
}

/// What looks inside, and everything else that is no call.
async fn look(http: &HttpRequest, app: &App, path: &[&str], started: Instant) -> HttpResponse {
    let is_known = matches!(path, ["health", "live" | "ready"] | ["metrics"]);
    if !is_known {
        return unknown(http, app, started);
    }
    if !matches!(*http.method(), HttpMethod::GET | HttpMethod::HEAD) {
        return fault(http, app, Fault::OnlyGet, started);
    }
    // What came with it is not looked at, but it has to be a whole request.
    let broken = http.extensions().get::<Fault>().copied();
    if let Some(broken) = broken {
        return fault(http, app, broken, started);
    }
    let (content_type, text) = match path {
        ["metrics"] => (metrics::CONTENT_TYPE, app.metrics()),
        ["health", "ready"] => match app.check_ready().await {
            Ok(()) => (TEXT, "ok\n".into()),
            Err(error) => return fault(http, app, Fault::from(&error), started),
        },
        _ => (TEXT, "ok\n".into()),
    };
    // Asked every few seconds, by machines: no line for each in the log.
    reply::builder(200, &app.core.ambient.request_id())
        .insert_header((CONTENT_TYPE, content_type))
        .body(text)
}

const TEXT: &str = "text/plain; charset=utf-8";

async fn api(
    http: HttpRequest,
    payload: Payload,
    app: Arc<App>,
    path: &[&str],
    started: Instant,
) -> HttpResponse {
    let Some((method, segment)) = methods::route(METHODS, path) else {
        return unknown(&http, &app, started);
    };
    let request_id = app.core.ambient.request_id();
    let address = address::of(&http, &app);
    let call = Request {
        method,
        verb: match *http.method() {
            HttpMethod::POST => Verb::Post,
            HttpMethod::GET => Verb::Get,
            _ => Verb::Other,
        },
        parameters: request::parameters(&http, payload, segment).await,
        address,
        request_id: request_id.clone(),
        now_ms: app.core.ambient.now_ms(),
        session: None,
    };
    // A panic is a defect, but its caller gets an answer and the others do not notice.
    let answer = AssertUnwindSafe(dispatch(&app.core, call))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| answer::fault(Fault::Internal, Layout::Compact));
    let took = started.elapsed();
    app.metrics.request(Some(method), answer.outcome, took);
    tracing::info!(
        %request_id,
        method = method.name,
        caller = answer.caller.as_deref().unwrap_or("-"),
        address = address.map(tracing::field::display),
        outcome = answer.outcome.label(),
        status = answer.status,
        duration_us = took.as_micros() as u64,
        "call"
    );
    reply::xml(http.headers(), &request_id, answer)
}

fn unknown(http: &HttpRequest, app: &App, started: Instant) -> HttpResponse {
    fault(http, app, Fault::UnknownMethod, started)
}

/// The answer to what is no call of a method. The path is not in its log line: it may hold anything.
fn fault(http: &HttpRequest, app: &App, fault: Fault, started: Instant) -> HttpResponse {
    let address = address::of(http, app);
    reply::fault(app, http.headers(), address, fault, started.elapsed())
}
