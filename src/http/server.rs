//! The server: routes, limits, shutdown, and one log line per request.

use std::net::{SocketAddr, TcpListener};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::Method as HttpMethod;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, HttpServer};
use futures_util::FutureExt;

use super::{pages, reply, request};
use crate::api::dispatch::{self, Request, Verb, dispatch};
use crate::api::fault::Fault;
use crate::api::methods;
use crate::api::xml::Layout;
use crate::app::App;
use crate::housekeeping;

/// How long a client may take to send a request's head.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
pub const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How the server runs.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Threads that serve connections.
    pub workers: usize,
    /// How long requests in flight may take to finish once the server is told to stop.
    pub shutdown_timeout: Duration,
}

/// Takes the address; done before anything is printed about it.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until the process is told to stop (SIGINT, SIGTERM), then finishes what is in flight.
pub fn run(app: Arc<App>, listener: TcpListener, options: Options) -> std::io::Result<()> {
    actix_web::rt::System::new().block_on(async move {
        actix_web::rt::spawn(housekeeping::run(app.clone()));
        HttpServer::new(move || {
            let app = app.clone();
            actix_web::App::new().configure(|config| routes(config, app))
        })
        .workers(options.workers)
        .client_request_timeout(HEAD_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(options.shutdown_timeout.as_secs())
        .listen(listener)?
        .run()
        .await
    })
}

/// The routes, for the server and for tests alike. Paths are matched here and not by the framework, so that doubled and
/// trailing slashes are tolerated without a redirect, which a client would follow with a GET.
pub fn routes(config: &mut ServiceConfig, app: Arc<App>) {
    config
        .app_data(Data::from(app))
        .default_service(web::to(entry));
}

async fn entry(http: HttpRequest, payload: Payload, app: Data<App>) -> HttpResponse {
    let path = http.path().to_owned();
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    match segments[..] {
        ["health", "live"] => live(&http, &app),
        ["billing", "api", name] | ["api", name] => {
            api(http, payload, app.into_inner(), name).await
        }
        // Whoever asks for the API gets XML, whatever his path: never a page, never a redirect to one.
        ["billing" | "api" | "health", ..] => {
            fault(&http, &app.ambient.request_id(), Fault::UnknownMethod)
        }
        _ => page(http, payload, app.into_inner(), &segments).await,
    }
}

async fn page(
    http: HttpRequest,
    payload: Payload,
    app: Arc<App>,
    segments: &[&str],
) -> HttpResponse {
    let started = Instant::now();
    let request_id = app.ambient.request_id();
    let Some(found) = pages::find(&http, segments) else {
        return fault(&http, &request_id, Fault::UnknownMethod);
    };
    let served = pages::serve(&http, payload, &app, found, &request_id);
    let reply = AssertUnwindSafe(served)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| fault(&http, &request_id, Fault::Internal));
    tracing::info!(
        %request_id,
        page = http.path(),
        verb = %http.method(),
        status = reply.status().as_u16(),
        duration_us = started.elapsed().as_micros() as u64,
        "page"
    );
    reply
}

/// Answers whether the process runs, and nothing else.
fn live(http: &HttpRequest, app: &App) -> HttpResponse {
    let request_id = app.ambient.request_id();
    match *http.method() {
        HttpMethod::GET | HttpMethod::HEAD => reply::builder(200, &request_id)
            .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
            .body("ok\n"),
        _ => fault(http, &request_id, Fault::VerbNotAllowed),
    }
}

async fn api(http: HttpRequest, payload: Payload, app: Arc<App>, name: &str) -> HttpResponse {
    let started = Instant::now();
    let request_id = app.ambient.request_id();
    let Some(method) = methods::find(name) else {
        tracing::info!(%request_id, method = "-", outcome = "unknown method", "call");
        return fault(&http, &request_id, Fault::UnknownMethod);
    };
    let call = Request {
        method,
        verb: match *http.method() {
            HttpMethod::POST => Verb::Post,
            HttpMethod::GET => Verb::Get,
            _ => Verb::Other,
        },
        parameters: request::parameters(&http, payload).await,
        address: http.peer_addr().map(|peer| peer.ip()),
        request_id: request_id.clone(),
    };
    // A panic is a defect, but its caller gets an answer and the others do not notice.
    let answer = AssertUnwindSafe(dispatch(&app, call))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| dispatch::fault(Fault::Internal, Layout::Compact));
    tracing::info!(
        %request_id,
        method = method.name,
        caller = answer.caller.as_deref().unwrap_or("-"),
        outcome = answer.outcome,
        status = answer.status,
        duration_us = started.elapsed().as_micros() as u64,
        "call"
    );
    reply::xml(http.headers(), &request_id, answer)
}

fn fault(http: &HttpRequest, request_id: &str, fault: Fault) -> HttpResponse {
    reply::xml(
        http.headers(),
        request_id,
        dispatch::fault(fault, Layout::Compact),
    )
}
