//! `did_close`: takes a DID off its device and out of use.

use crate::api::method::*;
use crate::service::{DidError, did_steps};

const DID: Parameter = id("dids_id", Thing::Did, "The DID's id, not its number.").required();

/// The method.
pub static METHOD: Method = Method {
    name: "did_close",
    summary: "Closes a DID that is on a device: its user keeps it, out of use, until it is freed.",
    source: "MOR API did close",
    parameters: &[DID],
    hashes: &[strict(
        &["dids_id"],
        "the order of the page, and of its printed hash",
    )],
    right: Right::ManageDids,
    errors: &[
        refuses(Rule::NotFound(Thing::Did), "DID was not found"),
        refuses(Rule::Did(DidError::AlreadyClosed), "DID is already closed"),
        refuses(
            Rule::Did(DidError::OnDialplan),
            "DID is assigned to Dial Plan",
        ),
        refuses(
            Rule::Did(DidError::NotOnDevice),
            "DID is not assigned to Device",
        ),
    ],
    envelope: STATUS,
    run: Run::Write(|tx, call| {
        let id = call.need_id(DID)?.ok_or(Rule::NotFound(Thing::Did))?;
        did_steps::close_on_device(tx, &call.actor, id)?;
        Ok(success("DID successfully closed", []))
    }),
    ..Method::DEFAULT
};
