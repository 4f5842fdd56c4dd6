//! Removing a device for good: what stands against it, what goes with it, and what is free again.

use serde_json::json;

use super::device_options::Options;
use super::{Error, Refusal, Rule, Thing, devices, did_found, did_life, log, ties};
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::store::row::Id;
use crate::store::tables::clis::{self, Cli};
use crate::store::tables::devices::{self as rows, Device};
use crate::store::tables::dids::{self as did_rows, Did};
use crate::store::tables::{callflows, device_options, device_rules, fax_emails};
use crate::store::{ReadTx, WriteTx};

/// The most DIDs and CLIs that go with a device: other writes wait behind a transaction.
pub const MAX_TAKEN_OFF: usize = 1000;

/// What goes when a device is removed.
pub struct Goes {
    /// The device.
    pub device: Device,
    /// DIDs on it, which stay reserved for its user.
    pub dids: Vec<Did>,
    /// CLIs on it, which are deleted.
    pub clis: Vec<Cli>,
    /// How many options it has of its own.
    pub options: usize,
    /// Addresses that its faxes are sent to.
    pub fax_emails: usize,
    /// How many rules it has.
    pub rules: usize,
    /// At how many moments of a call its call flow does something.
    pub callflow: usize,
    /// What stands against it.
    pub obstacle: Option<Refusal>,
}

/// What goes when this device is removed.
pub fn preview(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<Goes, Error> {
    by.require(Right::ManageDevices)?;
    let device = devices::get_own(tx, by, id)?;
    find(tx, device)
}

fn find(tx: &ReadTx<'_>, device: Device) -> Result<Goes, Error> {
    let id = device.id;
    let limit = MAX_TAKEN_OFF as u32 + 1;
    let dids = did_rows::list_on_device(tx, id, limit)?;
    let clis = clis::list_on_device(tx, id, limit)?;
    let obstacle = match check(tx, id, dids.len() + clis.len()) {
        Err(Error::Refused(refusal)) => Some(refusal),
        other => other.map(|()| None)?,
    };
    Ok(Goes {
        obstacle,
        dids,
        clis,
        options: Options::of(tx, id)?.own().count(),
        fax_emails: fax_emails::list(tx, id)?.len(),
        rules: device_rules::count(tx, id)? as usize,
        callflow: callflows::list_of_device(tx, id)?.len(),
        device,
    })
}

fn check(tx: &ReadTx<'_>, id: Id, taken_off: usize) -> Result<(), Error> {
    ties::check_removable(tx, id)?;
    if taken_off > MAX_TAKEN_OFF {
        let detail = format!("at most {MAX_TAKEN_OFF} DIDs and CLIs are taken off at once");
        return Err(Rule::HasTooMany(Thing::Device).with(detail));
    }
    Ok(())
}

/// Removes a device: nothing finds it any more, and its PIN, extension and username are free again. Its DIDs stay
/// reserved for its user; its CLIs and everything else that belongs to it are deleted.
pub fn remove(tx: &WriteTx<'_>, by: &Actor, id: Option<Id>) -> Result<(), Error> {
    by.require(Right::ManageDevices)?;
    let device = devices::get_own(tx, by, id)?;
    let goes = find(tx, device)?;
    if let Some(refusal) = goes.obstacle {
        return Err(Error::Refused(refusal));
    }
    // First, so that no DID changes a call flow that goes anyway.
    ties::drop_of_device(tx, goes.device.id)?;
    for did in &goes.dids {
        let after = did_life::UNASSIGN.apply(did, tx.now_ms());
        did_found::change(tx, by, &did_life::UNASSIGN, did, after)?;
    }
    for cli in &goes.clis {
        clis::delete(tx, cli.id)?;
        log::record(tx, by, Action::CliDelete, cli.id, Some(json!(cli)), None)?;
    }
    let device = goes.device;
    device_options::delete_all(tx, device.id)?;
    fax_emails::delete_all(tx, device.id)?;
    rows::remove(tx, device.id, tx.now_ms())?;
    let before = json!({
        "hidden": false,
        "extension": device.extension,
        "username": device.username,
        "has_pin": device.pin.is_some(),
    });
    let after = json!({ "hidden": true, "has_pin": false });
    let (before, after) = (Some(before), Some(after));
    log::record(tx, by, Action::DeviceHide, device.id, before, after)?;
    Ok(())
}
