//! The table `dialplans`: what can answer a DID instead of a device.

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Id, row, select, text_enum};
use crate::store::tables::named::Table;
use crate::store::{ReadTx, StoreError, WriteTx};

/// Its statements.
pub static DIALPLANS: Table = Table {
    find: FIND,
    find_name: FIND_NAME,
    list: LIST,
    walk: WALK,
    insert: INSERT,
    update: UPDATE,
    hide: HIDE,
};

const FIND: &str = select!(
    Named from dialplans,
    "WHERE id = :id
  AND hidden_ms IS NULL"
);

const FIND_NAME: &str = "
SELECT name
FROM dialplans
WHERE id = :id";

const LIST: &str = select!(
    Named from dialplans,
    "WHERE id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

const WALK: &str = select!(
    Named from dialplans,
    "  INDEXED BY dialplans_of_owner
WHERE owner_id = :owner_id
  AND id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

const INSERT: &str = "
INSERT INTO dialplans (
  owner_id,
  name,
  created_ms
) VALUES (
  :owner_id,
  :name,
  :now_ms
)";

const UPDATE: &str = "
UPDATE dialplans
SET name = :name
WHERE id = :id";

const HIDE: &str = "
UPDATE dialplans
SET hidden_ms = :now_ms
WHERE id = :id";

text_enum! {
    /// What a dial plan does with a call.
    DialplanKind {
        /// A voice menu answers it, by the time of the day and the year.
        Ivr = "ivr",
        /// It goes to the number that its caller has chosen for the DID.
        Quickforwards = "quickforwards",
    }
}

row! {
    /// A dial plan.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct Dialplan from dialplans {
        /// Its number in the API (`ivr_dial_plan_id`).
        id: Id,
        /// Admin, or the reseller it belongs to.
        owner_id: Id,
        /// Its name.
        name: String,
        /// What it does with a call.
        kind: DialplanKind,
        /// The first period that a voice menu is for.
        time_period1_id: Option<Id>,
        /// The second one.
        time_period2_id: Option<Id>,
        /// The third one.
        time_period3_id: Option<Id>,
    }
}

impl Dialplan {
    /// The periods, in order.
    pub fn periods(&self) -> [Option<Id>; 3] {
        [
            self.time_period1_id,
            self.time_period2_id,
            self.time_period3_id,
        ]
    }
}

const GET: &str = select!(
    Dialplan,
    "WHERE id = :id
  AND hidden_ms IS NULL"
);

/// The dial plan with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<Dialplan>, StoreError> {
    tx.find(GET, named_params! { ":id": id }, Dialplan::read)
}

const LIST_ALL: &str = select!(
    Dialplan,
    "WHERE id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` dial plans with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<Dialplan>, StoreError> {
    let params = named_params! { ":after": after, ":limit": limit };
    tx.list(LIST_ALL, params, Dialplan::read)
}

const LIST_OF_QUICKFORWARDS: &str = "
SELECT id
FROM dialplans INDEXED BY dialplans_of_quickforwards
WHERE owner_id = :owner_id
  AND kind = 'quickforwards'
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit";

/// Up to `limit` of an owner's dial plans of that kind.
pub fn list_of_quickforwards(
    tx: &ReadTx<'_>,
    owner_id: Id,
    limit: u32,
) -> Result<Vec<Id>, StoreError> {
    let params = named_params! { ":owner_id": owner_id, ":limit": limit };
    tx.list(LIST_OF_QUICKFORWARDS, params, |row| row.get(0))
}

const UPDATE_KIND: &str = "
UPDATE dialplans
SET kind = :kind
WHERE id = :id";

/// Sets what a new dial plan does.
pub fn update_kind(tx: &WriteTx<'_>, id: Id, kind: DialplanKind) -> Result<(), StoreError> {
    let params = named_params! { ":id": id, ":kind": kind };
    tx.execute(UPDATE_KIND, params)?;
    Ok(())
}

const UPDATE_PERIODS: &str = "
UPDATE dialplans
SET
  time_period1_id = :time_period1_id,
  time_period2_id = :time_period2_id,
  time_period3_id = :time_period3_id
WHERE id = :id";

/// Replaces the periods of a dial plan.
pub fn update_periods(
    tx: &WriteTx<'_>,
    id: Id,
    periods: [Option<Id>; 3],
) -> Result<(), StoreError> {
    tx.execute(
        UPDATE_PERIODS,
        named_params! {
            ":id": id,
            ":time_period1_id": periods[0],
            ":time_period2_id": periods[1],
            ":time_period3_id": periods[2],
        },
    )?;
    Ok(())
}

const PERIOD_IS_USED: &str = "
SELECT
  EXISTS (
    SELECT 1
    FROM dialplans
    WHERE time_period1_id = :id
      AND hidden_ms IS NULL
  )
  OR EXISTS (
    SELECT 1
    FROM dialplans
    WHERE time_period2_id = :id
      AND hidden_ms IS NULL
  )
  OR EXISTS (
    SELECT 1
    FROM dialplans
    WHERE time_period3_id = :id
      AND hidden_ms IS NULL
  )";

/// Whether a dial plan is for this period.
pub fn period_is_used(tx: &ReadTx<'_>, id: Id) -> Result<bool, StoreError> {
    tx.get(PERIOD_IS_USED, named_params! { ":id": id }, |row| {
        row.get(0)
    })
}
