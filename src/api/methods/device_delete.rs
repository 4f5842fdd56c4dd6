//! `device_delete`: removes a device for good.

use crate::api::method::*;
use crate::service::device_delete;

const DEVICE: Parameter = id("device", Thing::Device, "The device.").required();

/// The method.
pub static METHOD: Method = Method {
    name: "device_delete",
    aliases: &["device_destroy", "delete_device"],
    summary: "Removes a device: DIDs on it stay reserved for its user, CLIs on it are deleted.",
    source: "MOR API device delete",
    parameters: &[DEVICE],
    hashes: &[strict(
        &["device"],
        "the order of the page, and of its printed hash",
    )],
    right: Right::ManageDevices,
    errors: &[
        refuses(Rule::NotFound(Thing::Device), "Device was not found"),
        refuses(
            Rule::InUse(Thing::Callflow),
            "Device has forwarded calls - we cannot delete it",
        ),
        refuses(
            Rule::InUse(Thing::FaxDevice),
            "Unable to delete this device - it is used in Call Flow for Fax Detect",
        ),
        refuses(
            Rule::HasTooMany(Thing::Device),
            "Unable to delete this device - it has too many DIDs",
        ),
    ],
    envelope: LATER_IN_STATUS,
    run: Run::Write(|tx, call| {
        device_delete::remove(tx, &call.actor, call.need_id(DEVICE)?)?;
        Ok(status("Device was deleted", []))
    }),
    ..Method::DEFAULT
};
