//! (1) HTTP: the only room that knows actix-web.

mod gzip;
mod reply;
mod request;
pub mod server;
