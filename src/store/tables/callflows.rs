//! The table `callflows`: what happens to a device's call at each moment.

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Id, row, select, text_enum};
use crate::store::{ReadTx, StoreError, WriteTx};

text_enum! {
    /// A moment of a call at which something else than ringing can happen.
    FlowState {
        /// Before the device rings.
        BeforeCall = "before_call",
        /// It rang, and nobody answered.
        NoAnswer = "no_answer",
        /// It is in use.
        Busy = "busy",
        /// It could not be reached.
        Failed = "failed",
    }
}

text_enum! {
    /// What happens then.
    FlowAction {
        /// The call goes to another device or a number.
        Forward = "forward",
        /// A fax goes to a fax device; other calls go on.
        FaxDetect = "fax_detect",
        /// The caller leaves a message.
        Voicemail = "voicemail",
    }
}

text_enum! {
    /// Where the caller ID of a forwarded call comes from.
    CallerIdFrom {
        /// It stays as it came.
        Source = "source",
        /// The device's own.
        Device = "device",
        /// The number of a DID on the device.
        Did = "did",
        /// A text.
        Custom = "custom",
    }
}

row! {
    /// What happens at one moment.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct Callflow from callflows {
        /// The called device.
        device_id: Id,
        /// The moment.
        state: FlowState,
        /// What happens.
        action: FlowAction,
        /// The device that a forward rings, or that takes faxes.
        target_id: Option<Id>,
        /// The number that a forward dials instead.
        number: Option<String>,
        /// Where the caller ID of a forwarded call comes from.
        caller_id_from: CallerIdFrom,
        /// The DID whose number it is.
        did_id: Option<Id>,
        /// The text that it is.
        caller_id: String,
    }
}

const FIND: &str = select!(
    Callflow,
    "WHERE device_id = :device_id
  AND state = :state"
);

/// What happens to a device's call at this moment; none: nothing.
pub fn find(
    tx: &ReadTx<'_>,
    device_id: Id,
    state: FlowState,
) -> Result<Option<Callflow>, StoreError> {
    let params = named_params! { ":device_id": device_id, ":state": state };
    tx.find(FIND, params, Callflow::read)
}

const LIST_OF_DEVICE: &str = select!(Callflow, "WHERE device_id = :device_id");

/// Everything that happens to a device's calls: at most one row for each moment.
pub fn list_of_device(tx: &ReadTx<'_>, device_id: Id) -> Result<Vec<Callflow>, StoreError> {
    let params = named_params! { ":device_id": device_id };
    tx.list(LIST_OF_DEVICE, params, Callflow::read)
}

const LIST_WITH_DID: &str = select!(
    Callflow,
    "  INDEXED BY callflows_with_did
WHERE did_id = :did_id"
);

/// The flows that show a DID's number.
pub fn list_with_did(tx: &ReadTx<'_>, did_id: Id) -> Result<Vec<Callflow>, StoreError> {
    tx.list(
        LIST_WITH_DID,
        named_params! { ":did_id": did_id },
        Callflow::read,
    )
}

const FIND_ACTION_TO: &str = "
SELECT action
FROM callflows INDEXED BY callflows_to_device
WHERE target_id = :device_id
  AND action = :action
LIMIT 1";

/// Whether another device's flow leads to this one by such an action.
pub fn leads_to(tx: &ReadTx<'_>, device_id: Id, action: FlowAction) -> Result<bool, StoreError> {
    let params = named_params! { ":device_id": device_id, ":action": action };
    let found: Option<FlowAction> = tx.find(FIND_ACTION_TO, params, |row| row.get(0))?;
    Ok(found.is_some())
}

const PUT: &str = "
INSERT INTO callflows (
  device_id,
  state,
  action,
  target_id,
  number,
  caller_id_from,
  did_id,
  caller_id
) VALUES (
  :device_id,
  :state,
  :action,
  :target_id,
  :number,
  :caller_id_from,
  :did_id,
  :caller_id
)
ON CONFLICT (device_id, state) DO UPDATE SET
  action = excluded.action,
  target_id = excluded.target_id,
  number = excluded.number,
  caller_id_from = excluded.caller_id_from,
  did_id = excluded.did_id,
  caller_id = excluded.caller_id";

/// Sets what happens at one moment.
pub fn put(tx: &WriteTx<'_>, flow: &Callflow) -> Result<(), StoreError> {
    tx.execute(
        PUT,
        named_params! {
            ":device_id": flow.device_id,
            ":state": flow.state,
            ":action": flow.action,
            ":target_id": flow.target_id,
            ":number": flow.number,
            ":caller_id_from": flow.caller_id_from,
            ":did_id": flow.did_id,
            ":caller_id": flow.caller_id,
        },
    )?;
    Ok(())
}

const DELETE: &str = "
DELETE FROM callflows
WHERE device_id = :device_id
  AND state = :state";

/// Lets nothing happen at one moment.
pub fn delete(tx: &WriteTx<'_>, device_id: Id, state: FlowState) -> Result<(), StoreError> {
    let params = named_params! { ":device_id": device_id, ":state": state };
    tx.execute(DELETE, params)?;
    Ok(())
}

const DELETE_OF_DEVICE: &str = "
DELETE FROM callflows
WHERE device_id = :device_id";

/// Deletes everything that happens to a device's calls.
pub fn delete_of_device(tx: &WriteTx<'_>, device_id: Id) -> Result<(), StoreError> {
    tx.execute(DELETE_OF_DEVICE, named_params! { ":device_id": device_id })?;
    Ok(())
}
