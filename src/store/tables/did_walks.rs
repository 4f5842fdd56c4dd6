//! Walks along the indexes of the table `dids`, by number: lists of a million DIDs without a sort.

use rusqlite::named_params;

use crate::store::row::{Cursor, Id, Range, select};
use crate::store::tables::dids::{Did, DidStatus};
use crate::store::{ReadTx, StoreError};

/// The index that a part of a list of DIDs walks along, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// A scope's.
    OfOwner(Id),
    /// A scope's in one state.
    InState(Id, DidStatus),
    /// A user's.
    OfUser(Id),
    /// A scope's from one provider.
    OfProvider(Id, Id),
    /// Those on a device.
    OnDevice(Id),
    /// Those on a dial plan.
    OnDialplan(Id),
    /// Those that a scope has lent.
    LentBy(Id),
}

const OF_OWNER: &str = select!(
    Did,
    "  INDEXED BY dids_of_owner
WHERE owner_id = :owner
  AND (did, id) > (:after, :id)
  AND did < :until
ORDER BY did, id
LIMIT :limit"
);

const IN_STATE: &str = select!(
    Did,
    "  INDEXED BY dids_by_status
WHERE owner_id = :owner
  AND status = :status
  AND (did, id) > (:after, :id)
  AND did < :until
ORDER BY did, id
LIMIT :limit"
);

const OF_USER: &str = select!(
    Did,
    "  INDEXED BY dids_of_user
WHERE user_id = :of
  AND (did, id) > (:after, :id)
  AND did < :until
ORDER BY did, id
LIMIT :limit"
);

const OF_PROVIDER: &str = select!(
    Did,
    "  INDEXED BY dids_of_provider
WHERE provider_id = :of
  AND owner_id = :owner
  AND (did, id) > (:after, :id)
  AND did < :until
ORDER BY did, id
LIMIT :limit"
);

const ON_DEVICE: &str = select!(
    Did,
    "  INDEXED BY dids_on_device
WHERE device_id = :of
  AND (did, id) > (:after, :id)
  AND did < :until
ORDER BY did, id
LIMIT :limit"
);

const ON_DIALPLAN: &str = select!(
    Did,
    "  INDEXED BY dids_on_dialplan
WHERE dialplan_id = :of
  AND (did, id) > (:after, :id)
  AND did < :until
ORDER BY did, id
LIMIT :limit"
);

const LENT_BY: &str = select!(
    Did,
    "  INDEXED BY dids_lent
WHERE lent_by_id = :of
  AND (did, id) > (:after, :id)
  AND did < :until
ORDER BY did, id
LIMIT :limit"
);

/// Up to `limit` DIDs of a walk whose numbers begin with `start`, after the one at `after`.
pub fn walk(
    tx: &ReadTx<'_>,
    walk: Walk,
    start: &str,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Vec<Did>, StoreError> {
    let Range { after, id, until } = Range::new(start, after);
    let (sql, of) = match walk {
        Walk::OfOwner(owner) => {
            return tx.list(
                OF_OWNER,
                named_params! { ":owner": owner, ":after": after, ":id": id, ":until": until, ":limit": limit },
                Did::read,
            );
        }
        Walk::InState(owner, status) => {
            return tx.list(
                IN_STATE,
                named_params! {
                    ":owner": owner,
                    ":status": status,
                    ":after": after,
                    ":id": id,
                    ":until": until,
                    ":limit": limit,
                },
                Did::read,
            );
        }
        Walk::OfProvider(owner, provider_id) => {
            return tx.list(
                OF_PROVIDER,
                named_params! {
                    ":owner": owner,
                    ":of": provider_id,
                    ":after": after,
                    ":id": id,
                    ":until": until,
                    ":limit": limit,
                },
                Did::read,
            );
        }
        Walk::OfUser(id) => (OF_USER, id),
        Walk::OnDevice(id) => (ON_DEVICE, id),
        Walk::OnDialplan(id) => (ON_DIALPLAN, id),
        Walk::LentBy(id) => (LENT_BY, id),
    };
    tx.list(
        sql,
        named_params! { ":of": of, ":after": after, ":id": id, ":until": until, ":limit": limit },
        Did::read,
    )
}
