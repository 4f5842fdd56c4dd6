//! (1) HTTP: the only room that knows actix-web.

mod address;
mod chunks;
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

/// What the framework need not log: a client that breaks off, or sends what is no HTTP, is no error of the server.
pub const QUIET_LOG: &str = "actix_http::h1::dispatcher=off,actix_server=warn";
