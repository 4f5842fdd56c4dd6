//! Providers: their owners, and who may put DIDs on them.

use serde_json::json;

use super::lists::{self, MAX_OFFERED, Slice};
use super::{Error, Field, Rule, Thing, log, text};
use crate::service::action::Action;
use crate::service::guard::access::{self, Actor, Right};
use crate::store::row::{Cursor, Id};
use crate::store::tables::providers::{self, Provider};
use crate::store::tables::users::UserType;
use crate::store::{ReadTx, WriteTx};

/// Whether `by` may put DIDs on a provider: everyone on their own, a reseller also on those marked common use.
pub fn may_use(by: &Actor, provider: &Provider) -> bool {
    by.owns(provider.owner_id) || (provider.common_use && by.user_type == UserType::Reseller)
}

/// Adds a provider of `owner_id`.
pub fn create(
    tx: &WriteTx<'_>,
    by: &Actor,
    owner_id: Id,
    name: &str,
    common_use: bool,
) -> Result<Id, Error> {
    by.require(Right::ManageSetup)?;
    text::check_name(name)?;
    access::check_owner(tx, by, owner_id)?;
    check_common_use(by, common_use)?;
    let id = providers::insert(tx, owner_id, name, common_use, tx.now_ms())?;
    let after = json!({ "owner_id": owner_id, "name": name, "common_use": common_use });
    log::record(tx, by, Action::ProviderCreate, id, None, Some(after))?;
    Ok(id)
}

/// The provider of this row, if it is the actor's own.
pub fn get(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<Provider, Error> {
    by.require(Right::ManageSetup)?;
    let found = providers::find(tx, id)?.filter(|found| by.owns(found.owner_id));
    found.ok_or_else(|| Rule::NotFound(Thing::Provider).with(id.to_string()))
}

/// A part of the list of the actor's own, the oldest first.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Provider>, Error> {
    by.require(Right::ManageSetup)?;
    Ok(lists::walk(
        after,
        limit,
        |after, limit| providers::walk(tx, by.owner_id(), after.map_or(0, |after| after.id), limit),
        |found| lists::id_cursor(found.id),
        |_| true,
    )?)
}

/// Renames a provider, and offers it to everyone or no longer.
pub fn update(
    tx: &WriteTx<'_>,
    by: &Actor,
    id: Id,
    name: &str,
    common_use: bool,
) -> Result<(), Error> {
    by.require(Right::ManageSetup)?;
    let before = get(tx, by, id)?;
    text::check_name(name)?;
    check_common_use(by, common_use && !before.common_use)?;
    let after = Provider {
        name: name.into(),
        common_use,
        ..before.clone()
    };
    let (was, is) = log::difference(&json!(before), &json!(after));
    if was == is {
        return Ok(());
    }
    providers::update(tx, id, name, common_use)?;
    log::record(tx, by, Action::ProviderUpdate, id, Some(was), Some(is))?;
    Ok(())
}

/// Hides a provider: it takes no more DIDs, and its present DIDs stay.
pub fn hide(tx: &WriteTx<'_>, by: &Actor, id: Id) -> Result<(), Error> {
    by.require(Right::ManageSetup)?;
    get(tx, by, id)?;
    providers::hide(tx, id, tx.now_ms())?;
    let (before, after) = (json!({ "hidden": false }), json!({ "hidden": true }));
    log::record(tx, by, Action::ProviderHide, id, Some(before), Some(after))?;
    Ok(())
}

/// A reseller's provider would be offered to their competitors.
fn check_common_use(by: &Actor, common_use: bool) -> Result<(), Error> {
    if common_use && by.user_type != UserType::Admin {
        return Err(Rule::NotPermitted(Field::CommonUse).into());
    }
    Ok(())
}

/// The providers that a form offers for new DIDs: the actor's own, and for a reseller those marked common use.
pub fn list_usable(tx: &ReadTx<'_>, by: &Actor) -> Result<Vec<Provider>, Error> {
    by.require(Right::SeeDids)?;
    let mut usable = providers::walk(tx, by.owner_id(), 0, MAX_OFFERED)?;
    usable.extend(providers::list_common(tx, by.owner_id(), MAX_OFFERED)?);
    usable.retain(|provider| may_use(by, provider));
    Ok(usable)
}

/// The name of a provider, hidden or not, for things that already refer to it. Its owner is told, and everyone if it is
/// for common use: an owner's carriers are nobody else's business.
pub fn name_of(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<Option<String>, Error> {
    by.require(Right::SeeDids)?;
    let found = providers::find_any(tx, id)?;
    let seen = found.filter(|found| by.owns(found.owner_id) || found.common_use);
    Ok(seen.map(|found| found.name))
}

/// Up to `limit` of everyone's providers with ids above `after`, in id order, for actors who reach everything.
pub fn list_all(
    tx: &ReadTx<'_>,
    by: &Actor,
    after: Id,
    limit: u32,
) -> Result<Vec<Provider>, Error> {
    by.require(Right::ManageSetup)?;
    by.require_everything()?;
    Ok(providers::list(tx, after, limit)?)
}
