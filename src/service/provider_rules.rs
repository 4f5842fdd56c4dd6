//! The rules of a provider: how the numbers of calls through it are rewritten.

use serde_json::json;

use super::{Error, Field, Rule, Thing, log, providers, text};
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::service::number_rules::{MAX_PART, MAX_RULES, NewNumberRule, filled, switch};
use crate::store::row::Id;
use crate::store::tables::number_rules::AppliesTo;
use crate::store::tables::provider_rules::{self, ProviderRule};
use crate::store::{ReadTx, WriteTx};

/// A new rule, as it is sent. Blank and none are the same.
#[derive(Debug, Clone, Default)]
pub struct NewRule {
    /// What a device's rule has, too.
    pub number: NewNumberRule,
    /// A tariff. None exists yet, so every one is refused.
    pub tariff_id: Option<String>,
    /// Whether the P-Asserted-Identity is set, too: `0` or `1`.
    pub sets_pai: Option<String>,
    /// What called numbers get behind them.
    pub suffix: Option<String>,
}

/// Adds a rule to a provider of the actor's own; its id.
pub fn create(
    tx: &WriteTx<'_>,
    by: &Actor,
    provider_id: Option<Id>,
    new: &NewRule,
) -> Result<Id, Error> {
    by.require(Right::ManageSetup)?;
    let rule = checked(of_provider(tx, by, provider_id)?, new)?;
    if provider_rules::count(tx, rule.provider_id)? >= MAX_RULES {
        let detail = format!("a provider has {MAX_RULES} at most");
        return Err(Rule::TooMany(Thing::ProviderRule).with(detail));
    }
    let id = provider_rules::insert(tx, &rule, tx.now_ms())?;
    let after = json!(ProviderRule { id, ..rule });
    log::record(tx, by, Action::ProviderRuleCreate, id, None, Some(after))?;
    Ok(id)
}

/// Deletes a rule of a provider of the actor's own, and gives it as it was.
pub fn delete(tx: &WriteTx<'_>, by: &Actor, id: Option<Id>) -> Result<ProviderRule, Error> {
    by.require(Right::ManageSetup)?;
    let not_found = || Rule::NotFound(Thing::ProviderRule).with(id.unwrap_or(-1).to_string());
    let found = provider_rules::find(tx, id.unwrap_or(-1))?.ok_or_else(not_found)?;
    if providers::get(tx, by, found.provider_id).is_err() {
        return Err(not_found());
    }
    provider_rules::delete(tx, found.id)?;
    let (action, before) = (Action::ProviderRuleDelete, json!(found));
    log::record(tx, by, action, found.id, Some(before), None)?;
    Ok(found)
}

/// Up to `limit` rules of a provider of the actor's own, with ids above `after`, in id order.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    provider_id: Option<Id>,
    after: Id,
    limit: u32,
) -> Result<Vec<ProviderRule>, Error> {
    by.require(Right::ManageSetup)?;
    let provider_id = of_provider(tx, by, provider_id)?;
    Ok(provider_rules::list_of_provider(
        tx,
        provider_id,
        after,
        limit,
    )?)
}

fn of_provider(tx: &ReadTx<'_>, by: &Actor, id: Option<Id>) -> Result<Id, Error> {
    let id = id.ok_or(Rule::NotFound(Thing::Provider))?;
    Ok(providers::get(tx, by, id)?.id)
}

/// The rule as it is stored. Each reason against it in the order of the checks.
fn checked(provider_id: Id, new: &NewRule) -> Result<ProviderRule, Error> {
    let number = &new.number;
    number.check(text::is_digits)?;
    let (min_length, max_length) = number.lengths()?;
    let applies_to = number.applies_to()?;
    let suffix = filled(&new.suffix).unwrap_or_default();
    let is_suffix = text::is_digits(suffix) && suffix.len() <= MAX_PART;
    if !(suffix.is_empty() || is_suffix && applies_to == AppliesTo::Destination) {
        return Err(Rule::Invalid(Field::Suffix).into());
    }
    let rule = ProviderRule {
        id: 0,
        provider_id,
        name: number.name.clone(),
        cut: number.cut.clone(),
        prefix: number.prefix.clone(),
        min_length,
        max_length,
        applies_to,
        suffix: suffix.into(),
        enabled: true,
        sets_pai: switch(&new.sets_pai, Field::SetsPai)?,
        changes_name: number.changes_name()?,
    };
    match filled(&new.tariff_id) {
        Some(_) => Err(Rule::Invalid(Field::TariffId).into()),
        None => Ok(rule),
    }
}
