//! Everything about one device.

use super::device_options::Options;
use super::{Error, devices};
use crate::service::guard::access::{Actor, Right};
use crate::store::ReadTx;
use crate::store::row::Id;
use crate::store::tables::callflows::{self, FlowAction, FlowState};
use crate::store::tables::devices::{self as rows, Device};
use crate::store::tables::fax_emails;

/// A device with everything that belongs to it alone.
pub struct Details {
    /// The device, with its secret.
    pub device: Device,
    /// Its options.
    pub options: Options,
    /// The device that every call for it is forwarded to.
    pub forwards_to: Option<Id>,
    /// Where its faxes are sent.
    pub fax_emails: Vec<String>,
}

/// The details of an own device.
pub fn get(tx: &ReadTx<'_>, by: &Actor, id: Option<Id>) -> Result<Details, Error> {
    by.require(Right::ManageDevices)?;
    let device = devices::get_own(tx, by, id)?;
    let before_call = callflows::find(tx, device.id, FlowState::BeforeCall)?;
    Ok(Details {
        options: Options::of(tx, device.id)?,
        forwards_to: before_call
            .filter(|flow| flow.action == FlowAction::Forward)
            .and_then(|flow| flow.target_id),
        fax_emails: fax_emails::list(tx, device.id)?,
        device,
    })
}

/// The details of the own device that registers with this username.
pub fn get_by_username(tx: &ReadTx<'_>, by: &Actor, username: &str) -> Result<Details, Error> {
    by.require(Right::ManageDevices)?;
    let device = rows::find_by_username(tx, username)?;
    get(tx, by, device.map(|device| device.id))
}
