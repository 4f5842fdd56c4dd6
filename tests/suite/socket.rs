//! The server over a real socket: what only bytes on a wire can show, and what happens when many clients come at once.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::SocketAddr;

use linebook::ambient::Ambient;
use linebook::service::guard::access::Actor;
use linebook::service::sessions;
use linebook::store::Options;

use crate::common::request::escape;
use crate::common::socket::{Client, send, send_together, serve};
use crate::common::{self, Answer, Call, Fixture, Request, World};

/// How many callers try the same thing at the same time.
const CALLERS: usize = 50;

/// A world with the machine's clock and dice, and where it is served.
fn served(sql: &str) -> (World, SocketAddr) {
    let world = World::with(Options::default(), Ambient::system());
    world.sql(sql);
    let address = serve(&world);
    (world, address)
}

fn is_ok(answer: &Answer) -> bool {
    assert_eq!(answer.status, 200);
    answer.error().is_none()
}

/// A signed call that creates a device without a PIN of its own.
fn device(pairs: &[(&str, &str)]) -> Call {
    let call = Call::new("device_create")
        .with("u", "admin")
        .with("user_id", "2");
    call.with_all(pairs).signed_by_admin()
}

#[test]
fn parameters_arrive_in_all_encodings() {
    let (world, address) = served("UPDATE settings SET allow_get = 1");
    let mut client = Client::new(address);
    let call = |pin: &str| device(&[("pin", pin), ("description", "ž &+% <x>")]);
    let without_type =
        Request::new("POST", "/billing/api/device_create").body(None, call("95").form());
    for request in [
        call("90").post(),
        call("91").post_form(),
        call("92").post_json(),
        call("93").post_multipart(),
        call("94").get(),
        without_type,
    ] {
        assert!(is_ok(&client.send(&request)), "{request:?}");
    }
    let descriptions =
        "SELECT count(*) FROM devices WHERE pin GLOB '9[0-5]' AND description = 'ž &+% <x>'";
    assert_eq!(world.select(descriptions), "6");
}

#[test]
fn a_body_may_come_in_chunks() {
    let (_world, address) = served("");
    let form = device(&[("pin", "90")]).form();
    let mut client = Client::new(address);
    client.write(b"POST /billing/api/device_create HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for chunk in form.as_bytes().chunks(7) {
        client.write(format!("{:x}\r\n", chunk.len()).as_bytes());
        client.write(chunk);
        client.write(b"\r\n");
    }
    client.write(b"0\r\n\r\n");
    assert!(is_ok(&client.read(true).unwrap()));
}

/// The limit also holds where the length is not announced, just below it and just above, in any pieces.
#[test]
fn a_chunked_body_has_the_same_limit() {
    let (_world, address) = served("");
    let form = Call::sample("devices_get").signed_by_admin().form();
    for piece in [1000, 65_536] {
        for (length, status) in [(65_536, 200), (65_537, 413)] {
            let mut body = (form.clone() + "&a=").into_bytes();
            body.resize(length, b'x');
            let mut client = Client::new(address);
            let mut bytes = b"POST /billing/api/devices_get HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            for chunk in body.chunks(piece) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
            client.write(&bytes);
            let answer = client.read(true).unwrap();
            answer.check();
            assert_eq!(answer.status, status, "{length} in pieces of {piece}");
            assert_eq!(answer.error().is_none(), status == 200);
        }
    }
}

#[test]
fn files_are_gzipped_as_the_contract_says() {
    let accepts = [
        (None, true, false),
        (Some("gzip"), true, true),
        (Some("deflate, gzip;q=0.5"), true, true),
        (Some("*"), true, true),
        (Some("identity"), false, false),
        (Some("gzip;q=0"), false, false),
        (Some("br"), false, false),
        (Some(""), false, false),
    ];
    for setting in ["documented", "negotiated"] {
        let (_world, address) = served(&format!("UPDATE settings SET gzip = '{setting}'"));
        let mut client = Client::new(address);
        for method in common::methods() {
            // The fixture of a file's success says so.
            let fixture = Fixture::read(method).unwrap();
            let mut headers = fixture.success(false).all("reply");
            let is_file = headers.any(|header| header.starts_with("Content-Disposition: "));
            for (accept, when_documented, when_asked) in accepts {
                for test in [None, Some("1"), Some("0")] {
                    // Errors and successes leave the server in the same way, and an error can be repeated.
                    let mut call = Call::new(method).with("u", "nobody");
                    if let Some(test) = test {
                        call = call.with("test", test);
                    }
                    let mut request = call.post();
                    if let Some(accept) = accept {
                        request = request.header("Accept-Encoding", accept);
                    }
                    let answer = client.send(&request);
                    answer.check();
                    let by_accept = if is_file && setting == "documented" {
                        when_documented
                    } else {
                        when_asked
                    };
                    let expected = by_accept && test != Some("1");
                    assert_eq!(
                        answer.is_gzipped(),
                        expected,
                        "{method} {accept:?} {test:?} {setting}"
                    );
                    let is_named = answer.header("content-disposition").is_some();
                    assert_eq!(
                        is_named,
                        expected && is_file,
                        "{method} {accept:?} {test:?} {setting}"
                    );
                    let is_indented = answer.text().contains("\n  <");
                    assert_eq!(is_indented, test == Some("1"));
                }
            }
        }
    }
}

#[test]
fn a_large_body_is_refused_whether_it_is_announced_or_not() {
    let (world, address) = served("");
    let before = world.dump();
    let large = vec![b'a'; 10_000_000];
    let heads = [
        format!("Content-Length: {}\r\n\r\n", large.len()),
        format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", large.len()),
    ];
    for head in heads {
        let mut client = Client::new(address);
        let mut writer = client.writer();
        let head = format!("POST /billing/api/device_create?u=admin HTTP/1.1\r\nHost: x\r\n{head}");
        let answer = std::thread::scope(|scope| {
            // The server need not read to the end what it has refused.
            scope.spawn(|| {
                writer
                    .write_all(head.as_bytes())
                    .and_then(|()| writer.write_all(&large))
            });
            client.read(true).unwrap()
        });
        assert_eq!(answer.status, 413);
        assert_eq!(
            answer.page(),
            "<error>Body is larger than 65536 bytes</error>"
        );
    }
    assert_eq!(world.dump(), before);
    assert!(is_ok(&send(
        address,
        &Call::sample("devices_get").signed_by_admin().post()
    )));
}

#[test]
fn pipelined_requests_are_answered_in_order_on_one_connection() {
    let (_world, address) = served("");
    let mut client = Client::new(address);
    let requests = [
        Call::sample("devices_get").signed_by_admin().post(),
        device(&[("pin", "90")]).post_form(),
        Request::new("POST", "/billing/api/nothing"),
        device(&[("pin", "90")]).post_json(),
        Request::new("GET", "/health/live"),
        Call::sample("did_create")
            .signed_by_admin()
            .post_multipart(),
    ];
    client.write(
        &requests
            .iter()
            .flat_map(Request::to_bytes)
            .collect::<Vec<u8>>(),
    );
    let mut read = || client.read(true).unwrap();
    assert!(read().page().starts_with("<devices><device>"));
    assert!(read().page().contains("<status>Device created</status>"));
    assert_eq!(read().status, 404);
    assert_eq!(read().error().unwrap(), "Pin is already used");
    assert_eq!(read().body, b"ok\n");
    assert!(read().page().contains("<status>DID created</status>"));
}

#[test]
fn other_verbs_are_refused_with_a_body_where_there_may_be_one() {
    let (_world, address) = served("");
    let mut client = Client::new(address);
    for method in common::methods() {
        let request = Call::sample(method).signed_by_admin().post();
        for verb in ["HEAD", "PUT", "OPTIONS", "DELETE", "PATCH", "BREW"] {
            let answer = client.send(&Request {
                verb: verb.into(),
                ..request.clone()
            });
            assert_eq!(answer.status, 405, "{verb}");
            assert_eq!(answer.header("allow"), Some("POST, GET"));
            if verb != "HEAD" {
                answer.check();
            }
        }
    }
}

#[test]
fn paths_may_have_doubled_and_trailing_slashes() {
    let (_world, address) = served("");
    let mut client = Client::new(address);
    let query = Call::sample("devices_get").signed_by_admin().form();
    for (path, is_method) in [
        ("/billing/api/devices_get", true),
        ("/api/devices_get", true),
        ("/billing/api/devices_get/", true),
        ("//billing///api//devices_get//", true),
        ("/api//devices_get", true),
        ("/billing/api/device_list/", true),
        ("/billing/devices_get", false),
        ("/devices_get", false),
        ("/billing/api/devices_get/x", false),
        ("/billing/api/", false),
        ("/billing/api/../api/devices_get", false),
        ("/BILLING/API/devices_get", false),
        ("/", false),
    ] {
        let answer = client.send(&Request::new("POST", &format!("{path}?{query}")));
        assert_eq!(answer.status, if is_method { 200 } else { 404 }, "{path}");
        answer.check();
    }
}

#[test]
fn raw_bytes_beyond_ascii_never_reach_the_database() {
    let (world, address) = served("");
    let before = world.dump();
    let query = device(&[("pin", "")]).form();
    for target in [
        format!("/billing/api/device_create?{query}&description=\u{17e}").into_bytes(),
        [
            format!("/billing/api/device_create?{query}&description=").as_bytes(),
            b"\xff\xfe",
        ]
        .concat(),
        "/billing/api/device_cre\u{e4}te".into(),
        b"/billing/\xc0\xaf".to_vec(),
    ] {
        let mut client = Client::new(address);
        client.write(&[b"POST ", &target[..], b" HTTP/1.1\r\nHost: x\r\n\r\n"].concat());
        // The framework's parser takes no such line, and answers it before there is a request.
        let answer = client.read(true).unwrap();
        assert_eq!(answer.status, 400, "{}", String::from_utf8_lossy(&target));
        assert!(client.is_closed());
    }
    assert_eq!(world.dump(), before);
}

/// Proxies and old clients send their query string in this way, in any pieces. It has to be the only request of its
/// connection: after another, it might be a piece of that one's body.
#[test]
fn an_old_post_needs_no_length() {
    let (_world, address) = served("");
    let query = Call::sample("devices_get").signed_by_admin().form();
    let head = format!(
        "POST /billing/api/devices_get?{query} HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n"
    );
    for size in [1, 2, 7, head.len() - 3, head.len()] {
        let mut client = Client::new(address);
        for piece in head.as_bytes().chunks(size) {
            client.write(piece);
            if size > 1 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        let answer = client.read(true).unwrap();
        assert!(is_ok(&answer), "pieces of {size}");
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(client.is_closed());
    }
    let mut client = Client::new(address);
    client.write(head.repeat(3).as_bytes());
    assert!(is_ok(&client.read(true).unwrap()));
    assert!(client.read(true).is_err());
    // With a length it has a body, and others may follow. A request without a length may not follow another.
    let form = Call::sample("devices_get").signed_by_admin().form();
    let with_body = format!(
        "POST /billing/api/devices_get HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let mut client = Client::new(address);
    for _ in 0..2 {
        for piece in with_body.as_bytes().chunks(50) {
            client.write(piece);
        }
        let answer = client.read(true).unwrap();
        assert!(is_ok(&answer));
        assert_eq!(answer.header("connection"), Some("keep-alive"));
    }
    client.write(head.as_bytes());
    assert_eq!(client.read(true).unwrap().status, 400);
    assert!(client.is_closed());
}

/// A broken body is answered once, and a broken request after a complete one gets its own answer. The framework's own
/// empty reply to either would be taken for the next answer.
#[test]
fn what_is_broken_is_answered_once() {
    let (_world, address) = served("");
    let answers_of = |line: &str, body: &str| -> Vec<String> {
        let head = format!("{line} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: identity\r\n");
        let mut client = Client::new(address);
        client.write(format!("{head}Transfer-Encoding: chunked\r\n\r\n{body}").as_bytes());
        let mut sent = String::new();
        let read = client.writer().read_to_string(&mut sent);
        assert!(read.is_ok(), "{read:?} after {sent}");
        let answers = sent.split("HTTP/1.1 ").skip(1);
        answers
            .map(|answer| answer.split("?>").nth(1).unwrap_or("no XML").into())
            .collect()
    };
    let answers = |body: &str| answers_of("POST /billing/api/devices_get", body);
    let page = |error: &str| format!("<page><error>{error}</error></page>");
    let incomplete = [page("Body is incomplete")];
    // This also holds where no route reads the body.
    assert_eq!(answers_of("GET /health/live", "zz\r\n"), incomplete);
    assert_eq!(answers_of("GET /metrics", "zz\r\n"), incomplete);
    assert_eq!(answers("zz\r\n"), incomplete);
    assert_eq!(answers("3\r\na=b#"), incomplete);
    assert_eq!(
        answers("3\r\na=b\r\n0\r\n\r\nBAD\r\n\r\n"),
        [page("Bad login"), page("Request is not HTTP/1.1")]
    );
}

/// A CSV file that pauses after a row is not taken for an answer of the framework, whatever is in it.
#[test]
fn a_file_may_hold_what_looks_like_an_answer() {
    let (world, address) = served(MANY);
    let fake = "HTTP/1.1 400 a:' || char(13, 10) || 'content-length: 0' || char(13, 10) || 'b:";
    world.sql(&format!("UPDATE devices SET description = '{fake}'"));
    let token = sessions::new_token(&world.app.core.ambient);
    let (kept, now_ms) = (token.clone(), world.app.core.ambient.now_ms());
    let started = world
        .app
        .core
        .store
        .write_blocking(move |tx| sessions::start(tx, &Actor::system(now_ms), 0, &kept));
    started.unwrap();
    let request = Request::new("GET", "/devices.csv");
    let answer = send(
        address,
        &request.header("Cookie", &format!("linebook={token}")),
    );
    assert_eq!(answer.status, 200);
    let text = answer.text();
    assert!(text.contains("101201") && text.matches("HTTP/1.1 400 a:").count() > 1200);
}

#[test]
fn what_is_not_http_does_not_stop_the_server() {
    let (_world, address) = served("");
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"HELLO\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"POST / HTTP/9.9\r\n\r\n",
    ] {
        let mut client = Client::new(address);
        client.write(bytes);
        client.writer().shutdown(std::net::Shutdown::Write).unwrap();
        assert!(client.is_closed());
    }
    assert!(is_ok(&send(
        address,
        &Call::sample("devices_get").signed_by_admin().post()
    )));
}

/// Sends fifty equal requests at once: one succeeds, all others get `refusal`.
fn one_of_many(address: SocketAddr, requests: &[Request], refusal: &str) {
    let answers = send_together(address, requests);
    let refused = answers
        .iter()
        .filter(|answer| answer.error().as_deref() == Some(refusal));
    assert_eq!(refused.count(), CALLERS - 1, "{refusal}");
    assert_eq!(answers.iter().filter(|answer| is_ok(answer)).count(), 1);
}

#[test]
fn of_fifty_devices_with_one_pin_one_is_made() {
    let (world, address) = served("");
    let requests: Vec<Request> = (0..CALLERS)
        .map(|i| device(&[("pin", "3"), ("description", &i.to_string())]).post())
        .collect();
    one_of_many(address, &requests, "Pin is already used");
    assert_eq!(
        world.select("SELECT count(*) FROM devices WHERE pin = '3'"),
        "1"
    );
    assert_eq!(world.select("SELECT count(*) FROM action_log"), "1");
}

#[test]
fn of_fifty_dids_with_one_number_one_is_made() {
    let (world, address) = served("");
    let request = Call::sample("did_create").signed_by_admin().post_form();
    one_of_many(address, &vec![request; CALLERS], "DID already exists");
    assert_eq!(
        world.select("SELECT count(*) FROM dids WHERE did = '123456789'"),
        "1"
    );
    assert_eq!(world.select("SELECT count(*) FROM action_log"), "1");
}

#[test]
fn of_fifty_clis_with_one_number_one_is_made() {
    let (world, address) = served("");
    let request = Call::sample("cli_add").signed_by_admin().post_json();
    let refusal = "CLI already exists. It is assigned to anna device";
    one_of_many(address, &vec![request; CALLERS], refusal);
    assert_eq!(
        world.select("SELECT count(*) FROM clis WHERE number = '1234678'"),
        "1"
    );
    assert_eq!(world.select("SELECT count(*) FROM action_log"), "1");
}

#[test]
fn of_fifty_assignments_of_one_did_one_is_made() {
    // Two trunks of the same user: whichever comes first has it, and its other callers hear that it is so.
    let (world, address) = served("UPDATE devices SET is_trunk = 1 WHERE id = 2");
    let requests: Vec<Request> = (0..CALLERS)
        .map(|i| {
            let trunk = if i % 2 == 0 { "1" } else { "2" };
            let call = Call::sample("did_trunk_device_assign").with("device_id", trunk);
            call.signed_by_admin().post()
        })
        .collect();
    let answers = send_together(address, &requests);
    let refused = answers
        .iter()
        .filter(|answer| answer.error().as_deref() == Some("DID is not free"));
    assert_eq!(refused.count(), CALLERS / 2);
    let done = answers.iter().filter(|answer| is_ok(answer));
    assert_eq!(done.count(), CALLERS - CALLERS / 2);
    let assigned = "SELECT count(*) FROM dids WHERE did = '37060000002' AND status = 'active' AND device_id IN (1, 2)";
    assert_eq!(world.select(assigned), "1");
    assert_eq!(world.select("SELECT count(*) FROM action_log"), "1");
}

#[test]
fn fifty_devices_at_once_get_fifty_extensions_pins_and_secrets() {
    let (world, address) = served("");
    let requests: Vec<Request> = (0..CALLERS).map(|_| device(&[]).post()).collect();
    let answers = send_together(address, &requests);
    let pages: BTreeSet<String> = answers.iter().map(Answer::page).collect();
    assert_eq!(pages.len(), CALLERS);
    assert!(answers.iter().all(is_ok));
    let different = "SELECT count(DISTINCT extension), count(DISTINCT username), count(DISTINCT pin), count(DISTINCT secret) FROM devices WHERE id > 7";
    assert_eq!(world.select(different), "50|50|50|50");
    // No number is lost either.
    let range = "SELECT min(extension), max(extension) FROM devices WHERE id > 7";
    assert_eq!(world.select(range), "1008|1057");
}

/// 1,203 devices: two full pieces and a bit.
const MANY: &str = "
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1201)
INSERT INTO devices (user_id, device_group_id, type, extension, username, secret, ipaddr, port, created_ms, owner_id)
SELECT 100, 11, 'SIP', 100000 + i, 100000 + i, 'x', '192.0.2.1', i, 1, 0 FROM n";

fn ids(answer: &Answer) -> Vec<i64> {
    ids_in("<device_id>", answer)
}

fn ids_in(element: &str, answer: &Answer) -> Vec<i64> {
    answer.check();
    let text = answer.text();
    let ids = text.split(element).skip(1);
    ids.map(|rest| rest.split('<').next().unwrap().parse().unwrap())
        .collect()
}

#[test]
fn a_long_list_is_streamed_whole_and_in_order() {
    let (world, address) = served(MANY);
    let expected = world.select("SELECT id FROM devices WHERE user_id = 100 ORDER BY id");
    let expected: Vec<i64> = expected.split(';').map(|id| id.parse().unwrap()).collect();
    assert_eq!(expected.len(), 1203);
    let mut client = Client::new(address);
    let call = Call::sample("devices_get").signed_by_admin();
    let gzipped = client.send(&call.post());
    assert!(gzipped.is_gzipped());
    assert_eq!(ids(&gzipped), expected);
    let plain = client.send(&call.post().header("Accept-Encoding", "identity"));
    assert!(!plain.is_gzipped());
    assert_eq!(ids(&plain), expected);
    assert_eq!(plain.page(), gzipped.page());
    let indented = client.send(&call.with("test", "1").post());
    assert_eq!(ids(&indented), expected);

    world.sql("INSERT INTO owner_settings VALUES (0, 'documented', 'current')");
    let current = client.send(&Call::sample("devices_get").signed_by_admin().post());
    assert_eq!(ids(&current), expected);
    assert_eq!(
        current
            .page()
            .matches("<primary_device>yes</primary_device>")
            .count(),
        1
    );
}

/// Exactly one piece, and one device more: the end is neither missed nor sent twice.
#[test]
fn a_list_of_a_whole_number_of_pieces_has_its_end() {
    for count in [499, 500, 501, 1000, 1001] {
        let sql = MANY.replace("1201", &(count - 2).to_string());
        let world = World::after(&sql);
        let answer = world.send(&Call::sample("devices_get").signed_by_admin().post());
        assert_eq!(ids(&answer).len(), count);
        assert!(answer.page().ends_with("</device></devices>"));
    }
}

/// A flat list is as whole, whichever index its pieces walk along, and has no end of its own: its last piece may be empty.
#[test]
fn a_long_flat_list_is_whole_and_in_order() {
    for count in [500, 1001] {
        let sql = format!(
            "DELETE FROM clis;
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
             INSERT INTO clis (id, device_id, number, created_ms) SELECT 3 * i, 2, 1000 + i, 1 FROM n;
             INSERT INTO clis (device_id, number, created_ms) VALUES (5, '1', 1)"
        );
        let world = World::after(&sql);
        let expected: Vec<i64> = (1..=count).map(|i| 3 * i).collect();
        for sent in [&[("devices_id", "2")][..], &[("users_id", "2")], &[]] {
            let call = Call::new("device_clis_get").with("u", "admin");
            let call = call.with_all(sent).signed_by_admin();
            let answer = world.send(&call.post());
            assert_eq!(ids_in("<cli_id>", &answer), expected, "{sent:?}");
            assert!(answer.page().ends_with("</cli_banned></status>"));
        }
    }
}

/// A reseller's list comes from two walks. Each piece takes what is next in either of them.
#[test]
fn a_long_list_of_providers_is_whole_and_in_order() {
    let world = World::after(
        "PRAGMA foreign_keys = OFF; DELETE FROM provider_rules; DELETE FROM dids; DELETE FROM providers;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
         INSERT INTO providers (id, owner_id, name, common_use, created_ms)
         SELECT 3 * i, iif(i % 5 < 2, 4, iif(i % 5 = 4, 8, 0)), i, i % 5 = 2, 1 FROM n;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
         INSERT INTO provider_rules (id, provider_id, name, cut, prefix, applies_to, created_ms)
         SELECT 3 * i, iif(i > 500, 9, 15), i, '1', '', 'dst', 1 FROM n",
    );
    let listed = |method: &str, u: &str, key: &str, sent: &[(&str, &str)]| {
        let call = Call::new(method).with("u", u).with_all(sent);
        ids_in("<id>", &world.send(&call.signed_with(key).post()))
    };
    let all = |is_theirs: fn(i64) -> bool| -> Vec<i64> {
        (1..=2500)
            .filter(|i| is_theirs(*i))
            .map(|i| 3 * i)
            .collect()
    };
    let admins = listed("providers_get", "admin", "secret", &[]);
    assert_eq!(admins, all(|i| matches!(i % 5, 2 | 3)));
    let resellers = listed("providers_get", "reseller", "reseller-key", &[]);
    assert_eq!(resellers, all(|i| i % 5 < 3));
    let newcomers = listed("providers_get", "newcomer", "newcomer-key", &[]);
    assert_eq!(newcomers, all(|i| matches!(i % 5, 2 | 4)));
    // Exactly one piece.
    let rules = listed(
        "provider_rules_get",
        "admin",
        "secret",
        &[("provider_id", "9")],
    );
    assert_eq!(rules, (501..=1000).map(|i| 3 * i).collect::<Vec<_>>());
}

#[test]
fn clients_that_stop_half_way_change_nothing_and_stop_nobody() {
    let (world, address) = served(MANY);
    let before = world.dump();
    let create = device(&[("pin", "90")]).post_form().to_bytes();
    let list = Call::sample("devices_get").signed_by_admin().post();
    let list = list.header("Accept-Encoding", "identity").to_bytes();
    let mut waiting = Vec::new();
    for i in 0..40 {
        let mut client = Client::new(address);
        match i % 4 {
            // Breaks off in the middle of the head, of the body, or of the answer; or just waits.
            0 => client.write(&create[..20]),
            1 => client.write(&create[..create.len() - 10]),
            2 => client.write(&list),
            _ => {}
        }
        if i % 8 == 3 {
            waiting.push(client);
        }
    }
    let answer = send(
        address,
        &Call::sample("devices_get").signed_by_admin().post(),
    );
    assert_eq!(ids(&answer).len(), 1203);
    assert_eq!(world.dump(), before);
    // Clients that were only slow are served.
    for client in &mut waiting {
        let request = Call::sample("devices_get").signed_by_admin().post();
        for byte in request.to_bytes() {
            client.write(&[byte]);
        }
        assert!(is_ok(&client.read(true).unwrap()));
    }
}

#[test]
fn many_mixed_calls_at_once_are_all_answered() {
    let (world, address) = served("UPDATE settings SET allow_get = 1");
    let mut requests = Vec::new();
    let methods = [
        "cli_add",
        "device_create",
        "devices_get",
        "did_create",
        "did_trunk_device_assign",
    ];
    for i in 0..64 {
        let method = methods[i % methods.len()];
        let number = (1000 + i).to_string();
        let call = Call::sample(method);
        let call = match method {
            "cli_add" => call.with("cli_number", &number),
            "device_create" => call.with("pin", &number),
            "did_create" => call.with("did", &number),
            _ => call,
        };
        let key = if i % 7 == 0 { "a wrong key" } else { "secret" };
        let call = call.signed_with(key);
        requests.push(match i % 6 {
            0 => call.post(),
            1 => call.post_form(),
            2 => call.post_json(),
            3 => call.post_multipart(),
            4 => call.get(),
            _ => Request::new(
                "POST",
                &format!("/billing/api/{method}?u={}", escape("ž\0")),
            ),
        });
    }
    for (i, answer) in send_together(address, &requests).iter().enumerate() {
        answer.check();
        let expected = if i % 6 == 5 { 400 } else { 200 };
        assert_eq!(
            answer.status,
            expected,
            "{:?}: {}",
            requests[i],
            answer.text()
        );
        if expected == 200 {
            assert_eq!(
                answer.error().as_deref() == Some("Incorrect hash"),
                i % 7 == 0,
                "{i}"
            );
        }
    }
    assert_eq!(world.select("PRAGMA integrity_check"), "ok");
    let logged = "SELECT count(*) = (SELECT count(*) FROM devices WHERE id > 7) + (SELECT count(*) FROM dids WHERE id > 10)
        + (SELECT count(*) FROM clis WHERE id > 3) + (SELECT count(*) FROM dids WHERE did = '37060000002' AND status = 'active')
        FROM action_log";
    assert_eq!(world.select(logged), "1");
}

#[test]
fn every_reply_has_an_id_of_its_own_that_the_log_knows() {
    let (world, address) = served("");
    let mut client = Client::new(address);
    let mut ids = BTreeSet::new();
    for _ in 0..20 {
        let answer = client.send(&device(&[("pin", "")]).post());
        answer.check();
        let id = answer.header("x-request-id").unwrap().to_owned();
        let last = "SELECT request_id, address, actor FROM action_log ORDER BY id DESC LIMIT 1";
        assert_eq!(world.select(last), format!("{id}|127.0.0.1|admin"));
        ids.insert(id);
    }
    assert_eq!(ids.len(), 20);
}

/// Everything acknowledged is on disk: another process sees it as soon as the answer is read.
#[test]
fn an_acknowledged_change_is_seen_by_another_process() {
    let (world, address) = served("");
    let mut client = Client::new(address);
    for i in 0..20 {
        let pin = format!("9{i}");
        assert!(is_ok(&client.send(&device(&[("pin", &pin)]).post())));
        let found = world.select(&format!("SELECT count(*) FROM devices WHERE pin = '{pin}'"));
        assert_eq!(found, "1");
    }
}

/// A change by the command line holds from the next request on.
#[test]
fn the_command_line_changes_a_running_server() {
    let (world, address) = served("");
    let mut client = Client::new(address);
    let mut error = |call: &Call| client.send(&call.post()).error();
    let list = Call::sample("devices_get").signed_by_admin();
    assert_eq!(error(&list), None);
    world.linebook("settings set allow_api off");
    assert_eq!(error(&list).unwrap(), "API Requests are disabled");
    world.linebook("settings set allow_api on");
    world.linebook("key revoke 1");
    assert_eq!(error(&list).unwrap(), "Incorrect hash");
    let list = Call::sample("devices_get").signed_with("456789");
    assert_eq!(error(&list), None);
    let by_clerk = list.with("u", "clerk").signed_with("clerk-key");
    assert_eq!(error(&by_clerk).unwrap(), "Bad login");
    world.linebook("user permit clerk manage_devices");
    assert_eq!(error(&by_clerk), None);
    world.linebook("user block clerk");
    assert_eq!(error(&by_clerk).unwrap(), "Bad login");
}

#[test]
fn the_health_of_the_process_is_plain_text() {
    let (_world, address) = served("UPDATE settings SET allow_api = 0");
    let mut client = Client::new(address);
    let live = client.send(&Request::new("GET", "/health/live"));
    assert_eq!((live.status, &live.body[..]), (200, &b"ok\n"[..]));
    assert_eq!(
        live.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(live.header("cache-control"), Some("no-store"));
    assert_eq!(
        client.send(&Request::new("HEAD", "/health/live")).status,
        200
    );
    let posted = client.send(&Request::new("POST", "/health/live"));
    assert_eq!(posted.status, 405);
    posted.check();
}
