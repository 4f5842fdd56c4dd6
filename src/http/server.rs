//! The server: routes, limits, shutdown, and one log line per request.

use std::net::{SocketAddr, TcpListener};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactory, fn_factory, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::http::Method as HttpMethod;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, STRICT_TRANSPORT_SECURITY};
use actix_web::rt::signal::unix::{SignalKind, signal};
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use futures_util::FutureExt;
use futures_util::future::select;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;

use super::{address, pages, reply, request};
use crate::api::answer;
use crate::api::dispatch::{Request, Verb, dispatch};
use crate::api::fault::Fault;
use crate::api::methods;
use crate::api::xml::Layout;
use crate::app::App;
use crate::aside;
use crate::housekeeping;
use crate::http::wire::connection::Timeouts;
use crate::http::wire::door::{Door, MAX_TURNED_AWAY};
use crate::http::wire::places::{MAX_LEAVING, Places};
use crate::http::wire::tls::Tls;
use crate::metrics;

/// Connections that the system keeps until they are accepted.
pub const BACKLOG: i32 = 1024;
/// Connections of the metrics' own address: a scraper, and a person with a question.
pub const MAX_METRICS_CONNECTIONS: usize = 64;
/// What is said to whoever came over TLS: for a year, come only so. The hosts below this one may belong to others.
pub const HSTS: &str = "max-age=31536000";
/// Files that are open beside the connections: the database's, its readers', the log, and those of who has to go.
const OTHER_FILES: u64 = 512 + MAX_LEAVING as u64 + MAX_TURNED_AWAY as u64;
/// Connections that an address may have in any case, unless it is said otherwise.
pub const MIN_SHARE: usize = 256;

/// Of so many connections, how many one address may have unless it is said otherwise: an eighth, or [`MIN_SHARE`], or all
/// if there are fewer.
pub fn share(max_connections: usize) -> usize {
    (max_connections / 8).max(MIN_SHARE).min(max_connections)
}

/// How the server runs.
#[derive(Debug)]
pub struct Options {
    /// Threads that serve connections.
    pub workers: usize,
    /// How long requests in flight may take to finish once the server is told to stop.
    pub shutdown_timeout: Duration,
    /// Connections that may be open at once.
    pub max_connections: usize,
    /// Of these, from one address; none: as many as [`share`] says.
    pub max_connections_per_address: Option<usize>,
    /// How long clients may take.
    pub timeouts: Timeouts,
    /// Certificate and key, when TLS is spoken.
    pub tls: Option<Tls>,
    /// An address of the metrics' own.
    pub metrics: Option<TcpListener>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 2,
            shutdown_timeout: Duration::from_secs(30),
            max_connections: 1024,
            max_connections_per_address: None,
            timeouts: Timeouts::default(),
            tls: None,
            metrics: None,
        }
    }
}

/// Takes the address; done before anything is printed about it.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // The standard library's own backlog is short.
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until the process is told to stop (SIGINT, SIGTERM), then finishes what is in flight. `hello` says that it does,
/// once signals are listened for: whoever reads it may send one.
pub fn run(
    app: Arc<App>,
    listener: TcpListener,
    options: Options,
    hello: impl FnOnce() -> std::io::Result<()>,
) -> std::io::Result<()> {
    let max_connections = allow_files(options.max_connections);
    let acceptor = options.tls.as_ref().map(Tls::acceptor).transpose();
    let acceptor = acceptor.map_err(std::io::Error::other)?;
    let per_address = options.max_connections_per_address;
    let per_address = per_address.unwrap_or(share(max_connections));
    let door = |tls, places| Arc::new(Door::new(app.clone(), tls, places, options.timeouts));
    let api = door(acceptor, Places::new(max_connections, per_address));
    let inside = Places::new(MAX_METRICS_CONNECTIONS, MAX_METRICS_CONNECTIONS);
    let inside = door(None, inside);
    actix_web::rt::System::new().block_on(async move {
        // The framework's own handler would cut requests off at SIGINT.
        let (mut interrupt, mut terminate) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        let stop = async move {
            select(pin!(interrupt.recv()), pin!(terminate.recv())).await;
            tracing::info!("stopping: requests in flight are finished");
        };
        // Listened for once, it never again ends the process, with or without a certificate to read.
        let _hangup = signal(SignalKind::hangup())?;
        hello()?;
        actix_web::rt::spawn(housekeeping::run(app.core.clone(), app.backups.clone()));
        if let Some(tls) = options.tls {
            actix_web::rt::spawn(tls.reload_on_signal());
        }
        let mut server = ServerBuilder::default()
            .workers(options.workers)
            .worker_max_blocking_threads(aside::BLOCKING_THREADS)
            // The door says no, which is an answer; this would be silence.
            .max_concurrent_connections(max_connections.saturating_mul(2))
            .shutdown_signal(stop)
            .shutdown_timeout(options.shutdown_timeout.as_secs());
        server = serve(server, "api", listener, &api, routes)?;
        if let Some(listener) = options.metrics {
            server = serve(server, "metrics", listener, &inside, metrics_routes)?;
        }
        let ended = server.run().await;
        housekeeping::log_failures(&app.core).await;
        ended
    })
}

/// Lets the process have as many files as connections may be open; what the system refuses lowers their number.
fn allow_files(max_connections: usize) -> usize {
    let wanted = max_connections as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let current = limit.current.unwrap_or(u64::MAX);
    if current >= wanted {
        return max_connections;
    }
    let raised = Rlimit {
        current: Some(allowed),
        ..limit
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => allowed,
        Err(_) => current,
    };
    if files < wanted {
        tracing::warn!(
            files,
            wanted,
            "the system allows fewer open files, and so fewer connections, than are configured"
        );
    }
    max_connections.min(files.saturating_sub(OTHER_FILES).max(1) as usize)
}

/// Serves what comes through a [`Door`] by routes of actix-web's.
fn serve(
    server: ServerBuilder,
    name: &str,
    listener: TcpListener,
    door: &Arc<Door>,
    routes: fn(&mut ServiceConfig, Arc<App>),
) -> std::io::Result<ServerBuilder> {
    let stopping = server.graceful_shutdown_signal();
    let door = door.clone();
    server.listen(name, listener, move || {
        let (door, stopping) = (door.clone(), stopping.clone());
        let inner = door.app.clone();
        let app = actix_web::App::new().configure(move |config| routes(config, inner.clone()));
        let app = map_config(app.into_factory(), |()| AppConfig::default());
        fn_factory(move || {
            let (door, stopping) = (door.clone(), stopping.clone());
            let app = app.new_service(());
            async move {
                let app = Rc::new(app.await?);
                Ok::<_, ()>(fn_service(move |stream: TcpStream| {
                    let connection = door.clone().accept(stream);
                    let (app, stopping) = (app.clone(), stopping.clone());
                    async move {
                        connection.await?.serve(&*app, stopping).await;
                        Ok::<_, std::io::Error>(())
                    }
                }))
            }
        })
    })
}

/// The routes, for the server and for tests alike. Paths are matched here and not by the framework, so that doubled and
/// trailing slashes are tolerated without a redirect, which a client would follow with a GET.
pub fn routes(config: &mut ServiceConfig, app: Arc<App>) {
    config
        .app_data(Data::from(app))
        .default_service(web::to(entry));
}

/// The routes of the metrics' own address.
fn metrics_routes(config: &mut ServiceConfig, app: Arc<App>) {
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
        ["billing", "api", name] | ["api", name] => api(http, payload, app, name, started).await,
        ["metrics"] if !app.has_public_metrics => unknown(&http, &app, started),
        // Whoever asks for the API gets XML, whatever his path: never a page, never a redirect to one.
        ref other @ ["billing" | "api" | "health" | "metrics", ..] => {
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
    name: &str,
    started: Instant,
) -> HttpResponse {
    let Some(method) = methods::find(name) else {
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
        parameters: request::parameters(&http, payload).await,
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
