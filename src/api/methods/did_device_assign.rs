//! `did_device_assign`: a free or reserved DID onto a device of any kind.

use crate::api::method::*;
use crate::service::dids::MAX_NUMBER;
use crate::service::{DidError, did_steps};

const DEVICE: Parameter = id("device_id", Thing::Device, "The device, a trunk or not.").required();
const NUMBER: Parameter = digits("did", MAX_NUMBER, "The number of the DID.")
    .names(Thing::Did)
    .required();

/// The method.
pub static METHOD: Method = Method {
    name: "did_device_assign",
    aliases: &["did_assign_device"],
    summary: "Assigns a DID to a device: a free one, or one that is reserved for the device's user. One that is on it already stays there.",
    source: "MOR API did device assign",
    parameters: &[DEVICE, NUMBER],
    hashes: &[
        strict(
            &["device_id", "did"],
            "the order of the present page, and of clients",
        ),
        strict(
            &["did", "device_id"],
            "the order of older revisions, and of clients; all is signed",
        ),
        documented(&["device_id"], "the printed hash"),
    ],
    right: Right::ManageDids,
    denied: &denied("Access Denied", "You are not authorized to manage DIDs"),
    errors: &[
        refuses(Rule::NotFound(Thing::Device), "Device was not found"),
        refuses(Rule::NotFound(Thing::Did), "DID was not found"),
        refuses(
            Rule::Foreign(Thing::Device),
            "Your are not authorized to use this Device",
        ),
        refuses(
            Rule::Foreign(Thing::Did),
            "Your are not authorized to use this DID",
        ),
        refuses(Rule::Did(DidError::Terminated), "DID is terminated"),
        refuses(Rule::Did(DidError::NotFree), "DID is not free"),
        refuses(Rule::Failed, "Device was not assigned"),
    ],
    storage_error: Some(Rule::Failed),
    envelope: LATER_IN_STATUS,
    run: Run::Write(|tx, call| {
        let (device_id, number) = (call.need_id(DEVICE)?, call.need(NUMBER)?);
        did_steps::assign_to_any_device(tx, &call.actor, device_id, number)?;
        Ok(match call.dialect {
            Dialect::Classic => status("Device assigned to DID", []),
            Dialect::Current => success("Device assigned to DID", []),
        })
    }),
    ..Method::DEFAULT
};
