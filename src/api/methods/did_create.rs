//! `did_create`: a free DID of a provider.

use crate::api::method::*;
use crate::service::dids::{self, MAX_NUMBER};

const NUMBER: Parameter = digits("did", MAX_NUMBER, "The number; unique.").required();
const PROVIDER: Parameter = id(
    "provider_id",
    Thing::Provider,
    "The provider it comes from: the caller's own, or for a reseller one marked common use.",
)
.required();

/// The method.
pub static METHOD: Method = Method {
    name: "did_create",
    summary: "Creates a DID: free, in the caller's scope, on no device.",
    source: "MOR API did create",
    parameters: &[NUMBER, PROVIDER],
    needs_password: true,
    hashes: &[
        strict(&["did", "provider_id"], "the order of the page"),
        strict(
            &["provider_id", "did"],
            "the order of later revisions of the page; all is signed",
        ),
        strict(
            &["u", "did", "provider_id"],
            "seen from clients; all is signed",
        ),
        documented(&["provider_id"], "the printed hash"),
    ],
    right: Right::ManageDids,
    denied: &denied("Don't be so smart", "You are not authorized to manage DIDs"),
    errors: &[
        refuses(Rule::NotFound(Thing::Provider), "Provider was not found"),
        refuses(
            Rule::Foreign(Thing::Provider),
            "Your are not authorized to use this Provider",
        ),
        refuses(Rule::Invalid(Field::Did), "Invalid DID specified"),
        refuses(Rule::Taken(Field::Did), "DID already exists"),
        refuses(Rule::Failed, "DID creation failed"),
    ],
    storage_error: Some(Rule::Failed),
    envelope: LATER_IN_STATUS,
    run: Run::Write(|tx, call| {
        let (number, provider_id) = (call.need(NUMBER)?, call.need_id(PROVIDER)?);
        let id = dids::create(tx, &call.actor, number, provider_id)?;
        let id = Element::number("id", id);
        Ok(match call.dialect {
            Dialect::Classic => status("DID created", [id]),
            Dialect::Current => success("DID created", [Element::with("did_details", [id])]),
        })
    }),
    ..Method::DEFAULT
};
