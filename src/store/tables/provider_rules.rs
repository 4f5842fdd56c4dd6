//! The table `provider_rules`: how the numbers of calls through a provider are rewritten.

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Id, row, select};
use crate::store::tables::number_rules::AppliesTo;
use crate::store::{ReadTx, StoreError, WriteTx};

row! {
    /// A rule.
    #[derive(Debug, Clone, Serialize)]
    pub struct ProviderRule from provider_rules {
        /// Its number in the API (`provider_rule_id`).
        id: Id,
        /// The provider.
        provider_id: Id,
        /// Its name.
        name: String,
        /// What numbers lose from their beginning.
        cut: String,
        /// What they get in front instead.
        prefix: String,
        /// The least digits of the numbers that it is for.
        min_length: u32,
        /// The most digits of the numbers that it is for.
        max_length: u32,
        /// The number that it changes.
        applies_to: AppliesTo,
        /// What called numbers get behind them.
        suffix: String,
        /// It is applied.
        enabled: bool,
        /// The P-Asserted-Identity is set, too.
        sets_pai: bool,
        /// The caller's name is changed, too.
        changes_name: bool,
    }
}

const FIND: &str = select!(ProviderRule, "WHERE id = :id");

/// The rule with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<ProviderRule>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, ProviderRule::read)
}

const LIST_OF_PROVIDER: &str = select!(
    ProviderRule,
    "  INDEXED BY provider_rules_of_provider
WHERE provider_id = :provider_id
  AND id > :after
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` rules of a provider with ids above `after`, in id order.
pub fn list_of_provider(
    tx: &ReadTx<'_>,
    provider_id: Id,
    after: Id,
    limit: u32,
) -> Result<Vec<ProviderRule>, StoreError> {
    let params = named_params! { ":provider_id": provider_id, ":after": after, ":limit": limit };
    tx.list(LIST_OF_PROVIDER, params, ProviderRule::read)
}

const COUNT: &str = "
SELECT count(*)
FROM provider_rules
WHERE provider_id = :provider_id";

/// The number of a provider's rules.
pub fn count(tx: &ReadTx<'_>, provider_id: Id) -> Result<u32, StoreError> {
    let params = named_params! { ":provider_id": provider_id };
    tx.get(COUNT, params, |row| row.get(0))
}

const INSERT: &str = "
INSERT INTO provider_rules (
  provider_id,
  name,
  cut,
  prefix,
  min_length,
  max_length,
  applies_to,
  suffix,
  enabled,
  sets_pai,
  changes_name,
  created_ms
) VALUES (
  :provider_id,
  :name,
  :cut,
  :prefix,
  :min_length,
  :max_length,
  :applies_to,
  :suffix,
  :enabled,
  :sets_pai,
  :changes_name,
  :now_ms
)";

/// Adds a rule (ignoring its `id`), and gives the new id.
pub fn insert(tx: &WriteTx<'_>, new: &ProviderRule, now_ms: i64) -> Result<Id, StoreError> {
    tx.insert(
        INSERT,
        named_params! {
            ":provider_id": new.provider_id,
            ":name": new.name,
            ":cut": new.cut,
            ":prefix": new.prefix,
            ":min_length": new.min_length,
            ":max_length": new.max_length,
            ":applies_to": new.applies_to,
            ":suffix": new.suffix,
            ":enabled": new.enabled,
            ":sets_pai": new.sets_pai,
            ":changes_name": new.changes_name,
            ":now_ms": now_ms,
        },
    )
}

const DELETE: &str = "
DELETE FROM provider_rules
WHERE id = :id";

/// Deletes a rule.
pub fn delete(tx: &WriteTx<'_>, id: Id) -> Result<(), StoreError> {
    tx.execute(DELETE, named_params! { ":id": id })?;
    Ok(())
}
