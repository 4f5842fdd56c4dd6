//! The repository's own documents: the committed reference is the one that the table makes, and the README's examples
//! work as shown.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use linebook::api::diagnosis::Budget;
use linebook::api::limits;
use linebook::api::method::Method;
use linebook::api::methods::METHODS;
use linebook::api::xml::DECLARATION;
use linebook::api::{openapi, reference};
use linebook::aside;
use linebook::config::MAX_CONNECTIONS;
use linebook::http::server::{BACKLOG, MIN_SHARE, share};
use linebook::http::wire::chunks::MAX_WIRE;
use linebook::http::wire::closing::{MAX_DRAINED, READ_BYTES};
use linebook::http::wire::connection::{FREE_BYTES, MAX_HELD_BYTES};
use linebook::http::wire::head::{MAX_BLANK, MAX_HEADERS};
use linebook::http::wire::timeouts::Timeouts;
use linebook::http::wire::tls::HANDSHAKE_TIMEOUT;
use linebook::service::guard::{failures, line, throttle};
use linebook::store::writer;
use linebook::telemetry;

use crate::common::{Request, World};

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The table, with the fixtures read again: `UPDATE=1` may have written them after the library was built.
fn table() -> Vec<&'static Method> {
    let method = |method: &&Method| {
        let fixture = file(&format!("fixtures/{}.http", method.name));
        let fixture = Box::leak(fixture.into_boxed_str());
        &*Box::leak(Box::new(Method {
            fixture,
            ..**method
        }))
    };
    METHODS.iter().map(method).collect()
}

/// The file equals what the table makes; `UPDATE=1` writes it.
fn check(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let made = format!("{}\n", made.trim_end());
    match std::env::var_os("UPDATE").is_some() {
        true => std::fs::write(path, made).unwrap(),
        false => assert!(file(name) == made, "{name}: run `UPDATE=1 cargo test`"),
    }
}

#[test]
fn the_reference_is_what_the_table_makes() {
    check("docs/api.md", &reference::markdown(&table()));
}

#[test]
fn the_openapi_file_is_what_the_table_makes() {
    check(
        "docs/openapi.json",
        &format!("{:#}", openapi::document(&table())),
    );
}

/// The block of the README that starts with this line.
fn readme_block(start: &str) -> String {
    let readme = file("README.md");
    let (_, rest) = readme
        .split_once(&format!("\n{start}"))
        .unwrap_or_else(|| panic!("no `{start}`"));
    format!("{start}{}", rest.split_once("\n```").unwrap().0)
}

#[test]
fn the_readme_shows_the_answer_that_comes_back() {
    let curl = readme_block("curl ");
    let target = curl
        .split("http://127.0.0.1:8080")
        .nth(1)
        .unwrap()
        .trim_end_matches('\'');
    let answer = World::new().send(&Request::new("POST", target)).text();
    let shown = readme_block(DECLARATION);
    // The password is random.
    let without_password = |xml: &str| xml.split("<password>").next().unwrap().to_owned();
    assert_eq!(without_password(&answer), without_password(&shown));
}

#[test]
fn the_readme_shows_what_is_found_out_about_a_hash() {
    let shown = readme_block("$ linebook hash ");
    let (command, expected) = shown.split_once('\n').unwrap();
    let words = command.trim_start_matches("$ linebook ").split(' ');
    let output = Command::new(env!("CARGO_BIN_EXE_linebook"))
        .args(words)
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap().trim_end(),
        expected
    );
}

#[test]
fn the_readme_names_every_method() {
    let readme = file("README.md");
    let title = "| method | does |\n|---|---|\n";
    let (before, rest) = readme.split_once(title).unwrap();
    let after = rest.split_once("\n\n").unwrap().1;
    let row = |method: &&Method| {
        let also = method.aliases.iter();
        let also: String = also.map(|alias| format!(" (also `{alias}`)")).collect();
        format!("| `{}`{also} | {} |\n", method.name, method.summary)
    };
    let rows: String = METHODS.iter().map(row).collect();
    check("README.md", &format!("{before}{title}{rows}\n{after}"));
}

/// The second block of shell lines under "Running it", against a new database.
#[test]
fn the_readme_s_first_steps_work() {
    let folder = tempfile::tempdir().unwrap();
    let block = readme_block("export LINEBOOK_DATA=");
    let lines = block.lines().skip(1);
    let data = folder.path().join("data");
    for line in ["linebook init"].into_iter().chain(lines) {
        let output = Command::new("sh")
            .args(["-c", &line.replacen("linebook", "\"$LINEBOOK\"", 1)])
            .env("LINEBOOK", env!("CARGO_BIN_EXE_linebook"))
            .env("LINEBOOK_DATA", &data)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn the_limits_are_those_of_the_code() {
    let operating = file("docs/operating.md");
    let kib = |bytes: usize| format!("{} KiB", bytes / 1024);
    let times = Timeouts::default();
    let seconds = |time: Duration| format!("{} s", time.as_secs_f64());
    let rows = [
        (
            "connections (`--max-connections`)",
            format!("{MAX_CONNECTIONS}, and "),
        ),
        (
            "of one address (`--max-connections-per-address`)",
            format!("an eighth of all, at least {MIN_SHARE} |"),
        ),
        (
            "connections that wait to be accepted",
            format!("{BACKLOG} |"),
        ),
        (
            "request line and headers",
            format!(
                "{}, {MAX_HEADERS} headers, {} ({} after the first request); beyond {} ",
                kib(limits::MAX_HEAD),
                seconds(times.head),
                seconds(times.request),
                kib(FREE_BYTES)
            ),
        ),
        (
            "query, body, parameters",
            format!(
                "{}, {} in {}, {} |",
                kib(limits::MAX_QUERY),
                kib(limits::MAX_BODY),
                seconds(times.body),
                limits::MAX_PARAMETERS
            ),
        ),
        (
            "a body with the framing of its chunks; bare line ends before a request",
            format!("{}; {MAX_BLANK} bytes |", kib(MAX_WIRE)),
        ),
        (
            "from a request's first byte to its answer's",
            format!("{} |", seconds(times.request)),
        ),
        ("TLS handshake", format!("{} |", seconds(HANDSHAKE_TIMEOUT))),
        (
            "bytes that clients send before their answers",
            format!(
                "{} each, and {} MiB together |",
                kib(FREE_BYTES),
                MAX_HELD_BYTES >> 20
            ),
        ),
        (
            "pipelined after a request",
            format!("{} are read ahead", kib(READ_BYTES)),
        ),
        (
            "an answer that the client does not take",
            format!("{} for the bytes that are ready", seconds(times.write)),
        ),
        (
            "idle between requests; before the first",
            format!("{}; {} |", seconds(times.keep_alive), seconds(times.head)),
        ),
        (
            "bytes after the last answer",
            format!(
                "{} in {} are thrown away",
                kib(MAX_DRAINED),
                seconds(times.disconnect)
            ),
        ),
        (
            "writes that wait; passwords that wait, old and new",
            format!("{}; {} |", writer::QUEUE, line::MAX_WAITING),
        ),
        (
            "web pages that wait for a thread: of one user; of all (each user may have one in any case); how long",
            format!(
                "{}; {}; {} |",
                aside::MAX_WAITING_OF_ONE,
                aside::MAX_WAITING,
                seconds(aside::MAX_WAIT)
            ),
        ),
        (
            "explaining a hash, on the web pages",
            format!(
                "{} MiB of SHA1, {} ms, ",
                Budget::PAGE.bytes >> 20,
                Budget::PAGE.time.as_millis()
            ),
        ),
        (
            "rows of an hour's failed sign-ins in the action log",
            format!("{} |", failures::MAX_ROWS),
        ),
        (
            "log lines that wait",
            format!("{} MiB |", telemetry::MAX_WAITING >> 20),
        ),
    ];
    assert_eq!(
        share(MAX_CONNECTIONS as usize),
        MAX_CONNECTIONS as usize / 8
    );
    assert_eq!(share(8 * MIN_SHARE - 1), MIN_SHARE);
    assert_eq!(share(MIN_SHARE - 1), MIN_SHARE - 1);
    for (limit, is) in &rows {
        let row = format!("\n| {limit} | {is}");
        assert!(
            operating.contains(&row),
            "docs/operating.md has no row {row}"
        );
    }
    let table = operating
        .split("| limit | is | beyond it |\n|---|---|---|\n")
        .nth(1);
    let table = table.unwrap().split("\n\n").next().unwrap();
    assert_eq!(table.lines().count(), rows.len(), "a row is not checked");
    let throttled = format!(
        "{} wrong\npasswords a minute per address and name, {} wrong passwords and unknown names a minute per address, {} incorrect hashes a\n",
        throttle::MAX_PER_PAIR,
        throttle::MAX_PER_ADDRESS,
        throttle::MAX_HASHES_PER_PAIR
    );
    let reserved = format!("{} of the {} places", line::RESERVED, line::MAX_WAITING);
    assert!(
        operating.contains(&reserved),
        "docs/operating.md: {reserved}"
    );
    assert!(
        operating.contains(&throttled),
        "docs/operating.md does not say {throttled}"
    );
}
