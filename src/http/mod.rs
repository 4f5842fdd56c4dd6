//! (1) HTTP: the only room that knows actix-web.

mod address;
pub mod connection;
mod gzip;
mod reply;
mod request;
pub mod server;
pub mod tls;
