//! The parts about the budget of work: the cost of each handler on a worker, and calls beside someone who makes the web
//! pages work as hard as they can.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::client::Pace;
use super::handlers::{self, Cost, Visitors};
use super::server::Server;
use super::{Bench, crowd, reading, world};

/// The CPU that one request may take of a worker, in milliseconds.
const MAX_MS: f64 = 20.0;
/// The number of times that each request is sent.
const TIMES: usize = 3;
/// How many of the most expensive requests are shown.
const SHOWN: usize = 10;
/// How many requests for an explanation, and for a slow page, are under way at any time.
const AT_ONCE: usize = 4;

impl Bench {
    /// Every handler with its most expensive permitted request, in a crowd.
    pub fn handlers(&mut self) {
        let data = self.crowd("handlers");
        let visitors = Visitors {
            admin: crowd::session(&data, 0),
            reseller: crowd::session(&data, crowd::RESELLER),
            big_user: crowd::session(&data, crowd::BIG_USER),
        };
        let server = Server::linebook(&data, &[]);
        let times = if self.plan.turns == 1 { 1 } else { TIMES };
        let mut costs: Vec<(String, Cost, String)> = handlers::all(&visitors)
            .into_iter()
            .map(|asked| {
                let (cost, status) = handlers::measure(&server, &asked, times);
                eprintln!(
                    "{:.2} ms, {:.2} aside: {}, {status}",
                    cost.worker, cost.aside, asked.name
                );
                (asked.name, cost, status)
            })
            .collect();
        costs.sort_by(|(_, a, _), (_, b, _)| b.worker.total_cmp(&a.worker));
        let worst = costs[0].1.worker;
        show("a worker", &costs);
        costs.sort_by(|(_, a, _), (_, b, _)| b.aside.total_cmp(&a.aside));
        show("the threads aside", &costs);
        self.row(
            "the most expensive request: ms of CPU on a worker",
            worst,
            "at most 20",
            worst <= MAX_MS,
        );
        self.retire(server);
    }

    /// Calls beside someone who wants hashes explained, and the slowest page, without end.
    pub fn explained(&mut self) {
        let data = self.crowd("explained");
        let users = self.plan.large / world::DEVICES_PER_USER;
        let token = crowd::session(&data, 0);
        let server = Server::linebook(&data, &[]);
        let slow = format!(
            "GET /log?actor=nobody HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: text/html\r\nCookie: linebook={token}\r\n\r\n"
        );
        for (what, request) in [
            ("Generate hash", handlers::explain(&token, 1)),
            ("the action log's filter", slow.into_bytes().into()),
        ] {
            let answered = AtomicU64::new(0);
            let ratio = self.ratio(
                || {
                    beside(server.address, &request, &answered, || {
                        self.load(&server, Pace::Closed, reading(users)).rate()
                    })
                },
                || self.load(&server, Pace::Closed, reading(users)).rate(),
            );
            eprintln!("{} answers of {what} meanwhile", answered.into_inner());
            self.row(
                &format!("devices_get beside someone who asks for {what} without end ÷ alone"),
                ratio,
                "at least 0.6",
                ratio >= 0.6,
            );
        }
        self.retire(server);
    }

    /// A fresh database with many rows of everything.
    fn crowd(&self, name: &str) -> std::path::PathBuf {
        let data = self.folder.join(name);
        std::fs::create_dir(&data).expect("a folder");
        crowd::create(&data, self.plan.large);
        data
    }
}

fn show(of: &str, costs: &[(String, Cost, String)]) {
    println!("\n| ms of CPU, by {of} | worker | aside | others | answer |\n|---|---|---|---|---|");
    for (name, cost, status) in costs.iter().take(SHOWN) {
        let Cost {
            worker,
            aside,
            others,
        } = cost;
        println!("| {name} | {worker:.2} | {aside:.2} | {others:.2} | {status} |");
    }
    println!();
}

/// The result of `work` while other connections send one request again and again.
fn beside(
    address: SocketAddr,
    request: &[u8],
    answered: &AtomicU64,
    work: impl FnOnce() -> f64,
) -> f64 {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    handlers::send(address, request);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let measured = work();
        is_over.store(true, Ordering::Relaxed);
        measured
    })
}
