//! Whether the clock can be trusted. The server frees closed DIDs by itself, and nobody can undo that. So after a leap
//! it waits until somebody has looked.

use serde_json::json;

use super::{Error, log};
use crate::ambient::SLACK_MS;
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::store::row::Id;
use crate::store::tables::{action_log, installation};
use crate::store::{ReadTx, StoreError, WriteTx};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A move by this much, against a clock that nobody sets, is a leap.
pub const LEAP_MS: i64 = DAY_MS;
/// If the newest time in the database is this far back, the clock has leapt.
pub const BEHIND_MS: i64 = 30 * DAY_MS;

/// Looks whether the clock has leapt: by `moved_ms` while the server ran, or against the times in the database. A leap
/// is noted there until it is accepted, over restarts, too. Without a leap, the present is noted as the newest known
/// time. Gives when trust was lost; none: the clock is trusted.
pub fn look(tx: &WriteTx<'_>, now_ms: i64, moved_ms: i64) -> Result<Option<i64>, StoreError> {
    let known = installation::clock(tx)?;
    if known.leap_ms.is_some() {
        return Ok(known.leap_ms);
    }
    let leap = find_leap(newest_ms(tx, known.clock_ms)?, now_ms, moved_ms);
    match &leap {
        None => installation::update_clock(tx, now_ms, None)?,
        Some(why) => {
            tracing::warn!("the clock has leapt: {why}");
            installation::update_clock(tx, known.clock_ms, Some(now_ms))?;
        }
    }
    Ok(leap.map(|_| now_ms))
}

/// Since when the clock is not trusted; none: it is trusted.
pub fn leapt(tx: &ReadTx<'_>) -> Result<Option<i64>, StoreError> {
    Ok(installation::clock(tx)?.leap_ms)
}

/// Accepts the clock as right, whatever it said before.
pub fn accept(tx: &WriteTx<'_>, by: &Actor) -> Result<(), Error> {
    by.require(Right::ManageServer)?;
    let known = installation::clock(tx)?;
    installation::update_clock(tx, tx.now_ms(), None)?;
    let before = json!({ "clock_ms": known.clock_ms, "leap_ms": known.leap_ms });
    let after = json!({ "clock_ms": tx.now_ms(), "leap_ms": null });
    // This is now the newest entry, so that older ones from the future are not looked at any more.
    log::record(tx, by, Action::ClockAccept, None, Some(before), Some(after))?;
    Ok(())
}

/// The later one of the noted time and the time of the newest entry in the action log, which only this server and the
/// command line write.
fn newest_ms(tx: &ReadTx<'_>, noted_ms: i64) -> Result<i64, StoreError> {
    let newest = action_log::list(tx, Id::MAX, 1)?;
    Ok(newest
        .first()
        .map_or(noted_ms, |(_, entry)| entry.at_ms.max(noted_ms)))
}

fn find_leap(newest_ms: i64, now_ms: i64, moved_ms: i64) -> Option<String> {
    let hours = |ms: i64| ms / (60 * 60 * 1000);
    let age_ms = now_ms.saturating_sub(newest_ms);
    if moved_ms.unsigned_abs() >= LEAP_MS.unsigned_abs() {
        return Some(format!(
            "it was moved by {} hours while the server ran",
            hours(moved_ms)
        ));
    }
    if age_ms < -SLACK_MS {
        return Some(format!(
            "the newest time in the database is {} hours and some ahead of it",
            hours(age_ms.saturating_neg())
        ));
    }
    (age_ms > BEHIND_MS).then(|| {
        format!(
            "the newest time in the database is {} hours behind it",
            hours(age_ms)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_is_a_day_while_running_or_a_database_from_another_time() {
        let now_ms = 1_000 * DAY_MS;
        let leaps = |age_ms: i64, moved_ms: i64| {
            find_leap(now_ms.saturating_sub(age_ms), now_ms, moved_ms).is_some()
        };
        for moved_ms in [LEAP_MS - 1, 0, 1 - LEAP_MS] {
            assert!(!leaps(0, moved_ms), "{moved_ms}");
        }
        for moved_ms in [LEAP_MS, -LEAP_MS, i64::MIN, i64::MAX] {
            assert!(leaps(0, moved_ms), "{moved_ms}");
        }
        for age_ms in [-SLACK_MS, 0, BEHIND_MS] {
            assert!(!leaps(age_ms, 0), "{age_ms}");
        }
        for age_ms in [-SLACK_MS - 1, BEHIND_MS + 1, i64::MIN, i64::MAX] {
            assert!(leaps(age_ms, 0), "{age_ms}");
        }
    }
}
