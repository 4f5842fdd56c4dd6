//! `cli_add`: a calling number or domain for a device.

use crate::api::method::*;
use crate::service::clis::{self, MAX_NUMBER, MAX_TEXT, NewCli};
use crate::service::text::MAX_DOMAIN;

const DEVICE: Parameter = id("device_id", Thing::Device, "The device it stands for.")
    .required_or(Rule::Missing(Field::DeviceId));
const NUMBER: Parameter =
    digits("cli_number", MAX_NUMBER, "The calling number; unique.").unless(&[DOMAIN]);
const DOMAIN: Parameter = text(
    "cli_domain",
    MAX_DOMAIN,
    "A host name; unique, compared in lower case. It is never signed.",
);
const DESCRIPTION: Parameter = text("cli_description", MAX_TEXT, "What the CLI is.");
const COMMENT: Parameter = text("comment", MAX_TEXT, "What else there is to say.");
const BANNED: Parameter = one_of(
    "banned",
    &["0", "1"],
    "1: calls from it are refused. Not sent: 0.",
);
const IVR: Parameter = id(
    "ivr_id",
    Thing::Ivr,
    "The voice menu its calls go to. Sent but blank, it is an IVR that was not found.",
)
.even_blank();

/// The method.
pub static METHOD: Method = Method {
    name: "cli_add",
    summary: "Adds a CLI, a calling number or a domain, to a device.",
    source: "MOR API CLI add",
    parameters: &[DEVICE, NUMBER, DOMAIN, DESCRIPTION, COMMENT, BANNED, IVR],
    hashes: &[
        strict(
            &[
                "device_id",
                "cli_number",
                "cli_description",
                "comment",
                "banned",
                "ivr_id",
            ],
            "the order of the page, which leaves cli_domain out",
        ),
        documented(
            &["device_id", "cli_number"],
            "the printed hash; newer clients sign just this",
        ),
    ],
    right: Right::ManageDevices,
    denied: &denied(
        "Access Denied",
        "You are not authorised to use this functionality",
    ),
    errors: in_order![
        [
            refuses(Rule::Missing(Field::DeviceId), "Device ID cannot be empty"),
            refuses(Rule::NotFound(Thing::Device), "Device was not found"),
            refuses(
                Rule::Missing(Field::CliNumber),
                "CLI Number cannot be empty",
            ),
            refuses(Rule::Invalid(Field::CliNumber), "CLI must be numeric"),
            refuses(
                Rule::Taken(Field::CliNumber),
                "CLI already exists. It is assigned to {} device",
            ),
            refuses(
                Rule::TakenByAnother(Field::CliNumber),
                "CLI already exists. It is assigned to another device",
            ),
            refuses(
                Rule::Taken(Field::CliDomain),
                "CLI already exists. It is assigned to {} device",
            ),
            refuses(
                Rule::TakenByAnother(Field::CliDomain),
                "CLI already exists. It is assigned to another device",
            ),
            refuses(Rule::NotFound(Thing::Ivr), "IVR was not found"),
            refuses(Rule::Invalid(Field::Banned), "banned must be 0 or 1"),
            refuses(Rule::Invalid(Field::CliDomain), "CLI domain is invalid"),
        ],
        too_long([Field::CliNumber, Field::CliDescription, Field::Comment]),
    ],
    is_file: true,
    envelope: LATER_IN_STATUS,
    run: Run::Write(|tx, call| {
        let new = NewCli {
            device_id: Some(call.need_id(DEVICE)?),
            number: call.text(NUMBER),
            domain: call.text(DOMAIN),
            description: call.text(DESCRIPTION).unwrap_or_default(),
            comment: call.text(COMMENT).unwrap_or_default(),
            banned: call.text(BANNED),
            ivr_id: call.id(IVR),
        };
        clis::create(tx, &call.actor, new)?;
        Ok(status("CLI successfully created", []))
    }),
    ..Method::DEFAULT
};
