//! `provider_rule_create`: a rule for the numbers in calls through a provider.

use crate::api::method::*;
use crate::api::provider_details::TARIFF;
use crate::service::number_rules::{MAX_LENGTH, MAX_PART, NewNumberRule};
use crate::service::provider_rules::{self, NewRule};
use crate::service::text::MAX_NAME;

const PROVIDER: Parameter = id("provider_id", Thing::Provider, "The provider.").required();
const NAME: Parameter = text("name", MAX_NAME, "The rule's name.").required();
const CUT: Parameter = digits(
    "cut",
    MAX_PART,
    "What numbers lose from their beginning. Numbers that begin otherwise stay as they are.",
)
.unless(&[ADD]);
const ADD: Parameter = digits("add", MAX_PART, "What they get in front instead.");
const MINLEN: Parameter = number(
    "minlen",
    1,
    MAX_LENGTH as u64,
    "The least digits of the numbers that it is for. Not sent: 1.",
);
const MAXLEN: Parameter = number(
    "maxlen",
    1,
    MAX_LENGTH as u64,
    "The most digits of the numbers that it is for, not below minlen. Not sent: 100.",
);
const PR_TYPE: Parameter = one_of(
    "pr_type",
    &["dst", "src"],
    "The number that it changes: the called one, or the caller's. Not sent: dst.",
);
const SET_PAI: Parameter = one_of(
    "set_pai",
    &["0", "1"],
    "1: the P-Asserted-Identity is set, too. Not sent: 0.",
);
const SUFFIX: Parameter = digits(
    "suffix",
    MAX_PART,
    "What called numbers get behind them; with pr_type dst only.",
);
const CHANGE_NAME: Parameter = one_of(
    "change_callerid_name",
    &["0", "1"],
    "1: the caller's name is changed, too. Not sent: 0.",
);

/// The method.
pub static METHOD: Method = Method {
    name: "provider_rule_create",
    summary: "Adds a rule to a provider: how numbers change in calls through it. It is kept for a PBX.",
    source: "MOR API provider rule create",
    parameters: &[
        PROVIDER,
        NAME,
        CUT,
        ADD,
        MINLEN,
        MAXLEN,
        PR_TYPE,
        TARIFF,
        SET_PAI,
        SUFFIX,
        CHANGE_NAME,
    ],
    hashes: &[strict(
        &["provider_id", "name", "cut", "add"],
        "the order of the page",
    )],
    right: Right::ManageSetup,
    errors: &[
        refuses(Rule::NotFound(Thing::Provider), "Provider was not found"),
        refuses(Rule::Missing(Field::Name), "name cannot be blank"),
        refuses(
            Rule::Missing(Field::Cut),
            "both add and cut cannot be blank",
        ),
        not_added(Rule::Invalid(Field::Name)),
        not_added(Rule::Invalid(Field::Cut)),
        not_added(Rule::Invalid(Field::Prefix)),
        not_added(Rule::Invalid(Field::MinLength)),
        not_added(Rule::Invalid(Field::MaxLength)),
        not_added(Rule::Invalid(Field::AppliesTo)),
        not_added(Rule::Invalid(Field::Suffix)),
        not_added(Rule::Invalid(Field::SetsPai)),
        not_added(Rule::Invalid(Field::ChangesName)),
        not_added(Rule::Invalid(Field::TariffId)),
        not_added(Rule::TooMany(Thing::ProviderRule)),
    ],
    run: Run::Write(|tx, call| {
        let new = NewRule {
            number: NewNumberRule {
                name: call.need(NAME)?.into(),
                cut: call.text(CUT).unwrap_or_default(),
                prefix: call.text(ADD).unwrap_or_default(),
                min_length: call.text(MINLEN),
                max_length: call.text(MAXLEN),
                applies_to: call.text(PR_TYPE),
                changes_name: call.text(CHANGE_NAME),
            },
            tariff_id: call.text(TARIFF),
            sets_pai: call.text(SET_PAI),
            suffix: call.text(SUFFIX),
        };
        provider_rules::create(tx, &call.actor, call.need_id(PROVIDER)?, &new)?;
        Ok(success("Rule added", []))
    }),
    ..Method::DEFAULT
};

/// The page has one text for every value that does not fit.
const fn not_added(rule: Rule) -> ErrorText {
    refuses(rule, "Add failed")
}
