//! (1) HTTP: the only room that knows actix-web.

mod address;
pub mod chunks;
pub mod connection;
pub mod door;
mod gzip;
pub mod head;
pub mod pages;
pub mod places;
mod reply;
mod request;
pub mod server;
pub mod tls;

/// What the framework need not log.
pub const QUIET_LOG: &str = "actix_server=warn";
