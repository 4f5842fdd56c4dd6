//! `did_subscription_stop`: closes a DID, as did_close does.

use crate::api::method::*;
use crate::service::{DidError, did_steps};

const DID: Parameter = id("did_id", Thing::Did, "The DID's id, not its number.").required();

/// The method.
pub static METHOD: Method = Method {
    name: "did_subscription_stop",
    summary: "Closes a DID that is on a device: its user keeps it, out of use, until it is freed.",
    source: "MOR API did subscription stop",
    parameters: &[DID],
    hashes: &[strict(
        &["did_id"],
        "the order of the page, and of its printed hash",
    )],
    right: Right::ManageDids,
    errors: &[
        refuses(Rule::NotFound(Thing::Did), "DID was not found"),
        refuses(
            Rule::Did(DidError::NotOnDevice),
            "DID is not assigned to Device",
        ),
    ],
    envelope: STATUS,
    run: Run::Write(|tx, call| {
        let id = call.need_id(DID)?.ok_or(Rule::NotFound(Thing::Did))?;
        did_steps::stop(tx, &call.actor, id)?;
        Ok(success("DID was successfully closed", []))
    }),
    ..Method::DEFAULT
};
