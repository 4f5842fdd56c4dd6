//! `device_rule_create`: a rule that rewrites the numbers of a device's calls.

use crate::api::method::*;
use crate::service::device_rules;
use crate::service::number_rules::{MAX_LENGTH, MAX_PART, NewNumberRule};
use crate::service::text::MAX_NAME;

const DEVICE: Parameter = id("device_id", Thing::Device, "The called device.").required();
const NAME: Parameter =
    text("name", MAX_NAME, "What people call the rule.").required_or(Rule::Missing(Field::Name));
const CUT: Parameter = text(
    "cut",
    MAX_PART,
    "What is taken off the beginning of a number. This or `add` is needed.",
);
const ADD: Parameter = text("add", MAX_PART, "What is put there.");
const MIN: Parameter = number(
    "minlen",
    1,
    MAX_LENGTH as u64,
    "The shortest number that it is for. Not sent: 1.",
);
const MAX: Parameter = number(
    "maxlen",
    1,
    MAX_LENGTH as u64,
    "The longest one, not below `minlen`. Not sent: 100.",
);
const TYPE: Parameter = one_of(
    "pr_type",
    &["src", "dst"],
    "The number that it rewrites: the caller's or the called one. Not sent: `dst`.",
);
const CHANGES_NAME: Parameter = one_of(
    "change_callerid_name",
    &["0", "1"],
    "1: the caller's name is rewritten, too. Not sent: 0.",
);

/// The method.
pub static METHOD: Method = Method {
    name: "device_rule_create",
    summary: "Adds a rule to a device: how the numbers of calls that reach it through a DID are rewritten.",
    source: "MOR API device rule create",
    parameters: &[DEVICE, NAME, CUT, ADD, MIN, MAX, TYPE, CHANGES_NAME],
    hashes: &[
        strict(
            &["device_id", "name", "cut", "add"],
            "the order of its revisions of 2019 and 2020; clients sign it",
        ),
        documented(
            &["device_id"],
            "the order of the latest page, which leaves the rule unsigned",
        ),
    ],
    right: Right::ManageDevices,
    errors: &[
        refuses(Rule::NotFound(Thing::Device), "Device was not found"),
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
        not_added(Rule::Invalid(Field::ChangesName)),
        not_added(Rule::TooMany(Thing::DeviceRule)),
    ],
    envelope: STATUS,
    run: Run::Write(|tx, call| {
        let device_id = call.need_id(DEVICE)?;
        let new = NewNumberRule {
            name: call.need(NAME).unwrap_or_default().into(),
            cut: call.text(CUT).unwrap_or_default(),
            prefix: call.text(ADD).unwrap_or_default(),
            min_length: call.text(MIN),
            max_length: call.text(MAX),
            applies_to: call.text(TYPE),
            changes_name: call.text(CHANGES_NAME),
        };
        device_rules::create(tx, &call.actor, device_id, &new)?;
        Ok(success("Rule added", []))
    }),
    ..Method::DEFAULT
};

/// MOR's manual has one text for every other value that does not fit.
const fn not_added(rule: Rule) -> ErrorText {
    refuses(rule, "Add failed")
}
