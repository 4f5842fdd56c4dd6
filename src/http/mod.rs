//! (1) HTTP: the only room that knows actix-web.

mod address;
pub mod entry;
mod gzip;
mod line;
pub mod pages;
mod reply;
mod request;
pub mod server;
pub mod wire;

/// The filter for the framework's needless log lines.
pub const QUIET_LOG: &str = "actix_server=warn";
