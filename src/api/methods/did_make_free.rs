//! `did_make_free`: gives a DID back to the stock.

use crate::api::method::*;
use crate::service::{DidError, did_steps};

const DID: Parameter = id("dids_id", Thing::Did, "The DID's id, not its number.").required();

/// The method.
pub static METHOD: Method = Method {
    name: "did_make_free",
    summary: "Frees a reserved, closed or terminated DID. A lent one comes back, as long as its reseller has not passed it on.",
    source: "MOR API did make free",
    parameters: &[DID],
    hashes: &[strict(
        &["dids_id"],
        "the order of the page, and of its printed hash",
    )],
    right: Right::ManageDids,
    errors: &[
        refuses(Rule::NotFound(Thing::Did), "DID was not found"),
        refuses(
            Rule::Did(DidError::WrongState),
            "DID was not freed. Only Terminated, Reserved or Closed DIDs can be freed",
        ),
    ],
    envelope: STATUS,
    run: Run::Write(|tx, call| {
        let id = call.need_id(DID)?.ok_or(Rule::NotFound(Thing::Did))?;
        did_steps::make_free(tx, &call.actor, id)?;
        Ok(success("DID successfully made available", []))
    }),
    ..Method::DEFAULT
};
