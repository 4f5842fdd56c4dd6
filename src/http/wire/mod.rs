//! Bytes on a connection become requests and answers become bytes. Whoever adds a method or a page never needs this.

pub mod chunks;
pub mod closing;
pub mod connection;
pub mod door;
pub mod head;
pub mod places;
pub mod timeouts;
pub mod tls;
