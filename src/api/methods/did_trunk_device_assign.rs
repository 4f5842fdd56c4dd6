//! `did_trunk_device_assign`: a reserved DID onto a trunk.

use crate::api::method::*;
use crate::service::DidError;
use crate::service::did_steps;
use crate::service::dids::MAX_NUMBER;

const DEVICE: Parameter = id("device_id", Thing::Device, "The trunk.").required();
const NUMBER: Parameter = digits("did", MAX_NUMBER, "The number of the DID.")
    .names(Thing::Did)
    .required();

/// The method.
pub static METHOD: Method = Method {
    name: "did_trunk_device_assign",
    summary: "Assigns a reserved DID to a trunk of the user it is reserved for. One that is on it already stays there.",
    source: "MOR API did trunk device assign",
    parameters: &[DEVICE, NUMBER],
    hashes: &[
        strict(&["device_id", "did"], "the order of the page"),
        strict(&["did", "device_id"], "seen from clients; all is signed"),
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
        refuses(
            Rule::Did(DidError::NotReserved),
            "DID must be reserved for a User",
        ),
        refuses(Rule::Did(DidError::NotTrunk), "Device is not a Trunk"),
        refuses(Rule::Failed, "Device was not assigned"),
    ],
    storage_error: Some(Rule::Failed),
    envelope: STATUS,
    run: Run::Write(|tx, call| {
        let (device_id, number) = (call.need_id(DEVICE)?, call.need(NUMBER)?);
        did_steps::assign_to_trunk(tx, &call.actor, device_id, number)?;
        Ok(success("Device assigned to DID", []))
    }),
    ..Method::DEFAULT
};
