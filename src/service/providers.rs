//! Providers: whose they are, and who may put DIDs on them.

use serde_json::json;

use super::access::Actor;
use super::{Error, log, setup};
use crate::store::WriteTx;
use crate::store::providers::{self, Provider};
use crate::store::row::Id;
use crate::store::users::UserType;

/// Whether `by` may put DIDs on a provider: everyone on his own, a reseller also on those marked common use.
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
    setup::check_name(name)?;
    setup::check_owner(tx, by, owner_id)?;
    let id = providers::insert(tx, owner_id, name, common_use, by.now_ms)?;
    let after = json!({ "owner_id": owner_id, "name": name, "common_use": common_use });
    log::record(tx, by, "provider.create", id, None, Some(after))?;
    Ok(id)
}
