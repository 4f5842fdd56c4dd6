//! Whether the clock can be gone by. The server frees closed DIDs by itself, which nobody can take back, so after a leap it waits
//! until somebody has looked.

use serde_json::json;

use super::{Error, log};
use crate::ambient::SLACK_MS;
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::store::row::Id;
use crate::store::tables::{action_log, installation};
use crate::store::{ReadTx, StoreError, WriteTx};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// By how much the clock moves, against one that nobody sets, when it leaps.
pub const LEAP_MS: i64 = DAY_MS;
/// How far the newest time in the database lies back when the clock has leapt.
pub const BEHIND_MS: i64 = 30 * DAY_MS;

/// Looks whether the clock has leapt: by `moved_ms` while the server ran, or against what is in the database. What is found
/// is kept there until it is accepted, over restarts too; what is not found is noted as the newest time that is known. Since
/// when the clock is not trusted; none: it is.
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

/// Since when the clock is not trusted; none: it is.
pub fn leapt(tx: &ReadTx<'_>) -> Result<Option<i64>, StoreError> {
    Ok(installation::clock(tx)?.leap_ms)
}

/// Says that the clock is right, whatever it said before.
pub fn accept(tx: &WriteTx<'_>, by: &Actor) -> Result<(), Error> {
    by.require(Right::ManageServer)?;
    let known = installation::clock(tx)?;
    installation::update_clock(tx, tx.now_ms(), None)?;
    let before = json!({ "clock_ms": known.clock_ms, "leap_ms": known.leap_ms });
    let after = json!({ "clock_ms": tx.now_ms(), "leap_ms": null });
    // The newest entry now, so that older ones from a time to come are not looked at any more.
    log::record(tx, by, Action::ClockAccept, None, Some(before), Some(after))?;
    Ok(())
}

/// The later one of what was noted and of the newest entry of the action log, whose times only this server and the command
/// line write.
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
