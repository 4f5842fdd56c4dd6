//! The action log, as the rules write it: in the transaction of the change, never with a secret in it.

use serde_json::Value;

use super::access::Actor;
use crate::store::action_log::{self, Entry};
use crate::store::row::Id;
use crate::store::{StoreError, WriteTx};

/// Records that `by` did `action` to the object `object_id`; `before` and `after` are the fields that changed.
pub fn record(
    tx: &WriteTx<'_>,
    by: &Actor,
    action: &str,
    object_id: impl Into<Option<Id>>,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), StoreError> {
    let entry = Entry {
        at_ms: by.now_ms,
        actor_id: by.user_id,
        actor: by.name.clone(),
        through: by.through,
        address: by.address.map(|address| address.to_string()),
        request_id: by.request_id.clone(),
        action: action.into(),
        object_id: object_id.into(),
        before: before.map(|value| value.to_string()),
        after: after.map(|value| value.to_string()),
    };
    action_log::insert(tx, &entry)?;
    Ok(())
}
