//! `device_rule_delete`: takes a rule off its device.

use crate::api::method::*;
use crate::service::device_rules;

const RULE: Parameter = id("device_rule_id", Thing::DeviceRule, "The rule.").required();

/// The method.
pub static METHOD: Method = Method {
    name: "device_rule_delete",
    summary: "Deletes a rule of a device.",
    source: "MOR API device rule delete",
    parameters: &[RULE],
    hashes: &[strict(&["device_rule_id"], "the order of the page")],
    right: Right::ManageDevices,
    errors: &[refuses(
        Rule::NotFound(Thing::DeviceRule),
        "Device rule was not found",
    )],
    envelope: STATUS,
    run: Run::Write(|tx, call| {
        device_rules::delete(tx, &call.actor, call.need_id(RULE)?)?;
        Ok(success("Device rule was successfully deleted", []))
    }),
    ..Method::DEFAULT
};
