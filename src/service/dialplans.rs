//! Dial plans, which can answer a DID instead of a device: their kind, and the time periods of those that are voice
//! menus. Their names and lists are in `named.rs`.

use serde_json::{Value, json};

use super::action::Action;
use super::named::DIALPLANS;
use super::{Error, Field, Rule, Thing, log};
use crate::service::guard::access::{self, Actor, Right};
use crate::store::row::Id;
use crate::store::tables::dialplans::{self, Dialplan, DialplanKind};
use crate::store::tables::time_periods;
use crate::store::{ReadTx, WriteTx};

/// The most dial plans of the kind `quickforwards` of one owner: a list of DIDs walks along all of them.
pub const MAX_QUICKFORWARDS: usize = 20;
/// The fields of the three periods.
pub const PERIODS: [Field; 3] = [Field::TimePeriod1, Field::TimePeriod2, Field::TimePeriod3];

/// Adds a dial plan of `owner_id`. Its kind stays what it is.
pub fn create(
    tx: &WriteTx<'_>,
    by: &Actor,
    owner_id: Id,
    name: &str,
    kind: &str,
) -> Result<Id, Error> {
    by.require(Right::ManageSetup)?;
    let kind: DialplanKind = match kind {
        "" => DialplanKind::Ivr,
        kind => kind
            .parse()
            .map_err(|_| Rule::Invalid(Field::DialplanKind))?,
    };
    access::check_owner(tx, by, owner_id)?;
    if kind == DialplanKind::Quickforwards {
        let limit = MAX_QUICKFORWARDS as u32;
        if dialplans::list_of_quickforwards(tx, owner_id, limit)?.len() == MAX_QUICKFORWARDS {
            let detail = format!("an owner has {MAX_QUICKFORWARDS} for quickforwards at most");
            return Err(Rule::TooMany(Thing::Dialplan).with(detail));
        }
    }
    let id = DIALPLANS.create_with(tx, by, owner_id, name, json!({ "kind": kind }))?;
    dialplans::update_kind(tx, id, kind)?;
    Ok(id)
}

/// The dial plan of this row, if it is the actor's own.
pub fn get(tx: &ReadTx<'_>, by: &Actor, id: Option<Id>) -> Result<Dialplan, Error> {
    by.require(Right::ManageSetup)?;
    let found = match id {
        Some(id) => dialplans::find(tx, id)?,
        None => None,
    };
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    found
        .filter(|found| by.owns(found.owner_id))
        .ok_or_else(|| Rule::NotFound(Thing::Dialplan).with(id))
}

/// Up to `limit` of everyone's dial plans with ids above `after`, in id order, for actors who reach everything.
pub fn list_all(
    tx: &ReadTx<'_>,
    by: &Actor,
    after: Id,
    limit: u32,
) -> Result<Vec<Dialplan>, Error> {
    by.require(Right::ManageSetup)?;
    by.require_everything()?;
    Ok(dialplans::list(tx, after, limit)?)
}

/// One of the three periods of a dial plan, as it was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Period {
    /// It was not sent, and stays.
    #[default]
    Kept,
    /// It was sent blank: none.
    Cleared,
    /// This one; none: an id that cannot be one.
    Set(Option<Id>),
}

/// Sets the periods of a dial plan that is a voice menu. They belong to the dial plan's owner.
pub fn set_periods(
    tx: &WriteTx<'_>,
    by: &Actor,
    id: Option<Id>,
    periods: [Period; 3],
) -> Result<(), Error> {
    by.require(Right::ManageSetup)?;
    let plan = get(tx, by, id)?;
    if plan.kind != DialplanKind::Ivr {
        return Err(Rule::NotFound(Thing::Dialplan).with(plan.id.to_string()));
    }
    let before = plan.periods();
    let mut after = before;
    for (place, period) in periods.into_iter().enumerate() {
        after[place] = match period {
            Period::Kept => before[place],
            Period::Cleared => None,
            Period::Set(asked) => {
                let found = match asked {
                    Some(id) => time_periods::find(tx, id)?,
                    None => None,
                };
                let own = found.filter(|found| found.owner_id == plan.owner_id);
                Some(own.ok_or(Rule::Invalid(PERIODS[place]))?.id)
            }
        };
    }
    if before == after {
        return Ok(());
    }
    dialplans::update_periods(tx, plan.id, after)?;
    let (was, is) = log::difference(&logged(before), &logged(after));
    log::record(tx, by, Action::DialplanUpdate, plan.id, Some(was), Some(is))?;
    Ok(())
}

fn logged(periods: [Option<Id>; 3]) -> Value {
    json!({
        "time_period1_id": periods[0],
        "time_period2_id": periods[1],
        "time_period3_id": periods[2],
    })
}
