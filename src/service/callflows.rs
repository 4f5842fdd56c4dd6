//! Call flows: what happens to a call for a device before it rings, and when it is not answered, busy or failed. They
//! are kept for a PBX, which acts on them.

use serde_json::json;

use super::device_options::Options;
use super::{Error, Field, Rule, Thing, devices, log, text};
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right, scope_of};
use crate::store::row::Id;
use crate::store::tables::callflows::{self, CallerIdFrom, Callflow, FlowAction, FlowState};
use crate::store::tables::devices::{self as rows, Device, DeviceType};
use crate::store::tables::{dids, users};
use crate::store::{ReadTx, StoreError, WriteTx};

/// Longest number of a forward, in digits.
pub const MAX_NUMBER: usize = 20;
/// Longest caller ID of a forward, in characters.
pub const MAX_CALLER_ID: usize = 80;
/// The word for no action.
pub const EMPTY: &str = "empty";

/// A change of what happens at one moment, with its values as they were sent.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// The called device; none: an id that cannot be one.
    pub device_id: Option<Id>,
    /// The name of the moment.
    pub state: String,
    /// The name of the action, or [`EMPTY`].
    pub action: String,
    /// The devices that were sent for a forward to ring (none: an id that cannot be one). The first one counts.
    pub target_ids: Vec<Option<Id>>,
    /// The number that a forward dials, unless a device was sent, too.
    pub number: Option<String>,
    /// The device that takes faxes.
    pub fax_id: Option<Option<Id>>,
    /// Forwarded calls show the device's caller ID.
    pub with_device: bool,
    /// They show the caller ID with which they came.
    pub with_source: bool,
    /// They show the number of this DID, which is on the device.
    pub did_id: Option<Option<Id>>,
    /// They show this text.
    pub custom: Option<String>,
}

/// Sets what happens to a device's call at one moment. Every value that is sent must be good, even if the action has no
/// use for it.
pub fn update(tx: &WriteTx<'_>, by: &Actor, edit: &Edit) -> Result<(), Error> {
    by.require(Right::ManageDevices)?;
    let device = devices::get_own(tx, by, edit.device_id)?;
    let mut targets = Vec::new();
    for id in &edit.target_ids {
        targets.push(find_beside(tx, by, *id, &device)?.ok_or(Rule::NotFound(Thing::Device))?);
    }
    let state = find_word(&edit.state).ok_or(Rule::Invalid(Field::FlowState))?;
    let action = flow_action(&edit.action, state)?;
    check_number(edit, action, !targets.is_empty())?;
    if targets.iter().any(|target| target.id == device.id) {
        return Err(Rule::Invalid(Field::ForwardTo).into());
    }
    let fax = match edit.fax_id {
        None if action == Some(FlowAction::FaxDetect) => None,
        None => Some(None),
        Some(id) => find_beside(tx, by, id, &device)?
            .filter(|fax| fax.device_type == DeviceType::Fax && fax.id != device.id)
            .map(|fax| Some(fax.id)),
    };
    let fax_id = fax.ok_or(Rule::NotFound(Thing::FaxDevice))?;
    let did_id = find_did(tx, edit.did_id, &device)?;
    let custom = edit.custom.clone().unwrap_or_default();
    if custom.contains(char::is_control) {
        return Err(Rule::Invalid(Field::Custom).into());
    }
    if text::is_longer(&custom, MAX_CALLER_ID) {
        return Err(Rule::TooLong(Field::Custom).into());
    }
    let flow = action.map(|action| {
        let target_id = targets.first().map(|target| target.id);
        made(device.id, state, action, edit, target_id, fax_id, did_id)
    });
    Ok(put(tx, by, device.id, state, flow)?)
}

/// The row for values that are good.
fn made(
    device_id: Id,
    state: FlowState,
    action: FlowAction,
    edit: &Edit,
    target_id: Option<Id>,
    fax_id: Option<Id>,
    did_id: Option<Id>,
) -> Callflow {
    let flow = Callflow {
        device_id,
        state,
        action,
        target_id: None,
        number: None,
        caller_id_from: CallerIdFrom::Source,
        did_id: None,
        caller_id: String::new(),
    };
    match action {
        FlowAction::Voicemail => flow,
        FlowAction::FaxDetect => Callflow {
            target_id: fax_id,
            ..flow
        },
        FlowAction::Forward => {
            let custom = edit.custom.clone();
            let caller_id_from = match (edit.with_device, edit.with_source, did_id, &custom) {
                (true, ..) => CallerIdFrom::Device,
                (false, true, ..) => CallerIdFrom::Source,
                (false, false, Some(_), _) => CallerIdFrom::Did,
                (false, false, None, Some(_)) => CallerIdFrom::Custom,
                (false, false, None, None) => CallerIdFrom::Source,
            };
            Callflow {
                target_id,
                number: edit.number.clone().filter(|_| target_id.is_none()),
                caller_id_from,
                did_id: did_id.filter(|_| caller_id_from == CallerIdFrom::Did),
                caller_id: custom
                    .filter(|_| caller_id_from == CallerIdFrom::Custom)
                    .unwrap_or_default(),
                ..flow
            }
        }
    }
}

/// Writes what happens at one moment, if it differs from what happens there now.
fn put(
    tx: &WriteTx<'_>,
    by: &Actor,
    device_id: Id,
    state: FlowState,
    after: Option<Callflow>,
) -> Result<(), StoreError> {
    let before = callflows::find(tx, device_id, state)?;
    if before == after {
        return Ok(());
    }
    match &after {
        Some(flow) => callflows::put(tx, flow)?,
        None => callflows::delete(tx, device_id, state)?,
    }
    let logged = |flow: Option<Callflow>| match flow {
        Some(flow) => json!(flow),
        None => json!({ "state": state, "action": EMPTY }),
    };
    let (was, is) = (logged(before), logged(after));
    log::record(
        tx,
        by,
        Action::CallflowUpdate,
        device_id,
        Some(was),
        Some(is),
    )
}

/// The actor's own device with this id, if one owner has both it and `device`: calls never leave an owner's users.
fn find_beside(
    tx: &ReadTx<'_>,
    by: &Actor,
    id: Option<Id>,
    device: &Device,
) -> Result<Option<Device>, Error> {
    let Some(id) = id else { return Ok(None) };
    let Some(found) = devices::find_own(tx, by, id)? else {
        return Ok(None);
    };
    let users = (
        users::find(tx, found.user_id)?,
        users::find(tx, device.user_id)?,
    );
    let share = match users {
        (Some(one), Some(other)) => {
            let owners = [scope_of(&other), other.owner_id];
            owners.contains(&scope_of(&one)) || owners.contains(&one.owner_id)
        }
        _ => false,
    };
    Ok(Some(found).filter(|_| share))
}

/// The action of this name, which the moment allows; none: nothing happens.
fn flow_action(name: &str, state: FlowState) -> Result<Option<FlowAction>, Error> {
    if name.eq_ignore_ascii_case(EMPTY) {
        return Ok(None);
    }
    let action = find_word(name).ok_or(Rule::Invalid(Field::FlowAction))?;
    match (action, state) {
        (FlowAction::FaxDetect, FlowState::BeforeCall) => Ok(Some(action)),
        (FlowAction::FaxDetect, _) => Err(Rule::Invalid(Field::FlowAction).into()),
        _ => Ok(Some(action)),
    }
}

/// The value of this name, in any letter case.
fn find_word<T: std::str::FromStr>(name: &str) -> Option<T> {
    name.to_ascii_lowercase().parse().ok()
}

/// A number has digits only, and a forward needs one, or a device.
fn check_number(edit: &Edit, action: Option<FlowAction>, has_target: bool) -> Result<(), Error> {
    let is_good = match &edit.number {
        Some(number) => text::is_digits(number) && number.len() <= MAX_NUMBER,
        None => has_target || action != Some(FlowAction::Forward),
    };
    match is_good {
        true => Ok(()),
        false => Err(Rule::Invalid(Field::ExternalNumber).into()),
    }
}

/// The DID that was sent, which has to be on the device.
fn find_did(
    tx: &ReadTx<'_>,
    asked: Option<Option<Id>>,
    device: &Device,
) -> Result<Option<Id>, Error> {
    let found = match asked {
        None => return Ok(None),
        Some(None) => None,
        Some(Some(id)) => dids::find(tx, id)?.filter(|did| did.device_id == Some(device.id)),
    };
    match found {
        Some(did) => Ok(Some(did.id)),
        None => Err(Rule::NotFound(Thing::Did).into()),
    }
}

/// What happens to the calls of a device.
#[derive(Debug, Clone)]
pub struct Flow {
    /// The device.
    pub device: Device,
    /// The username of its user.
    pub username: String,
    /// How long it rings, in seconds.
    pub ringing_s: u64,
    /// What happens at each moment that has something.
    pub branches: Vec<Branch>,
}

/// What happens at one moment, with the names of what it leads to.
#[derive(Debug, Clone)]
pub struct Branch {
    /// The row.
    pub flow: Callflow,
    /// The device that it leads to.
    pub target: Option<Device>,
    /// The number of the DID that it shows.
    pub did: Option<String>,
}

impl Flow {
    /// What happens at one moment; none: nothing.
    pub fn at(&self, state: FlowState) -> Option<&Branch> {
        self.branches
            .iter()
            .find(|branch| branch.flow.state == state)
    }
}

/// What happens to the calls of one of the actor's own devices.
pub fn get(tx: &ReadTx<'_>, by: &Actor, device_id: Option<Id>) -> Result<Flow, Error> {
    by.require(Right::SeeDevices)?;
    let device = devices::get_own(tx, by, device_id)?;
    let mut branches = Vec::new();
    for flow in callflows::list_of_device(tx, device.id)? {
        let target = match flow.target_id {
            Some(id) => rows::find(tx, id)?,
            None => None,
        };
        let did = match flow.did_id {
            Some(id) => dids::find(tx, id)?.map(|did| did.did),
            None => None,
        };
        branches.push(Branch { flow, target, did });
    }
    let username = users::find(tx, device.user_id)?.map(|user| user.username);
    Ok(Flow {
        username: username.unwrap_or_default(),
        ringing_s: Options::of(tx, device.id)?.number("ringing_timeout"),
        branches,
        device,
    })
}
