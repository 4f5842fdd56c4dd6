//! `cli_info_get`: the device that a CLI stands for, and its user.

use crate::api::method::*;
use crate::service::clis::{self, MAX_NUMBER};
use crate::service::text::MAX_DOMAIN;

const NUMBER: Parameter = digits(
    "cli",
    MAX_NUMBER,
    "The calling number; looked for before a domain.",
)
.names(Thing::Cli)
.unless(&[DOMAIN]);
const DOMAIN: Parameter =
    text("domain", MAX_DOMAIN, "The host name, in any letter case.").names(Thing::Cli);

/// The method.
pub static METHOD: Method = Method {
    name: "cli_info_get",
    aliases: &["cli_get_info"],
    summary: "Answers which device a CLI stands for, and its user.",
    source: "MOR API CLI info get",
    parameters: &[NUMBER, DOMAIN],
    hashes: &[
        strict(
            &["cli", "domain"],
            "all that is sent; the pages sign the key alone, the printed hash is another page's",
        ),
        documented(&[], "the page since 2013, and clients"),
    ],
    right: Right::ManageDevices,
    errors: &[
        refuses(Rule::Missing(Field::CliNumber), "CLI is empty"),
        refuses(Rule::NotFound(Thing::Cli), "CLI not found"),
    ],
    is_file: true,
    envelope: LATER_IN_STATUS,
    run: Run::Read(|tx, call| {
        let device = clis::device_of(tx, &call.actor, call.get(NUMBER), call.get(DOMAIN))?;
        let device = Element::with(
            "device",
            [
                Element::number("user_id", device.user_id),
                Element::number("device_id", device.id),
            ],
        );
        Ok(Reply::Elements(vec![Element::with("cli", [device])]))
    }),
    ..Method::DEFAULT
};
