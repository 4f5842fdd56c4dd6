//! Providers: their owners, their details, and who may put DIDs on them.

use serde_json::{Value, json};

use super::lists::{self, MAX_OFFERED, Slice};
use super::provider_details::Sent;
use super::{Error, Field, Rule, Thing, log, text};
use crate::service::action::Action;
use crate::service::guard::access::{self, Actor, Right};
use crate::store::row::{Cursor, Id};
use crate::store::tables::dids;
use crate::store::tables::providers::{self, Details, NetworkType, Provider, Tech};
use crate::store::tables::users::UserType;
use crate::store::{ReadTx, WriteTx};

/// Whether `by` may put DIDs on a provider: everyone on their own, a reseller also on those marked common use.
pub fn may_use(by: &Actor, provider: &Provider) -> bool {
    by.owns(provider.owner_id) || (provider.common_use && by.user_type == UserType::Reseller)
}

/// Adds a provider of `owner_id`. What is not sent has its default.
pub fn create(tx: &WriteTx<'_>, by: &Actor, owner_id: Id, sent: &Sent) -> Result<Id, Error> {
    by.require(Right::ManageSetup)?;
    let mut new = Details::new(owner_id);
    let name = sent.name.as_deref().unwrap_or_default();
    check_name(tx, &new, name)?;
    access::check_owner(tx, by, owner_id)?;
    put(by, &mut new, sent)?;
    let id = providers::insert(tx, &new, tx.now_ms())?;
    let (_, set) = changes(&Details::new(owner_id), &new);
    let mut after = json!({ "owner_id": owner_id, "name": new.name, "common_use": new.common_use });
    extend(&mut after, set);
    log::record(tx, by, Action::ProviderCreate, id, None, Some(after))?;
    Ok(id)
}

/// The provider of this row, if it is the actor's own.
pub fn get(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<Details, Error> {
    by.require(Right::SeeProviders)?;
    let found = providers::find_details(tx, id)?.filter(|found| by.owns(found.owner_id));
    let found = found.map(|found| without_secrets(by, found));
    found.ok_or_else(|| Rule::NotFound(Thing::Provider).with(id.to_string()))
}

/// Which providers a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// In its name, in any letter case.
    pub search: String,
    /// With this technology.
    pub tech: Option<Tech>,
    /// Reached in this way.
    pub network_type: Option<NetworkType>,
    /// Those that calls go through, or the others.
    pub active: Option<bool>,
}

impl Filter {
    fn keeps(&self, found: &Details) -> bool {
        let is_in = |name: &str| name.to_lowercase().contains(&self.search.to_lowercase());
        (self.search.is_empty() || is_in(&found.name))
            && self.tech.is_none_or(|wanted| wanted == found.tech)
            && self
                .network_type
                .is_none_or(|wanted| wanted == found.network_type)
            && self.active.is_none_or(|wanted| wanted == found.active)
    }
}

/// A part of the list of the actor's own, the oldest first.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Details>, Error> {
    by.require(Right::SeeProviders)?;
    let part = lists::walk(
        after,
        limit,
        |after, limit| providers::walk(tx, by.owner_id(), after.map_or(0, |after| after.id), limit),
        |found| lists::id_cursor(found.id),
        |found| filter.keeps(found),
    )?;
    Ok(part.map(|found| without_secrets(by, found)))
}

/// Changes what was sent. The same values again change nothing.
pub fn update(tx: &WriteTx<'_>, by: &Actor, id: Id, sent: &Sent) -> Result<(), Error> {
    by.require(Right::ManageSetup)?;
    let before = get(tx, by, id)?;
    if let Some(name) = &sent.name {
        check_name(tx, &before, name)?;
    }
    let mut after = before.clone();
    put(by, &mut after, sent)?;
    if after == before {
        return Ok(());
    }
    providers::update(tx, &after)?;
    let (was, is) = changes(&before, &after);
    log::record(tx, by, Action::ProviderUpdate, id, Some(was), Some(is))?;
    Ok(())
}

/// Hides a provider for good. Its DIDs have to be terminated, or on another provider.
pub fn hide(tx: &WriteTx<'_>, by: &Actor, id: Id) -> Result<(), Error> {
    by.require(Right::ManageSetup)?;
    get(tx, by, id)?;
    if dids::provider_is_used(tx, id)? {
        return Err(Rule::InUse(Thing::Provider).with("terminate its DIDs first"));
    }
    providers::hide(tx, id, tx.now_ms())?;
    let (before, after) = (json!({ "hidden": false }), json!({ "hidden": true }));
    log::record(tx, by, Action::ProviderHide, id, Some(before), Some(after))?;
    Ok(())
}

/// A name is there, and no other provider of the owner has it.
fn check_name(tx: &ReadTx<'_>, provider: &Details, name: &str) -> Result<(), Error> {
    if name.trim().is_empty() {
        return Err(Rule::Missing(Field::Name).into());
    }
    let found = providers::find_named(tx, provider.owner_id, name)?;
    match found.filter(|found| found.id != provider.id) {
        Some(_) => Err(Rule::Taken(Field::Name).into()),
        None => Ok(()),
    }
}

/// Puts what was sent into a provider, whose name was looked at before.
fn put(by: &Actor, provider: &mut Details, sent: &Sent) -> Result<(), Error> {
    if sent.tariff_id.as_deref().is_some_and(|id| !id.is_empty()) {
        return Err(Rule::Invalid(Field::TariffId).into());
    }
    if let Some(name) = &sent.name {
        text::check_name(name)?;
        provider.name.clone_from(name);
    }
    let common_use = sent.common_use.unwrap_or(provider.common_use);
    check_common_use(by, common_use && !provider.common_use)?;
    provider.common_use = common_use;
    sent.apply(provider)
}

/// A reseller's provider would be offered to their competitors.
fn check_common_use(by: &Actor, common_use: bool) -> Result<(), Error> {
    if common_use && by.user_type != UserType::Admin {
        return Err(Rule::NotPermitted(Field::CommonUse).into());
    }
    Ok(())
}

/// What differs between two providers, for the log. Of the login and the password, only that they changed.
fn changes(before: &Details, after: &Details) -> (Value, Value) {
    let (was, mut is) = log::difference(&json!(before), &json!(after));
    for (name, has_changed) in [
        ("login", before.login != after.login),
        ("password", before.password != after.password),
    ] {
        if has_changed {
            extend(&mut is, json!({ name: "changed" }));
        }
    }
    (was, is)
}

/// Adds the fields of one object to another.
fn extend(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}

/// The providers that a form offers for new DIDs: the actor's own, and for a reseller those marked common use.
pub fn list_usable(tx: &ReadTx<'_>, by: &Actor) -> Result<Vec<Details>, Error> {
    by.require(Right::SeeDids)?;
    let owner_id = by.owner_id();
    let mut usable = match by.only_user() {
        Some(_) => Vec::new(),
        None => providers::walk(tx, owner_id, 0, MAX_OFFERED)?,
    };
    if by.user_type == UserType::Reseller {
        usable.extend(providers::walk_common(tx, owner_id, 0, MAX_OFFERED)?);
    }
    Ok(usable)
}

/// A provider as somebody may see it.
#[derive(Debug)]
pub struct Seen {
    /// The provider. Its login and password are blank for those who may not know them.
    pub provider: Details,
    /// Only its id, its name, its technology and that it is for common use may be seen.
    pub is_limited: bool,
}

/// Up to `limit` providers with ids above `after`, in id order: the actor's own, and for a reseller those marked common
/// use. With an id, only that one.
pub fn list_seen(
    tx: &ReadTx<'_>,
    by: &Actor,
    only: Option<Option<Id>>,
    after: Id,
    limit: u32,
) -> Result<Vec<Seen>, Error> {
    by.require(Right::SeeProviders)?;
    let sees_common = by.user_type == UserType::Reseller;
    let owner_id = by.owner_id();
    let found = match only {
        Some(id) => {
            let found = providers::find_details(tx, id.unwrap_or(-1))?;
            let is_seen =
                |found: &Details| by.owns(found.owner_id) || sees_common && found.common_use;
            let found = found.filter(is_seen);
            vec![found.ok_or(Rule::NotFound(Thing::Provider))?]
        }
        None => {
            let mut found = providers::walk(tx, owner_id, after, limit)?;
            if sees_common {
                found.extend(providers::walk_common(tx, owner_id, after, limit)?);
                found.sort_unstable_by_key(|found| found.id);
                found.truncate(limit as usize);
            }
            found
        }
    };
    let seen = found.into_iter().map(|provider| Seen {
        is_limited: !by.owns(provider.owner_id),
        provider: without_secrets(by, provider),
    });
    Ok(seen.collect())
}

/// What someone knows who only looks at providers: not how linebook signs in there.
fn without_secrets(by: &Actor, mut provider: Details) -> Details {
    if !by.has(Right::ManageSetup) {
        provider.login.clear();
        provider.password.clear();
    }
    provider
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
pub fn list_all(tx: &ReadTx<'_>, by: &Actor, after: Id, limit: u32) -> Result<Vec<Details>, Error> {
    by.require(Right::ManageSetup)?;
    by.require_everything()?;
    Ok(providers::list(tx, after, limit)?)
}
