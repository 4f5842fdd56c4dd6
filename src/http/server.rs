//! The server: its limits, its start and its end.

use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactory, fn_factory, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::rt::signal::unix::{SignalKind, signal};
use actix_web::web::ServiceConfig;
use futures_util::future::select;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;

use crate::app::App;
use crate::aside;
use crate::housekeeping;
use crate::http::entry::{metrics_routes, routes};
use crate::http::wire::connection::Connection;
use crate::http::wire::door::{Door, MAX_TURNED_AWAY};
use crate::http::wire::places::{MAX_LEAVING, Places};
use crate::http::wire::timeouts::Timeouts;
use crate::http::wire::tls::Tls;

/// Connections that the system keeps until they are accepted.
pub const BACKLOG: i32 = 1024;
/// Connections of the metrics' own address: a scraper, and a person with a question.
pub const MAX_METRICS_CONNECTIONS: usize = 64;
/// Open files besides the connections: the database's, its readers', the log, and those of connections that have to go.
const OTHER_FILES: u64 = 512 + MAX_LEAVING as u64 + MAX_TURNED_AWAY as u64;
/// Connections that an address may have in any case, by default.
pub const MIN_SHARE: usize = 256;

/// How many of the connections one address may have by default: an eighth, at least [`MIN_SHARE`], or all if there are
/// fewer.
pub fn share(max_connections: usize) -> usize {
    (max_connections / 8).max(MIN_SHARE).min(max_connections)
}

/// The options of the server.
#[derive(Debug)]
pub struct Options {
    /// Threads that serve connections.
    pub workers: usize,
    /// How long requests in flight may take to finish once the server is told to stop.
    pub shutdown_timeout: Duration,
    /// Connections that may be open at once.
    pub max_connections: usize,
    /// How many of these one address may have; none: the number from [`share`].
    pub max_connections_per_address: Option<usize>,
    /// How long clients may take.
    pub timeouts: Timeouts,
    /// Certificate and key, if the server speaks TLS.
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

/// Takes the address. This happens before anything is printed about it.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // The standard library's own backlog is short.
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until the process is told to stop (SIGINT, SIGTERM), then finishes the requests in flight. `hello` reports
/// the start once the process listens for signals, because its reader may send one.
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
        // From now on this signal does not end the process, with or without a certificate to read.
        let _hangup = signal(SignalKind::hangup())?;
        hello()?;
        actix_web::rt::spawn(housekeeping::run(app.core.clone(), app.backups.clone()));
        if let Some(tls) = options.tls {
            actix_web::rt::spawn(tls.reload_on_signal());
        }
        let mut server = ServerBuilder::default()
            .workers(options.workers)
            .worker_max_blocking_threads(aside::BLOCKING_THREADS)
            // The door refuses with an answer. This limit would refuse in silence.
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

/// Lets the process have as many files as connections may be open. If the system refuses, fewer connections may be
/// open.
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

/// Serves the connections of a [`Door`] with actix-web's routes.
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
                        Connection::new(connection.await?)
                            .serve(&*app, stopping)
                            .await;
                        Ok::<_, std::io::Error>(())
                    }
                }))
            }
        })
    })
}
