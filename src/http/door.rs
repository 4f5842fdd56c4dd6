//! Where connections come in: how many may be open at once.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_http::error::DispatchError;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::connection::{Connection, Io, Timeouts, answer};
use super::tls::HANDSHAKE_TIMEOUT;
use crate::api::fault::Fault;
use crate::app::App;

/// What is read of a connection that is turned away.
const MAX_UNREAD: usize = 4096;

/// Where connections come in.
pub struct Door {
    /// The linebook behind it.
    pub app: Arc<App>,
    /// How TLS is spoken, if it is.
    pub tls: Option<TlsAcceptor>,
    /// Connections that may be open.
    pub max_connections: usize,
    /// How long clients may take.
    pub timeouts: Timeouts,
    open: AtomicUsize,
    /// Bytes that connections hold together, beyond what each may.
    pub(super) held: AtomicUsize,
}

impl Door {
    /// A door that nobody has come through yet.
    pub fn new(
        app: Arc<App>,
        tls: Option<TlsAcceptor>,
        max_connections: usize,
        timeouts: Timeouts,
    ) -> Self {
        Self {
            app,
            tls,
            max_connections,
            timeouts,
            open: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
        }
    }

    /// Takes a connection in once its client has something to say.
    pub async fn accept(
        self: Arc<Self>,
        stream: TcpStream,
    ) -> Result<(Connection, Option<SocketAddr>), DispatchError> {
        let peer = stream.peer_addr().ok();
        let place = Place::take(self.clone());
        if self.open.load(Ordering::Relaxed) > self.max_connections {
            self.turn_away(&stream, peer).await;
            return Err(io::Error::other("too many connections").into());
        }
        // A reply is written at once; waiting for more to send would only delay it.
        stream.set_nodelay(true)?;
        let io = match &self.tls {
            None => {
                // Until then it costs no buffers.
                timeout(self.timeouts.head, stream.readable())
                    .await
                    .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                Io::Plain(stream)
            }
            Some(acceptor) => {
                let handshake = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
                let stream = handshake.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
                Io::Tls(Box::new(stream?))
            }
        };
        Ok((Connection::new(io, place, peer), peer))
    }

    /// Says that there are too many. In TLS nothing can be said before keys are agreed on.
    async fn turn_away(&self, stream: &TcpStream, peer: Option<SocketAddr>) {
        self.app.metrics.refused_connections.inc();
        let answer = answer(&self.app, peer, Fault::Overloaded);
        if self.tls.is_none() && stream.writable().await.is_ok() {
            // Nobody waits for a client who does not take it. What he has sent is read, because to close a connection
            // with something unread in it is to tear it down, answer and all.
            let _ = stream.try_write(&answer);
            let _ = stream.try_read(&mut [0; MAX_UNREAD]);
        }
    }
}

/// One of the connections that may be open.
pub(super) struct Place {
    /// The door it came through.
    pub(super) door: Arc<Door>,
}

impl Place {
    fn take(door: Arc<Door>) -> Self {
        door.open.fetch_add(1, Ordering::Relaxed);
        door.app.metrics.connections.inc();
        Self { door }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.door.open.fetch_sub(1, Ordering::Relaxed);
        self.door.app.metrics.connections.dec();
    }
}
