//! `provider_rules_get`: the rules of a provider.

use crate::api::method::*;
use crate::service::{lists, provider_rules};
use crate::store::tables::provider_rules::ProviderRule;

/// How many rules are read, and held in memory, at once.
const PIECE: u32 = 500;

const PROVIDER: Parameter = id("provider_id", Thing::Provider, "The provider.").required();

/// The method.
pub static METHOD: Method = Method {
    name: "provider_rules_get",
    summary: "Lists the rules of a provider in id order, all of them: how numbers change in calls through it.",
    source: "MOR API provider rules get",
    parameters: &[PROVIDER],
    hashes: &[strict(&["provider_id"], "the order of the page")],
    right: Right::ManageSetup,
    errors: &[
        refuses(Rule::NotFound(Thing::Provider), "Provider was not found"),
        refuses(
            Rule::NoneFound(Thing::ProviderRule),
            "Provider has no rules",
        ),
    ],
    run: Run::Read(|tx, call| {
        let provider_id = call.need_id(PROVIDER)?;
        let rules = provider_rules::list(tx, &call.actor, provider_id, call.after, PIECE)?;
        let rules = lists::some(rules, call.after, Thing::ProviderRule)?;
        let around = ["status", "provider_rules"];
        Ok(Reply::List(List::piece(
            &around,
            rules,
            PIECE,
            |rule| rule.id,
            element,
        )))
    }),
    ..Method::DEFAULT
};

fn element(rule: ProviderRule) -> Element {
    Element::with(
        "provider_rule",
        [
            Element::number("id", rule.id),
            Element::number("provider_id", rule.provider_id),
            Element::text("name", rule.name),
            Element::number("enabled", rule.enabled),
            Element::text("cut", rule.cut),
            Element::text("add", rule.prefix),
            Element::number("minlen", rule.min_length),
            Element::number("maxlen", rule.max_length),
            Element::text("pr_type", rule.applies_to.as_str()),
            Element::number("change_callerid_name", rule.changes_name),
            // No tariff exists yet.
            Element::text("tariff_id", ""),
            Element::number("set_pai", rule.sets_pai),
            Element::text("suffix", rule.suffix),
        ],
    )
}
