//! Where a call comes from, and whether over TLS: the peer tells, or a trusted proxy's headers.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, X_FORWARDED_FOR};
use ipnet::IpNet;

use crate::app::App;

/// The most addresses in `X-Forwarded-For` that are looked at, from the right. A longer chain of trusted proxies is a
/// mistake.
pub const MAX_HOPS: usize = 32;

/// The caller's end of a request, worked out once for each request.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    /// The caller's address.
    pub address: Option<IpAddr>,
    /// Whether they came over TLS.
    pub is_secure: bool,
}

impl Client {
    /// The caller's end: the peer itself, or what it says as a trusted proxy.
    pub fn of(http: &HttpRequest, app: &App) -> Self {
        Self {
            address: of(http, app),
            is_secure: is_secure(http, app),
        }
    }
}

/// Whether the caller came over TLS: ours, or a trusted proxy's that says so.
fn is_secure(http: &HttpRequest, app: &App) -> bool {
    let peer = http.peer_addr().map(|peer| peer.ip().to_canonical());
    let is_trusted = peer.is_some_and(|peer| app.trusts(&peer));
    let proto = http.headers().get("X-Forwarded-Proto");
    // The trusted proxy wrote the last of them.
    let proto = proto.and_then(|proto| proto.to_str().ok()?.rsplit(',').next());
    app.has_tls
        || is_trusted && proto.is_some_and(|proto| proto.trim().eq_ignore_ascii_case("https"))
}

/// Where a request comes from. A peer that forwards without being trusted gets one warning: a forgotten proxy would
/// make all its callers one.
fn of(http: &HttpRequest, app: &App) -> Option<IpAddr> {
    let peer = http.peer_addr()?.ip().to_canonical();
    if !app.trusts(&peer) && http.headers().contains_key(X_FORWARDED_FOR) && app.warns_of(peer) {
        tracing::warn!(
            %peer,
            "X-Forwarded-For is ignored, because it comes from no trusted proxy: if this is yours, say --trusted-proxy {peer}"
        );
    }
    caller(Some(peer), http.headers(), &app.trusted_proxies)
}

/// The right-most address in `X-Forwarded-For` that is not a trusted proxy, if the peer is one; otherwise the peer's.
/// Addresses to the left of it were written by someone who is not trusted.
fn caller(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = peer?.to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        return Some(peer);
    }
    let lines: Vec<_> = headers.get_all(X_FORWARDED_FOR).collect();
    let hops = lines.iter().rev().flat_map(|line| {
        let line = line.to_str().unwrap_or("?");
        line.rsplit(',')
    });
    for hop in hops.take(MAX_HOPS) {
        match address(hop.trim()) {
            Some(address) if is_trusted(&address) => {}
            Some(address) => return Some(address),
            // Nothing to the left of an unreadable address can be believed.
            None => break,
        }
    }
    Some(peer)
}

/// An address, with or without a port.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']'));
    let address = bare.unwrap_or(hop).parse().ok();
    let address = address.or_else(|| hop.parse().ok().map(|hop: SocketAddr| hop.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    /// Checks the caller's address behind `peer`, with these header lines, where 10.0.0.0/8 and fd00::/8 are trusted.
    fn check(peer: &str, lines: &[&str], expected: &str) {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(
                X_FORWARDED_FOR,
                HeaderValue::from_bytes(line.as_bytes()).unwrap(),
            );
        }
        let found = caller(peer.parse().ok(), &headers, &trusted);
        assert_eq!(found, expected.parse().ok(), "{peer} {lines:?}");
    }

    #[test]
    fn only_a_trusted_peer_is_believed() {
        check("192.0.2.1", &["203.0.113.9"], "192.0.2.1");
        check("10.0.0.1", &["203.0.113.9"], "203.0.113.9");
        check("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9");
        check("fd00::1", &["2001:db8::9"], "2001:db8::9");
        check("10.0.0.1", &[], "10.0.0.1");
    }

    #[test]
    fn the_right_most_that_is_not_trusted_counts() {
        check("10.0.0.1", &["198.51.100.1, 203.0.113.9"], "203.0.113.9");
        check(
            "10.0.0.1",
            &["198.51.100.1,203.0.113.9 , 10.9.9.9"],
            "203.0.113.9",
        );
        check(
            "10.0.0.1",
            &["198.51.100.1", "203.0.113.9", "10.9.9.9"],
            "203.0.113.9",
        );
        check("10.0.0.1", &["10.0.0.7, 10.0.0.8"], "10.0.0.1");
        check("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9");
        check(
            "10.0.0.1",
            &["[2001:db8::9]:4711, [fd00::2]"],
            "2001:db8::9",
        );
        check("10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9");
    }

    #[test]
    fn what_cannot_be_read_is_not_believed() {
        for line in [
            "",
            "unknown",
            "203.0.113.9, ",
            "203.0.113.9,x",
            "203.0.113",
            "\u{e9}",
        ] {
            check("10.0.0.1", &[line], "10.0.0.1");
        }
        check("10.0.0.1", &["x, 203.0.113.9"], "203.0.113.9");
        let long = "10.0.0.2,".repeat(MAX_HOPS - 1) + "10.0.0.3";
        check("10.0.0.1", &[&format!("203.0.113.9,{long}")], "10.0.0.1");
        let shorter = "10.0.0.2,".repeat(MAX_HOPS - 2) + "10.0.0.3";
        check(
            "10.0.0.1",
            &[&format!("203.0.113.9,{shorter}")],
            "203.0.113.9",
        );
    }
}
