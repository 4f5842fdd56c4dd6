//! The table `dids`.

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Id, row, select, text_enum};
use crate::store::{ReadTx, StoreError, WriteTx};

text_enum! {
    /// The state of a DID.
    DidStatus {
        /// It belongs to no user.
        Free = "free",
        /// Kept for a user, and not assigned yet.
        Reserved = "reserved",
        /// Assigned to a device or a dial plan.
        Active = "active",
        /// Out of use. Its user is kept until it is freed.
        Closed = "closed",
        /// Ended: nobody has it, and nobody can until it is freed.
        Terminated = "terminated",
    }
}

row! {
    /// A DID.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct Did from dids {
        /// Its row.
        id: Id,
        /// The number: 1 to 15 digits.
        did: String,
        /// The carrier it comes from.
        provider_id: Id,
        /// The scope it is in.
        owner_id: Id,
        /// Its state.
        status: DidStatus,
        /// The user of a reserved, active or closed DID.
        user_id: Option<Id>,
        /// The device that an active DID rings.
        device_id: Option<Id>,
        /// The dial plan that answers an active DID instead of a device.
        dialplan_id: Option<Id>,
        /// When a closed DID was closed.
        closed_ms: Option<i64>,
        /// The scope that it came from, if it is lent: admin's stock in a reseller's scope.
        lent_by_id: Option<Id>,
        /// Calls at once; 0: any number.
        call_limit: i64,
        /// Calls that are not longer than this cost nothing.
        grace_time_s: i64,
        /// Two lower-case letters, or blank.
        language: String,
        /// Two characters at most.
        tone_zone: String,
        /// From when on it answers calls.
        active_from_ms: Option<i64>,
        /// Until when it answers calls.
        active_till_ms: Option<i64>,
        /// `Name: value`, or blank.
        custom_sip_header: String,
        /// What admin notes.
        comment: String,
        /// What its reseller notes.
        reseller_comment: String,
    }
}

const FIND_BY_NUMBER: &str = select!(Did, "WHERE did = :did");

/// The DID with this number.
pub fn find_by_number(tx: &ReadTx<'_>, number: &str) -> Result<Option<Did>, StoreError> {
    tx.find(FIND_BY_NUMBER, named_params! { ":did": number }, Did::read)
}

const LIST_CLOSED_AHEAD: &str = select!(
    Did,
    "WHERE closed_ms > :ahead_ms
ORDER BY closed_ms, id
LIMIT :limit"
);

/// Up to `limit` DIDs that were closed after `ahead_ms`.
pub fn list_closed_ahead(
    tx: &ReadTx<'_>,
    ahead_ms: i64,
    limit: u32,
) -> Result<Vec<Did>, StoreError> {
    tx.list(
        LIST_CLOSED_AHEAD,
        named_params! { ":ahead_ms": ahead_ms, ":limit": limit },
        Did::read,
    )
}

const LIST_CLOSED: &str = select!(
    Did,
    "WHERE closed_ms <= :until_ms
ORDER BY closed_ms, id
LIMIT :limit"
);

/// Up to `limit` DIDs that were closed at or before `until_ms`, the oldest first.
pub fn list_closed(tx: &ReadTx<'_>, until_ms: i64, limit: u32) -> Result<Vec<Did>, StoreError> {
    tx.list(
        LIST_CLOSED,
        named_params! { ":until_ms": until_ms, ":limit": limit },
        Did::read,
    )
}

const INSERT: &str = "
INSERT INTO dids (
  did,
  provider_id,
  owner_id,
  status,
  created_ms
) VALUES (
  :did,
  :provider_id,
  :owner_id,
  'free',
  :now_ms
)";

/// Adds a free DID, and gives its id.
pub fn insert(
    tx: &WriteTx<'_>,
    number: &str,
    provider_id: Id,
    owner_id: Id,
    now_ms: i64,
) -> Result<Id, StoreError> {
    tx.insert(
        INSERT,
        named_params! {
            ":did": number,
            ":provider_id": provider_id,
            ":owner_id": owner_id,
            ":now_ms": now_ms,
        },
    )
}

const UPDATE: &str = "
UPDATE dids
SET
  owner_id = :owner_id,
  status = :status,
  user_id = :user_id,
  device_id = :device_id,
  dialplan_id = :dialplan_id,
  closed_ms = :closed_ms,
  reserved_ms = CASE WHEN :status = 'reserved' THEN coalesce(reserved_ms, :now_ms) END,
  lent_by_id = :lent_by_id,
  call_limit = :call_limit,
  grace_time_s = :grace_time_s,
  active_from_ms = :active_from_ms,
  active_till_ms = :active_till_ms,
  custom_sip_header = :custom_sip_header,
  reseller_comment = :reseller_comment
WHERE id = :id";

/// Replaces a DID's state, and the details that go back to their defaults with it. (A column of an index that is named
/// here is written anew even where it stays as it was, so the others have a statement of their own.)
pub fn update(tx: &WriteTx<'_>, did: &Did, now_ms: i64) -> Result<(), StoreError> {
    tx.execute(
        UPDATE,
        named_params! {
            ":id": did.id,
            ":owner_id": did.owner_id,
            ":status": did.status,
            ":user_id": did.user_id,
            ":device_id": did.device_id,
            ":dialplan_id": did.dialplan_id,
            ":closed_ms": did.closed_ms,
            ":now_ms": now_ms,
            ":lent_by_id": did.lent_by_id,
            ":call_limit": did.call_limit,
            ":grace_time_s": did.grace_time_s,
            ":active_from_ms": did.active_from_ms,
            ":active_till_ms": did.active_till_ms,
            ":custom_sip_header": did.custom_sip_header,
            ":reseller_comment": did.reseller_comment,
        },
    )?;
    Ok(())
}

const UPDATE_DETAILS: &str = "
UPDATE dids
SET
  provider_id = :provider_id,
  call_limit = :call_limit,
  grace_time_s = :grace_time_s,
  language = :language,
  tone_zone = :tone_zone,
  active_from_ms = :active_from_ms,
  active_till_ms = :active_till_ms,
  custom_sip_header = :custom_sip_header,
  comment = :comment,
  reseller_comment = :reseller_comment
WHERE id = :id";

/// Replaces a DID's details.
pub fn update_details(tx: &WriteTx<'_>, did: &Did) -> Result<(), StoreError> {
    tx.execute(
        UPDATE_DETAILS,
        named_params! {
            ":id": did.id,
            ":provider_id": did.provider_id,
            ":call_limit": did.call_limit,
            ":grace_time_s": did.grace_time_s,
            ":language": did.language,
            ":tone_zone": did.tone_zone,
            ":active_from_ms": did.active_from_ms,
            ":active_till_ms": did.active_till_ms,
            ":custom_sip_header": did.custom_sip_header,
            ":comment": did.comment,
            ":reseller_comment": did.reseller_comment,
        },
    )?;
    Ok(())
}

const DELETE: &str = "
DELETE FROM dids
WHERE id = :id";

/// Deletes a DID, so that its number can be made again.
pub fn delete(tx: &WriteTx<'_>, id: Id) -> Result<(), StoreError> {
    tx.execute(DELETE, named_params! { ":id": id })?;
    Ok(())
}

const FIND: &str = select!(Did, "WHERE id = :id");

/// The DID of this row.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<Did>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, Did::read)
}

const ON_DEVICE: &str = select!(
    Did,
    "WHERE device_id = :device_id
ORDER BY did, id
LIMIT :limit"
);

/// Up to `limit` DIDs on a device, by number.
pub fn list_on_device(tx: &ReadTx<'_>, device_id: Id, limit: u32) -> Result<Vec<Did>, StoreError> {
    tx.list(
        ON_DEVICE,
        named_params! { ":device_id": device_id, ":limit": limit },
        Did::read,
    )
}

const COUNT_IN_STATE: &str = "
SELECT count(*)
FROM (
  SELECT 1
  FROM dids INDEXED BY dids_by_status
  WHERE owner_id = :owner_id
    AND status = :status
  LIMIT :limit
) AS counted";

/// How many DIDs of a scope are in a state, counted up to `limit`.
pub fn count_in_state(
    tx: &ReadTx<'_>,
    owner_id: Id,
    status: DidStatus,
    limit: u32,
) -> Result<u32, StoreError> {
    tx.get(
        COUNT_IN_STATE,
        named_params! { ":owner_id": owner_id, ":status": status, ":limit": limit },
        |row| row.get(0),
    )
}

const COUNT_RESERVED_UNTIL: &str = "
SELECT count(*)
FROM (
  SELECT 1
  FROM dids INDEXED BY dids_reserved
  WHERE owner_id = :owner_id
    AND reserved_ms <= :until_ms
  LIMIT :limit
) AS counted";

/// How many DIDs of a scope have been reserved since `until_ms` or longer, counted up to `limit`.
pub fn count_reserved_until(
    tx: &ReadTx<'_>,
    owner_id: Id,
    until_ms: i64,
    limit: u32,
) -> Result<u32, StoreError> {
    tx.get(
        COUNT_RESERVED_UNTIL,
        named_params! { ":owner_id": owner_id, ":until_ms": until_ms, ":limit": limit },
        |row| row.get(0),
    )
}

const DIALPLAN_IS_USED: &str = "
SELECT EXISTS (
  SELECT 1
  FROM dids
  WHERE dialplan_id = :dialplan_id
)";

/// Whether a DID is on this dial plan.
pub fn dialplan_is_used(tx: &ReadTx<'_>, dialplan_id: Id) -> Result<bool, StoreError> {
    tx.get(
        DIALPLAN_IS_USED,
        named_params! { ":dialplan_id": dialplan_id },
        |row| row.get(0),
    )
}

const PROVIDER_IS_USED: &str = "
SELECT EXISTS (
  SELECT 1
  FROM dids INDEXED BY dids_of_provider
  WHERE provider_id = :provider_id
    AND status <> 'terminated'
)";

/// Whether a provider has DIDs that are not terminated.
pub fn provider_is_used(tx: &ReadTx<'_>, provider_id: Id) -> Result<bool, StoreError> {
    let params = named_params! { ":provider_id": provider_id };
    tx.get(PROVIDER_IS_USED, params, |row| row.get(0))
}
