//! `cli_delete`: takes a CLI off its device.

use crate::api::method::*;
use crate::service::clis::{self, MAX_NUMBER, Named};
use crate::service::text::MAX_DOMAIN;

const NUMBER: Parameter = digits("cli_number", MAX_NUMBER, "The calling number.")
    .names(Thing::Cli)
    .unless(&[DOMAIN]);
const DOMAIN: Parameter = text(
    "cli_domain",
    MAX_DOMAIN,
    "The host name, in any letter case. Sent with a number, it must be the same CLI's.",
)
.names(Thing::Cli);

/// The method.
pub static METHOD: Method = Method {
    name: "cli_delete",
    summary: "Deletes a CLI: its number and its domain are free again.",
    source: "MOR API CLI delete",
    parameters: &[NUMBER, DOMAIN],
    hashes: &[strict(
        &["cli_number", "cli_domain"],
        "the order of the page, which knows no domain; the printed hash is another page's",
    )],
    right: Right::ManageDevices,
    denied: &denied(
        "Access Denied",
        "You are not authorised to use this functionality",
    ),
    errors: &[refuses(Rule::NotFound(Thing::Cli), "CLI was not found")],
    is_file: true,
    envelope: LATER_IN_STATUS,
    run: Run::Write(|tx, call| {
        let named = Named {
            number: call.get(NUMBER),
            domain: call.get(DOMAIN),
            ..Named::default()
        };
        clis::delete(tx, &call.actor, named)?;
        Ok(status("CLI successfully deleted", []))
    }),
    ..Method::DEFAULT
};
