//! `provider_rule_delete`: deletes a rule of a provider.

use crate::api::method::*;
use crate::service::provider_rules;

const RULE: Parameter = id("provider_rule_id", Thing::ProviderRule, "The rule.").required();

/// The method.
pub static METHOD: Method = Method {
    name: "provider_rule_delete",
    summary: "Deletes a rule of a provider.",
    source: "MOR API provider rule delete",
    parameters: &[RULE],
    hashes: &[strict(&["provider_rule_id"], "the order of the page")],
    right: Right::ManageSetup,
    errors: &[refuses(
        Rule::NotFound(Thing::ProviderRule),
        "Provider rule was not found",
    )],
    run: Run::Write(|tx, call| {
        provider_rules::delete(tx, &call.actor, call.need_id(RULE)?)?;
        Ok(success("Provider rule was successfully deleted", []))
    }),
    ..Method::DEFAULT
};
