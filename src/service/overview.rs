//! What there is, at a glance: counts that stay cheap, and warnings that help.

use super::access::{Actor, Right};
use super::lists::MAX_OVERVIEW;
use crate::store::dids::DidStatus;
use crate::store::row::Id;
use crate::store::settings::HashCheck;
use crate::store::{ReadTx, StoreError, clis, devices, dids, installation, settings, users};

/// Of how many devices, the newest ones, the missing caller IDs are counted.
pub const LOOKED_AT: u32 = 2000;
/// After how many days a reservation is long.
pub const LONG_RESERVED_DAYS: i64 = 30;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What the overview shows; every count stops at [`MAX_OVERVIEW`] + 1.
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
    /// So many of the newest [`LOOKED_AT`] devices have no caller ID.
    WithoutCallerId(u32),
    /// So many DIDs have been reserved for longer than [`LONG_RESERVED_DAYS`] days.
    LongReserved(u32),
    /// Calls of this owner need no hash.
    HashOff,
    /// The API answers nobody.
    ApiOff,
    /// The password and the keys are public.
    Demo,
}

/// What the actor may know at a glance.
pub fn get(tx: &ReadTx<'_>, by: &Actor) -> Result<Overview, StoreError> {
    let mut overview = Overview::default();
    // A plain user sees his lists instead: counting them would be a walk of its own.
    if by.only_user().is_some() {
        return Ok(overview);
    }
    let owner_id = by.owner_id();
    let limit = MAX_OVERVIEW + 1;
    if by.has(Right::SeeDevices) {
        let trunks = devices::count_trunks(tx, owner_id, limit)?;
        overview.devices = Some((devices::count(tx, owner_id, limit)?, trunks));
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
    overview.warnings = warnings(tx, by, owner_id)?;
    Ok(overview)
}

fn warnings(tx: &ReadTx<'_>, by: &Actor, owner_id: Id) -> Result<Vec<Warning>, StoreError> {
    let mut warnings = Vec::new();
    if installation::is_demo(tx)? {
        warnings.push(Warning::Demo);
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
        match devices::count_without_caller_id(tx, owner_id, LOOKED_AT)? {
            0 => {}
            count => warnings.push(Warning::WithoutCallerId(count)),
        }
    }
    Ok(warnings)
}
