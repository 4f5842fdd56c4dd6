//! linebook behind real proxies, HAProxy and nginx, which share their connections among all clients: whatever one
//! client sends, the others get their own answers and nothing else.
//!
//! They need `haproxy` and `nginx` on the PATH; `.ci/run` installs both.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

#[path = "../common/mod.rs"]
mod common;

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use linebook::ambient::Ambient;
use linebook::http::server::Options;
use linebook::http::wire::timeouts::Timeouts;
use linebook::store;
use tempfile::TempDir;

use crate::common::hidden::{BODY, TRIGGERS, answers, attack, attack_in_parts};
use crate::common::socket::{Client, send, send_together, serve_with};
use crate::common::{Answer, Call, Request, World};

/// After this, a proxy that has not started never will.
const LONG: Duration = Duration::from_secs(10);

/// One connection to the server, which all clients share.
const HAPROXY: &str = "
global
    maxconn 200
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    http-reuse always
frontend all
    bind FRONT
    default_backend linebook
backend linebook
    option forwardfor
    server linebook BACK maxconn 1 pool-max-conn 1
";
/// nginx by default: HTTP/1.0, a connection for each request, bodies read to their end.
const NGINX: &str = "
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    MORE
    server {
        listen FRONT;
        location / { proxy_pass http://TO; WITH }
    }
}
";
/// One connection for all, and bodies passed on as they come.
const SHARED: (&str, &str) = (
    "upstream linebook { server BACK; keepalive 1; }",
    "proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_request_buffering off;",
);

/// The kinds of proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Haproxy,
    Nginx,
    SharedNginx,
}

/// A proxy in front of a server; both end with it.
struct Proxy {
    child: Child,
    world: World,
    address: SocketAddr,
    _folder: TempDir,
}

impl Proxy {
    fn start(kind: Kind) -> Self {
        let world = World::with(store::Options::default(), Ambient::system());
        let timeouts = Timeouts {
            body: BODY,
            ..Timeouts::default()
        };
        let back = serve_with(
            &world,
            Options {
                timeouts,
                ..Options::default()
            },
        );
        let folder = tempfile::tempdir().unwrap();
        // Another process may take the port meanwhile; then the next try takes another one.
        let started = Instant::now();
        loop {
            let front = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap();
            let mut child = run(kind, folder.path(), front, back);
            while started.elapsed() < LONG && child.try_wait().unwrap().is_none() {
                if TcpStream::connect(front).is_ok() {
                    return Self {
                        child,
                        world,
                        address: front,
                        _folder: folder,
                    };
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            assert!(started.elapsed() < LONG, "{kind:?} does not start");
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(kind: Kind, folder: &Path, front: SocketAddr, back: SocketAddr) -> Child {
    let text = match kind {
        Kind::Haproxy => HAPROXY.into(),
        Kind::Nginx => NGINX
            .replace("MORE", "")
            .replace("TO", "BACK")
            .replace("WITH", ""),
        Kind::SharedNginx => NGINX
            .replace("MORE", SHARED.0)
            .replace("TO", "linebook")
            .replace("WITH", SHARED.1),
    };
    let text = text.replace("FRONT", &front.to_string());
    let text = text.replace("BACK", &back.to_string());
    std::fs::write(folder.join("conf"), text).unwrap();
    let mut command = match kind {
        Kind::Haproxy => Command::new("haproxy"),
        Kind::Nginx | Kind::SharedNginx => Command::new("nginx"),
    };
    match kind {
        Kind::Haproxy => command.args(["-db", "-q", "-f"]).arg(folder.join("conf")),
        Kind::Nginx | Kind::SharedNginx => command
            .arg("-p")
            .arg(folder)
            .args(["-c", "conf", "-e", "stderr"])
            .args(["-g", "daemon off; master_process off; pid pid;"]),
    };
    command.stdin(Stdio::null()).spawn().unwrap()
}

fn list() -> Request {
    let request = Call::sample("devices_get").signed_by_admin().post();
    request.header("Accept-Encoding", "identity")
}

fn is_list(answer: &Answer) {
    assert_eq!(answer.status, 200);
    assert!(
        answer.page().starts_with("<devices><device>"),
        "{}",
        answer.text()
    );
}

fn is_live(answer: &Answer) {
    assert_eq!((answer.status, &answer.body[..]), (200, &b"ok\n"[..]));
}

/// Nothing hidden in a body runs, and the next client on the shared connection gets their own answer.
fn nobody_gets_what_another_hid(kind: Kind) {
    let proxy = Proxy::start(kind);
    let before = proxy.world.dump();
    let mut other = Client::new(proxy.address);
    for trigger in &TRIGGERS {
        // The proxies do not tunnel.
        if trigger.line.starts_with("CONNECT") {
            continue;
        }
        for is_chunked in [true, false] {
            let (first, rest) = attack(trigger, is_chunked, "Connection: close\r\n");
            let seen = answers(proxy.address, &first, trigger.pause, &rest, false);
            let statuses: Vec<u16> = seen.iter().map(|(status, _)| *status).collect();
            // This nginx waits for a slow body itself.
            let expected = match (kind, trigger.status) {
                (Kind::Nginx, 400) => 200,
                (_, status) => status,
            };
            assert_eq!(
                statuses,
                [expected],
                "{}, chunked: {is_chunked}",
                trigger.line
            );
            for _ in 0..3 {
                is_live(&other.send(&Request::new("GET", "/health/live")));
                is_list(&send(proxy.address, &list()));
            }
            assert!(
                proxy.world.dump() == before,
                "{} changed something",
                trigger.line
            );
        }
    }
}

/// This request once ran through HAProxy, and its answer went to the next client.
fn nor_what_is_hidden_where_a_body_is_too_large(kind: Kind) {
    let proxy = Proxy::start(kind);
    let before = proxy.world.dump();
    for pause in [Duration::ZERO, BODY / 4, BODY / 2] {
        let client = Client::new(proxy.address);
        for part in attack_in_parts() {
            let _ = client.writer().write_all(&part);
            std::thread::sleep(pause);
        }
        for _ in 0..3 {
            is_live(&send(proxy.address, &Request::new("GET", "/health/live")));
        }
        assert!(proxy.world.dump() == before, "something changed");
    }
}

fn everyone_gets_their_own_answers(kind: Kind) {
    let proxy = Proxy::start(kind);
    let mut clients: Vec<Client> = (0..5).map(|_| Client::new(proxy.address)).collect();
    for turn in 0..40 {
        let client = &mut clients[turn % 5];
        match turn % 3 {
            0 => is_list(&client.send(&list())),
            1 => is_live(&client.send(&Request::new("GET", "/health/live"))),
            _ => assert_eq!(client.send(&Request::new("POST", "/api/none")).status, 404),
        }
    }
    drop(clients);
    for answer in send_together(proxy.address, &vec![list(); 20]) {
        is_list(&answer);
    }
}

fn bodies_come_slowly_and_in_chunks(kind: Kind) {
    let proxy = Proxy::start(kind);
    let form = Call::sample("devices_get").signed_by_admin().form();
    let head = "POST /billing/api/devices_get HTTP/1.1\r\nHost: x\r\nAccept-Encoding: identity\r\n";
    let mut client = Client::new(proxy.address);
    for pause in [Duration::ZERO, BODY / 20] {
        client.write(format!("{head}Content-Length: {}\r\n\r\n", form.len()).as_bytes());
        for piece in form.as_bytes().chunks(form.len().div_ceil(10)) {
            std::thread::sleep(pause);
            client.write(piece);
        }
        is_list(&client.read(true).unwrap());
        client.write(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes());
        for piece in form.as_bytes().chunks(form.len().div_ceil(10)) {
            std::thread::sleep(pause);
            client.write(format!("{:x}\r\n", piece.len()).as_bytes());
            client.write(&[piece, b"\r\n"].concat());
        }
        client.write(b"0\r\n\r\n");
        is_list(&client.read(true).unwrap());
    }
}

fn an_early_answer_arrives(kind: Kind) {
    let proxy = Proxy::start(kind);
    for size in [65_537, 200_000] {
        let body = vec![b'a'; size];
        let head = format!(
            "POST /billing/api/devices_get HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
        );
        for _ in 0..3 {
            let mut client = Client::new(proxy.address);
            client.write(&[head.as_bytes(), &body].concat());
            let answer = client.read(true).unwrap();
            assert_eq!(answer.status, 413);
            assert_eq!(answer.error().unwrap(), "Body is larger than 65536 bytes");
        }
        is_list(&send(proxy.address, &list()));
    }
}

/// The README's call, which has neither a body nor a length.
fn the_readme_s_line_works(kind: Kind) {
    let proxy = Proxy::start(kind);
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.unwrap();
    let line = readme
        .lines()
        .find(|line| line.starts_with("curl "))
        .unwrap();
    let line = line.replace("127.0.0.1:8080", &proxy.address.to_string());
    let output = Command::new("sh").args(["-c", &line]).output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    assert!(
        answer.contains("<status>Device created</status>"),
        "{answer}"
    );
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let has = |program: &str| {
        let version = Command::new(program).arg("-v").output();
        version.is_ok_and(|output| output.status.success())
    };
    let is_skipped = !has("haproxy") || !has("nginx");
    if is_skipped {
        println!(
            "The proxies' tests are skipped: install haproxy and nginx (Debian: haproxy, nginx), or run .ci/run."
        );
    }
    let tests = [
        (
            "nobody_gets_what_another_hid",
            nobody_gets_what_another_hid as fn(Kind),
        ),
        (
            "nor_what_is_hidden_where_a_body_is_too_large",
            nor_what_is_hidden_where_a_body_is_too_large,
        ),
        (
            "everyone_gets_their_own_answers",
            everyone_gets_their_own_answers,
        ),
        (
            "bodies_come_slowly_and_in_chunks",
            bodies_come_slowly_and_in_chunks,
        ),
        ("an_early_answer_arrives", an_early_answer_arrives),
        ("the_readme_s_line_works", the_readme_s_line_works),
    ];
    let kinds = [
        ("haproxy", Kind::Haproxy),
        ("nginx", Kind::Nginx),
        ("nginx_shared", Kind::SharedNginx),
    ];
    let trials = kinds.iter().flat_map(|(name, kind)| {
        tests.map(|(test, run)| {
            let kind = *kind;
            let trial = Trial::test(format!("{name}::{test}"), move || {
                std::panic::catch_unwind(|| run(kind)).map_err(|_| Failed::without_message())
            });
            trial.with_ignored_flag(is_skipped)
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
