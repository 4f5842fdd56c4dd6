//! What the server counts, in Prometheus's text format.
//!
//! Every series of a call is made at the start: counting one is a look at a short list and a few atomic additions, and
//! no label is built from what a caller sent.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::api::answer::Outcome;
use crate::api::fault::Fault;
use crate::api::method::{COMMON_ERRORS, Method};
use crate::api::methods::METHODS;
use crate::store::Activity;

/// The Content-Type of the metrics.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The label of requests that name no method.
pub const NO_METHOD: &str = "-";
/// Upper bounds of the latencies: from 0.1 ms, each double the one before, to 13 s.
const LATENCY_BUCKETS: u16 = 18;
const FASTEST_S: f64 = 0.0001;

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    methods: Vec<MethodMetrics>,
    no_method: MethodMetrics,
    /// Connections that are open.
    pub connections: Gauge,
    /// Connections that were closed because too many were open, or because their clients were too slow.
    pub refused_connections: Counter,
    /// Of these, connections from an address that had too many.
    pub crowding_connections: Counter,
    /// Idle connections that were closed for new ones.
    pub connections_made_room: Counter,
    scraped: Scraped,
}

/// The calls of one method.
struct MethodMetrics {
    latency: Histogram,
    /// By label; the likely one first.
    outcomes: Vec<(&'static str, Counter)>,
}

/// Numbers that other parts count or know, taken when somebody looks.
pub struct Seen {
    /// What the database does.
    pub store: Activity,
    /// Calls that were refused after too many failed authentications.
    pub throttled: u64,
    /// Calls from addresses that are not on the owner's allow-list.
    pub address_refusals: u64,
    /// Passwords that were right and needed no computation.
    pub passwords_remembered: u64,
    /// Passwords that wait.
    pub passwords_waiting: usize,
    /// Passwords that were refused because too many waited.
    pub passwords_turned_away: u64,
    /// Web pages that wait for a thread.
    pub pages_waiting: usize,
    /// The age of the last good backup, if one is known.
    pub backup_age: Option<Duration>,
    /// Log lines that were dropped.
    pub lost_lines: u64,
}

/// The series of these numbers.
#[derive(Default)]
struct Scraped {
    address_refusals: Counter,
    throttled: Counter,
    remembered: Counter,
    waiting_passwords: Gauge,
    passwords_turned_away: Counter,
    writes: Counter,
    queue_depth: Gauge,
    wal_bytes: Gauge,
    pages_waiting: Gauge,
    readers: Gauge,
    readers_in_use: Gauge,
    backup_age_s: Gauge<f64, AtomicU64>,
    lost_lines: Counter,
}

impl Metrics {
    /// All series, at zero. `batch_sizes` is the writer's own.
    pub fn new(now_ms: i64, batch_sizes: Histogram) -> Self {
        let mut registry = Registry::with_prefix("linebook");
        let requests: Family<Labels<2>, Counter> = Family::default();
        let latencies: Family<Labels<1>, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(latency);
        let series = |name, outcomes: Vec<&'static str>| MethodMetrics {
            latency: latencies.get_or_create_owned(&[("method", name)]),
            outcomes: outcomes
                .into_iter()
                .map(|outcome| {
                    let labels = [("method", name), ("outcome", outcome)];
                    (outcome, requests.get_or_create_owned(&labels))
                })
                .collect(),
        };
        let methods = METHODS.iter();
        let methods = methods.map(|method| series(method.name, outcomes(method)));
        let methods = methods.collect();
        let no_method = series(
            NO_METHOD,
            Fault::ALL.iter().map(|fault| fault.name()).collect(),
        );
        registry.register("requests", "Requests by method and outcome", requests);
        registry.register_with_unit(
            "request_duration",
            "From a request's head to the answer's first byte",
            Unit::Seconds,
            latencies,
        );
        registry.register(
            "writer_batch_size",
            "Writes that one sync served",
            batch_sizes,
        );
        let metrics = Self {
            methods,
            no_method,
            connections: Gauge::default(),
            refused_connections: Counter::default(),
            crowding_connections: Counter::default(),
            connections_made_room: Counter::default(),
            scraped: Scraped::default(),
            registry,
        };
        metrics.registered(now_ms)
    }

    fn registered(mut self, now_ms: i64) -> Self {
        let registry = &mut self.registry;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "The program", Info::new(version));
        let start: Gauge<f64, AtomicU64> = Gauge::default();
        start.set(now_ms as f64 / 1000.0);
        let text = "When the server was started, in seconds since 1970";
        registry.register("process_start_time_seconds", text, start);
        macro_rules! register {
            ($($name:literal, $text:literal, $metric:expr;)*) => {
                $(registry.register($name, $text, $metric.clone());)*
            };
        }
        register! {
            "address_refusals", "Calls from addresses that are not on the owner's allow-list", self.scraped.address_refusals;
            "connections_open", "Open connections", self.connections;
            "connections_refused", "Connections closed for being too many or too slow", self.refused_connections;
            "connections_refused_per_address", "Of these, connections from an address that had too many", self.crowding_connections;
            "connections_made_room", "Connections that idled between requests and were closed for new ones", self.connections_made_room;
            "throttled", "Calls refused after too many failed authentications", self.scraped.throttled;
            "passwords_remembered", "Passwords that were right and needed no computation", self.scraped.remembered;
            "passwords_waiting", "Passwords that wait for their computation", self.scraped.waiting_passwords;
            "passwords_turned_away", "Passwords that were refused because too many waited", self.scraped.passwords_turned_away;
            "writes", "Writes that were taken from the queue", self.scraped.writes;
            "writer_queue_depth", "Writes that wait", self.scraped.queue_depth;
            "wal_bytes", "Size of the write-ahead log", self.scraped.wal_bytes;
            "pages_waiting", "Pages that wait for a thread", self.scraped.pages_waiting;
            "readers", "Connections that read the database", self.scraped.readers;
            "readers_in_use", "Of these, in use", self.scraped.readers_in_use;
            "backup_age_seconds", "Since the last good backup began; NaN: there was none", self.scraped.backup_age_s;
            "log_lines_lost", "Log lines that were dropped because standard error was too slow", self.scraped.lost_lines;
        }
        self
    }

    /// Counts a request. `method`: none if its path names none.
    pub fn request(&self, method: Option<&Method>, outcome: Outcome, took: Duration) {
        let place =
            method.and_then(|method| METHODS.iter().position(|known| known.name == method.name));
        let series = place.map_or(&self.no_method, |place| &self.methods[place]);
        let label = outcome.label();
        series.latency.observe(took.as_secs_f64());
        match series.outcomes.iter().find(|(known, _)| *known == label) {
            Some((_, count)) => {
                count.inc();
            }
            None => tracing::error!(outcome = label, "an outcome without a metric"),
        }
    }

    /// Everything as text, with the numbers of other parts.
    pub fn text(&self, seen: &Seen) -> String {
        self.scrape(seen);
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes everything");
        text
    }

    fn scrape(&self, seen: &Seen) {
        let (scraped, store) = (&self.scraped, &seen.store);
        let set = |counter: &Counter, value| counter.inner().store(value, Ordering::Relaxed);
        set(&scraped.throttled, seen.throttled);
        set(&scraped.address_refusals, seen.address_refusals);
        set(&scraped.remembered, seen.passwords_remembered);
        scraped.waiting_passwords.set(seen.passwords_waiting as i64);
        set(&scraped.passwords_turned_away, seen.passwords_turned_away);
        set(&scraped.lost_lines, seen.lost_lines);
        set(&scraped.writes, store.writes);
        scraped.queue_depth.set(store.queue_depth as i64);
        scraped.wal_bytes.set(store.wal_bytes as i64);
        scraped.pages_waiting.set(seen.pages_waiting as i64);
        scraped.readers.set(i64::from(store.readers));
        scraped.readers_in_use.set(i64::from(store.readers_in_use));
        let backup_age_s = seen.backup_age.map_or(f64::NAN, |age| age.as_secs_f64());
        scraped.backup_age_s.set(backup_age_s);
    }
}

fn latency() -> Histogram {
    Histogram::new(exponential_buckets(FASTEST_S, 2.0, LATENCY_BUCKETS))
}

/// The possible outcomes of a call of this method.
fn outcomes(method: &Method) -> Vec<&'static str> {
    let errors = COMMON_ERRORS.iter().chain(method.errors());
    let labels = errors
        .map(|error| Outcome::Refused(error.text))
        .chain(Fault::ALL.iter().map(|fault| Outcome::Fault(*fault)))
        .map(Outcome::label);
    // Two rules may have one text.
    let mut seen = BTreeSet::new();
    std::iter::once(Outcome::Done.label())
        .chain(labels)
        .filter(|label| seen.insert(*label))
        .collect()
}
