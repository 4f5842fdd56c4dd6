//! How the cases are run: their number, seed and threads; what was seen; and what is printed on a failure.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use crate::dice::Dice;

/// Requests of a plain `cargo test`, by all three tests together.
const DEFAULT_COUNT: u64 = 3_000;
/// Connections at the same time, per test.
const THREADS: usize = 6;
/// Failures after which a run ends.
const MAX_FAILURES: usize = 5;

/// Counts of what was seen, by name.
#[derive(Default)]
pub struct Tally(Mutex<BTreeMap<String, u64>>);

impl Tally {
    /// Counts one more of this name.
    pub fn see(&self, what: impl Into<String>) {
        *self.0.lock().unwrap().entry(what.into()).or_default() += 1;
    }

    /// How often it was seen.
    pub fn seen(&self, what: &str) -> u64 {
        self.0.lock().unwrap().get(what).copied().unwrap_or(0)
    }
}

/// Runs cases until this test's share of the requests is made. Each case gives the number of its requests, or what was
/// wrong. Returns the number of all requests, and what was seen.
pub fn run(
    name: &str,
    share: u64,
    case: impl Fn(&mut Dice, &Tally) -> Result<u64, String> + Sync,
) -> (u64, Tally) {
    let seed = number("LINEBOOK_FUZZ_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.unwrap().as_nanos() as u64 % 1_000_000_000
    });
    let count = number("LINEBOOK_FUZZ").unwrap_or(DEFAULT_COUNT) * share / 100;
    let only = number("LINEBOOK_FUZZ_CASE");
    println!("{name}: {count} requests, LINEBOOK_FUZZ_SEED={seed}");
    let (next, made) = (AtomicU64::new(0), AtomicU64::new(0));
    let (tally, failures) = (Tally::default(), Mutex::new(Vec::new()));
    let since = Instant::now();
    let work = || {
        while made.load(Ordering::Relaxed) < count {
            let index = only.unwrap_or_else(|| next.fetch_add(1, Ordering::Relaxed));
            let mut dice = Dice::new(seed, index);
            let result = catch_unwind(AssertUnwindSafe(|| case(&mut dice, &tally)));
            let result = result.unwrap_or_else(|_| Err("the check panicked, see above".into()));
            match result {
                Ok(requests) => made.fetch_add(requests, Ordering::Relaxed),
                Err(what) => {
                    let so_far = made.load(Ordering::Relaxed);
                    let mut failures = failures.lock().unwrap();
                    failures.push(format!(
                        "{name}, after {so_far} requests: LINEBOOK_FUZZ_SEED={seed} LINEBOOK_FUZZ_CASE={index}\n{what}\n"
                    ));
                    if failures.len() >= MAX_FAILURES {
                        made.store(u64::MAX / 2, Ordering::Relaxed);
                    }
                    made.fetch_add(1, Ordering::Relaxed)
                }
            };
            if only.is_some() {
                return;
            }
        }
    };
    let threads = if only.is_some() { 1 } else { THREADS };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} failures\n\n{}",
        failures.len(),
        failures.join("\n")
    );
    let made = made.into_inner();
    let took = since.elapsed().as_secs_f64();
    println!("{name}: {made} requests in {took:.1} s");
    for (what, count) in tally.0.lock().unwrap().iter() {
        println!("  {what}: {count}");
    }
    (made, tally)
}

/// Whether a run made enough requests for rare things to be seen.
pub fn is_long(made: u64) -> bool {
    made >= 5_000
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = text.replace('_', "").parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}
