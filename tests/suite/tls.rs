//! TLS without a proxy: calls, plain clients, and a certificate that changes while connections are open.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use linebook::http::wire::tls::Tls;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::common::server::linebook;
use crate::common::{Call, Server};

/// A connection in TLS.
pub type Connection = StreamOwned<ClientConnection, TcpStream>;

/// Puts a new certificate for `localhost` and its key into the folder.
pub fn renew(folder: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.der().clone()
}

/// A server with the certificate and the key in the folder.
pub fn server(folder: &Path) -> Server {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    Server::start(&["--tls-cert", &cert, "--tls-key", &key])
}

/// A connection that trusts this certificate and nothing else.
pub fn connect(address: SocketAddr, cert: &CertificateDer<'static>) -> std::io::Result<Connection> {
    let mut roots = RootCertStore::empty();
    roots.add(cert.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(client, TcpStream::connect(address)?);
    stream.conn.complete_io(&mut stream.sock)?;
    Ok(stream)
}

fn call(connection: &mut Connection) -> String {
    let request = Call::sample("devices_get").signed_by_admin().post();
    let request = request.header("Accept-Encoding", "identity");
    connection.write_all(&request.to_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"</page>") {
        let mut some = [0; 4096];
        let count = connection.read(&mut some).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend(&some[..count]);
    }
    String::from_utf8(answer).unwrap()
}

fn is_list(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("<devices><device>"), "{answer}");
}

/// Tries until the server presents this certificate.
fn wait_for(address: SocketAddr, cert: &CertificateDer<'static>) -> Connection {
    let started = Instant::now();
    loop {
        match connect(address, cert) {
            Ok(connection) => return connection,
            Err(error) => assert!(started.elapsed() < Duration::from_secs(10), "{error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn calls_are_answered_in_tls_and_a_new_certificate_needs_no_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = renew(folder.path());
    let server = server(folder.path());
    let mut old = connect(server.address, &first).unwrap();
    is_list(&call(&mut old));

    let second = renew(folder.path());
    assert!(
        connect(server.address, &second).is_err(),
        "read before it was told to"
    );
    server.signal(Signal::HUP);
    is_list(&call(&mut wait_for(server.address, &second)));
    // Open connections go on.
    is_list(&call(&mut old));

    // A key that cannot be used is ignored.
    std::fs::write(folder.path().join("key.pem"), "no key").unwrap();
    server.signal(Signal::HUP);
    std::thread::sleep(Duration::from_millis(500));
    is_list(&call(&mut connect(server.address, &second).unwrap()));
    // The server goes on, and takes the next good one.
    let third = renew(folder.path());
    server.signal(Signal::HUP);
    is_list(&call(&mut wait_for(server.address, &third)));
    drop(old);
    let log = server.stop();
    assert!(log.contains("the certificate was read again"), "{log}");
    assert!(log.contains("the certificate in use stays"), "{log}");
}

#[test]
fn a_client_without_tls_is_not_served_and_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let cert = renew(folder.path());
    let server = server(folder.path());
    let mut plain = TcpStream::connect(server.address).unwrap();
    plain
        .write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    let _silent = TcpStream::connect(server.address).unwrap();
    is_list(&call(&mut connect(server.address, &cert).unwrap()));
}

#[test]
fn what_is_no_http_is_answered_with_xml_in_tls_too() {
    let folder = tempfile::tempdir().unwrap();
    let cert = renew(folder.path());
    let server = server(folder.path());
    let mut connection = connect(server.address, &cert).unwrap();
    connection.write_all(b"BAD\r\n\r\n").unwrap();
    let mut answer = String::new();
    let _ = connection.read_to_string(&mut answer);
    assert!(
        answer.contains("<error>Request is not HTTP/1.1</error>"),
        "{answer}"
    );
    assert!(
        answer.contains("\r\nstrict-transport-security: "),
        "{answer}"
    );
}

#[test]
fn files_that_cannot_be_used_are_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    renew(folder.path());
    let refused = |cert: &str, key: &str, expected: &str| {
        let error = Tls::read(path(cert), path(key)).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains('\n'), "{error}");
    };
    refused("none.pem", "key.pem", "none.pem: ");
    refused(
        "key.pem",
        "key.pem",
        "key.pem: there is no certificate in it",
    );
    refused("cert.pem", "cert.pem", "cert.pem: ");
    let other = TempDir::new().unwrap();
    renew(other.path());
    std::fs::copy(other.path().join("key.pem"), path("other.pem")).unwrap();
    refused(
        "cert.pem",
        "other.pem",
        "other.pem: not the key of the certificate",
    );
    assert!(Tls::read(path("cert.pem"), path("key.pem")).is_ok());

    let data = tempfile::tempdir().unwrap();
    let output = linebook()
        .args([
            "demo",
            "--listen",
            "127.0.0.1:0",
            "--tls-cert",
            "x.pem",
            "--data",
        ])
        .arg(data.path().join("new"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.contains("--tls-cert needs --tls-key beside it"),
        "{errors}"
    );
}
