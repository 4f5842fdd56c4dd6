//! `did_terminate`: makes a DID history.

use crate::api::method::*;
use crate::service::{DidError, did_steps};

const DID: Parameter = id("dids_id", Thing::Did, "The DID's id, not its number.").required();

/// The method.
pub static METHOD: Method = Method {
    name: "did_terminate",
    summary: "Terminates a free or closed DID: nobody has it, and nobody can until it is freed.",
    source: "MOR API did terminate",
    parameters: &[DID],
    hashes: &[strict(
        &["dids_id"],
        "the order of the page, and of its printed hash",
    )],
    right: Right::ManageDids,
    errors: &[
        refuses(Rule::NotFound(Thing::Did), "DID was not found"),
        refuses(Rule::Did(DidError::Lent), "DID was not terminated"),
        refuses(
            Rule::Did(DidError::WrongState),
            "DID was not terminated. Only Free or Closed DIDs can be terminate",
        ),
    ],
    envelope: STATUS,
    run: Run::Write(|tx, call| {
        let id = call.need_id(DID)?.ok_or(Rule::NotFound(Thing::Did))?;
        did_steps::terminate(tx, &call.actor, id)?;
        Ok(success("DID successfully terminated", []))
    }),
    ..Method::DEFAULT
};
