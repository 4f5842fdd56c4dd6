//! The table `ivr_time_periods`: parts of the day, the week and the year, for dial plans.

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Id, row, select};
use crate::store::{ReadTx, StoreError, WriteTx};

row! {
    /// A period. Each limit is part of it, and a missing one is no limit.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct TimePeriod from ivr_time_periods {
        /// Its number in the API (`ivr_time_period_id`).
        id: Id,
        /// Admin, or the reseller it belongs to.
        owner_id: Id,
        /// Its name.
        name: String,
        /// Its first minute of the day, from 0.
        start_minute_of_day: u32,
        /// Its last one.
        end_minute_of_day: u32,
        /// Its first day of the week: 1 is Monday.
        start_weekday: Option<u32>,
        /// Its last one.
        end_weekday: Option<u32>,
        /// Its first month.
        start_month: Option<u32>,
        /// Its last one.
        end_month: Option<u32>,
        /// Its first day of the month.
        start_day: Option<u32>,
        /// Its last one.
        end_day: Option<u32>,
    }
}

const FIND: &str = select!(
    TimePeriod,
    "WHERE id = :id
  AND hidden_ms IS NULL"
);

/// The period with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<TimePeriod>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, TimePeriod::read)
}

const LIST: &str = select!(
    TimePeriod,
    "WHERE id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` periods with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<TimePeriod>, StoreError> {
    let params = named_params! { ":after": after, ":limit": limit };
    tx.list(LIST, params, TimePeriod::read)
}

const WALK: &str = select!(
    TimePeriod,
    "  INDEXED BY ivr_time_periods_of_owner
WHERE owner_id = :owner_id
  AND id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` of an owner's periods with ids above `after`, in id order.
pub fn walk(
    tx: &ReadTx<'_>,
    owner_id: Id,
    after: Id,
    limit: u32,
) -> Result<Vec<TimePeriod>, StoreError> {
    let params = named_params! { ":owner_id": owner_id, ":after": after, ":limit": limit };
    tx.list(WALK, params, TimePeriod::read)
}

const INSERT: &str = "
INSERT INTO ivr_time_periods (
  owner_id,
  name,
  start_minute_of_day,
  end_minute_of_day,
  start_weekday,
  end_weekday,
  start_month,
  end_month,
  start_day,
  end_day,
  created_ms
) VALUES (
  :owner_id,
  :name,
  :start_minute_of_day,
  :end_minute_of_day,
  :start_weekday,
  :end_weekday,
  :start_month,
  :end_month,
  :start_day,
  :end_day,
  :now_ms
)";

/// Adds a period (ignoring its `id`), and gives the new id.
pub fn insert(tx: &WriteTx<'_>, new: &TimePeriod, now_ms: i64) -> Result<Id, StoreError> {
    tx.insert(
        INSERT,
        named_params! {
            ":owner_id": new.owner_id,
            ":name": new.name,
            ":start_minute_of_day": new.start_minute_of_day,
            ":end_minute_of_day": new.end_minute_of_day,
            ":start_weekday": new.start_weekday,
            ":end_weekday": new.end_weekday,
            ":start_month": new.start_month,
            ":end_month": new.end_month,
            ":start_day": new.start_day,
            ":end_day": new.end_day,
            ":now_ms": now_ms,
        },
    )
}

const UPDATE: &str = "
UPDATE ivr_time_periods
SET
  name = :name,
  start_minute_of_day = :start_minute_of_day,
  end_minute_of_day = :end_minute_of_day,
  start_weekday = :start_weekday,
  end_weekday = :end_weekday,
  start_month = :start_month,
  end_month = :end_month,
  start_day = :start_day,
  end_day = :end_day
WHERE id = :id";

/// Replaces what a period is, except for its owner.
pub fn update(tx: &WriteTx<'_>, period: &TimePeriod) -> Result<(), StoreError> {
    tx.execute(
        UPDATE,
        named_params! {
            ":id": period.id,
            ":name": period.name,
            ":start_minute_of_day": period.start_minute_of_day,
            ":end_minute_of_day": period.end_minute_of_day,
            ":start_weekday": period.start_weekday,
            ":end_weekday": period.end_weekday,
            ":start_month": period.start_month,
            ":end_month": period.end_month,
            ":start_day": period.start_day,
            ":end_day": period.end_day,
        },
    )?;
    Ok(())
}

const HIDE: &str = "
UPDATE ivr_time_periods
SET hidden_ms = :now_ms
WHERE id = :id";

/// Hides a period.
pub fn hide(tx: &WriteTx<'_>, id: Id, now_ms: i64) -> Result<(), StoreError> {
    tx.execute(HIDE, named_params! { ":id": id, ":now_ms": now_ms })?;
    Ok(())
}
