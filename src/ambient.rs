//! The clock and the dice: the only place that asks the machine for the time or for randomness, so that a test can
//! hold both still.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rustix::time::{ClockId, clock_gettime};

const DIGITS: &[u8] = b"0123456789";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

/// The source of time and randomness.
#[derive(Debug)]
pub struct Ambient {
    clock: Clock,
    dice: Mutex<StdRng>,
}

#[derive(Debug)]
enum Clock {
    System,
    Fixed {
        now_ms: AtomicI64,
        running_ms: AtomicI64,
    },
}

/// How far ahead of the clock a time may be and still count as now: calls overtake each other, and clocks are corrected
/// by seconds all the time.
pub const SLACK_MS: i64 = 60_000;

/// Whether an event at `at_ms` is younger than `limit_ms`. An event in the future comes from a clock that was set back
/// since. Its age is unknown, and it must not stay young until then.
pub fn is_young(at_ms: i64, now_ms: i64, limit_ms: i64) -> bool {
    (-SLACK_MS..limit_ms).contains(&now_ms.saturating_sub(at_ms))
}

impl Ambient {
    /// The machine's clock, and a generator seeded from the operating system.
    pub fn system() -> Self {
        Self {
            clock: Clock::System,
            dice: Mutex::new(rand::make_rng()),
        }
    }

    /// A clock that stands still at `now_ms`, and dice that always fall the same way.
    pub fn fixed(now_ms: i64, seed: u64) -> Self {
        Self {
            clock: Clock::Fixed {
                now_ms: now_ms.into(),
                running_ms: 0.into(),
            },
            dice: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub fn now_ms(&self) -> i64 {
        match &self.clock {
            Clock::Fixed { now_ms, .. } => now_ms.load(Ordering::Relaxed),
            Clock::System => machine_ms(),
        }
    }

    /// Moves a clock that stands still. The machine's clock ignores this.
    pub fn set(&self, to_ms: i64) {
        if let Clock::Fixed { now_ms, .. } = &self.clock {
            now_ms.store(to_ms, Ordering::Relaxed);
        }
    }

    /// Milliseconds by a clock that nobody sets, since a moment that is fixed while the process runs. It goes on while
    /// the machine sleeps.
    pub fn running_ms(&self) -> i64 {
        match &self.clock {
            Clock::Fixed { running_ms, .. } => running_ms.load(Ordering::Relaxed),
            Clock::System => {
                let since = clock_gettime(ClockId::Boottime);
                since.tv_sec * 1000 + since.tv_nsec / 1_000_000
            }
        }
    }

    /// Moves the clock that nobody sets, where the clocks stand still.
    pub fn set_running(&self, to_ms: i64) {
        if let Clock::Fixed { running_ms, .. } = &self.clock {
            running_ms.store(to_ms, Ordering::Relaxed);
        }
    }

    /// The time in the form of HTTP's `Date`.
    pub fn http_date(&self) -> String {
        httpdate::fmt_http_date(since_epoch(self.now_ms()))
    }

    /// `length` random digits, the first of them possibly 0.
    pub fn digits(&self, length: usize) -> String {
        let mut dice = self.dice();
        (0..length).map(|_| pick(&mut dice, DIGITS)).collect()
    }

    /// A secret of `length` letters and digits, at least one of each of upper case, lower case and digit.
    pub fn secret(&self, length: usize) -> String {
        let all = [DIGITS, UPPER, LOWER].concat();
        let mut dice = self.dice();
        loop {
            let secret: String = (0..length).map(|_| pick(&mut dice, &all)).collect();
            let has = |set: &[u8]| secret.bytes().any(|byte| set.contains(&byte));
            if has(DIGITS) && has(UPPER) && has(LOWER) {
                return secret;
            }
        }
    }

    /// `N` random bytes: salts, keys.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.dice().fill_bytes(&mut bytes);
        bytes
    }

    /// `length` random bytes, which cannot be compressed on the way to a disk.
    pub fn noise(&self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.dice().fill_bytes(&mut bytes);
        bytes
    }

    /// A request id: 16 hex digits.
    pub fn request_id(&self) -> String {
        hex::encode(self.bytes::<8>())
    }

    // A panic never leaves a generator half way, so a poisoned lock is safe to use.
    fn dice(&self) -> MutexGuard<'_, StdRng> {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a span of time, by a clock that nobody sets.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// The moment this long after now.
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// Whether the moment has come.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.0
    }
}

/// The machine's time, in milliseconds since 1970-01-01 UTC.
pub fn machine_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

fn pick(dice: &mut StdRng, set: &[u8]) -> char {
    char::from(set[dice.random_range(0..set.len())])
}

/// The last millisecond of the year 9999, the end of every format of a time.
pub const LAST_MS: i64 = 253_402_300_799_999;

/// A file's time in nanoseconds since 1970-01-01 UTC; none: before that.
pub fn file_nanos(time: SystemTime) -> Option<u128> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_nanos())
}

/// `2026-11-21T08:30:00.000Z` for milliseconds since 1970-01-01 UTC. A number outside that range is shown as it is.
pub fn rfc3339(at_ms: i64) -> String {
    match (0..=LAST_MS).contains(&at_ms) {
        true => humantime::format_rfc3339_millis(since_epoch(at_ms)).to_string(),
        false => at_ms.to_string(),
    }
}

/// A time to the second, in UTC: `2026-01-01 12:00:00`.
pub fn plain_time(at_ms: i64) -> String {
    let exact = rfc3339(at_ms);
    let to_the_second = exact.split('.').next().unwrap_or(&exact);
    to_the_second.replace('T', " ")
}

fn since_epoch(at_ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(at_ms.clamp(0, LAST_MS) as u64)
}

/// The start of a day written as `2026-11-21`, in milliseconds since 1970-01-01 UTC.
pub fn parse_day(text: &str) -> Option<i64> {
    let start = humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).ok()?;
    let since = start.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_millis() as i64)
}

/// A time to the minute, `2026-11-21T08:30` in UTC, as forms take it.
pub fn minute(at_ms: i64) -> String {
    rfc3339(at_ms).chars().take(16).collect()
}

/// Milliseconds since 1970-01-01 UTC from the text that [`minute`] makes.
pub fn parse_minute(text: &str) -> Option<i64> {
    let at = humantime::parse_rfc3339(&format!("{text}:00Z")).ok()?;
    let since = at.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_millis() as i64)
}

/// A time for a file's name, `2026-11-21T08-30-00.000Z`: names sort by time, and every file system accepts them.
pub fn file_time(at_ms: i64) -> String {
    rfc3339(at_ms).replace(':', "-")
}

/// Milliseconds since 1970-01-01 UTC from the text that [`file_time`] makes.
pub fn parse_file_time(text: &str) -> Option<i64> {
    let (day, time) = text.split_once('T')?;
    let time = format!("{day}T{}", time.replace('-', ":"));
    let at = humantime::parse_rfc3339(&time).ok()?;
    let at_ms = at.duration_since(UNIX_EPOCH).ok()?.as_millis() as i64;
    (file_time(at_ms) == text).then_some(at_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_ahead_is_not_young_for_ever() {
        let is_young = |age_ms: i64| is_young(1_000_000 - age_ms, 1_000_000, 500);
        assert!(is_young(0) && is_young(499) && is_young(-SLACK_MS));
        assert!(!is_young(500) && !is_young(-SLACK_MS - 1));
        assert!(!super::is_young(i64::MAX, 0, 500) && !super::is_young(i64::MIN, 0, 500));
    }

    #[test]
    fn the_clock_that_nobody_sets_goes_on() {
        let ambient = Ambient::system();
        let before = ambient.running_ms();
        std::thread::sleep(Duration::from_millis(5));
        assert!(ambient.running_ms() - before >= 5);
    }

    #[test]
    fn every_number_can_be_shown_as_a_time() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(LAST_MS), "9999-12-31T23:59:59.999Z");
        for at_ms in [-1, LAST_MS + 1, i64::MIN, i64::MAX] {
            assert_eq!(rfc3339(at_ms), at_ms.to_string());
            assert_eq!(parse_file_time(&file_time(at_ms)), None);
            Ambient::fixed(at_ms, 1).http_date();
        }
    }

    #[test]
    fn a_files_time_can_be_read_back() {
        assert_eq!(file_time(1_700_000_000_123), "2023-11-14T22-13-20.123Z");
        assert_eq!(
            parse_file_time("2023-11-14T22-13-20.123Z"),
            Some(1_700_000_000_123)
        );
        for other in [
            "",
            "2023",
            "2023-11-14T22-13-20Z",
            "2023-11-14T22:13:20.123Z",
        ] {
            assert_eq!(parse_file_time(other), None, "{other}");
        }
    }
}
