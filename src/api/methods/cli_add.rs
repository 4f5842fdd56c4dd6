//! `cli_add`: a calling number or domain for a device.

use crate::api::method::*;
use crate::service::CliError;
use crate::service::clis::{self, MAX_NUMBER, MAX_TEXT, NewCli};
use crate::service::text::MAX_DOMAIN;

const DEVICE: Parameter = id("device_id", Thing::Device, "The device it stands for.")
    .required_or(Rule::Cli(CliError::DeviceMissing));
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
    errors: &[
        refuses(
            Rule::Cli(CliError::DeviceMissing),
            "Device ID cannot be empty",
        ),
        refuses(Rule::Cli(CliError::DeviceNotFound), "Device was not found"),
        refuses(
            Rule::Cli(CliError::NumberMissing),
            "CLI Number cannot be empty",
        ),
        refuses(Rule::Cli(CliError::NotNumeric), "CLI must be numeric"),
        refuses(
            Rule::Cli(CliError::TakenBy),
            "CLI already exists. It is assigned to {} device",
        ),
        refuses(
            Rule::Cli(CliError::TakenByAnother),
            "CLI already exists. It is assigned to another device",
        ),
        refuses(Rule::Cli(CliError::IvrNotFound), "IVR was not found"),
        refuses(Rule::Cli(CliError::BannedInvalid), "banned must be 0 or 1"),
        refuses(Rule::Cli(CliError::DomainInvalid), "CLI domain is invalid"),
        refuses(Rule::Cli(CliError::TooLong), "{} is too long"),
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
