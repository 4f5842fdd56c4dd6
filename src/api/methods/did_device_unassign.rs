//! `did_device_unassign`: a DID off its device.

use crate::api::method::*;
use crate::service::did_found::Which;
use crate::service::dids::MAX_NUMBER;
use crate::service::{DidError, did_steps};

const NUMBER: Parameter = digits("did", MAX_NUMBER, "The number of the DID.")
    .names(Thing::Did)
    .unless(&[DID]);
const DID: Parameter = id(
    "did_id",
    Thing::Did,
    "The DID's id. It is looked at when the number is not sent.",
);

/// The method.
pub static METHOD: Method = Method {
    name: "did_device_unassign",
    aliases: &["did_unassign_device"],
    summary: "Takes a DID off its device. It stays reserved for its user.",
    source: "MOR API did device unassign",
    parameters: &[NUMBER, DID],
    hashes: &[
        strict(
            &["did", "did_id"],
            "the order of the page, and of clients that send one of the two",
        ),
        lenient(&[], "the printed hash: one for all DIDs"),
    ],
    right: Right::ManageDids,
    denied: &denied("Access Denied", "You are not authorized to manage DIDs"),
    errors: &[
        refuses(Rule::NotFound(Thing::Did), "DID was not found"),
        refuses(
            Rule::Foreign(Thing::Did),
            "Your are not authorized to use this DID",
        ),
        refuses(Rule::Did(DidError::Terminated), "DID is terminated"),
        refuses(
            Rule::Did(DidError::OnDialplan),
            "DID is assigned to dialplan",
        ),
        refuses(Rule::Did(DidError::AlreadyFree), "DID is already free"),
        refuses(Rule::Failed, "Failed to unassign DID"),
    ],
    storage_error: Some(Rule::Failed),
    envelope: LATER_IN_STATUS,
    run: Run::Write(|tx, call| {
        let id = call.id(DID).flatten();
        let which = match (call.get(NUMBER), id) {
            (Some(number), _) => Which::Number(number),
            (None, Some(id)) => Which::Id(id),
            (None, None) => return Err(Rule::NotFound(Thing::Did).into()),
        };
        did_steps::take_off_device(tx, &call.actor, which)?;
        Ok(match call.dialect {
            Dialect::Classic => status("Device was unassigned from DID", []),
            Dialect::Current => success("Device was unassigned from DID", []),
        })
    }),
    ..Method::DEFAULT
};
