//! This tree's server against another binary: the same requests to both, in turn.

use std::path::Path;
use std::rc::Rc;

use super::client::Pace;
use super::server::Server;
use super::{Bench, listing, median_of, reading, world, writing};

/// The requests beside the methods that write: lists, and one that only passes through the connection.
const READING: [&str; 4] = [
    "/health/live",
    "devices_get",
    "dids_get of 10 DIDs",
    "dids_get of 1000 DIDs",
];

/// The share of the other's rate, or of its CPU per request, that still counts as no worse.
const NO_WORSE: f64 = 0.95;

/// The measures of one turn.
struct Turn {
    rate: f64,
    cpu_ns: f64,
}

impl Bench {
    /// Each kind of request at 64 connections: this server, the other one, this one ...; the median of the pairs.
    /// Names of requests after the binary choose among them.
    pub fn against(&mut self, other: &Path, asks: impl Fn(&str) -> bool) {
        let devices = self.plan.small;
        let users = devices / world::DEVICES_PER_USER;
        let dids = (self.plan.turns as u64 + 1) * super::DIDS_PER_TURN;
        let serve = |name: &str, binary: &Path| {
            let data = self.folder.join(name);
            std::fs::create_dir(&data).unwrap();
            world::create_by(binary, &data, devices, dids);
            Server::linebook_at(binary, &data, &[])
        };
        let (ours, theirs) = (
            serve("ours", Path::new(world::BINARY)),
            serve("theirs", other),
        );
        for asked in READING.into_iter().chain(super::WRITING) {
            if !asks(asked) {
                continue;
            }
            if !theirs.knows(asked) {
                println!("| {asked} | the other does not have it |");
                continue;
            }
            let (mut rates, mut cpu) = (Vec::new(), Vec::new());
            for turn in 0..self.plan.turns as u64 {
                let [a, b] = [&ours, &theirs].map(|server| self.turn(server, asked, users, turn));
                rates.push(a.rate / b.rate);
                cpu.push(b.cpu_ns / a.cpu_ns);
            }
            for (what, ratios) in [("rate", rates), ("requests for the same CPU", cpu)] {
                let ratio = median_of(ratios);
                let what = format!("{asked}: {what} ÷ the other's");
                self.row(&what, ratio, "at least 0.95", ratio >= NO_WORSE);
            }
        }
        self.retire(ours);
        self.retire(theirs);
    }

    fn turn(&self, server: &Server, asked: &'static str, users: u64, turn: u64) -> Turn {
        let next: Box<dyn Fn(u64) -> Rc<[u8]>> = match asked {
            "/health/live" => Box::new(|_| {
                b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
                    .as_slice()
                    .into()
            }),
            "devices_get" => Box::new(reading(users)),
            "dids_get of 10 DIDs" => listing(10),
            "dids_get of 1000 DIDs" => listing(1000),
            _ => writing(asked, users, turn),
        };
        let before = server.cpu_ns();
        let load = self.load(server, Pace::Closed, next);
        let cpu_ns = (server.cpu_ns() - before) as f64 / load.count as f64;
        eprintln!("{asked}: {:.0}/s, {cpu_ns:.0} ns of CPU each", load.rate());
        Turn {
            rate: load.rate(),
            cpu_ns,
        }
    }
}
