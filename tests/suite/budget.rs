//! Work on a worker has a budget: web pages are made on other threads, in turns, and a page that computes says where it
//! stopped.

use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use linebook::api::diagnosis::Budget;
use linebook::api::encoding::percent_encode;
use linebook::api::limits::MAX_BODY;
use linebook::app::App;
use linebook::aside::{MAX_WAITING_OF_ONE, THREADS};
use linebook::service::guard::access::Actor;
use linebook::service::keys::MAX_ACTIVE_KEYS;
use linebook::service::sessions;

use crate::common::socket::{Client, send, serve};
use crate::common::world::NOW_MS;
use crate::common::{Answer, Call, Request, World};

/// The users of the demo world.
const ADMIN: i64 = 0;
const MANAGER: i64 = 3;
const RESELLER: i64 = 4;

/// A world, served.
struct Served {
    world: World,
    address: SocketAddr,
}

impl Served {
    fn new() -> Self {
        let world = World::new();
        let address = serve(&world);
        Self { world, address }
    }

    /// A session of this user.
    fn token(&self, user_id: i64) -> String {
        let app = &self.world.app;
        let token = sessions::new_token(&app.core.ambient);
        let kept = token.clone();
        let started = app
            .core
            .store
            .write_blocking(move |tx| sessions::start(tx, &Actor::system(NOW_MS), user_id, &kept));
        started.unwrap();
        token
    }

    /// Sends a request on a connection of its own, and returns once it waits for a thread.
    fn ask(&self, request: Request) -> JoinHandle<Answer> {
        let (address, waiting) = (self.address, self.world.app.aside.waiting());
        let asked = std::thread::spawn(move || send(address, &request));
        wait_for(&self.world.app, waiting + 1);
        asked
    }
}

fn wait_for(app: &App, waiting: usize) {
    let started = Instant::now();
    while app.aside.waiting() != waiting {
        let waits = app.aside.waiting();
        assert!(
            started.elapsed() < Duration::from_secs(8),
            "{waits} wait, not {waiting}"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn page(path: &str, token: &str) -> Request {
    Request::new("GET", path)
        .header("Accept", "text/html")
        .header("Cookie", &format!("linebook={token}"))
}

/// All the threads that make web pages, held until this is dropped.
struct HeldThreads {
    gate: Arc<(Mutex<bool>, Condvar)>,
    holders: Vec<JoinHandle<()>>,
}

impl HeldThreads {
    fn new(app: &Arc<App>) -> Self {
        let gate: Arc<(Mutex<bool>, Condvar)> = Arc::default();
        let (begun, begins) = channel();
        let holders = (0..THREADS as i64)
            .map(|place| hold(app.clone(), 1000 + place, gate.clone(), begun.clone()))
            .collect();
        (0..THREADS).for_each(|_| begins.recv().unwrap());
        Self { gate, holders }
    }
}

fn hold(
    app: Arc<App>,
    user_id: i64,
    gate: Arc<(Mutex<bool>, Condvar)>,
    begun: Sender<()>,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().unwrap();
        let held = runtime.block_on(app.aside.go_on(user_id, move || {
            begun.send(()).unwrap();
            let is_open = gate.0.lock().unwrap();
            let _open = gate.1.wait_while(is_open, |is_open| !*is_open).unwrap();
        }));
        held.unwrap();
    })
}

impl Drop for HeldThreads {
    fn drop(&mut self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
        for holder in self.holders.drain(..) {
            holder.join().unwrap();
        }
    }
}

#[test]
fn pages_are_made_aside_and_calls_do_not_wait_for_them() {
    let served = Served::new();
    let token = served.token(ADMIN);
    // One connection on each worker, and more.
    let mut clients: Vec<Client> = (0..4).map(|_| Client::new(served.address)).collect();
    let held = HeldThreads::new(&served.world.app);
    let mut asked = Vec::new();
    for path in [
        "/",
        "/devices",
        "/log?actor=nobody",
        "/hash",
        "/devices.csv",
    ] {
        asked.push(served.ask(page(path, &token)));
    }
    for client in &mut clients {
        let call = Call::sample("devices_get").signed_by_admin();
        assert_eq!(client.send(&call.post()).status, 200);
        assert_eq!(client.send(&page("/sign-in", "")).status, 200);
        let metrics = client.send(&Request::new("GET", "/metrics")).text();
        assert!(
            metrics.contains("\nlinebook_pages_waiting 5\n"),
            "{metrics}"
        );
    }
    drop(held);
    for answer in asked {
        assert_eq!(answer.join().unwrap().status, 200);
    }
}

#[test]
fn one_user_fills_his_own_line_and_nobody_elses() {
    let served = Served::new();
    let (admin, manager) = (served.token(ADMIN), served.token(MANAGER));
    let held = HeldThreads::new(&served.world.app);
    let mut asked = Vec::new();
    for _ in 0..MAX_WAITING_OF_ONE {
        asked.push(served.ask(page("/devices", &admin)));
    }
    let refused = send(served.address, &page("/account", &admin));
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(
        refused
            .text()
            .contains("Too many requests are waiting, try again later")
    );
    asked.push(served.ask(page("/devices", &manager)));
    drop(held);
    for answer in asked {
        assert_eq!(answer.join().unwrap().status, 200);
    }
}

/// A form that asks why the hash of `request` is not accepted.
fn explain(request: &str, token: &str) -> Request {
    let form = format!(
        "form_token={}&request={}",
        sessions::form_token(token),
        percent_encode(request)
    );
    let mut asked = page("/hash", token);
    asked.verb = "POST".into();
    asked.body(Some("application/x-www-form-urlencoded"), form)
}

/// The most work: as many values as are tried in every order, of the greatest length that they may have together.
fn worst(value: usize) -> String {
    let names = [
        "u=admin",
        "user_id=",
        "pin=",
        "description=",
        "caller_id=",
        "type=",
        "devicegroup_id=",
    ];
    let value = "x".repeat(value);
    let pairs: Vec<String> = names
        .iter()
        .map(|name| {
            if name.ends_with('=') {
                format!("{name}{value}")
            } else {
                (*name).into()
            }
        })
        .collect();
    format!(
        "/billing/api/device_create?{}&hash={}",
        pairs.join("&"),
        "0".repeat(40)
    )
}

#[test]
fn a_hash_is_explained_aside_within_a_budget() {
    let served = Served::new();
    let token = served.token(ADMIN);
    // As many keys as allowed.
    served.world.sql("UPDATE api_keys SET revoked_ms = 1");
    for place in 0..MAX_ACTIVE_KEYS {
        let sql = "INSERT INTO api_keys (user_id, secret, created_ms) VALUES (0, 'another-key";
        served.world.sql(&format!("{sql}-{place}', 0)"));
    }
    let longest = (MAX_BODY - 500) / 6;
    let held = HeldThreads::new(&served.world.app);
    let asked: Vec<_> = [1, longest]
        .map(|value| served.ask(explain(&worst(value), &token)))
        .into();
    let call = Call::sample("devices_get").signed_by_admin();
    for _ in 0..4 {
        assert_eq!(send(served.address, &call.post()).status, 200);
    }
    drop(held);
    // One after the other, because a user gets one explanation at a time.
    let answers: Vec<String> = asked
        .into_iter()
        .map(|answer| answer.join().unwrap().text())
        .collect();
    for (value, answer) in [1, longest].into_iter().zip(answers) {
        let mut answer = answer;
        if answer.contains("Another request of yours") {
            answer = send(served.address, &explain(&worst(value), &token)).text();
        }
        let (_, said) = answer.split_once("not all orders were tried: ").unwrap();
        let (_, count) = said.split_once("given up after ").unwrap();
        let tried: u64 = count.split(' ').next().unwrap().parse().unwrap();
        assert!(count.contains(" of 671300 texts"), "{count}");
        // Each is at least one block of SHA1.
        assert!(tried * 64 <= Budget::PAGE.bytes, "{tried}");
    }
}

#[test]
fn one_request_of_a_user_is_explained_at_a_time() {
    let served = Served::new();
    let (admin, other) = (served.token(ADMIN), served.token(RESELLER));
    let request = worst(1);
    let alone = served.world.app.explanations.begin(ADMIN);
    let refused = send(served.address, &explain(&request, &admin));
    assert_eq!(refused.status, 422);
    let said = "Another request of yours is being explained at this moment. Wait until it is done";
    assert!(refused.text().contains(said), "{}", refused.text());
    // The page still shows what was sent.
    assert!(
        refused
            .text()
            .contains("device_create?u=admin&amp;user_id=x")
    );
    let answer = send(served.address, &explain(&request, &other)).text();
    assert!(!answer.contains(said), "{answer}");
    drop(alone);
    let answer = send(served.address, &explain(&request, &admin));
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("id=\"verdict\""));
}
