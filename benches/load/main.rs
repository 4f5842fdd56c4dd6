//! The speed of linebook, as ratios: `cargo bench --bench load`.
//!
//! The real release server on loopback, real sockets, full durability, logs on. Machines are noisy, so every figure is
//! a ratio of two things that are measured in turn within this run, and the median of several turns. `-- --tiny` runs
//! everything once with a small load, to see that it works. `-- reads batches` runs only those parts. `-- --against
//! BINARY` compares this tree's server with another binary, request by request.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

mod against;
mod bare;
mod budget;
mod client;
mod crowd;
mod fixed;
mod guessing;
mod handlers;
mod inside;
mod server;
mod world;

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use client::{Load, Pace};
use server::Server;

/// Connections of the load generator.
const CONNECTIONS: usize = 64;

/// DIDs for one turn of assignments: more than any machine assigns in that time.
const DIDS_PER_TURN: u64 = 150_000;

/// The methods that write. `did_device_assign` takes turns with `did_device_unassign`.
const WRITING: [&str; 6] = [
    "device_create",
    "did_create",
    "cli_add",
    "did_trunk_device_assign",
    "device_update",
    "did_device_assign",
];

/// A DID is taken off its device this many requests after it was put there, when that was answered long ago. Even, so that
/// the one before an odd place was an assignment.
const UNASSIGNED_AFTER: u64 = 1_000;

/// The size of each measurement.
struct Plan {
    turns: usize,
    /// More turns for the open loop, where one hiccup of the machine decides the p99 of its turn.
    open_turns: usize,
    turn: Duration,
    small: u64,
    large: u64,
}

const FULL: Plan = Plan {
    turns: 5,
    open_turns: 11,
    turn: Duration::from_secs(2),
    small: 10_000,
    large: 1_000_000,
};

const TINY: Plan = Plan {
    turns: 1,
    open_turns: 1,
    turn: Duration::from_millis(200),
    small: 1_000,
    large: 5_000,
};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(place) = arguments.iter().position(|argument| argument == "--fixed") {
        return fixed::serve(Path::new(&arguments[place + 1]));
    }
    let plan = if arguments.iter().any(|argument| argument == "--tiny") {
        TINY
    } else {
        FULL
    };
    let folder = tempfile::Builder::new()
        .prefix("linebook-bench-")
        .tempdir_in("target")
        .expect("a folder");
    let mut bench = Bench {
        plan,
        folder: folder.path().into(),
        peak_memory_kib: 0,
    };
    println!(
        "{} cores, median fdatasync {:.3} ms",
        std::thread::available_parallelism().unwrap(),
        bench.median_sync().as_secs_f64() * 1000.0
    );
    if let Some(place) = arguments
        .iter()
        .position(|argument| argument == "--against")
    {
        let named: Vec<&String> = arguments[place + 2..]
            .iter()
            .filter(|argument| !argument.starts_with("--"))
            .collect();
        return bench.against(Path::new(&arguments[place + 1]), |asked| {
            named.is_empty() || named.iter().any(|name| asked.starts_with(name.as_str()))
        });
    }
    let parts: [(&str, Part); 9] = [
        ("reads", Bench::reads),
        ("batches", Bench::batches),
        ("inside", Bench::inside),
        ("passwords", Bench::passwords),
        ("guessing", Bench::guessing),
        ("sizes", Bench::sizes),
        ("open-loop", Bench::open_loop),
        ("explained", Bench::explained),
        ("handlers", Bench::handlers),
    ];
    let is_asked = |name: &str| arguments.iter().any(|argument| argument == name);
    let asks = parts.iter().any(|(name, _)| is_asked(name));
    for (_, part) in parts.iter().filter(|(name, _)| !asks || is_asked(name)) {
        part(&mut bench);
    }
    let memory = bench.peak_memory_kib as f64 / 1024.0;
    bench.row(
        "peak memory of the server over all rows, MiB",
        memory,
        "below 96",
        memory < 96.0,
    );
}

type Part = fn(&mut Bench);

struct Bench {
    plan: Plan,
    folder: PathBuf,
    peak_memory_kib: u64,
}

impl Bench {
    fn row(&mut self, what: &str, measured: f64, target: &str, is_met: bool) {
        let verdict = if is_met { "met" } else { "MISSED" };
        println!("| {what} | {measured:.2} | {target} | {verdict} |");
    }

    /// A fresh database with this many devices.
    fn world(&self, name: &str, devices: u64) -> PathBuf {
        self.world_with_dids(name, devices, 1)
    }

    fn world_with_dids(&self, name: &str, devices: u64, dids: u64) -> PathBuf {
        let data = self.folder.join(name);
        std::fs::create_dir(&data).unwrap();
        world::create(&data, devices, dids);
        data
    }

    fn median_sync(&self) -> Duration {
        use std::io::Write;
        let mut file = std::fs::File::create(self.folder.join("sync")).unwrap();
        median((0..200).map(|_| {
            let start = Instant::now();
            file.write_all(&[0; 4096]).unwrap();
            file.sync_data().unwrap();
            start.elapsed()
        }))
    }

    fn load(&self, server: &Server, pace: Pace, next: impl Fn(u64) -> Rc<[u8]> + 'static) -> Load {
        client::run(server.address, CONNECTIONS, self.plan.turn, pace, next)
    }

    /// The ratio of two measures, taken in turn: A B A B ...
    fn ratio(&self, a: impl FnMut() -> f64, b: impl FnMut() -> f64) -> f64 {
        ratio_of(self.plan.turns, a, b)
    }

    fn retire(&mut self, server: Server) {
        self.peak_memory_kib = self.peak_memory_kib.max(server.peak_memory_kib());
    }

    /// devices_get against a handler that sends the same bytes, and against the liveness check.
    fn reads(&mut self) {
        let users = self.plan.small / world::DEVICES_PER_USER;
        let data = self.world("reads", self.plan.small);
        let linebook = Server::linebook(&data, &[]);
        let reply = data.join("reply");
        std::fs::write(&reply, body_of(&linebook, &world::devices_get(0))).unwrap();
        let fixed = Server::fixed(&reply);
        let live: Rc<[u8]> = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            .as_slice()
            .into();

        let cpu = self.ratio(
            || {
                cpu_per_request(&linebook, || {
                    self.load(&linebook, Pace::Closed, mixed(users))
                })
            },
            || cpu_per_request(&fixed, || self.load(&fixed, Pace::Closed, reading(users))),
        );
        self.row(
            "devices_get: CPU per request ÷ a static handler's",
            cpu,
            "at most 3.5",
            cpu <= 3.5,
        );
        let rate = self.ratio(
            || self.load(&linebook, Pace::Closed, mixed(users)).rate(),
            || {
                let live = live.clone();
                self.load(&linebook, Pace::Closed, move |_| live.clone())
                    .rate()
            },
        );
        self.row(
            "devices_get: requests per second ÷ /health/live's",
            rate,
            "at least 0.40",
            rate >= 0.40,
        );
        self.retire(linebook);
    }

    /// The gain of one sync for many callers.
    fn batches(&mut self) {
        let users = self.plan.small / world::DEVICES_PER_USER;
        let sync = self.median_sync();
        let together = Server::linebook(&self.world("together", self.plan.small), &[]);
        let alone = Server::linebook(&self.world("alone", self.plan.small), &["--max-batch", "1"]);
        let ratio = self.ratio(
            || self.load(&together, Pace::Closed, creating(users)).rate(),
            || self.load(&alone, Pace::Closed, creating(users)).rate(),
        );
        let batch = mean_batch(&together);
        self.row(
            "device_create at 64 connections: writes per sync",
            batch,
            "at least 16",
            batch >= 16.0,
        );
        self.batches_of_others();
        let single = mean_batch(&alone);
        self.row(
            "the same with --max-batch 1",
            single,
            "exactly 1",
            single == 1.0,
        );
        let is_slow = sync >= Duration::from_micros(300);
        self.row(
            "its throughput ÷ that with --max-batch 1",
            ratio,
            "at least 6 where a sync takes 0.3 ms",
            ratio >= 6.0 || !is_slow,
        );
        self.retire(together);
        self.retire(alone);
    }

    /// The other methods that write share their syncs, too.
    fn batches_of_others(&mut self) {
        let users = self.plan.small / world::DEVICES_PER_USER;
        let data = self.world_with_dids("others", self.plan.small, DIDS_PER_TURN);
        for method in WRITING.iter().filter(|method| **method != "device_create") {
            let server = Server::linebook(&data, &[]);
            self.load(&server, Pace::Closed, writing(method, users, 0));
            let batch = mean_batch(&server);
            let what = format!("{method} at 64 connections: writes per sync");
            self.row(&what, batch, "at least 16", batch >= 16.0);
            self.retire(server);
        }
    }

    /// The cost of queue, rules and HTTP beyond the bare statements.
    fn inside(&mut self) {
        let users = self.plan.small / world::DEVICES_PER_USER;
        let data = self.world("inside", self.plan.small);
        let server = Server::linebook(&data, &[]);
        let http_cpu = cpu_per_request(&server, || {
            self.load(&server, Pace::Closed, creating(users))
        });
        let batch = mean_batch(&server).round() as u64;
        self.retire(server);
        let turn = self.plan.turn;
        let mut cpu = Vec::new();
        let ratio = self.ratio(
            || {
                let inside = inside::device_create(&data, CONNECTIONS as u64, users, turn);
                cpu.push(inside.cpu_ns);
                inside.rate
            },
            || bare::device_create(&data, batch.max(1), users, turn),
        );
        self.row(
            "Store::write by 64 threads ÷ a bare loop at the same batch",
            ratio,
            "at least 0.5",
            ratio >= 0.5,
        );
        let cpu = http_cpu / median_of(cpu);
        self.row(
            "device_create: CPU over HTTP ÷ in process",
            cpu,
            "at most 3",
            cpu <= 3.0,
        );
    }

    /// The cost of a password in every call.
    fn passwords(&mut self) {
        let users = self.plan.small / world::DEVICES_PER_USER;
        let server = Server::linebook(&self.world("passwords", self.plan.small), &[]);
        let password = ("p", world::PASSWORD.to_owned());
        let with: Rc<[Rc<[u8]>]> = (0..users)
            .map(|user| {
                let user_id = (world::FIRST_USER + user).to_string();
                world::request("devices_get", &[("user_id", user_id), password.clone()])
            })
            .collect();
        body_of(&server, &with[0]);
        let ratio = self.ratio(
            || {
                let with = with.clone();
                let next = move |place| with[(world::scatter(place) % users) as usize].clone();
                self.load(&server, Pace::Closed, next).rate()
            },
            || self.load(&server, Pace::Closed, reading(users)).rate(),
        );
        self.row(
            "a client that sends p ÷ one that does not",
            ratio,
            "at least 0.85",
            ratio >= 0.85,
        );
        self.retire(server);
    }

    /// The methods on a database that is a hundred (a thousand) times as large.
    fn sizes(&mut self) {
        let (small, large) = (self.plan.small / 10, self.plan.large);
        let dids = (self.plan.turns as u64 * 2 + 1) * DIDS_PER_TURN;
        let few = self.world_with_dids("few", small, dids);
        let many = self.world_with_dids("many", large, dids);
        let users = |devices| devices / world::DEVICES_PER_USER;
        let (of_few, of_many) = (Server::linebook(&few, &[]), Server::linebook(&many, &[]));
        let ratio = self.ratio(
            || {
                self.load(&of_many, Pace::Closed, reading(users(large)))
                    .rate()
            },
            || {
                self.load(&of_few, Pace::Closed, reading(users(small)))
                    .rate()
            },
        );
        self.row(
            "devices_get: a large database ÷ a small one",
            ratio,
            "at least 0.75",
            ratio >= 0.75,
        );
        let searching = world::request("dids_get", &[("search_did_number", "123456".into())]);
        let search = client::run(
            of_many.address,
            1,
            self.plan.turn,
            Pace::Closed,
            move |_| searching.clone(),
        );
        let search_ms = search.quantile(0.5, |_| true).as_secs_f64() * 1e9 / dids as f64;
        self.row(
            "dids_get with a part of a number: ms per million DIDs",
            search_ms,
            "below 250",
            search_ms < 250.0,
        );
        let mut measured = Vec::new();
        for method in WRITING {
            let mut turn = 0;
            let mut next = |users| {
                turn += 1;
                writing(method, users, turn)
            };
            let ratios = (0..self.plan.turns).map(|_| {
                let many = self.load(&of_many, Pace::Closed, next(users(large))).rate();
                many / self.load(&of_few, Pace::Closed, next(users(small))).rate()
            });
            measured.push((method, median_of(ratios.collect())));
        }
        self.retire(of_few);
        self.retire(of_many);
        let turn = self.plan.turn;
        let bare = self.ratio(
            || bare::device_create(&many, 32, users(large), turn),
            || bare::device_create(&few, 32, users(small), turn),
        );
        for (method, ratio) in measured {
            let is_met = ratio >= 0.6 && ratio >= 0.9 * bare;
            let what = format!("{method}: a large database ÷ a small one (a bare loop: {bare:.2})");
            self.row(
                &what,
                ratio,
                "at least 0.6, and 0.9 of the bare loop's",
                is_met,
            );
        }
    }

    /// Latency at half the server's highest rate, from the moment at which a request should have been sent.
    fn open_loop(&mut self) {
        let users = self.plan.small / world::DEVICES_PER_USER;
        let server = Server::linebook(&self.world("open", self.plan.small), &[]);
        let reads = self.load(&server, Pace::Closed, reading(users)).rate() / 2.0;
        let writes = self.load(&server, Pace::Closed, creating(users)).rate() / 2.0;
        let p99 = |load: Load| {
            // Only the reads count: a write waits for its sync.
            let p99 = load.quantile(0.99, |place| !is_write(place));
            eprintln!("p99 of the reads: {p99:?}");
            p99.as_secs_f64()
        };
        let ratio = ratio_of(
            self.plan.open_turns,
            || p99(self.load(&server, Pace::Open(reads), mixed(users))),
            || p99(self.load(&server, Pace::Open(reads), reading(users))),
        );
        self.row(
            "open loop: p99 of reads with 1 % writes ÷ alone",
            ratio,
            "at most 2",
            ratio <= 2.0,
        );
        let spread = median_of(
            (0..self.plan.open_turns)
                .map(|_| {
                    let load = self.load(&server, Pace::Open(writes), creating(users));
                    let [p50, p99] = [0.5, 0.99].map(|share| load.quantile(share, |_| true));
                    eprintln!("p50 of the writes: {p50:?}, p99: {p99:?}");
                    p99.as_secs_f64() / p50.as_secs_f64()
                })
                .collect(),
        );
        self.row(
            "open loop: p99 of writes ÷ their p50",
            spread,
            "at most 5",
            spread <= 5.0,
        );
        self.retire(server);
    }
}

fn ratio_of(turns: usize, mut a: impl FnMut() -> f64, mut b: impl FnMut() -> f64) -> f64 {
    median_of((0..turns).map(|_| a() / b()).collect())
}

fn prepared(count: u64, request: impl Fn(u64) -> Rc<[u8]>) -> Rc<[Rc<[u8]>]> {
    (0..count).map(request).collect()
}

/// devices_get for users in random order.
fn reading(users: u64) -> impl Fn(u64) -> Rc<[u8]> + 'static {
    let requests = prepared(users, world::devices_get);
    move |place| requests[(world::scatter(place) % users) as usize].clone()
}

/// dids_get for so many of the DIDs of one user.
fn listing(count: u64) -> Box<dyn Fn(u64) -> Rc<[u8]>> {
    let user_id = world::FIRST_USER.to_string();
    let sent = [("search_user", user_id), ("max_results", count.to_string())];
    let request = world::request("dids_get", &sent);
    Box::new(move |_| request.clone())
}

/// device_create with a random PIN, for users in random order.
fn creating(users: u64) -> impl Fn(u64) -> Rc<[u8]> + 'static {
    let requests = prepared(users, world::device_create);
    move |place| requests[(world::scatter(place) % users) as usize].clone()
}

/// Whether a mixed request is a write: every hundredth is.
fn is_write(place: u64) -> bool {
    place % 100 == 99
}

/// Reads with some writes between them.
fn mixed(users: u64) -> impl Fn(u64) -> Rc<[u8]> + 'static {
    let (read, write) = (reading(users), creating(users));
    move |place| {
        if is_write(place) {
            write(place)
        } else {
            read(place)
        }
    }
}

/// One of the writing methods; every call of every turn succeeds.
fn writing(method: &'static str, users: u64, turn: u64) -> Box<dyn Fn(u64) -> Rc<[u8]>> {
    let number = move |place: u64| turn * 1_000_000 + place;
    match method {
        "device_create" => Box::new(creating(users)),
        "did_create" => Box::new(move |place| {
            world::request(
                "did_create",
                &[
                    ("p", world::PASSWORD.into()),
                    ("did", format!("48{:010}", number(place))),
                    ("provider_id", "1".into()),
                ],
            )
        }),
        "cli_add" => Box::new(move |place| {
            let device = 1 + world::scatter(place) % (users * world::DEVICES_PER_USER);
            world::request(
                "cli_add",
                &[
                    ("device_id", device.to_string()),
                    ("cli_number", format!("49{:010}", number(place))),
                ],
            )
        }),
        "did_trunk_device_assign" => Box::new(move |place| {
            let did = world::reserved_did(turn * DIDS_PER_TURN + place);
            world::request(method, &[("device_id", "1".into()), ("did", did)])
        }),
        // A password of its own for each, so that each changes something.
        "device_update" => Box::new(move |place| {
            let device = 1 + world::scatter(place) % (users * world::DEVICES_PER_USER);
            let password = format!("Secret{:010}", number(place));
            let sent = [("device", device.to_string()), ("password", password)];
            world::request(method, &sent)
        }),
        // From the other end, where did_trunk_device_assign has not been.
        "did_device_assign" => Box::new(move |place| {
            let did = |place: u64| world::reserved_did((turn + 1) * DIDS_PER_TURN - 1 - place);
            match place.checked_sub(UNASSIGNED_AFTER) {
                // Every other request takes off what an earlier one put there.
                Some(before) if place % 2 == 1 => {
                    world::request("did_device_unassign", &[("did", did(before - 1))])
                }
                _ => world::request(method, &[("device_id", "1".into()), ("did", did(place))]),
            }
        }),
        _ => unreachable!("a writing method"),
    }
}

fn cpu_per_request(server: &Server, load: impl FnOnce() -> Load) -> f64 {
    let before = server.cpu_ns();
    let count = load().count;
    let each = (server.cpu_ns() - before) as f64 / count as f64;
    eprintln!("{each:.0} ns of CPU for each of {count} requests");
    each
}

/// Writes per commit since the server's start, by its own count; a commit is one sync.
fn mean_batch(server: &Server) -> f64 {
    let metrics = body_of(server, b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let metrics = String::from_utf8(metrics).unwrap();
    let value = |name: &str| -> f64 {
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .expect(name);
        line.trim().parse().unwrap()
    };
    value("linebook_writer_batch_size_sum") / value("linebook_writer_batch_size_count")
}

/// The body of one answer.
fn body_of(server: &Server, request: &[u8]) -> Vec<u8> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(server.address).unwrap();
    stream.write_all(request).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let mut answer = Vec::new();
    // On a keep-alive connection, the answer ends when nothing more comes.
    let _ = stream.read_to_end(&mut answer);
    let head = answer
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .unwrap();
    answer.split_off(head + 4)
}

fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values[values.len() / 2]
}

fn median_of(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
