//! (1) HTTP: the only room that knows actix-web.

mod gzip;
pub mod pages;
mod reply;
mod request;
pub mod server;
