//! `serve`: the API, until the process is told to stop.

use std::io::IsTerminal;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use super::init::{self, Shown};
use super::{Fault, Report};
use crate::ambient::Ambient;
use crate::app::App;
use crate::config;
use crate::http::server;
use crate::service::installation;
use crate::store::{FILE_NAME, Store};
use crate::telemetry;

/// Serve the API
///
/// On an empty folder it does `init` first. SIGINT and SIGTERM stop it once the requests in flight are done.
#[derive(Debug, clap::Args)]
pub struct Serve {
    #[command(flatten)]
    settings: config::Serve,
}

impl Serve {
    pub(super) fn run(self, ambient: &Arc<Ambient>) -> Result<Report, Fault> {
        let server = &self.settings.server;
        telemetry::start(&server.log, server.log_format);
        let store = self.open(ambient)?;
        if store.read(installation::is_demo)? {
            check_loopback(server.on.listen)?;
        }
        serve(store, ambient, server, |address| {
            format!("linebook listens on http://{address}")
        })
    }

    fn open(&self, ambient: &Ambient) -> Result<Store, Fault> {
        let data = &self.settings.at.data;
        let options = self.settings.server.store_options();
        // A folder with anything else in it is more likely a mistyped path than a place for a new database.
        if data.join(FILE_NAME).exists() || !is_empty(data) {
            return Ok(Store::open(data, options)?);
        }
        let shown = match std::io::stdout().is_terminal() {
            true => Shown::OnTerminal,
            false => Shown::InFile,
        };
        let base = format!("http://{}", browsable(self.settings.server.on.listen));
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

/// Whether the folder is empty, or not there yet.
fn is_empty(folder: &Path) -> bool {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// The demo's password and keys are public: it is kept off every address that others can reach.
pub fn check_loopback(listen: SocketAddr) -> Result<(), Fault> {
    match listen.ip().to_canonical().is_loopback() {
        true => Ok(()),
        false => Err(Fault::Said(format!(
            "the demo's password and keys are public: it is not served on {listen}, only on a loopback address"
        ))),
    }
}

/// Takes the address, prints what `hello` says about it, and serves.
pub fn serve(
    store: Store,
    ambient: &Arc<Ambient>,
    settings: &config::Server,
    hello: impl FnOnce(SocketAddr) -> String,
) -> Result<Report, Fault> {
    let listen = settings.on.listen;
    let fault = |error| Fault::Said(format!("{listen} cannot be listened on: {error}"));
    let listener = server::bind(listen).map_err(fault)?;
    // The port that was taken, where 0 asked for any free one.
    let address = listener.local_addr().map_err(fault)?;
    show(&Report::line(hello(address)))?;
    let options = server::Options {
        workers: settings.worker_count(),
        shutdown_timeout: settings.shutdown_timeout(),
    };
    let app = Arc::new(App::new(store, ambient.clone()));
    server::run(app, listener, options).map_err(fault)?;
    Ok(Report::default())
}

fn show(report: &Report) -> Result<(), Fault> {
    report
        .print(false)
        .map_err(|error| Fault::Said(format!("the output could not be written: {error}")))
}
