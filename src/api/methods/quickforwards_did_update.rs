//! `quickforwards_did_update`: where a DID takes the caller.

use crate::api::method::*;
use crate::service::dids::MAX_NUMBER as MAX_DID;
use crate::service::quickforwards::{self, MAX_DESCRIPTION, MAX_NUMBER};

const DID: Parameter = digits("did", MAX_DID, "The number of the DID.")
    .names(Thing::Did)
    .required();
const FORWARD_TO: Parameter = digits(
    "forward_to",
    MAX_NUMBER,
    "The number that it takes the caller to. Not sent: it stays.",
);
const DESCRIPTION: Parameter = text(
    "description",
    MAX_DESCRIPTION,
    "What the caller calls it. Not sent: it stays.",
);

/// The method.
pub static METHOD: Method = Method {
    name: "quickforwards_did_update",
    summary: "Says to which number a DID takes the caller.",
    source: "MOR API quickforwards DID update",
    parameters: &[DID, FORWARD_TO, DESCRIPTION],
    hashes: &[
        strict(
            &["did", "forward_to", "description"],
            "the order of the page; clients sign it",
        ),
        strict(
            &["description", "did", "forward_to"],
            "the order of the printed hash; all is signed",
        ),
    ],
    right: Right::UseQuickforwards,
    denied: &denied(
        "You are not authorized to use Quickforwards",
        "You are not authorized to use Quickforwards",
    ),
    errors: in_order![
        [refuses(Rule::NotFound(Thing::Did), "DID was not found")],
        incorrect([Field::ForwardNumber]),
        too_long([Field::Description]),
    ],
    run: Run::Write(|tx, call| {
        let by = &call.actor;
        let (forward_to, description) = (call.text(FORWARD_TO), call.text(DESCRIPTION));
        let did = call.need(DID)?;
        let (did, row) = quickforwards::update(tx, by, by.user_id, did, forward_to, description)?;
        Ok(Reply::Elements(vec![Element::with(
            "new_quickforward_did",
            [
                Element::text("did", did),
                Element::text("forward_to", row.forward_to),
                Element::text("description", row.description),
            ],
        )]))
    }),
    ..Method::DEFAULT
};
