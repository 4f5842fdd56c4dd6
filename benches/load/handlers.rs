//! Every web page, method and look inside, each with its most expensive permitted request: the CPU that it takes of a
//! worker, and on other threads.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;

use linebook::api::encoding::percent_encode;
use linebook::api::limits::MAX_BODY;
use linebook::service::sessions::form_token;

use super::crowd::BIG_USER;
use super::server::Server;
use super::world;

/// The visitors, by the cookies of their sessions.
pub struct Visitors {
    pub admin: String,
    pub reseller: String,
    pub big_user: String,
}

/// A request, and its name in the table of results.
pub struct Asked {
    pub name: String,
    pub bytes: Rc<[u8]>,
}

/// The cost of one request, in milliseconds of CPU.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    /// On the threads that have connections.
    pub worker: f64,
    /// On the threads for web pages.
    pub aside: f64,
    /// On all others: lists in pieces, the writer, passwords, the log.
    pub others: f64,
}

/// The type of a form's body.
const FORM: &str = "application/x-www-form-urlencoded";

fn asked(name: &str, head: &str, body: &str) -> Asked {
    let request = format!(
        "{head}Host: 127.0.0.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Asked {
        name: name.into(),
        bytes: request.into_bytes().into(),
    }
}

fn page(token: &str, path: &str) -> Asked {
    let head = format!("GET {path} HTTP/1.1\r\nAccept: text/html\r\nCookie: linebook={token}\r\n");
    asked(&format!("GET {path}"), &head, "")
}

fn action(token: &str, path: &str, fields: &[(&str, &str)]) -> Asked {
    let head = format!(
        "POST {path} HTTP/1.1\r\nAccept: text/html\r\nCookie: linebook={token}\r\nContent-Type: {FORM}\r\n"
    );
    let mut body = format!("form_token={}", form_token(token));
    for (name, value) in fields {
        body.push_str(&format!("&{name}={}", percent_encode(value)));
    }
    assert!(body.len() <= MAX_BODY, "{path}: {}", body.len());
    asked(&format!("POST {path}"), &head, &body)
}

/// A body that its method refuses, after however much work that takes.
fn broken(name: &str, headers: &str, body: &str) -> Asked {
    let head = format!("POST /billing/api/device_create?u=admin HTTP/1.1\r\n{headers}");
    assert!(body.len() <= MAX_BODY, "{name}: {}", body.len());
    asked(name, &head, body)
}

/// All requests that are measured.
pub fn all(visitors: &Visitors) -> Vec<Asked> {
    let mut all = looks();
    all.extend(calls());
    all.extend(parsing());
    all.extend(lists(visitors));
    all.extend(forms(visitors));
    all
}

fn looks() -> Vec<Asked> {
    let paths = [
        "/health/live",
        "/health/ready",
        "/metrics",
        "/sign-in",
        "/no/such/page",
    ];
    let look = |path: &&str| {
        asked(
            &format!("GET {path}"),
            &format!("GET {path} HTTP/1.1\r\n"),
            "",
        )
    };
    paths.iter().map(look).collect()
}

/// Calls that succeed, or get as far as they can.
fn calls() -> Vec<Asked> {
    let long = "x".repeat(7000);
    let named = |name: &str, parameters: &[(&str, String)]| Asked {
        name: name.into(),
        bytes: closing(&world::request(
            name.split(' ').next().unwrap_or(name),
            parameters,
        )),
    };
    let big_user = ("user_id", BIG_USER.to_string());
    let first = ("user_id", world::FIRST_USER.to_string());
    vec![
        named("devices_get", std::slice::from_ref(&first)),
        named(
            "devices_get of the user with most devices",
            std::slice::from_ref(&big_user),
        ),
        named(
            "devices_get the same, indented",
            &[big_user, ("test", "1".into())],
        ),
        named(
            "device_create",
            &[first.clone(), ("description", "x".repeat(255))],
        ),
        named(
            "device_create refused for a long text",
            &[first, ("description", long.clone())],
        ),
        named(
            "cli_add refused for a long text",
            &[("device_id", "1".into()), ("comment", long)],
        ),
        named(
            "did_create of one that exists",
            &[("did", world::reserved_did(0)), ("provider_id", "1".into())],
        ),
        named(
            "did_trunk_device_assign of one that is active",
            &[("device_id", "1".into()), ("did", world::reserved_did(1))],
        ),
    ]
}

/// The request on a connection of its own.
fn closing(request: &[u8]) -> Rc<[u8]> {
    let text = String::from_utf8_lossy(request);
    let text = text.replacen("Host:", "Connection: close\r\nHost:", 1);
    text.into_bytes().into()
}

/// Requests that are read before anyone knows whose they are.
fn parsing() -> Vec<Asked> {
    let form = format!("Content-Type: {FORM}\r\n");
    let room = MAX_BODY - 10;
    let filled = |piece: &str| piece.repeat(room / piece.len());
    let json = |piece: &str| format!("{{{}\"z\":1}}", filled(piece));
    let part = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
    let multipart = "Content-Type: multipart/form-data; boundary=b\r\n";
    let head =
        |name: &str, value: &str| format!("{name}: {}\r\n", value.repeat(100_000 / value.len()));
    let hash = "0".repeat(40);
    vec![
        broken("a form of empty pairs", &form, &filled("&")),
        broken("a form of names", &form, &filled("a&")),
        broken("a form of escapes", &form, &format!("a={}", filled("%41"))),
        broken(
            "200 long values and an incorrect hash",
            &form,
            &format!(
                "{}hash={hash}",
                format!("pin={}&", "1".repeat(320)).repeat(198)
            ),
        ),
        broken(
            "a long value and an incorrect hash",
            &form,
            &format!("hash={hash}&description={}", filled("1").split_off(100)),
        ),
        broken(
            "a JSON of members",
            "Content-Type: application/json\r\n",
            &json("\"a\":1,"),
        ),
        broken(
            "a JSON of escapes",
            "Content-Type: application/json\r\n",
            &format!("{{\"a\":\"{}\"}}", filled("\\u0041")),
        ),
        broken(
            "a JSON of brackets",
            "Content-Type: application/json\r\n",
            &format!("{{\"a\":{}", filled("[")),
        ),
        broken("a multipart of parts", multipart, &filled(part)),
        broken(
            "a multipart of dashes",
            multipart,
            &format!("--b\r\n\r\n{}", filled("\r\n--").split_off(20)),
        ),
        broken(
            "a multipart of headers",
            multipart,
            &format!("--b\r\n{}", filled("a:b\r\n").split_off(20)),
        ),
        broken("a long Accept-Encoding", &head("Accept-Encoding", "a,"), ""),
        broken(
            "a long X-Forwarded-For",
            &head("X-Forwarded-For", "1.1.1.1,"),
            "",
        ),
        asked(
            "a long cookie",
            &format!(
                "GET / HTTP/1.1\r\nAccept: text/html\r\n{}",
                head("Cookie", "linebook=a;")
            ),
            "",
        ),
        asked(
            "96 headers",
            &format!(
                "GET / HTTP/1.1\r\nAccept: text/html\r\n{}",
                "Cookie: linebook=a\r\n".repeat(92)
            ),
            "",
        ),
        asked(
            "a path of slashes",
            &format!(
                "GET {} HTTP/1.1\r\nAccept: text/html\r\n",
                "/a".repeat(30_000)
            ),
            "",
        ),
    ]
}

/// Lists with a filter that matches nothing, and their CSV files.
fn lists(visitors: &Visitors) -> Vec<Asked> {
    let Visitors {
        admin,
        reseller,
        big_user,
    } = visitors;
    let filters = [
        ("/devices", "type=Skype"),
        ("/devices", "caller_id=yes"),
        ("/devices", "sort=description&caller_id=yes"),
        ("/devices", "sort=extension&caller_id=yes"),
        ("/devices", "q=office&caller_id=yes"),
        ("/devices", "user=big&q=zzz"),
        ("/dids", "status=active&user=user0&q=37"),
        ("/dids", "provider=1&status=terminated"),
        ("/dids", "provider=2"),
        ("/clis", "q=zzz"),
        ("/clis", "banned=yes"),
        ("/users", "q=zzz"),
        ("/users", "type=manager&q=u"),
        ("/groups", "user=big"),
        ("/groups", "q=zzz"),
        ("/providers", "q=zzz"),
        ("/ivrs", "q=zzz"),
        ("/dialplans", "q=zzz"),
        ("/log", "actor=nobody"),
        ("/log", "action=zzz&object=1"),
        ("/log", "since=2030-01-01"),
    ];
    let mut all = vec![page(admin, "/"), page(reseller, "/"), page(big_user, "/")];
    for (path, filter) in filters {
        all.push(page(admin, path));
        all.push(page(admin, &format!("{path}?{filter}")));
    }
    // Only the first pieces of a file are read.
    for path in ["/devices.csv", "/dids.csv", "/clis.csv", "/log.csv"] {
        all.push(page(admin, path));
    }
    for path in [
        "/devices?q=zzz",
        "/devices?caller_id=yes",
        "/dids",
        "/clis",
        "/account",
    ] {
        all.push(page(big_user, path));
    }
    for path in [
        "/devices?q=zzz",
        "/log?action=zzz",
        "/users?q=zzz",
        "/settings",
    ] {
        all.push(page(reseller, path));
    }
    all
}

/// Forms with everything that they offer, and actions that are refused as late as possible.
fn forms(visitors: &Visitors) -> Vec<Asked> {
    let admin = &visitors.admin;
    let pages = [
        "/account",
        "/devices/new",
        "/devices/1",
        "/devices/50000001",
        "/dids/new",
        "/dids/1",
        "/clis/new",
        "/clis/1",
        "/users/new",
        "/users/40000000",
        "/groups/new",
        "/groups/1",
        "/providers/new",
        "/providers/1",
        "/ivrs/new",
        "/ivrs/1",
        "/dialplans/new",
        "/dialplans/1",
        "/settings",
        "/hash",
        "/console",
        "/console/device_create",
    ];
    let mut all: Vec<Asked> = pages.iter().map(|path| page(admin, path)).collect();
    let long = "<".repeat(10_000);
    let big_user = BIG_USER.to_string();
    for path in [
        "/devices/new",
        "/devices/1/edit",
        "/clis/new",
        "/clis/1/edit",
        "/users/new",
        "/groups/new",
        "/groups/1/edit",
        "/providers/new",
        "/providers/1/edit",
        "/ivrs/new",
        "/ivrs/1/edit",
        "/dialplans/new",
        "/dialplans/1/edit",
        "/settings/set",
        "/settings/allow",
        "/settings/keys/new",
        "/dids/1/assign",
        "/devices/1/secret",
    ] {
        let description = match path.starts_with("/clis/") {
            true => "cli_description",
            false => "description",
        };
        let text = [
            ("user_id", "nobody"),
            (description, &long),
            ("name", &long),
            ("provider_id", "1"),
        ];
        all.push(action(admin, path, &text));
    }
    all.push(action(
        admin,
        "/dids/new",
        &[
            ("provider_id", "1"),
            ("did", "370000000000"),
            ("last", "370000000999"),
        ],
    ));
    all.push(action(
        admin,
        "/console/devices_get",
        &[("user_id", &big_user)],
    ));
    for value in [1, 9000] {
        all.push(Asked {
            name: format!("POST /hash of seven values of {value} bytes"),
            bytes: explain(admin, value),
        });
    }
    all
}

/// A request with a hash that nothing explains, and as many values as are tried in every order.
pub fn unexplained(length: usize) -> String {
    let value = "x".repeat(length);
    let names = [
        "user_id",
        "pin",
        "description",
        "caller_id",
        "type",
        "devicegroup_id",
    ];
    let pairs: Vec<String> = names.iter().map(|name| format!("{name}={value}")).collect();
    format!(
        "/billing/api/device_create?u=admin&{}&hash={}",
        pairs.join("&"),
        "0".repeat(40)
    )
}

/// A form that asks for an explanation of such a request.
pub fn explain(token: &str, length: usize) -> Rc<[u8]> {
    action(token, "/hash", &[("request", &unexplained(length))]).bytes
}

/// Sends the bytes, and reads the answer to its end or to a limit.
pub fn send(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(bytes).expect("a request is sent");
    let mut answer = Vec::new();
    // The limit cuts only the longest lists.
    let _ = stream.take(256 * 1024).read_to_end(&mut answer);
    let head = String::from_utf8_lossy(&answer[..answer.len().min(64)]).into_owned();
    head.split("\r\n").next().unwrap_or_default().to_owned()
}

/// The cost of a request to the server: the median of `times` runs.
pub fn measure(server: &Server, asked: &Asked, times: usize) -> (Cost, String) {
    let mut costs = Vec::new();
    let mut status = String::new();
    for _ in 0..times {
        let before = server.cpu_by_thread();
        status = send(server.address, &asked.bytes);
        let after = server.cpu_by_thread();
        let spent = |is_meant: fn(&str) -> bool| {
            let sum = |all: &[(String, u64)]| -> u64 {
                all.iter()
                    .filter(|(name, _)| is_meant(name))
                    .map(|(_, ns)| ns)
                    .sum()
            };
            sum(&after).saturating_sub(sum(&before)) as f64 / 1e6
        };
        costs.push(Cost {
            worker: spent(is_worker),
            aside: spent(is_aside),
            others: spent(|name| !is_worker(name) && !is_aside(name)),
        });
    }
    costs.sort_by(|a, b| (a.worker + a.aside).total_cmp(&(b.worker + b.aside)));
    (costs[costs.len() / 2], status)
}

fn is_worker(name: &str) -> bool {
    name.starts_with("actix-rt|system") || name.starts_with("actix-server wo")
}

fn is_aside(name: &str) -> bool {
    name.starts_with("aside-")
}
