//! `device_rules_get`: the rules of a device.

use crate::api::method::*;
use crate::service::{device_rules, lists};
use crate::store::tables::device_rules::DeviceRule;

/// How many rules are read, and held in memory, at once.
const PIECE: u32 = 200;

const DEVICE: Parameter = id("device_id", Thing::Device, "The called device.").required();

/// The method.
pub static METHOD: Method = Method {
    name: "device_rules_get",
    summary: "Lists the rules of a device in id order, all of them.",
    source: "MOR API device rules get",
    parameters: &[DEVICE],
    hashes: &[strict(&["device_id"], "the order of the page")],
    right: Right::ManageDevices,
    errors: &[
        refuses(Rule::NotFound(Thing::Device), "Device was not found"),
        refuses(Rule::NoneFound(Thing::DeviceRule), "Device has no rules"),
    ],
    envelope: LATER_IN_STATUS,
    run: Run::Read(|tx, call| {
        let device_id = call.need_id(DEVICE)?;
        let rules = device_rules::list(tx, &call.actor, device_id, call.after, PIECE)?;
        let rules = lists::some(rules, call.after, Thing::DeviceRule)?;
        let around = ["status", "device_rules"];
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

fn element(rule: DeviceRule) -> Element {
    Element::with(
        "device_rule",
        [
            Element::number("id", rule.id),
            Element::number("device_id", rule.device_id),
            Element::text("name", rule.name),
            Element::number("enabled", 1),
            Element::text("cut", rule.cut),
            Element::text("add", rule.prefix),
            Element::number("minlen", rule.min_length),
            Element::number("maxlen", rule.max_length),
            Element::text("pr_type", rule.applies_to.as_str()),
            Element::number("change_callerid_name", rule.changes_name),
            Element::number("devicerulegroup_id", 0),
        ],
    )
}
