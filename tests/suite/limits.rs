//! Clients that are slow, greedy, numerous, or do not speak HTTP: they are answered, and the others are served
//! meanwhile.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_service::fn_service;
use futures_util::future::join_all;
use linebook::ambient::Ambient;
use linebook::api::fault::Fault;
use linebook::http::server::{Options, bind};
use linebook::http::wire::connection::{Connection, FREE_BYTES, MAX_HELD_BYTES};
use linebook::http::wire::door::Door;
use linebook::http::wire::places::Places;
use linebook::http::wire::timeouts::Timeouts;
use linebook::store;
use rustix::process::Signal;

use crate::common::socket::{Client, send, serve_with};
use crate::common::{Answer, Call, Request, Server, World};
use crate::inside::value;

/// Limits short enough for a test to wait for.
const SHORT: Timeouts = Timeouts {
    head: Duration::from_millis(600),
    body: Duration::from_millis(600),
    request: Duration::from_millis(1200),
    write: Duration::from_millis(1200),
    keep_alive: Duration::from_secs(20),
    disconnect: Duration::from_millis(300),
};
/// The pause of a slow client between two bytes: much shorter than any limit.
const SLOWLY: Duration = Duration::from_millis(50);
/// By then a server that has an answer has sent it.
const SOON: Duration = Duration::from_millis(500);
/// Only a server that lets a client wait takes this long.
const LONG: Duration = Duration::from_secs(10);

fn served(options: Options) -> (World, SocketAddr) {
    let world = World::with(store::Options::default(), Ambient::system());
    let address = serve_with(&world, options);
    (world, address)
}

fn short() -> Options {
    Options {
        timeouts: SHORT,
        ..Options::default()
    }
}

fn list() -> Request {
    Call::sample("devices_get").signed_by_admin().post()
}

/// Writes `first` at once, then a byte at a time, until an answer comes.
fn send_slowly(address: SocketAddr, first: &[u8], byte: u8) -> (Answer, Duration) {
    let mut client = Client::new(address);
    client.write(first);
    dribble(&mut client, byte)
}

/// The answer, and the time until it came. The connection is then closed.
fn dribble(client: &mut Client, byte: u8) -> (Answer, Duration) {
    let begun = Instant::now();
    let mut slow = client.writer();
    let writer = std::thread::spawn(move || {
        let started = Instant::now();
        while started.elapsed() < LONG && slow.write_all(&[byte]).is_ok() {
            std::thread::sleep(SLOWLY);
        }
        started.elapsed()
    });
    let answer = client.read(true).unwrap();
    let took = begun.elapsed();
    assert!(writer.join().unwrap() < LONG, "the connection stayed open");
    (answer, took)
}

/// Sends on until the server hangs up.
fn dribble_until_closed(client: &Client) {
    let mut slow = client.writer();
    let started = Instant::now();
    while started.elapsed() < LONG && slow.write_all(b"a").is_ok() {
        std::thread::sleep(SLOWLY / 5);
    }
}

fn is_too_slow((answer, took): &(Answer, Duration), within: Duration) {
    assert!(*took < within, "{took:?}");
    assert_eq!(answer.status, 400);
    assert_eq!(answer.error().unwrap(), "Request was not complete in time");
}

#[test]
fn a_head_of_a_byte_at_a_time_is_cut() {
    let (_world, address) = served(short());
    is_too_slow(&send_slowly(address, b"POST /billing/api/devi", b'a'), LONG);
}

#[test]
fn so_is_the_second_head_of_a_connection() {
    let (_world, address) = served(short());
    let mut client = Client::new(address);
    assert_eq!(client.send(&list()).status, 200);
    is_too_slow(&dribble(&mut client, b'a'), LONG);
}

#[test]
fn so_is_a_body() {
    // This comes before the limit of the whole request, which ends the connection: the framework goes on reading for
    // nobody.
    let request = LONG / 3;
    let (_world, address) = served(Options {
        timeouts: Timeouts { request, ..SHORT },
        ..Options::default()
    });
    let head = "POST /billing/api/devices_get HTTP/1.1\r\nHost: x\r\n";
    let announced = format!("{head}Content-Length: 60000\r\n\r\n");
    is_too_slow(&send_slowly(address, announced.as_bytes(), b'a'), request);
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\nfff\r\n");
    is_too_slow(&send_slowly(address, chunked.as_bytes(), b'a'), request);
}

#[test]
fn so_is_what_came_together_with_a_request_that_was_answered() {
    let (_world, address) = served(Options {
        timeouts: Timeouts {
            keep_alive: SHORT.request,
            ..SHORT
        },
        ..Options::default()
    });
    let mut client = Client::new(address);
    client.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nGET /health/live HT");
    assert_eq!(client.read(true).unwrap().status, 200);
    let started = Instant::now();
    let answer = client.read(true).unwrap();
    is_too_slow(&(answer, started.elapsed()), LONG);
    assert!(client.is_closed());
}

#[test]
fn so_is_a_body_that_was_asked_for() {
    // The body's own limit would end much later.
    let (_world, address) = served(Options {
        timeouts: Timeouts {
            body: LONG,
            ..SHORT
        },
        ..Options::default()
    });
    let mut client = Client::new(address);
    client.write(
        b"POST /billing/api/devices_get HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\
          Expect: 100-continue\r\n\r\n",
    );
    assert_eq!(client.read(false).unwrap().status, 100);
    let started = Instant::now();
    let answer = client.read(true).unwrap();
    is_too_slow(&(answer, started.elapsed()), LONG / 2);
}

#[test]
fn a_hangup_without_tls_stops_nothing() {
    let live = Request::new("GET", "/health/live");
    for _ in 0..5 {
        let server = Server::start(&[]);
        // It can come at once, because the server has said that it listens.
        server.signal(Signal::HUP);
        assert_eq!(send(server.address, &live).status, 200);
        server.signal(Signal::HUP);
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(send(server.address, &live).status, 200);
    }
}

#[test]
fn who_says_nothing_is_hung_up_on() {
    let (_world, address) = served(short());
    let started = Instant::now();
    assert!(Client::new(address).is_closed());
    assert!(started.elapsed() < LONG);
}

/// 100,000 devices: more than 8 MB of plain XML, more than the sockets' buffers take.
const MANY: &str = "
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO devices (user_id, device_group_id, type, extension, username, secret, ipaddr, port, created_ms, owner_id)
SELECT 100, 11, 'SIP', 100000 + i, 100000 + i, 'x', '192.0.2.1', 5060, 1, 0 FROM n";

#[test]
fn a_reader_that_stops_reading_is_cut_and_one_that_reads_is_not() {
    let (world, address) = served(short());
    world.sql(MANY);
    let request = list().header("Accept-Encoding", "identity");
    let mut reader = Client::new(address);
    assert!(reader.send(&request).body.len() > 8_000_000);
    let mut stopped = Client::new(address);
    stopped.write(&request.to_bytes());
    std::thread::sleep(SHORT.write + SHORT.request);
    // Bytes on the way arrive, then the connection ends, and the client sees that the list is incomplete.
    assert!(stopped.read(true).is_err());
    assert_eq!(world.app.metrics.refused_connections.get(), 1);
    assert_eq!(reader.send(&list()).status, 200);
}

#[test]
fn slow_clients_do_not_stop_others() {
    let (_world, address) = served(Options::default());
    let start =
        b"POST /billing/api/devices_get HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n";
    let mut slow: Vec<TcpStream> = (0..200)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    for (place, stream) in slow.iter_mut().enumerate() {
        // Half of them stop in the head, half in the body.
        let said = if place % 2 == 0 { &start[..20] } else { start };
        stream.write_all(said).unwrap();
    }
    let started = Instant::now();
    for _ in 0..20 {
        for stream in &mut slow {
            stream.write_all(b"a").unwrap();
        }
        assert_eq!(send(address, &list()).status, 200);
    }
    assert!(started.elapsed() < LONG, "{:?}", started.elapsed());
}

/// A connection that is turned away is told why.
fn is_turned_away(client: &mut Client) {
    let answer = client.read(true).unwrap();
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    answer.check();
    assert!(client.is_closed());
}

#[test]
fn one_connection_too_many_is_told_so() {
    let (world, address) = served(Options {
        max_connections: 3,
        ..Options::default()
    });
    let mut clients: Vec<Client> = (0..3).map(|_| Client::new(address)).collect();
    let request = list().to_bytes();
    for client in &mut clients {
        // None of them is idle.
        client.write(&request[..20]);
    }
    is_soon(&|| world.app.metrics.connections.get() == 3);
    is_turned_away(&mut Client::new(address));
    assert_eq!(world.app.metrics.refused_connections.get(), 1);
    clients[0].write(&request[20..]);
    assert_eq!(clients[0].read(true).unwrap().status, 200);
    clients.pop();
    let started = Instant::now();
    while send_or_refused(address) != 200 {
        assert!(started.elapsed() < LONG);
    }
}

/// Waits until a condition holds.
pub fn is_soon(what: &dyn Fn() -> bool) {
    let started = Instant::now();
    while !what() {
        assert!(started.elapsed() < LONG, "it did not come about");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// An address that opens all the connections it can leaves room for the others. Loopback gets no more than others.
#[test]
fn one_address_cannot_take_all_connections() {
    let (world, address) = served(Options {
        max_connections: 64,
        max_connections_per_address: Some(8),
        ..Options::default()
    });
    let metrics = &world.app.metrics;
    // It sends nothing on them, which costs it the least.
    let mut greedy: Vec<Client> = (0..70).map(|_| Client::new(address)).collect();
    is_soon(&|| metrics.refused_connections.get() == 62);
    assert_eq!(metrics.connections.get(), 8);
    is_turned_away(&mut greedy[69]);
    assert_eq!(Client::from("127.0.0.2", address).send(&list()).status, 200);
    let text = world.app.metrics();
    assert_eq!(
        value(&text, "linebook_connections_refused_per_address_total"),
        62.0
    );
    // It has its share again once it closes them.
    greedy.clear();
    is_soon(&|| metrics.connections.get() == 0);
    assert_eq!(Client::new(address).send(&list()).status, 200);
}

#[test]
fn a_trusted_proxy_is_as_many_as_it_calls_for() {
    let world = World::with_app(Ambient::system(), |app| {
        app.trusted_proxies = vec!["127.0.0.9".parse::<std::net::IpAddr>().unwrap().into()];
    });
    let address = serve_with(
        &world,
        Options {
            max_connections: 64,
            max_connections_per_address: Some(4),
            ..Options::default()
        },
    );
    let connect = |source| Client::from(source, address);
    let _proxy: Vec<Client> = (0..12).map(|_| connect("127.0.0.9")).collect();
    let _other: Vec<Client> = (0..12).map(|_| connect("127.0.0.8")).collect();
    is_soon(&|| world.app.metrics.refused_connections.get() == 8);
    assert_eq!(world.app.metrics.connections.get(), 16);
}

/// Clients from many addresses that keep their connections open do not keep others out: the one that has idled longest
/// is closed.
#[test]
fn whoever_idles_longest_makes_room() {
    let (world, address) = served(Options {
        max_connections: 32,
        ..Options::default()
    });
    let metrics = &world.app.metrics;
    let idle = |number: usize| {
        let mut client = Client::from(&format!("127.0.1.{}", number + 1), address);
        assert_eq!(client.send(&list()).status, 200);
        client
    };
    // A connection counts as idle a moment after its answer.
    let settle = || std::thread::sleep(SOON);
    let mut clients: Vec<Client> = (0..12).map(idle).collect();
    settle();
    clients.extend((12..30).map(idle));
    assert_eq!(metrics.connections_made_room.get(), 0);
    // The first has not idled longest any more, and the second is not idle.
    assert_eq!(clients[0].send(&list()).status, 200);
    let request = list().to_bytes();
    clients[1].write(&request[..20]);
    settle();
    // Fifteen sixteenths are open: each new connection closes an idle one.
    let mut new: Vec<Client> = (100..110).map(idle).collect();
    assert_eq!(metrics.connections_made_room.get(), 10);
    assert_eq!(metrics.refused_connections.get(), 0);
    for gone in &mut clients[2..12] {
        assert!(gone.is_closed());
    }
    clients[1].write(&request[20..]);
    assert_eq!(clients[1].read(true).unwrap().status, 200);
    assert_eq!(clients[0].send(&list()).status, 200);
    for kept in clients[12..].iter_mut().chain(&mut new) {
        assert_eq!(kept.send(&list()).status, 200);
    }
}

/// Addresses with many idle connections do not cost an address with a single one its place.
#[test]
fn whoever_holds_most_makes_room_first() {
    let (world, address) = served(Options {
        max_connections: 128,
        max_connections_per_address: Some(64),
        ..Options::default()
    });
    let idle = |from: &str| {
        let mut client = Client::from(from, address);
        assert_eq!(client.send(&list()).status, 200);
        client
    };
    let single = |number: usize| idle(&format!("127.0.1.{}", number + 1));
    let mut singles: Vec<Client> = (0..40).map(single).collect();
    // A connection counts as idle a moment after its answer.
    std::thread::sleep(SOON);
    let many = |number: usize| idle(["127.0.0.2", "127.0.0.3"][number % 2]);
    let _many: Vec<Client> = (0..100).map(many).collect();
    // Fifteen sixteenths are 120.
    assert!(world.app.metrics.connections_made_room.get() >= 20);
    for client in &mut singles {
        assert_eq!(client.send(&list()).status, 200);
    }
}

fn send_or_refused(address: SocketAddr) -> u16 {
    let mut client = Client::new(address);
    let mut writer = client.writer();
    let _ = writer.write_all(&list().to_bytes());
    client.read(true).map_or(0, |answer| answer.status)
}

#[test]
fn what_all_send_before_they_are_answered_is_bounded() {
    // The limit is long enough for all of them to come, however slow the machine is.
    let (_world, address) = served(Options {
        timeouts: Timeouts {
            head: 6 * LONG,
            ..Timeouts::default()
        },
        max_connections_per_address: Some(1024),
        ..Options::default()
    });
    // Endless heads, each within the framework's own limit.
    let each = 100 * 1024;
    let fits = MAX_HELD_BYTES / (each - FREE_BYTES);
    let head = [
        b"GET /none HTTP/1.1\r\nHost: x\r\nX: ".as_slice(),
        &vec![b'a'; each],
    ]
    .concat();
    let mut greedy = Vec::new();
    for _ in 0..fits + 50 {
        let client = Client::new(address);
        let _ = client.writer().write_all(&head);
        greedy.push(client);
    }
    // Which of them was too much depends on whose bytes were read first. Of two that come one by one, it is the second.
    let answer = (0..2).find_map(|_| {
        let mut client = Client::new(address);
        let mut writer = client.writer();
        let _ = writer.write_all(&head);
        writer.set_read_timeout(Some(LONG / 2)).unwrap();
        let answer = client.read(true).ok();
        greedy.push(client);
        answer
    });
    let answer = answer.expect("nobody was too many");
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    answer.check();
    // A client that sends only what a request needs is served.
    assert_eq!(send(address, &list()).status, 200);
    drop(greedy);
    std::thread::sleep(Duration::from_millis(500));
    let mut client = Client::new(address);
    client.write(&head);
    client.write(b"\r\n\r\n");
    assert_eq!(client.read(true).unwrap().status, 404);
}

/// After an answer, a connection counts from zero: its next request is counted like the first, and given back once.
#[test]
fn what_is_sent_counts_until_it_is_answered_and_then_anew() {
    // The limit is long enough for each to get its turn, however slow the machine is.
    let (world, address) = served(Options {
        timeouts: Timeouts {
            head: 6 * LONG,
            ..Timeouts::default()
        },
        ..Options::default()
    });
    let form = Call::sample("devices_get").signed_by_admin().form();
    // A small body, with much text in the head of its chunk.
    let each = 200 * 1024;
    let request = format!(
        "POST /billing/api/devices_get HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x};{}\r\n{form}\r\n0\r\n\r\n",
        form.len(),
        "x".repeat(each)
    );
    let too_many = MAX_HELD_BYTES / (each - FREE_BYTES) + 1;
    let mut clients: Vec<Client> = (0..too_many).map(|_| Client::new(address)).collect();
    for client in &mut clients {
        client.write(request.as_bytes());
        assert_eq!(client.read(true).unwrap().status, 200);
    }
    let metrics = &world.app.metrics;
    assert_eq!(metrics.refused_connections.get(), 0);
    for client in &mut clients {
        let unfinished = &request.as_bytes()[..request.len() - 2];
        let _ = client.writer().write_all(unfinished);
    }
    let is_refused = || metrics.refused_connections.get() > 0;
    is_soon(&is_refused);
    drop(clients);
    is_soon(&|| metrics.connections.get() == 0);
    for _ in 0..2 {
        let mut client = Client::new(address);
        client.write(request.as_bytes());
        assert_eq!(client.read(true).unwrap().status, 200);
    }
}

/// Clients that do not take their answers and keep asking: their requests wait in their own machines. The server once
/// kept 25 MiB for each of them.
#[test]
fn what_is_pipelined_costs_nothing() {
    const ATTACKERS: u64 = 20;
    let server = Server::start(&["--log", "off"]);
    let database = rusqlite::Connection::open(server.path().join("linebook.db")).unwrap();
    database.execute_batch(MANY).unwrap();
    let long = list().header("Accept-Encoding", "identity").to_bytes();
    let behind = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20_000),
        b"GET / HTTP/1.1\nHost: x\n\n".repeat(20_000),
        large_head(15 * 1024).repeat(30),
    ];
    let mut greedy = Vec::new();
    let mut peak_kib = |requests: &[u8]| {
        let requests = [&long, requests].concat();
        for _ in 0..ATTACKERS {
            let client = Client::new(server.address);
            let mut writer = client.writer();
            // With a small buffer, the list soon exceeds what is on the way.
            rustix::net::sockopt::set_socket_recv_buffer_size(&writer, 4096).unwrap();
            writer.set_write_timeout(Some(SOON / 5)).unwrap();
            let _ = writer.write_all(&requests);
            greedy.push(client);
        }
        std::thread::sleep(2 * SOON);
        server.peak_kib()
    };
    // First, the memory of lists that nobody takes, as many as there will be.
    for _ in 0..behind.len() {
        peak_kib(b"");
    }
    let mut last_kib = peak_kib(b"");
    for requests in &behind {
        let now_kib = peak_kib(requests);
        let more_kib = (now_kib - last_kib) / ATTACKERS;
        assert!(more_kib < 2048, "{more_kib} KiB more for each connection");
        last_kib = now_kib;
    }
    let live = Request::new("GET", "/health/live");
    assert_eq!(send(server.address, &live).status, 200);
}

fn large_head(length: usize) -> Vec<u8> {
    let mut head = b"GET /none HTTP/1.1\r\nHost: x\r\nX: ".to_vec();
    head.resize(length, b'a');
    head.extend(b"\r\n\r\n");
    head
}

/// A large head's buffer would otherwise be kept for as long as its client idles.
#[test]
fn a_connection_with_a_large_head_is_closed_after_the_answer() {
    let (_world, address) = served(Options::default());
    let mut client = Client::new(address);
    client.write(&large_head(FREE_BYTES - 100));
    assert_eq!(client.read(true).unwrap().header("connection"), None);
    client.write(&large_head(FREE_BYTES + 100));
    let answer = client.read(true).unwrap();
    assert_eq!(
        (answer.status, answer.header("connection")),
        (404, Some("close"))
    );
    assert!(client.is_closed());
}

/// The server hangs up after the stated time, not some seconds later.
#[test]
fn limits_of_time_are_kept_to_the_moment() {
    const REQUEST: Duration = Duration::from_millis(3000);
    let near = |took: Duration, limit: Duration| {
        assert!(
            took > limit - SOON && took < limit + 2 * SOON,
            "{took:?} for {limit:?}"
        );
    };
    let (_world, address) = served(Options {
        timeouts: Timeouts {
            head: LONG,
            body: LONG,
            request: REQUEST,
            write: REQUEST,
            ..SHORT
        },
        ..Options::default()
    });
    std::thread::scope(|scope| {
        // This holds however long the connection has been open.
        for idle in [0, 1100, 2600] {
            scope.spawn(move || {
                let mut client = Client::new(address);
                assert_eq!(client.send(&list()).status, 200);
                std::thread::sleep(Duration::from_millis(idle));
                let slow = dribble(&mut client, b'a');
                is_too_slow(&slow, LONG);
                near(slow.1, REQUEST);
            });
        }
        scope.spawn(move || {
            let mut client = Client::new(address);
            client.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nGET /");
            assert_eq!(client.read(true).unwrap().status, 200);
            let started = Instant::now();
            assert_eq!(client.read(true).unwrap().status, 400);
            near(started.elapsed(), REQUEST);
        });
        scope.spawn(move || {
            let head = b"POST /api/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
            let mut client = Client::new(address);
            client.write(head);
            // The server waits for the body, as on every route. Bytes after the answer have a time limit, too.
            let started = Instant::now();
            assert_eq!(client.read(true).unwrap().status, 404);
            near(started.elapsed(), REQUEST);
            let started = Instant::now();
            dribble_until_closed(&client);
            assert!(started.elapsed() < SHORT.disconnect + 2 * SOON);
        });
    });
}

/// The named limits themselves, a minute each.
#[test]
fn the_real_limits_of_time_are_kept_to_two_seconds() {
    if std::env::var_os("LINEBOOK_SLOW").is_none() {
        return;
    }
    let (world, address) = served(Options::default());
    world.sql(MANY);
    let named = Timeouts::default();
    let near = |took: Duration, limit: Duration| {
        let slack = Duration::from_secs(2);
        assert!(
            took > limit - slack && took < limit + slack,
            "{took:?} for {limit:?}"
        );
    };
    let until_it_stirs = |first: &[u8], answers: usize| {
        let mut client = Client::new(address);
        client.writer().set_read_timeout(None).unwrap();
        client.write(first);
        for _ in 0..answers {
            client.read(true).unwrap();
        }
        let started = Instant::now();
        // The server says why, or hangs up.
        let _ = client.writer().read(&mut [0]);
        started.elapsed()
    };
    std::thread::scope(|scope| {
        let live = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
        let body = "POST /api/devices_get HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
        let chunked = "POST /api/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (first, answers, limit) in [
            (String::new(), 0, named.head),
            ("GET /".into(), 0, named.head),
            (live.into(), 1, named.keep_alive),
            (format!("{live}GET /"), 1, named.request),
            (body.into(), 0, named.body),
            (chunked.into(), 0, named.body),
        ] {
            scope.spawn(move || near(until_it_stirs(first.as_bytes(), answers), limit));
        }
        scope.spawn(move || {
            let mut stopped = Client::new(address);
            let request = list().header("Accept-Encoding", "identity");
            stopped.write(&request.to_bytes());
            std::thread::sleep(named.write - Duration::from_secs(2));
            let refused = |address| {
                let metrics = send(address, &Request::new("GET", "/metrics")).text();
                value(&metrics, "linebook_connections_refused_total")
            };
            let before = refused(address);
            std::thread::sleep(Duration::from_secs(4));
            assert!(refused(address) > before, "the reader was not cut in time");
        });
    });
}

#[test]
fn what_is_no_http_is_answered_with_xml() {
    let (world, address) = served(Options::default());
    let check = |sent: &[u8], status, error: &str| {
        let mut client = Client::new(address);
        let _ = client.writer().write_all(sent);
        let answer = client.read(true).unwrap();
        assert_eq!(
            (answer.status, answer.error().unwrap()),
            (status, error.into())
        );
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(client.is_closed());
    };
    check(b"BAD\r\n\r\n", 400, "Request is not HTTP/1.1");
    check(
        b"GET / HTTP/1.1\r\nHost: x\r\nNo colon\r\n\r\n",
        400,
        "Request is not HTTP/1.1",
    );
    check(
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        400,
        "Request is not HTTP/1.1",
    );
    let many: String = (0..200).map(|i| format!("X{i}: a\r\n")).collect();
    let too_large = "Request line and headers are larger than 131072 bytes";
    check(
        format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n").as_bytes(),
        413,
        too_large,
    );
    let long = "a".repeat(200_000);
    check(
        format!("GET / HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n").as_bytes(),
        413,
        too_large,
    );
    // After a good request on the same connection.
    let mut client = Client::new(address);
    client.write(&[list().to_bytes().as_slice(), b"BAD\r\n\r\n"].concat());
    assert_eq!(client.read(true).unwrap().status, 200);
    let answer = client.read(true).unwrap();
    assert_eq!(answer.error().unwrap(), "Request is not HTTP/1.1");
    let metrics = world.app.metrics();
    let counted = |outcome: &str| {
        let labels = format!("method=\"-\",outcome=\"{outcome}\"");
        value(&metrics, &format!("linebook_requests_total{{{labels}}}"))
    };
    assert_eq!(counted(Fault::BrokenRequest.name()), 4.0);
    assert_eq!(counted(Fault::HeadTooLarge.name()), 2.0);
}

#[test]
#[allow(clippy::print_stdout, reason = "a measurement")]
fn clients_that_idle_do_not_stop_others() {
    let is_slow = std::env::var_os("LINEBOOK_SLOW").is_some();
    let count = if is_slow { 10_000 } else { 800 };
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit {
        current: files.maximum,
        ..files
    };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    let server = Server::start(&[
        "--max-connections",
        "12000",
        "--max-connections-per-address",
        "11000",
        "--log",
        "warn",
    ]);
    let mut idle = Vec::new();
    let live = Request::new("GET", "/health/live");
    for _ in 0..count {
        // Every connection has been served, so that it holds all that an idle connection can hold. A cheap request, so
        // that a slow machine has opened the last one before the first has been idle for too long.
        let mut client = Client::new(server.address);
        assert_eq!(client.send(&live).status, 200);
        idle.push(client);
    }
    let started = Instant::now();
    for _ in 0..50 {
        assert_eq!(send(server.address, &list()).status, 200);
    }
    let took = started.elapsed();
    let metrics = send(server.address, &Request::new("GET", "/metrics")).text();
    let open = value(&metrics, "linebook_connections_open");
    assert!(open >= f64::from(count), "{open} connections are open");
    println!(
        "{count} idle connections: 50 others were served in {took:?}, VmHWM {} KiB",
        server.peak_kib()
    );
    assert!(took < LONG);
    assert_eq!(idle[0].send(&list()).status, 200);
}

#[test]
fn a_log_that_nobody_reads_does_not_stop_callers() {
    // Its standard error is a pipe of 64 KiB; lines of more than a MiB are written.
    let server = Server::start(&["--log", "info"]);
    let mut client = Client::new(server.address);
    let unknown = Request::new("POST", "/x");
    for _ in 0..30_000 {
        assert_eq!(client.send(&unknown).status, 404);
    }
    let metrics = client.send(&Request::new("GET", "/metrics")).text();
    let lost = value(&metrics, "linebook_log_lines_lost_total");
    assert!(lost > 0.0, "the pipe was larger than expected");
    let mut server = server;
    let mut some = [0; 1024];
    let mut errors = server.child.stderr.take().unwrap();
    assert!(errors.read(&mut some).unwrap() > 0);
}

/// All requests of both connections have arrived before the one thread looks at either.
#[test]
fn pipelined_requests_take_turns_with_those_of_others() {
    const REQUESTS: usize = 100;
    let world = World::with(store::Options::default(), Ambient::system());
    let (places, app) = (Places::new(2, 2), world.app.clone());
    let door = Arc::new(Door::new(app, None, places, Timeouts::default()));
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(REQUESTS);
    let clients = [(); 2].map(|()| {
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(request.as_bytes()).unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        client
    });
    let served = Arc::new(Mutex::new(Vec::new()));
    let noted = served.clone();
    world.block_on(async move {
        let service = fn_service(move |request: actix_http::Request| {
            noted.lock().unwrap().push(request.peer_addr().unwrap());
            async { Ok::<_, actix_http::Error>(actix_http::Response::ok()) }
        });
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let mut connections = Vec::new();
        for _ in 0..clients.len() {
            let stream = listener.accept().await.unwrap().0;
            connections.push(door.clone().accept(stream).await.unwrap());
        }
        let stop = actix_server::ServerBuilder::default().graceful_shutdown_signal();
        let all = connections.into_iter();
        join_all(all.map(|connection| Connection::new(connection).serve(&service, stop.clone())))
            .await;
    });
    let served = served.lock().unwrap();
    assert_eq!(served.len(), 2 * REQUESTS);
    let most = served.chunk_by(|one, next| one == next).map(<[_]>::len);
    assert!(
        most.clone().max() <= Some(2),
        "{:?}",
        most.collect::<Vec<_>>()
    );
}
