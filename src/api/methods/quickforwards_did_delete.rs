//! `quickforwards_did_delete`: lets a DID take the caller nowhere.

use crate::api::method::*;
use crate::service::dids::MAX_NUMBER as MAX_DID;
use crate::service::quickforwards;

const DID: Parameter = digits("did", MAX_DID, "The number of the DID.")
    .names(Thing::Did)
    .required();

/// The method.
pub static METHOD: Method = Method {
    name: "quickforwards_did_delete",
    aliases: &["quickforward_did_delete"],
    summary: "Lets a DID take the caller nowhere any more.",
    source: "MOR API quickforwards DID delete",
    parameters: &[DID],
    hashes: &[strict(
        &["did"],
        "the order of the page, and of its printed hash",
    )],
    right: Right::UseQuickforwards,
    denied: &denied(
        "You are not authorised to use Quickforwards",
        "You are not authorised to use Quickforwards",
    ),
    errors: &[
        refuses(Rule::NotFound(Thing::Did), "DID was not found"),
        refuses(
            Rule::NotFound(Thing::Quickforward),
            "No Quickforward is assigned to specified DID",
        ),
    ],
    run: Run::Write(|tx, call| {
        let by = &call.actor;
        quickforwards::delete(tx, by, by.user_id, call.need(DID)?)?;
        Ok(status("Quickforward successfully deleted", []))
    }),
    ..Method::DEFAULT
};
