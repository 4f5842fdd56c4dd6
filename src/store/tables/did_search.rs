//! Searches among the DIDs of the table `dids`: which rows match, and what a list of them shows.

use rusqlite::{ToSql, named_params};

use crate::store::row::{Id, Values};
use crate::store::tables::dids::DidStatus;
use crate::store::{ReadTx, StoreError};

/// What a DID has to be. None: anything.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// A pattern for its number, with `%` and `_`.
    pub number: Option<String>,
    /// In this state.
    pub status: Option<DidStatus>,
    /// Not terminated.
    pub is_hiding_terminated: bool,
    /// A pattern for the name of who has it; `!` comes before a sign that stands for itself.
    pub owner_name: Option<String>,
    /// In this scope.
    pub owner_id: Option<Id>,
    /// In this scope, or lent from it.
    pub stock_of: Option<Id>,
    /// This user has it.
    pub user_id: Option<Id>,
    /// On this device.
    pub device_id: Option<Id>,
    /// On this dial plan.
    pub dialplan_id: Option<Id>,
    /// From this provider.
    pub provider_id: Option<Id>,
    /// In this language.
    pub language: Option<String>,
}

// The number comes first: it tells most rows apart, and the rest is not looked at then.
const MATCHING: &str = "
SELECT id
FROM dids
WHERE id > :after
  AND id <= :until
  AND (:number IS NULL OR did LIKE :number)
  AND (:status IS NULL OR status = :status)
  AND (:is_hiding_terminated = 0 OR status <> 'terminated')
  AND (:owner_id IS NULL OR owner_id = :owner_id)
  AND (:stock_of IS NULL OR owner_id = :stock_of OR lent_by_id = :stock_of)
  AND (:user_id IS NULL OR user_id = :user_id)
  AND (:device_id IS NULL OR device_id = :device_id)
  AND (:dialplan_id IS NULL OR dialplan_id = :dialplan_id)
  AND (:provider_id IS NULL OR provider_id = :provider_id)
  AND (:language IS NULL OR language = :language)
  AND (
    :owner_name IS NULL
    OR EXISTS (
      SELECT 1
      FROM users
      WHERE users.id = coalesce(dids.user_id, dids.owner_id)
        AND username LIKE :owner_name ESCAPE '!'
    )
  )
ORDER BY id
LIMIT :limit";

// The same, for rows that nobody wants to see.
const COUNT: &str = "
SELECT count(*)
FROM dids
WHERE id > :after
  AND id <= :until
  AND (:number IS NULL OR did LIKE :number)
  AND (:status IS NULL OR status = :status)
  AND (:is_hiding_terminated = 0 OR status <> 'terminated')
  AND (:owner_id IS NULL OR owner_id = :owner_id)
  AND (:stock_of IS NULL OR owner_id = :stock_of OR lent_by_id = :stock_of)
  AND (:user_id IS NULL OR user_id = :user_id)
  AND (:device_id IS NULL OR device_id = :device_id)
  AND (:dialplan_id IS NULL OR dialplan_id = :dialplan_id)
  AND (:provider_id IS NULL OR provider_id = :provider_id)
  AND (:language IS NULL OR language = :language)
  AND (
    :owner_name IS NULL
    OR EXISTS (
      SELECT 1
      FROM users
      WHERE users.id = coalesce(dids.user_id, dids.owner_id)
        AND username LIKE :owner_name ESCAPE '!'
    )
  )
LIMIT :limit";

/// Up to `limit` of the matching DIDs with ids above `after` and up to `until`, in id order.
pub fn matching(
    tx: &ReadTx<'_>,
    wanted: &Wanted,
    after: Id,
    until: Id,
    limit: usize,
) -> Result<Vec<Id>, StoreError> {
    sent(wanted, after, until, limit, |sent| {
        tx.list(MATCHING, sent, |row| row.get(0))
    })
}

/// How many of the matching DIDs have ids above `after` and up to `until`.
pub fn count(tx: &ReadTx<'_>, wanted: &Wanted, after: Id, until: Id) -> Result<u64, StoreError> {
    sent(wanted, after, until, 1, |sent| {
        tx.get(COUNT, sent, |row| row.get::<_, i64>(0))
    })
    .map(i64::unsigned_abs)
}

/// Runs one of the two with its parameters.
fn sent<T>(
    wanted: &Wanted,
    after: Id,
    until: Id,
    limit: usize,
    run: impl FnOnce(&[(&str, &dyn ToSql)]) -> T,
) -> T {
    run(named_params! {
        ":after": after,
        ":until": until,
        ":number": wanted.number,
        ":status": wanted.status,
        ":is_hiding_terminated": wanted.is_hiding_terminated,
        ":owner_id": wanted.owner_id,
        ":stock_of": wanted.stock_of,
        ":user_id": wanted.user_id,
        ":device_id": wanted.device_id,
        ":dialplan_id": wanted.dialplan_id,
        ":provider_id": wanted.provider_id,
        ":language": wanted.language,
        ":owner_name": wanted.owner_name,
        ":limit": limit as i64,
    })
}

const NAME_OF_HAVER: &str = "
SELECT username
FROM dids
CROSS JOIN users ON users.id = coalesce(dids.user_id, dids.owner_id)
WHERE dids.id = :id";

/// The name of who has the DID of this row.
pub fn name_of_haver(tx: &ReadTx<'_>, id: Id) -> Result<Option<String>, StoreError> {
    tx.find(NAME_OF_HAVER, named_params! { ":id": id }, |row| row.get(0))
}

const NEXT: &str = "
SELECT id
FROM dids
WHERE id > :after
ORDER BY id
LIMIT 1";

/// The first id above `after`.
pub fn next(tx: &ReadTx<'_>, after: Id) -> Result<Option<Id>, StoreError> {
    tx.find(NEXT, named_params! { ":after": after }, |row| row.get(0))
}

const IDS_OF_USER: &str = "
SELECT id
FROM dids INDEXED BY dids_of_user
WHERE user_id = :of
LIMIT :limit";

const IDS_ON_DEVICE: &str = "
SELECT id
FROM dids INDEXED BY dids_on_device
WHERE device_id = :of
LIMIT :limit";

const IDS_ON_DIALPLAN: &str = "
SELECT id
FROM dids INDEXED BY dids_on_dialplan
WHERE dialplan_id = :of
LIMIT :limit";

const IDS_OF_PROVIDER: &str = "
SELECT id
FROM dids INDEXED BY dids_of_provider
WHERE provider_id = :of
LIMIT :limit";

const IDS_OF_OWNER: &str = "
SELECT id
FROM dids INDEXED BY dids_of_owner
WHERE owner_id = :of
LIMIT :limit";

/// Up to `limit` ids of the DIDs among which all matching ones are, in no order; none: they may be anywhere.
pub fn among(
    tx: &ReadTx<'_>,
    wanted: &Wanted,
    limit: usize,
) -> Result<Option<Vec<Id>>, StoreError> {
    let narrow = [
        (wanted.device_id, IDS_ON_DEVICE),
        (wanted.dialplan_id, IDS_ON_DIALPLAN),
        (wanted.user_id, IDS_OF_USER),
        (wanted.provider_id, IDS_OF_PROVIDER),
        (wanted.owner_id, IDS_OF_OWNER),
    ];
    let mut narrow = narrow.into_iter();
    let Some((of, sql)) = narrow.find_map(|(of, sql)| Some((of?, sql))) else {
        return Ok(None);
    };
    let ids = tx.list(
        sql,
        named_params! { ":of": of, ":limit": limit as i64 },
        |row| row.get(0),
    )?;
    Ok(Some(ids))
}

/// What a list shows of a DID, with the names of the things that it is tied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its row.
    pub id: Id,
    /// The number.
    pub did: String,
    /// Its state.
    pub status: DidStatus,
    /// Calls at once; 0: any number.
    pub call_limit: i64,
    /// Two letters, or blank.
    pub language: String,
    /// Two letters, or blank.
    pub tone_zone: String,
    /// The name of its provider.
    pub provider: String,
    /// Whose provider that is.
    pub provider_owner_id: Id,
    /// Whether everyone may know the provider.
    pub provider_is_common: bool,
    /// The name of the reseller in whose scope it is.
    pub reseller: Option<String>,
    /// The name of who has it, or of the scope's owner.
    pub owner: String,
    /// The type of its device, and the name that it registers with.
    pub device: Option<String>,
    /// The name of its dial plan, and what kind it is.
    pub dialplan: Option<String>,
}

impl Shown {
    fn read(row: &rusqlite::Row<'_>) -> Result<Self, rusqlite::Error> {
        let mut values = Values::of(row);
        Ok(Self {
            id: values.take()?,
            did: values.take()?,
            status: values.take()?,
            call_limit: values.take()?,
            language: values.take()?,
            tone_zone: values.take()?,
            provider: values.take()?,
            provider_owner_id: values.take()?,
            provider_is_common: values.take()?,
            reseller: values.take()?,
            owner: values.take()?,
            device: values.take()?,
            dialplan: values.take()?,
        })
    }
}

const SHOW: &str = "
SELECT
  dids.id,
  dids.did,
  dids.status,
  dids.call_limit,
  dids.language,
  dids.tone_zone,
  providers.name,
  providers.owner_id,
  providers.common_use,
  CASE WHEN owners.type = 'reseller' THEN owners.username END,
  havers.username,
  devices.type || '/' || devices.username,
  dialplans.name || CASE WHEN dialplans.kind = 'ivr' THEN ' (IVR)' ELSE ' (Quickforwards)' END
FROM dids
CROSS JOIN providers ON providers.id = dids.provider_id
CROSS JOIN users AS owners ON owners.id = dids.owner_id
CROSS JOIN users AS havers ON havers.id = coalesce(dids.user_id, dids.owner_id)
LEFT JOIN devices ON devices.id = dids.device_id
LEFT JOIN dialplans ON dialplans.id = dids.dialplan_id
WHERE dids.id = :id";

/// What a list shows of the DID of this row.
pub fn show(tx: &ReadTx<'_>, id: Id) -> Result<Option<Shown>, StoreError> {
    tx.find(SHOW, named_params! { ":id": id }, Shown::read)
}
