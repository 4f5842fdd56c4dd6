//! The door for connections: how many may be open at once.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::api::fault::Fault;
use crate::app::App;
use crate::http::reply::{self, NOBODY};
use crate::http::wire::closing::close;
use crate::http::wire::places::{NoPlace, Places, Rest};
use crate::http::wire::timeouts::Timeouts;
use crate::http::wire::tls::{HANDSHAKE_TIMEOUT, Io};

/// How many connections that are turned away may take their answer.
pub const MAX_TURNED_AWAY: usize = 64;

/// The door that connections come through.
pub struct Door {
    /// The linebook behind it.
    pub app: Arc<App>,
    /// TLS, if the door speaks it.
    pub tls: Option<TlsAcceptor>,
    /// How long clients may take.
    pub timeouts: Timeouts,
    places: Places,
    /// Connections that are being turned away.
    leaving: AtomicUsize,
    /// Bytes that all connections hold together, beyond each one's own allowance.
    pub(in crate::http) held: AtomicUsize,
}

impl Door {
    /// A new door.
    pub fn new(
        app: Arc<App>,
        tls: Option<TlsAcceptor>,
        places: Places,
        timeouts: Timeouts,
    ) -> Self {
        Self {
            app,
            tls,
            places,
            timeouts,
            leaving: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
        }
    }

    /// Accepts a connection, if a place is free.
    pub async fn accept(self: Arc<Self>, stream: TcpStream) -> io::Result<Taken> {
        let peer = stream.peer_addr().ok();
        let place = match Place::take(&self, peer) {
            Ok(place) => place,
            Err(why) => {
                self.turn_away(stream, peer, why).await;
                return Err(io::Error::other("too many connections"));
            }
        };
        // A reply is written at once; waiting for more to send would only delay it.
        stream.set_nodelay(true)?;
        let io = match &self.tls {
            None => Io::Plain(stream),
            Some(acceptor) => {
                let handshake = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
                let stream = handshake.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
                Io::Tls(Box::new(stream?))
            }
        };
        Ok(Taken { io, place, peer })
    }

    /// Tells the client that there are too many connections. In TLS nothing can be said before the handshake.
    async fn turn_away(&self, mut stream: TcpStream, peer: Option<SocketAddr>, why: NoPlace) {
        self.app.metrics.refused_connections.inc();
        if why == NoPlace::OfNetwork {
            self.app.metrics.crowding_connections.inc();
        }
        let address = peer.map(|peer| peer.ip());
        let (headers, said) = (HeaderMap::new(), Fault::Overloaded);
        let answer = reply::fault(&self.app, &headers, address, said, Duration::ZERO);
        if self.tls.is_some() || stream.writable().await.is_err() {
            return;
        }
        // The door does not wait for a client to read it.
        let _ = stream.try_write(&reply::bytes(
            &NOBODY,
            answer,
            &self.app.core.ambient.http_date(),
        ));
        // Beyond this, connections get no file: their answers may be cut off.
        if self.leaving.fetch_add(1, Ordering::Relaxed) < MAX_TURNED_AWAY {
            close(&mut stream, self.timeouts.disconnect).await;
        }
        self.leaving.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An accepted connection.
pub struct Taken {
    pub(in crate::http) io: Io,
    pub(in crate::http) place: Place,
    pub(in crate::http) peer: Option<SocketAddr>,
}

/// The place of an open connection.
pub(in crate::http) struct Place {
    /// The door it came through.
    pub(in crate::http) door: Arc<Door>,
    /// The address that it is counted for.
    address: Option<IpAddr>,
    rest: Option<Rest>,
}

impl Place {
    fn take(door: &Arc<Door>, peer: Option<SocketAddr>) -> Result<Self, NoPlace> {
        let address = peer.map(|peer| peer.ip().to_canonical());
        // A proxy counts for all its clients, so it has no limit of its own.
        let address = address.filter(|address| !door.app.trusts(address));
        let made_room = door.places.take(address)?;
        let metrics = &door.app.metrics;
        metrics.connections.inc();
        metrics.connections_made_room.inc_by(made_room as u64);
        Ok(Self {
            door: door.clone(),
            address,
            rest: None,
        })
    }

    /// The connection idles between two requests from now on.
    pub(in crate::http) fn rests(&mut self, waker: &Waker) {
        self.stirs();
        self.rest = Some(self.door.places.rest(self.address, waker));
    }

    /// Something came: the connection is no longer idle.
    pub(in crate::http) fn stirs(&mut self) {
        if let Some(rest) = self.rest.take() {
            self.door.places.end_rest(self.address, rest);
        }
    }

    /// Whether the connection is idle while others need its place more. Its task is woken when that happens.
    pub(in crate::http) fn is_needed(&self, waker: &Waker) -> bool {
        let rest = self.rest;
        rest.is_some_and(|rest| !self.door.places.may_rest(rest, waker))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.stirs();
        self.door.places.give_back(self.address);
        self.door.app.metrics.connections.dec();
    }
}
