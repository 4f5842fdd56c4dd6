//! The cookies of the web pages on a real server: they are restricted to TLS where the browser uses TLS.

use std::io::{Read, Write};
use std::net::TcpStream;

use linebook::service::sessions::form_token;

use crate::common::Server;
use crate::tls;

/// The cookie in the answer to a request for a page with these headers.
fn cookie(stream: impl Read + Write, start: &str, headers: &str, body: &str) -> String {
    let answer = answer(stream, start, headers, body);
    let cookie = header(&answer, "set-cookie");
    cookie.unwrap_or_else(|| panic!("no cookie: {answer}"))
}

/// A header of an answer.
fn header(answer: &str, wanted: &str) -> Option<String> {
    answer.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case(wanted).then(|| value.to_owned())
    })
}

fn answer(mut stream: impl Read + Write, start: &str, headers: &str, body: &str) -> String {
    let head = format!("{start} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n");
    let length = body.len();
    let form = "Content-Type: application/x-www-form-urlencoded";
    let request = format!("{head}{headers}{form}\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A TLS stream may end without saying so.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into()
}

/// The cookies of the form and of the session, from a connection each.
fn both<S: Read + Write>(connect: impl Fn() -> S, headers: &str) -> [String; 2] {
    let visitor = cookie(connect(), "GET /sign-in", headers, "");
    let token = visitor.strip_prefix("linebook=").unwrap();
    let token = token.split(';').next().unwrap();
    let form_token = form_token(token);
    let form = format!("form_token={form_token}&username=admin&password=password");
    let headers = format!("{headers}Cookie: linebook={token}\r\n");
    let session = cookie(connect(), "POST /sign-in", &headers, &form);
    assert!(
        session.contains("Max-Age=86400"),
        "not signed in: {session}"
    );
    [visitor, session]
}

fn check(server: &Server, headers: &str, is_secure: bool) {
    for cookie in both(|| TcpStream::connect(server.address).unwrap(), headers) {
        let says = cookie.split("; ").any(|word| word == "Secure");
        assert_eq!(says, is_secure, "{headers}: {cookie}");
    }
}

#[test]
fn a_trusted_proxy_says_that_the_cookie_is_for_tls_only() {
    let server = Server::start(&["--trusted-proxy", "127.0.0.1"]);
    check(&server, "X-Forwarded-Proto: https\r\n", true);
    check(&server, "X-Forwarded-Proto: http\r\n", false);
    check(&server, "", false);
}

#[test]
fn nobody_else_says_what_the_browser_uses() {
    for flags in [&[][..], &["--trusted-proxy", "10.0.0.0/8"]] {
        let server = Server::start(flags);
        // A caller's own headers do not make them a trusted proxy.
        let headers = "X-Forwarded-Proto: https\r\nX-Forwarded-For: 10.0.0.1\r\n";
        check(&server, headers, false);
        check(&server, "", false);
    }
}

/// The `Strict-Transport-Security` of pages, methods and everything else.
fn only_over_tls<S: Read + Write>(connect: impl Fn() -> S, headers: &str) -> Vec<Option<String>> {
    let starts = [
        "GET /sign-in",
        "POST /billing/api/devices_get",
        "GET /health/live",
        "GET /no/such/page",
    ];
    let says = |start| {
        let answer = answer(connect(), start, headers, "");
        header(&answer, "strict-transport-security")
    };
    starts.map(says).to_vec()
}

#[test]
fn who_came_over_tls_is_told_to_come_only_so() {
    let year = vec![Some("max-age=31536000".to_owned()); 4];
    let folder = tempfile::tempdir().unwrap();
    let cert = tls::renew(folder.path());
    let server = tls::server(folder.path());
    let connect = || tls::connect(server.address, &cert).unwrap();
    assert_eq!(only_over_tls(connect, ""), year);

    let https = "X-Forwarded-Proto: https\r\n";
    let proxied = Server::start(&["--trusted-proxy", "127.0.0.1"]);
    let connect = || TcpStream::connect(proxied.address).unwrap();
    assert_eq!(only_over_tls(connect, https), year);
    assert_eq!(only_over_tls(connect, ""), vec![None; 4]);
    // Nobody else can claim to come over TLS.
    let plain = Server::start(&[]);
    let connect = || TcpStream::connect(plain.address).unwrap();
    assert_eq!(only_over_tls(connect, https), vec![None; 4]);
}

#[test]
fn under_tls_the_cookie_is_for_tls_only() {
    let folder = tempfile::tempdir().unwrap();
    let cert = tls::renew(folder.path());
    let server = tls::server(folder.path());
    for headers in ["", "X-Forwarded-Proto: http\r\n"] {
        for cookie in both(|| tls::connect(server.address, &cert).unwrap(), headers) {
            assert!(cookie.contains("; Secure"), "{headers}: {cookie}");
        }
    }
}
