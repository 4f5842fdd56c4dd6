//! The rules of a provider: how numbers change in calls through it. They are kept for a PBX.

use serde_json::json;

use super::{Error, Field, Rule, Thing, log, providers, text};
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::store::row::Id;
use crate::store::tables::provider_rules::{self as rows, AppliesTo, ProviderRule};
use crate::store::{ReadTx, WriteTx};

/// Longest text that is cut off or added, in digits.
pub const MAX_DIGITS: usize = 60;
/// The most digits of a number that a rule is for.
pub const MAX_LENGTH: u32 = 100;
/// The most rules of a provider.
pub const MAX_RULES: u32 = 1000;

/// A new rule, as it is sent. Blank texts and none are the same.
#[derive(Debug, Clone, Default)]
pub struct NewRule {
    /// Its name.
    pub name: String,
    /// What numbers lose from their beginning.
    pub cut: Option<String>,
    /// What they get in front instead.
    pub add: Option<String>,
    /// The least digits of the numbers that it is for. None: 1.
    pub min_length: Option<String>,
    /// The most digits of the numbers that it is for. None: [`MAX_LENGTH`].
    pub max_length: Option<String>,
    /// The number that it changes. None: the called one.
    pub applies_to: Option<String>,
    /// A tariff. None exists yet, so every one is refused.
    pub tariff_id: Option<String>,
    /// Whether the P-Asserted-Identity is set, too: `0` or `1`.
    pub sets_pai: Option<String>,
    /// What called numbers get behind them.
    pub suffix: Option<String>,
    /// Whether the caller's name is changed, too: `0` or `1`.
    pub changes_name: Option<String>,
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
    if rows::count(tx, rule.provider_id)? >= MAX_RULES {
        let detail = format!("a provider has {MAX_RULES} at most");
        return Err(Rule::TooMany(Thing::ProviderRule).with(detail));
    }
    let id = rows::insert(tx, &rule, tx.now_ms())?;
    let after = json!(ProviderRule { id, ..rule });
    log::record(tx, by, Action::ProviderRuleCreate, id, None, Some(after))?;
    Ok(id)
}

/// Deletes a rule of a provider of the actor's own, and gives it as it was.
pub fn delete(tx: &WriteTx<'_>, by: &Actor, id: Option<Id>) -> Result<ProviderRule, Error> {
    by.require(Right::ManageSetup)?;
    let not_found = || Rule::NotFound(Thing::ProviderRule).with(id.unwrap_or(-1).to_string());
    let found = rows::find(tx, id.unwrap_or(-1))?.ok_or_else(not_found)?;
    if providers::get(tx, by, found.provider_id).is_err() {
        return Err(not_found());
    }
    rows::delete(tx, found.id)?;
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
    Ok(rows::walk(tx, provider_id, after, limit)?)
}

/// The same, as the API does it: a provider without any is refused.
pub fn list_some(
    tx: &ReadTx<'_>,
    by: &Actor,
    provider_id: Option<Id>,
    after: Id,
    limit: u32,
) -> Result<Vec<ProviderRule>, Error> {
    by.require(Right::ManageSetup)?;
    let found = list(tx, by, provider_id, after, limit)?;
    match found.is_empty() && after == 0 {
        true => Err(Rule::NoneFound(Thing::ProviderRule).into()),
        false => Ok(found),
    }
}

fn of_provider(tx: &ReadTx<'_>, by: &Actor, id: Option<Id>) -> Result<Id, Error> {
    let id = id.ok_or(Rule::NotFound(Thing::Provider))?;
    Ok(providers::get(tx, by, id)?.id)
}

/// The rule as it is stored. Each reason against it in the order of the checks.
fn checked(provider_id: Id, new: &NewRule) -> Result<ProviderRule, Error> {
    let sent = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let digits = |value: &Option<String>, field| {
        let value = sent(value).unwrap_or_default();
        let is_right = value.is_empty() || text::is_digits(&value) && value.len() <= MAX_DIGITS;
        is_right.then_some(value).ok_or(Rule::Invalid(field))
    };
    let length = |value: &Option<String>, default, field| match sent(value) {
        None => Ok(default),
        Some(value) => {
            let length = value.parse().ok().filter(|_| text::is_digits(&value));
            let length = length.filter(|length| (1..=MAX_LENGTH).contains(length));
            length.ok_or(Rule::Invalid(field))
        }
    };
    let switch = |value: &Option<String>, field| match sent(value).as_deref() {
        None | Some("0") => Ok(false),
        Some("1") => Ok(true),
        Some(_) => Err(Rule::Invalid(field)),
    };
    if new.name.trim().is_empty() {
        return Err(Rule::Missing(Field::Name).into());
    }
    if sent(&new.cut).is_none() && sent(&new.add).is_none() {
        return Err(Rule::Missing(Field::Cut).into());
    }
    text::check_name(&new.name)?;
    let rule = ProviderRule {
        id: 0,
        provider_id,
        name: new.name.clone(),
        cut: digits(&new.cut, Field::Cut)?,
        prefix: digits(&new.add, Field::Prefix)?,
        min_length: length(&new.min_length, 1, Field::MinLength)?,
        max_length: length(&new.max_length, MAX_LENGTH, Field::MaxLength)?,
        applies_to: match sent(&new.applies_to) {
            None => AppliesTo::Dst,
            Some(word) => {
                let word = word.to_ascii_lowercase().parse();
                word.map_err(|_| Rule::Invalid(Field::AppliesTo))?
            }
        },
        suffix: digits(&new.suffix, Field::Suffix)?,
        enabled: true,
        sets_pai: switch(&new.sets_pai, Field::SetsPai)?,
        changes_name: switch(&new.changes_name, Field::ChangesName)?,
    };
    if sent(&new.tariff_id).is_some() {
        return Err(Rule::Invalid(Field::TariffId).into());
    }
    if rule.max_length < rule.min_length {
        return Err(Rule::Invalid(Field::MaxLength).into());
    }
    if rule.applies_to == AppliesTo::Src && !rule.suffix.is_empty() {
        return Err(Rule::Invalid(Field::Suffix).into());
    }
    Ok(rule)
}
