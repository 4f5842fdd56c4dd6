//! How long clients may take.

use std::time::Duration;

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// From the connection to the first byte, and from there to the end of the first head.
    pub head: Duration,
    /// For a body.
    pub body: Duration,
    /// From a request's first byte to the first byte of its answer, on any request of a connection.
    pub request: Duration,
    /// To take the bytes that are ready: some tens of KiB, the most that is kept for a client.
    pub write: Duration,
    /// Between two requests.
    pub keep_alive: Duration,
    /// To take the last answer, and to hang up. For as long, bytes that still come are thrown away.
    pub disconnect: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(20),
            request: Duration::from_secs(60),
            write: Duration::from_secs(60),
            keep_alive: Duration::from_secs(75),
            disconnect: Duration::from_secs(2),
        }
    }
}
