//! What the server tells about itself, and the secrets that it never tells.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use linebook::ambient::{Ambient, file_time};
use linebook::http::server::{Options, bind};
use linebook::service::installation;
use linebook::store;
use rusqlite::Connection;

use crate::common::server::linebook;
use crate::common::socket::{Client, send, serve, serve_with};
use crate::common::world::demo_folder;
use crate::common::{Call, Request, Server, World, methods};

fn served() -> (World, SocketAddr) {
    let world = World::with(store::Options::default(), Ambient::system());
    let address = serve(&world);
    (world, address)
}

fn get(path: &str) -> Request {
    Request::new("GET", path)
}

fn list() -> Call {
    Call::sample("devices_get").signed_by_admin()
}

/// The value of a series.
pub fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{series} ")));
    let line = line.unwrap_or_else(|| panic!("no {series} in\n{metrics}"));
    line.parse().unwrap()
}

#[test]
fn requests_are_counted_by_method_and_outcome() {
    let (_world, address) = served();
    let mut client = Client::new(address);
    for _ in 0..3 {
        client.send(&list().post());
    }
    client.send(&list().with("user_id", "999").signed_by_admin().post());
    client.send(&Call::sample("did_create").signed_by_admin().post());
    client.send(&Call::sample("did_create").signed_by_admin().post());
    client.send(&Request::new("POST", "/no/such/path?u=never-a-label"));
    client.send(&list().post().body(Some("text/plain"), "x"));
    let taken = Call::sample("cli_add").signed_by_admin();
    client.send(&taken.post());
    client.send(&taken.post());
    let metrics = client.send(&get("/metrics"));
    assert_eq!(
        metrics.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    let text = metrics.text();
    let requests = |method: &str, outcome: &str| {
        let series =
            format!("linebook_requests_total{{method=\"{method}\",outcome=\"{outcome}\"}}");
        value(&text, &series)
    };
    assert_eq!(requests("devices_get", "ok"), 3.0);
    assert_eq!(requests("devices_get", "User not found"), 1.0);
    assert_eq!(requests("devices_get", "unknown media type"), 1.0);
    assert_eq!(requests("did_create", "ok"), 1.0);
    assert_eq!(requests("did_create", "DID already exists"), 1.0);
    assert_eq!(requests("-", "unknown method"), 1.0);
    // The label leaves out the name in the caller's text.
    assert_eq!(
        requests("cli_add", "CLI already exists. It is assigned to {} device"),
        1.0
    );
    assert_eq!(requests("device_create", "ok"), 0.0);
    assert_eq!(
        value(
            &text,
            "linebook_request_duration_seconds_count{method=\"devices_get\"}"
        ),
        5.0
    );
    let took_s = "linebook_request_duration_seconds_sum{method=\"devices_get\"}";
    assert!(value(&text, took_s) > 0.0);
    assert_eq!(value(&text, "linebook_passwords_remembered_total"), 1.0);
    assert!(value(&text, "linebook_writes_total") >= 4.0);
    assert!(value(&text, "linebook_writer_batch_size_count") >= 4.0);
    assert_eq!(value(&text, "linebook_writer_queue_depth"), 0.0);
    assert!(value(&text, "linebook_wal_bytes") > 0.0);
    assert!(value(&text, "linebook_readers") >= 1.0);
    assert_eq!(value(&text, "linebook_readers_in_use"), 0.0);
    assert!(value(&text, "linebook_process_start_time_seconds") > 1e9);
    let build = format!(
        "linebook_build_info{{version=\"{}\"}}",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(value(&text, &build), 1.0);
    assert!(value(&text, "linebook_backup_age_seconds").is_nan());
    assert!(!text.contains("never-a-label"));
}

#[test]
fn what_waits_and_what_is_in_use_is_seen() {
    let world = World::new();
    let app = &world.app;
    let now = |series: &str| value(&app.metrics(), &format!("linebook_{series}"));
    let used = app
        .core
        .store
        .read(|_| Ok::<_, store::StoreError>(now("readers_in_use")));
    assert_eq!(used, Ok(1.0));

    // The writer waits five seconds for the blocker.
    let wait_for = |series: &str, wanted: f64| {
        let started = std::time::Instant::now();
        while now(series) != wanted {
            assert!(started.elapsed() < Duration::from_secs(4), "{series}");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    let blocker = Connection::open(world.path().join(store::FILE_NAME)).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let written = || {
        [
            "writes_total",
            "writer_batch_size_sum",
            "writer_batch_size_count",
        ]
        .map(now)
    };
    let before = written();
    std::thread::scope(|scope| {
        let write = || {
            app.core
                .store
                .write_blocking(|tx| installation::touch(tx, b"x"))
                .unwrap()
        };
        scope.spawn(write);
        // The writer takes the first, which waits for the blocker. The others wait behind it.
        wait_for("writes_total", before[0] + 1.0);
        for _ in 0..5 {
            scope.spawn(write);
        }
        wait_for("writer_queue_depth", 5.0);
        blocker.execute_batch("ROLLBACK").unwrap();
    });
    assert_eq!(now("writer_queue_depth"), 0.0);
    let after = written();
    let more: Vec<f64> = (0..3).map(|place| after[place] - before[place]).collect();
    assert_eq!(more, [6.0, 6.0, 2.0]);
}

#[test]
fn every_outcome_of_every_method_has_its_series_from_the_start() {
    let (world, _) = served();
    let text = world.app.metrics();
    for method in methods() {
        let method = linebook::api::methods::find(method).unwrap();
        for error in method.errors() {
            let outcome = error.text;
            let series = format!("method=\"{}\",outcome=\"{outcome}\"", method.name);
            assert!(text.contains(&series), "{series}");
        }
        for fault in linebook::api::fault::Fault::ALL {
            let series = format!("method=\"{}\",outcome=\"{}\"", method.name, fault.name());
            assert!(text.contains(&series), "{series}");
        }
    }
}

/// Runs a server that makes a backup a day, on a folder with backups of these ages in hours. Gives the age that its
/// metrics show in the end, and the number of backups then.
fn backups_after(hours: &[i64]) -> (f64, usize) {
    let backups = tempfile::tempdir().unwrap();
    // They belong to the server's installation.
    let demo = demo_folder();
    let now_ms = Ambient::system().now_ms();
    for hours in hours {
        let time = file_time(now_ms - hours * 60 * 60 * 1000);
        let made = backups.path().join(format!("linebook-{time}.db"));
        std::fs::copy(demo.path().join(store::FILE_NAME), made).unwrap();
    }
    let folder = backups.path().to_str().unwrap();
    let server = Server::start(&["--backup-every", "24h", "--backup-dir", folder]);
    let started = std::time::Instant::now();
    loop {
        let text = send(server.address, &get("/metrics")).text();
        let age_s = value(&text, "linebook_backup_age_seconds");
        // NaN means that no backup exists yet.
        assert!(age_s.is_nan() || age_s >= 0.0, "{age_s}");
        if age_s >= 0.0 {
            // A needless backup would be made now.
            std::thread::sleep(Duration::from_millis(500));
            return (age_s, std::fs::read_dir(&backups).unwrap().count());
        }
        assert!(started.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_age_of_the_last_backup_is_known() {
    let (age_s, count) = backups_after(&[]);
    assert!(age_s < 60.0 && count == 1, "{age_s}, {count}");
    let (age_s, count) = backups_after(&[3]);
    assert!((age_s - 10_800.0).abs() < 60.0 && count == 1, "{age_s}");
}

#[test]
fn a_backup_from_a_time_to_come_has_no_age_and_puts_none_off() {
    let (age_s, count) = backups_after(&[-5]);
    assert!(age_s < 60.0 && count == 2, "{age_s}, {count}");
    let (age_s, count) = backups_after(&[-5, 3]);
    assert!((age_s - 10_800.0).abs() < 60.0 && count == 2, "{age_s}");
}

#[test]
fn metrics_are_served_only_where_it_was_said() {
    let status = |server: &Server, path| send(server.address, &get(path)).status;
    let plain = Server::start_plain(&[]);
    assert_eq!(status(&plain, "/metrics"), 404);
    assert_eq!(status(&plain, "/health/live"), 200);
    assert_eq!(status(&plain, "/health/ready"), 200);
    let public = Server::start_plain(&["--metrics-public"]);
    assert_eq!(status(&public, "/metrics"), 200);
    let elsewhere = Server::start_plain(&["--metrics-listen", "127.0.0.1:0"]);
    assert_eq!(status(&elsewhere, "/metrics"), 404);
    assert_eq!(status(&elsewhere, "/health/ready"), 200);
}

#[test]
fn metrics_can_have_an_address_of_their_own() {
    let mut world = World::with(store::Options::default(), Ambient::system());
    std::sync::Arc::get_mut(&mut world.app)
        .unwrap()
        .has_public_metrics = false;
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let inside = listener.local_addr().unwrap();
    let address = serve_with(
        &world,
        Options {
            metrics: Some(listener),
            ..Options::default()
        },
    );
    assert_eq!(send(address, &get("/metrics")).status, 404);
    assert_eq!(send(address, &get("/health/ready")).status, 200);
    let metrics = send(inside, &get("/metrics")).text();
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    assert_eq!(send(inside, &get("/health/live")).status, 200);
    assert_eq!(send(inside, &get("/health/ready")).status, 200);
    // This address does not serve the API.
    assert_eq!(send(inside, &list().post()).status, 404);
    assert_eq!(send(inside, &Request::new("POST", "/metrics")).status, 405);
}

#[test]
fn ready_means_that_a_write_was_tried() {
    let (world, address) = served();
    let before = world.dump();
    let writes = || value(&world.app.metrics(), "linebook_wal_bytes");
    let size = writes();
    assert_eq!(send(address, &get("/health/ready")).text(), "ok\n");
    assert!(writes() > size, "nothing was written");
    assert_eq!(world.dump(), before);
}

#[test]
fn a_server_that_cannot_write_is_alive_and_not_ready() {
    let (world, address) = served();
    let blocker = Connection::open(world.path().join(store::FILE_NAME)).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = send(address, &get("/health/ready"));
    answer.check();
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    assert_eq!(send(address, &get("/health/live")).status, 200);
    blocker.execute_batch("ROLLBACK").unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(send(address, &get("/health/ready")).status, 200);
}

#[test]
fn nor_is_one_whose_writes_fail_at_once() {
    let (world, address) = served();
    world.sql(
        "CREATE TRIGGER no_writes BEFORE INSERT ON readiness BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    let answer = send(address, &get("/health/ready"));
    answer.check();
    assert!(answer.status >= 500, "{}", answer.status);
    assert_eq!(send(address, &get("/health/live")).status, 200);
}

/// Secrets that must never be seen outside the database and the answers that hand them out.
const SECRETS: &[&str] = &[
    "hunter2-password",
    "wrong-hunter3",
    "password-in-query",
    "Key0Of0The0Reseller",
    "signedwith-notakey",
    "0123456789abcdef0123456789abcdef01234567",
];

#[test]
fn secrets_are_in_no_log_metric_action_log_or_error() {
    let server = Server::start(&["--log", "info,linebook=trace"]);
    let mut client = Client::new(server.address);
    let mut told = Vec::new();
    let mut secrets: Vec<String> = SECRETS.iter().map(|secret| (*secret).into()).collect();
    // Errors of the command line repeat what was typed.
    let run = |line: &[&str], input: &str| {
        let mut child = linebook()
            .args(line)
            .arg("--data")
            .arg(server.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, input.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8(text).unwrap()
    };
    let reseller = [
        "user",
        "add",
        "shop",
        "--type",
        "reseller",
        "--password-file",
        "-",
    ];
    told.push(run(&reseller, "hunter2-password\n"));
    told.push(run(
        &["key", "add", "shop", "--key-file", "-"],
        "Key0Of0The0Reseller\n",
    ));
    told.push(run(
        &["key", "add", "nobody", "--key-file", "-"],
        "Key0Of0The0Reseller\n",
    ));
    told.push(run(&["user", "list"], ""));
    told.push(run(&["key", "list"], ""));
    told.push(run(&["device", "list"], ""));

    let mut requests = Vec::new();
    for method in methods() {
        let right = Call::sample(method);
        for call in [
            right.clone().with("p", "password").signed_by_admin(),
            right.clone().with("p", "wrong-hunter3").signed_by_admin(),
            right
                .clone()
                .with("p", "password-in-query")
                .signed_with("signedwith-notakey"),
            right
                .clone()
                .with("hash", "0123456789abcdef0123456789abcdef01234567"),
            right.clone().with("u", "nobody").with("p", "wrong-hunter3"),
            right
                .with("u", "shop")
                .with("p", "hunter2-password")
                .signed_with("Key0Of0The0Reseller"),
        ] {
            requests.extend([
                call.post(),
                call.post_form(),
                call.post_json(),
                call.post_multipart(),
            ]);
            requests.push(call.get());
            requests.push(call.post().body(Some("text/plain"), "x"));
            requests.push(
                call.post()
                    .body(Some("application/json"), "{\"p\":\"wrong-hunter3\""),
            );
        }
        requests.push(Request::new(
            "POST",
            &format!("/wrong-hunter3/{method}?p=password-in-query"),
        ));
        requests.push(Request::new(
            "PUT",
            &format!("/api/{method}?p=password-in-query"),
        ));
    }
    for request in &requests {
        let answer = client.send(request);
        let text = answer.text();
        // A new device's secret is handed out once, to the caller who made it.
        match text.split("<password>").nth(1) {
            Some(rest) if !rest.starts_with('<') => {
                secrets.push(rest.split('<').next().unwrap().into());
            }
            _ => told.push(text),
        }
    }
    let mut broken = Client::new(server.address);
    broken.write(b"GET /?p=password-in-query&hash=wrong-hunter3 HTTP/9.9\r\n\r\n");
    told.push(broken.read(true).unwrap().text());
    told.push(client.send(&get("/metrics")).text());

    let connection = Connection::open(server.path().join(store::FILE_NAME)).unwrap();
    let column = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    secrets.extend(column(
        "SELECT secret FROM devices WHERE length(secret) >= 16",
    ));
    secrets.extend(column(
        "SELECT password FROM users WHERE password IS NOT NULL
         UNION SELECT password FROM providers WHERE password <> ''",
    ));
    let generated = secrets.len() - SECRETS.len();
    assert!(generated > 3, "{generated} generated secrets");
    let actions = crate::common::world::rows(&connection, "SELECT * FROM action_log");
    assert!(actions.len() > 5);
    told.push(format!("{actions:?}"));
    let log = server.stop();
    assert!(log.lines().count() > requests.len(), "{log}");
    told.push(log);
    for text in &told {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret} is in\n{text}");
        }
    }
}

#[test]
fn every_request_has_one_line_in_the_log() {
    let server = Server::start(&["--log-format", "json"]);
    let mut client = Client::new(server.address);
    let ok = client.send(&list().post());
    let unknown = client.send(&Request::new("POST", "/x"));
    let refused = client.send(&list().with("hash", "00").post());
    client.send(&get("/health/live"));
    drop(client);
    let log = server.stop();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let line = |answer: &crate::common::Answer| {
        let id = answer.header("x-request-id").unwrap();
        let mut found = lines.iter().filter(|line| line["request_id"] == id);
        let first = found
            .next()
            .unwrap_or_else(|| panic!("{id} is not in\n{log}"));
        assert!(found.next().is_none());
        assert_eq!(first["address"], "127.0.0.1");
        assert!(first["duration_us"].as_u64().is_some(), "{first}");
        [&first["method"], &first["caller"], &first["outcome"]]
            .map(|value| value.as_str().unwrap_or("none").to_owned())
    };
    assert_eq!(line(&ok), ["devices_get", "admin", "ok"]);
    assert_eq!(line(&unknown), ["-", "none", "unknown method"]);
    assert_eq!(line(&refused), ["devices_get", "admin", "Incorrect hash"]);
    let calls = lines.iter().filter(|line| line["message"] == "call");
    assert_eq!(calls.count(), 3, "{log}");
}
