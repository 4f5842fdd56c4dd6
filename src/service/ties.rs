//! What hangs on a device or a DID, and goes when that goes: call flows, device rules, quickforwards. The rules of devices
//! and DIDs call these functions in the transaction of their own change.

use serde_json::json;

use super::action::Action;
use super::{Error, Rule, Thing, log};
use crate::service::guard::access::Actor;
use crate::store::row::Id;
use crate::store::tables::callflows::{self, CallerIdFrom, Callflow, FlowAction};
use crate::store::tables::{device_rules, quickforwards};
use crate::store::{ReadTx, StoreError, WriteTx};

/// Refuses to remove a device that calls or faxes for another device are sent to.
pub fn check_removable(tx: &ReadTx<'_>, device_id: Id) -> Result<(), Error> {
    for (action, thing) in [
        (FlowAction::Forward, Thing::Callflow),
        (FlowAction::FaxDetect, Thing::FaxDevice),
    ] {
        if callflows::leads_to(tx, device_id, action)? {
            return Err(Rule::InUse(thing).into());
        }
    }
    Ok(())
}

/// Deletes what hangs on a device that is removed: its call flow and its rules. The log entry of the removal stands for
/// them.
pub fn drop_of_device(tx: &WriteTx<'_>, device_id: Id) -> Result<(), StoreError> {
    callflows::delete_of_device(tx, device_id)?;
    device_rules::delete_of_device(tx, device_id)
}

/// Cuts what hangs on a DID that leaves its dial plan: it takes no caller anywhere any more. The log entry of the DID's
/// step stands for that.
pub fn did_left_dialplan(tx: &WriteTx<'_>, did_id: Id) -> Result<(), StoreError> {
    quickforwards::delete_of_did(tx, did_id)
}

/// Cuts what hangs on a DID that leaves its device: forwarded calls that showed its number keep the caller ID that they
/// came with.
pub fn did_left_device(tx: &WriteTx<'_>, by: &Actor, did_id: Id) -> Result<(), StoreError> {
    for flow in callflows::list_with_did(tx, did_id)? {
        let after = Callflow {
            caller_id_from: CallerIdFrom::Source,
            did_id: None,
            ..flow.clone()
        };
        callflows::put(tx, &after)?;
        let (was, mut is) = log::difference(&json!(flow), &json!(after));
        is["state"] = json!(flow.state);
        log::record(
            tx,
            by,
            Action::CallflowUpdate,
            flow.device_id,
            Some(was),
            Some(is),
        )?;
    }
    Ok(())
}
