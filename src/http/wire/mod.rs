//! Turns bytes on a connection into requests, and answers into bytes. A new method or web page never needs a change
//! here.

pub mod chunks;
pub mod closing;
pub mod connection;
pub mod door;
pub mod head;
pub mod places;
pub mod timeouts;
pub mod tls;
