//! `did_delete`: takes a terminated DID out of the stock.

use crate::api::method::*;
use crate::service::{DidError, did_details};

const DID: Parameter = id("dids_id", Thing::Did, "The DID's id, not its number.").required();

/// The method.
pub static METHOD: Method = Method {
    name: "did_delete",
    summary: "Deletes a terminated DID, so that its number can be made again.",
    source: "MOR API did delete",
    parameters: &[DID],
    hashes: &[strict(
        &["dids_id"],
        "the order of the page; its printed hash is another method's",
    )],
    right: Right::ManageDids,
    errors: &[
        refuses(Rule::NotFound(Thing::Did), "DID was not found"),
        refuses(
            Rule::Did(DidError::NotTerminated),
            "DID status must be terminated",
        ),
    ],
    envelope: STATUS,
    run: Run::Write(|tx, call| {
        let id = call.need_id(DID)?.ok_or(Rule::NotFound(Thing::Did))?;
        did_details::delete(tx, &call.actor, id)?;
        Ok(Reply::Elements(vec![Element::with(
            "status",
            [Element::text("status", "DID successfully deleted")],
        )]))
    }),
    ..Method::DEFAULT
};
