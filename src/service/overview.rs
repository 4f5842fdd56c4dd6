//! Everything at a glance: counts that stay cheap, and warnings that help.

use super::lists::MAX_OVERVIEW;
use super::{Error, clock};
use crate::ambient::SLACK_MS;
use crate::service::guard::access::{Actor, Right};
use crate::store::row::Id;
use crate::store::tables::dids::DidStatus;
use crate::store::tables::settings::HashCheck;
use crate::store::tables::users::UserType;
use crate::store::tables::{clis, device_lists, dids, installation, settings, users};
use crate::store::{ReadTx, StoreError};

/// Missing caller IDs are counted among this many of the newest devices.
pub const LOOKED_AT: u32 = 2000;
/// The days after which a reservation counts as long.
pub const LONG_RESERVED_DAYS: i64 = 30;
const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A backup older than this is worth a warning, unless the server makes them more rarely.
pub const OLD_BACKUP_MS: i64 = 2 * DAY_MS;

/// What is known about the backups.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backups {
    /// The time between two backups by the server itself; none: it makes none.
    pub every_ms: Option<i64>,
    /// When the server made the last good one; none: it knows of none.
    pub last_ms: Option<i64>,
}

/// The contents of the overview. Every count stops at [`MAX_OVERVIEW`] + 1.
#[derive(Debug, Default)]
pub struct Overview {
    /// Devices, and how many of them are trunks.
    pub devices: Option<(u32, u32)>,
    /// CLIs.
    pub clis: Option<u32>,
    /// DIDs by state.
    pub dids: Vec<(DidStatus, u32)>,
    /// Users.
    pub users: Option<u32>,
    /// What should be looked at.
    pub warnings: Vec<Warning>,
}

/// Something that should be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// This many of the newest [`LOOKED_AT`] devices have no caller ID.
    WithoutCallerId(u32),
    /// This many DIDs have been reserved for longer than [`LONG_RESERVED_DAYS`] days.
    LongReserved(u32),
    /// Calls of this owner need no hash.
    HashOff,
    /// The API answers nobody.
    ApiOff,
    /// The clock has leapt, and closed DIDs are not freed.
    ClockLeapt,
    /// The password and the keys are public.
    Demo,
    /// The server makes no backups, and would not know of others.
    NoBackups,
    /// The server should make backups, and none exists.
    NoBackupYet,
    /// The last backup is this many hours old.
    OldBackup(i64),
}

/// The overview for an actor.
pub fn get(tx: &ReadTx<'_>, by: &Actor, backups: Backups) -> Result<Overview, Error> {
    by.require(Right::SignedIn)?;
    let mut overview = Overview::default();
    // A plain user sees their lists instead: counting them would be a walk of its own.
    if by.only_user().is_some() {
        return Ok(overview);
    }
    let owner_id = by.owner_id();
    let limit = MAX_OVERVIEW + 1;
    if by.has(Right::SeeDevices) {
        let trunks = device_lists::count_trunks(tx, owner_id, limit)?;
        overview.devices = Some((device_lists::count(tx, owner_id, limit)?, trunks));
        overview.clis = Some(clis::count(tx, owner_id, limit)?);
    }
    if by.has(Right::SeeDids) {
        for status in DidStatus::ALL {
            let count = dids::count_in_state(tx, owner_id, *status, limit)?;
            overview.dids.push((*status, count));
        }
    }
    if by.has(Right::ManageUsers) {
        overview.users = Some(users::count(tx, owner_id, limit)?);
    }
    overview.warnings = warnings(tx, by, owner_id, backups)?;
    Ok(overview)
}

fn warnings(
    tx: &ReadTx<'_>,
    by: &Actor,
    owner_id: Id,
    backups: Backups,
) -> Result<Vec<Warning>, StoreError> {
    let mut warnings = Vec::new();
    if installation::is_demo(tx)? {
        warnings.push(Warning::Demo);
    } else if by.user_type == UserType::Admin {
        warnings.extend(about_backups(backups, by.now_ms));
    }
    if by.has(Right::ManageServer) && clock::leapt(tx)?.is_some() {
        warnings.push(Warning::ClockLeapt);
    }
    if by.has(Right::ManageApi) {
        if !settings::get(tx)?.allow_api {
            warnings.push(Warning::ApiOff);
        }
        if settings::get_owner(tx, owner_id)?.hash_check == HashCheck::Off {
            warnings.push(Warning::HashOff);
        }
    }
    if by.has(Right::SeeDids) {
        let until_ms = by.now_ms - LONG_RESERVED_DAYS * DAY_MS;
        match dids::count_reserved_until(tx, owner_id, until_ms, MAX_OVERVIEW + 1)? {
            0 => {}
            count => warnings.push(Warning::LongReserved(count)),
        }
    }
    if by.has(Right::SeeDevices) {
        match device_lists::count_without_caller_id(tx, owner_id, LOOKED_AT)? {
            0 => {}
            count => warnings.push(Warning::WithoutCallerId(count)),
        }
    }
    Ok(warnings)
}

fn about_backups(backups: Backups, now_ms: i64) -> Option<Warning> {
    let Some(last_ms) = backups.last_ms else {
        return Some(match backups.every_ms {
            Some(_) => Warning::NoBackupYet,
            None => Warning::NoBackups,
        });
    };
    let rarely_ms = backups.every_ms.unwrap_or(0).saturating_mul(2);
    let age_ms = now_ms.saturating_sub(last_ms);
    // A backup from the future was made before the clock was set back, so its age is unknown.
    if age_ms < -SLACK_MS {
        return Some(Warning::NoBackupYet);
    }
    (age_ms > OLD_BACKUP_MS.max(rarely_ms)).then_some(Warning::OldBackup(age_ms / HOUR_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_that_is_missing_or_old_is_worth_a_warning() {
        let now_ms = 1000 * DAY_MS;
        let check = |every_days: Option<i64>, age_ms: Option<i64>| {
            let backups = Backups {
                every_ms: every_days.map(|days| days * DAY_MS),
                last_ms: age_ms.map(|age_ms| now_ms - age_ms),
            };
            about_backups(backups, now_ms)
        };
        assert_eq!(check(None, None), Some(Warning::NoBackups));
        assert_eq!(check(Some(1), None), Some(Warning::NoBackupYet));
        assert_eq!(check(Some(1), Some(2 * DAY_MS)), None);
        let old = Some(Warning::OldBackup(48));
        assert_eq!(check(Some(1), Some(2 * DAY_MS + 1)), old);
        assert_eq!(check(Some(7), Some(14 * DAY_MS)), None);
        let old = Some(Warning::OldBackup(14 * 24));
        assert_eq!(check(Some(7), Some(14 * DAY_MS + 1)), old);
        assert_eq!(check(Some(1), Some(-SLACK_MS)), None);
        let none = Some(Warning::NoBackupYet);
        assert_eq!(check(Some(1), Some(-SLACK_MS - 1)), none);
    }
}
