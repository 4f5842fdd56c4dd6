//! `cli_add`: a calling number or domain for a device.

use crate::api::method::{
    Call, ErrorEnvelope, HashLevel, HashOrder, Kind, Method, Parameter, PerDialect, Reply, Run,
    caller, refuses,
};
use crate::api::parameters::parse_id;
use crate::api::xml::Element;
use crate::service::clis::{self, MAX_NUMBER, MAX_TEXT, NewCli};
use crate::service::text::MAX_DOMAIN;
use crate::service::{AccessError, CliError, Error, Rule};
use crate::store::WriteTx;
use crate::store::tables::users::{Permission, UserType};

/// The method.
pub static METHOD: Method = Method {
    name: "cli_add",
    aliases: &[],
    summary: "Adds a CLI, a calling number or a domain, to a device.",
    source: "MOR API CLI add",
    parameters: &[
        Parameter {
            name: "device_id",
            kind: Kind::Id,
            required: true,
            doc: "The device it stands for.",
        },
        Parameter {
            name: "cli_number",
            kind: Kind::Digits(MAX_NUMBER),
            required: true,
            doc: "The calling number; unique. May be left out when cli_domain is sent.",
        },
        Parameter {
            name: "cli_domain",
            kind: Kind::Text(MAX_DOMAIN),
            required: false,
            doc: "A host name; unique, compared in lower case. It is never signed.",
        },
        Parameter {
            name: "cli_description",
            kind: Kind::Text(MAX_TEXT),
            required: false,
            doc: "What the CLI is.",
        },
        Parameter {
            name: "comment",
            kind: Kind::Text(MAX_TEXT),
            required: false,
            doc: "What else there is to say.",
        },
        Parameter {
            name: "banned",
            kind: Kind::OneOf(&["0", "1"]),
            required: false,
            doc: "1: calls from it are refused. Not sent: 0.",
        },
        Parameter {
            name: "ivr_id",
            kind: Kind::Id,
            required: false,
            doc: "The voice menu its calls go to. Sent but blank, it is an IVR that was not found.",
        },
    ],
    needs_password: false,
    hashes: &[
        HashOrder {
            parameters: &[
                "device_id",
                "cli_number",
                "cli_description",
                "comment",
                "banned",
                "ivr_id",
            ],
            level: HashLevel::Strict,
            why: "the order of the page, which leaves cli_domain out",
        },
        HashOrder {
            parameters: &["device_id", "cli_number"],
            level: HashLevel::Documented,
            why: "the printed hash; newer clients sign just this",
        },
    ],
    callers: &[
        caller(UserType::Admin, None),
        caller(UserType::Reseller, None),
        caller(UserType::Accountant, Some(Permission::ManageDevices)),
        caller(UserType::Manager, Some(Permission::ManageDevices)),
    ],
    errors: &[
        refuses(Rule::Access(AccessError::UnknownCaller), "Access Denied"),
        refuses(Rule::Access(AccessError::IncorrectHash), "Incorrect hash"),
        refuses(Rule::Access(AccessError::WrongPassword), "Access Denied"),
        refuses(Rule::Access(AccessError::WrongType), "Access Denied"),
        refuses(
            Rule::Access(AccessError::NotPermitted),
            "You are not authorised to use this functionality",
        ),
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
    storage_error: None,
    is_file: true,
    error_envelope: PerDialect {
        pages: ErrorEnvelope::Page,
        current: ErrorEnvelope::Status,
    },
    reply: PerDialect::same("<status>CLI successfully created</status>"),
    example: &[
        ("cli_number", "1234678"),
        ("cli_description", "description"),
        ("comment", "comment"),
        ("ivr_id", "2"),
        ("banned", "1"),
        ("device_id", "2"),
    ],
    run: Run::Write(run),
};

fn run(tx: &WriteTx<'_>, call: &Call) -> Result<Reply, Error> {
    let sent = &call.parameters;
    let new = NewCli {
        device_id: sent.id("device_id"),
        number: sent.text("cli_number"),
        domain: sent.text("cli_domain"),
        description: sent.text("cli_description").unwrap_or_default(),
        comment: sent.text("comment").unwrap_or_default(),
        banned: sent.text("banned"),
        // Blank is not "not sent" here: the page wants an id where the parameter is used.
        ivr_id: sent.raw("ivr_id").map(parse_id),
    };
    clis::create(tx, &call.actor, new)?;
    let status = Element::text("status", "CLI successfully created");
    Ok(Reply::Elements(vec![status]))
}
