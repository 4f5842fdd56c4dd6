//! The work of the server without HTTP: threads of this process call the service through `Store::write`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use linebook::ambient::Ambient;
use linebook::service::device_create::{self, NewDevice, Pin};
use linebook::service::guard::access::Actor;
use linebook::store::{Options, Store};

use super::world::{FIRST_USER, scatter};

/// The measures of a run in this process.
pub struct Inside {
    /// Devices per second.
    pub rate: f64,
    /// CPU time of this process per device, in nanoseconds.
    pub cpu_ns: f64,
}

/// Devices created by this many threads. Each thread waits for its last device before it creates the next.
pub fn device_create(data: &Path, threads: u64, users: u64, duration: Duration) -> Inside {
    let store = Store::open(data, Options::default()).expect("the database");
    let ambient = Arc::new(Ambient::system());
    let count = AtomicU64::new(0);
    let cpu_before = cpu_ns();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while start.elapsed() < duration {
                    let place = count.fetch_add(1, Ordering::Relaxed);
                    let (by, ambient) = (Actor::operator(ambient.now_ms()), ambient.clone());
                    let new = new_device(FIRST_USER + scatter(place) % users);
                    store
                        .write_blocking(move |tx| device_create::create(tx, &by, &ambient, new))
                        .expect("a device");
                }
            });
        }
    });
    let count = count.into_inner() as f64;
    Inside {
        rate: count / start.elapsed().as_secs_f64(),
        cpu_ns: (cpu_ns() - cpu_before) as f64 / count,
    }
}

fn new_device(user_id: u64) -> NewDevice {
    NewDevice {
        user_id: Some(user_id as i64),
        device_type: None,
        device_group_id: None,
        pin: Pin::Random,
        caller_id: None,
        description: String::new(),
        extension: None,
        options: Vec::new(),
    }
}

/// CPU time of this process, user and system, including threads that have ended.
fn cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    let ticks: u64 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().expect("ticks"))
        .sum();
    // USER_HZ is 100 on every Linux.
    ticks * 10_000_000
}
