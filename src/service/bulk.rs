//! One action for everything that a list's filter finds: what would become of each, and doing it to all of them or none.

use std::convert::Infallible;

use blake2::Blake2bMac;
use blake2::digest::consts::U16;
use blake2::digest::{KeyInit, Mac};
use serde::Serialize;
use serde_json::json;

use super::did_life::{Asks, Step};
use super::lists::Slice;
use super::{
    DidError, Error, Refusal, Rule, Thing, device_lists, device_update, did_lists, did_steps, users,
};
use crate::service::guard::access::{Actor, Right};
use crate::store::row::Id;
use crate::store::tables::devices::Device;
use crate::store::tables::dids::{self, Did};
use crate::store::tables::users as users_table;
use crate::store::{StoreError, WriteTx};

/// The most rows that one action takes, in one transaction: callers wait behind it.
pub const MAX_ROWS: usize = 1000;

/// What is done, and to what.
#[derive(Debug, Clone)]
pub enum Bulk {
    /// A step of their life for DIDs, with what it asks for.
    Dids(Box<did_lists::Filter>, &'static Step, Goal),
    /// Devices are blocked, or unblocked.
    Devices(Box<device_lists::Filter>, bool),
}

/// What a step asks for besides the DIDs.
#[derive(Debug, Clone, Default)]
pub struct Goal {
    /// The user, by id or name.
    pub user: String,
    /// The device.
    pub device_id: Option<Id>,
    /// The dial plan.
    pub dialplan_id: Option<Id>,
}

/// What becomes of one of them.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Its row.
    pub id: Id,
    /// Its number or extension.
    pub name: String,
    /// Its state before.
    pub before: String,
    /// Its state after; none: it cannot be done.
    pub after: Option<String>,
    /// Why it cannot be done.
    pub problem: Option<String>,
    #[serde(skip)]
    refusal: Option<Refusal>,
}

/// What becomes of all of them.
#[derive(Debug, Clone)]
pub struct Tried {
    /// Each of them, in the order of the list.
    pub outcomes: Vec<Outcome>,
    /// Stands for what was found, and for its state: it is something else once any of that has changed.
    pub stamp: String,
}

impl Tried {
    /// How many cannot be done. One is enough, and nothing is.
    pub fn problems(&self) -> usize {
        let problems = self.outcomes.iter().filter(|it| it.problem.is_some());
        problems.count()
    }
}

/// Why a preview's transaction is rolled back.
#[derive(Debug)]
pub enum Undo {
    /// It was a preview.
    Tried(Tried),
    /// It was refused, or the store failed.
    Failed(Error),
}

impl From<Error> for Undo {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Undo {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl Undo {
    /// What was tried.
    pub fn tried(self) -> Result<Tried, Error> {
        match self {
            Self::Tried(tried) => Ok(tried),
            Self::Failed(error) => Err(error),
        }
    }
}

/// What would become of each. It does everything in a transaction, and has it rolled back.
pub fn preview(tx: &WriteTx<'_>, by: &Actor, bulk: &Bulk) -> Result<Infallible, Undo> {
    by.require(bulk.right())?;
    Err(Undo::Tried(each(tx, by, bulk)?))
}

/// Does it to all of them. Refused if it cannot be done to one, or if they are not those of the preview any more.
pub fn perform(
    tx: &WriteTx<'_>,
    by: &Actor,
    bulk: &Bulk,
    stamp: Option<&str>,
) -> Result<Tried, Error> {
    by.require(bulk.right())?;
    let tried = each(tx, by, bulk)?;
    if stamp.is_some_and(|stamp| stamp != tried.stamp) {
        return Err(Rule::Moved(bulk.thing()).into());
    }
    let mut problems = tried.outcomes.iter();
    match problems.find_map(|it| it.refusal.as_ref().map(|why| (it, why))) {
        Some((it, why)) => Err(why.rule.with(match &why.detail {
            Some(detail) if detail.contains(&it.name) => detail.clone(),
            Some(detail) => format!("{}, {detail}", it.name),
            None => it.name.clone(),
        })),
        None => Ok(tried),
    }
}

impl Bulk {
    const fn right(&self) -> Right {
        match self {
            Self::Dids(..) => Right::ManageDids,
            Self::Devices(..) => Right::ManageDevices,
        }
    }

    const fn thing(&self) -> Thing {
        match self {
            Self::Dids(..) => Thing::Did,
            Self::Devices(..) => Thing::Device,
        }
    }
}

fn each(tx: &WriteTx<'_>, by: &Actor, bulk: &Bulk) -> Result<Tried, Error> {
    match bulk {
        Bulk::Dids(filter, step, goal) => {
            let is_one = filter.user_id.is_some()
                || filter.device_id.is_some()
                || filter.dialplan_id.is_some();
            let scopes = scopes(tx, by, is_one)?;
            let found = all(Thing::Did, &scopes, |owner_id| {
                did_lists::list_in(tx, by, owner_id, filter, None, MAX_ROWS)
            })?;
            let goal = Resolved::of(tx, by, step, goal)?;
            let stamp = stamp(&json!([step.name, goal.id(), found]));
            let outcomes = found.iter().map(|did| {
                let done = take(tx, by, step, did, &goal).map(|did| did.status.to_string());
                outcome(did.id, &did.did, did.status.to_string(), done)
            });
            let outcomes = outcomes.collect::<Result<_, _>>()?;
            Ok(Tried { outcomes, stamp })
        }
        Bulk::Devices(filter, blocks) => {
            let filter = device_lists::Filter {
                is_strict: true,
                ..(**filter).clone()
            };
            let is_one = filter.user_id.is_some() || filter.device_group_id.is_some();
            let scopes = scopes(tx, by, is_one)?;
            let found = all(Thing::Device, &scopes, |owner_id| {
                device_lists::list_in(tx, by, owner_id, &filter, None, MAX_ROWS)
            })?;
            let stamp = stamp(&json!([blocks, found]));
            let outcomes = found.iter().map(|device| {
                let done = device_update::set_blocked(tx, by, device.id, *blocks);
                let done = done.map(|()| state(*blocks).to_owned());
                outcome(device.id, &device.extension, state_of(device).into(), done)
            });
            let outcomes = outcomes.collect::<Result<_, _>>()?;
            Ok(Tried { outcomes, stamp })
        }
    }
}

/// What a step asks for, found.
enum Resolved {
    Nothing,
    User(Id),
    Device(Id),
    Dialplan(Id),
}

impl Resolved {
    fn of(tx: &WriteTx<'_>, by: &Actor, step: &Step, goal: &Goal) -> Result<Self, Error> {
        Ok(match step.asks {
            Asks::Nothing => Self::Nothing,
            Asks::User => {
                let user = users::get_named(tx, by, &goal.user)?;
                Self::User(did_steps::taker(tx, by, user.id)?.id)
            }
            Asks::Device => Self::Device(goal.device_id.ok_or(Rule::NotFound(Thing::Device))?),
            Asks::Dialplan => {
                Self::Dialplan(goal.dialplan_id.ok_or(Rule::NotFound(Thing::Dialplan))?)
            }
        })
    }

    const fn id(&self) -> Option<Id> {
        match self {
            Self::Nothing => None,
            Self::User(id) | Self::Device(id) | Self::Dialplan(id) => Some(*id),
        }
    }
}

/// One step of one DID. It is read again: what was done to the ones before it may have changed it.
fn take(
    tx: &WriteTx<'_>,
    by: &Actor,
    step: &Step,
    did: &Did,
    goal: &Resolved,
) -> Result<Did, Error> {
    let did = dids::find(tx, did.id)?.ok_or(Rule::NotFound(Thing::Did))?;
    match *goal {
        Resolved::Nothing => did_steps::take(tx, by, step, &did),
        Resolved::User(id) => did_steps::reserve(tx, by, &did, id),
        Resolved::Device(id) => did_steps::assign_to_device(tx, by, &did, id),
        Resolved::Dialplan(id) => did_steps::assign_to_dialplan(tx, by, &did, id),
    }
}

const fn state(is_blocked: bool) -> &'static str {
    if is_blocked { "blocked" } else { "live" }
}

const fn state_of(device: &Device) -> &'static str {
    state(device.blocked_ms.is_some())
}

/// A fault of the store ends everything; a refusal is about this one.
fn outcome(
    id: Id,
    name: &str,
    before: String,
    done: Result<String, Error>,
) -> Result<Outcome, Error> {
    let (after, refusal) = match done {
        Ok(after) => (Some(after), None),
        Err(Error::Refused(refusal)) => (None, Some(refusal)),
        Err(error @ Error::Store(_)) => return Err(error),
    };
    Ok(Outcome {
        id,
        name: name.into(),
        before,
        after,
        problem: refusal.as_ref().map(words),
        refusal,
    })
}

/// Why it cannot be done. The detail about a state says it all.
fn words(refusal: &Refusal) -> String {
    match (refusal.rule, &refusal.detail) {
        (Rule::Did(DidError::WrongState), Some(detail)) => detail.clone(),
        _ => refusal.to_string(),
    }
}

/// The scopes that a filter looks in: all of them for the operator, who reaches everything. A filter that names one thing
/// finds its scope by itself.
fn scopes(tx: &WriteTx<'_>, by: &Actor, is_one: bool) -> Result<Vec<Id>, StoreError> {
    match by.require_everything().is_ok() && !is_one {
        true => users_table::list_owners(tx),
        false => Ok(vec![by.owner_id()]),
    }
}

/// Everything that a filter finds in these scopes, if that is not too much to find or to change.
fn all<T>(
    thing: Thing,
    scopes: &[Id],
    list: impl Fn(Id) -> Result<Slice<T>, Error>,
) -> Result<Vec<T>, Error> {
    let mut rows = Vec::new();
    for owner_id in scopes {
        let found = list(*owner_id)?;
        rows.extend(found.rows);
        if found.next.is_some() || rows.len() > MAX_ROWS {
            let detail = format!("{MAX_ROWS} at once, at most: narrow the filter");
            return Err(Rule::TooMany(thing).with(detail));
        }
    }
    match rows.is_empty() {
        true => Err(Rule::NoneFound(thing).into()),
        false => Ok(rows),
    }
}

/// Two different texts have different stamps.
fn stamp(found: &serde_json::Value) -> String {
    let mac = Blake2bMac::<U16>::new_from_slice(b"linebook bulk");
    let mut mac = mac.expect("1 to 64 bytes are a key");
    mac.update(found.to_string().as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
