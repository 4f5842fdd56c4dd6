//! `serve`: serves the API and the web pages until the process is told to stop.

use std::io::IsTerminal;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use crate::ambient::Ambient;
use crate::app::App;
use crate::command::fault::Fault;
use crate::command::init::{self, Shown};
use crate::command::output::Report;
use crate::config;
use crate::http::wire::tls::Tls;
use crate::http::{QUIET_LOG, server};
use crate::service::installation;
use crate::store::file::folder::{self, FolderLock};
use crate::store::{FILE_NAME, OpenError, Store};
use crate::telemetry;

/// Serve the API and the web pages
///
/// In an empty folder it runs `init` first, but not where a database has been lost. SIGINT and SIGTERM stop it once the
/// requests in flight are done.
#[derive(Debug, clap::Args)]
pub struct Serve {
    #[command(flatten)]
    settings: config::Serve,
}

impl Serve {
    pub(super) fn run(self, ambient: &Arc<Ambient>) -> Result<Report, Fault> {
        let server = &self.settings.server;
        let _log = start_log(server);
        let data = &self.settings.at.data;
        folder::check_not_lost(data)?;
        // A folder with other files in it is left alone: it is more likely a mistyped path than a place for a new
        // database.
        if !data.join(FILE_NAME).exists() && !is_empty(data) {
            return Err(OpenError::Missing(data.join(FILE_NAME)).into());
        }
        let (store, _lock) = open_alone(data, || {
            folder::tighten(data)?;
            self.open(ambient)
        })?;
        if store.read(installation::is_demo)? {
            check_loopback(server.on.listen)?;
        }
        let app = App::new(store, ambient.clone()).with_backups(self.settings.backups.plan(data));
        serve(app, server, |url| format!("linebook listens on {url}"))
    }

    fn open(&self, ambient: &Ambient) -> Result<Store, Fault> {
        let data = &self.settings.at.data;
        let options = self.settings.server.store_options();
        if data.join(FILE_NAME).exists() {
            return Ok(Store::open(data, options)?);
        }
        let shown = match std::io::stdout().is_terminal() {
            true => Shown::OnTerminal,
            false => Shown::InFile,
        };
        let server = &self.settings.server;
        let scheme = if server.tls_cert.is_some() {
            "https"
        } else {
            "http"
        };
        let base = format!("{scheme}://{}", browsable(server.on.listen));
        let (store, report) = init::run(data, options, ambient, shown, &base)?;
        show(&report)?;
        Ok(store)
    }
}

/// The address as a browser on this machine reaches it.
fn browsable(listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        ip if !ip.is_unspecified() => listen,
        ip if ip.is_ipv4() => SocketAddr::from((Ipv4Addr::LOCALHOST, listen.port())),
        _ => SocketAddr::from((Ipv6Addr::LOCALHOST, listen.port())),
    }
}

/// Opens the folder's database for a server: on a local disk, for this server alone, and with the schema that linebook
/// makes. The caller holds the lock until the server has stopped.
pub fn open_alone(
    data: &Path,
    open: impl FnOnce() -> Result<Store, Fault>,
) -> Result<(Store, FolderLock), Fault> {
    init::make_folder(data)?;
    folder::check_file_system(data)?;
    let lock = folder::lock_for_server(data)?;
    folder::check_not_lost(data)?;
    folder::set_orphans_aside(data)?;
    let store = open()?;
    store.check_schema()?;
    folder::mark(data);
    Ok((store, lock))
}

/// Starts the log, without the framework's needless lines.
pub fn start_log(server: &config::Server) -> telemetry::Guard {
    let filter = format!("{QUIET_LOG},{}", server.log);
    telemetry::start(&filter, server.log_format)
}

/// Whether the folder is empty, except for the lock file.
fn is_empty(data: &Path) -> bool {
    match std::fs::read_dir(data) {
        Ok(entries) => entries
            .flatten()
            .all(|entry| entry.file_name() == folder::LOCK_NAME),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Keeps the demo off every address that others can reach, because its password and keys are public.
pub fn check_loopback(listen: SocketAddr) -> Result<(), Fault> {
    match listen.ip().to_canonical().is_loopback() {
        true => Ok(()),
        false => Err(Fault::Said(format!(
            "the demo's password and keys are public: it is not served on {listen}, only on a loopback address"
        ))),
    }
}

/// Takes the address, prints what `hello` says about its URL, and serves.
pub fn serve(
    mut app: App,
    settings: &config::Server,
    hello: impl FnOnce(&str) -> String,
) -> Result<Report, Fault> {
    let listen = settings.on.listen;
    let fault = |error| Fault::Said(format!("{listen} cannot be listened on: {error}"));
    let listener = server::bind(listen).map_err(fault)?;
    // The real port, where 0 asked for any free one.
    let address = listener.local_addr().map_err(fault)?;
    let metrics = match settings.metrics_listen {
        None => None,
        Some(listen) => Some(
            server::bind(listen)
                .map_err(|error| Fault::Said(format!("{listen} cannot be listened on: {error}")))?,
        ),
    };
    let tls = match settings.tls_files().map_err(Fault::Said)? {
        None => None,
        Some((cert, key)) => Some(Tls::read(cert, key).map_err(Fault::Said)?),
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let hello = Report::line(hello(&format!("{scheme}://{address}")));
    app.trusted_proxies = settings.trusted_proxy.0.clone();
    app.has_public_metrics |= settings.metrics_public;
    app.has_tls = tls.is_some();
    let options = server::Options {
        workers: settings.worker_count(),
        shutdown_timeout: settings.shutdown_timeout(),
        max_connections: settings.max_connections as usize,
        max_connections_per_address: settings.max_connections_per_address.map(|max| max as usize),
        tls,
        metrics,
        ..server::Options::default()
    };
    server::run(Arc::new(app), listener, options, || print(&hello))
        .map_err(|error| Fault::Said(format!("the server cannot run: {error}")))?;
    Ok(Report::default())
}

fn show(report: &Report) -> Result<(), Fault> {
    print(report).map_err(|error| Fault::Said(error.to_string()))
}

fn print(report: &Report) -> std::io::Result<()> {
    let printed = report.print(false);
    printed
        .map_err(|error| std::io::Error::other(format!("the output could not be written: {error}")))
}
