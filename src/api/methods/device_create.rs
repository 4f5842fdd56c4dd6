//! `device_create`: a device for one of the caller's users.

use crate::api::method::{
    Call, ErrorEnvelope, ErrorText, HashLevel, HashOrder, Kind, Method, Parameter, PerDialect,
    Reply, Run, caller, refuses,
};
use crate::api::xml::Element;
use crate::service::devices::{self, MAX_CALLER_ID, MAX_DESCRIPTION, MAX_PIN, NewDevice, Pin};
use crate::service::{AccessError, DeviceError, Error, Rule, UserError};
use crate::store::WriteTx;
use crate::store::tables::users::{Permission, UserType};

const REPLY: &str = "<status>Device created</status><id>8</id><username>1006</username><password>q7GbX0sKd2mVw9Ta</password>";

/// The method.
pub static METHOD: Method = Method {
    name: "device_create",
    aliases: &[],
    summary: "Creates a device for a user and answers its id, username and password.",
    source: "MOR API device create",
    parameters: &[
        Parameter {
            name: "user_id",
            kind: Kind::Id,
            required: true,
            doc: "The user whose device it will be.",
        },
        Parameter {
            name: "description",
            kind: Kind::Text(MAX_DESCRIPTION),
            required: false,
            doc: "What people call the device.",
        },
        Parameter {
            name: "pin",
            kind: Kind::Digits(MAX_PIN),
            required: false,
            doc: "Unique over all devices. Not sent: a random one. Blank: none.",
        },
        Parameter {
            name: "type",
            kind: Kind::OneOf(&["SIP", "IAX2", "FAX", "Virtual", "H323", "ZAP", "Skype"]),
            required: false,
            doc: "Not sent or blank: the setting default_device_type, and SIP where that is blank.",
        },
        Parameter {
            name: "devicegroup_id",
            kind: Kind::Id,
            required: false,
            doc: "A device group of that user. Not sent: his primary group.",
        },
        Parameter {
            name: "caller_id",
            kind: Kind::Text(MAX_CALLER_ID),
            required: false,
            doc: "NUMBER, Name <NUMBER> or \"Name\" <NUMBER>; needs the permission manage_callerid.",
        },
    ],
    needs_password: false,
    hashes: &[
        HashOrder {
            parameters: &[
                "user_id",
                "description",
                "pin",
                "type",
                "devicegroup_id",
                "caller_id",
            ],
            level: HashLevel::Strict,
            why: "the order of the page, and of its printed hash",
        },
        HashOrder {
            parameters: &["user_id"],
            level: HashLevel::Lenient,
            why: "seen from clients",
        },
    ],
    callers: &[
        caller(UserType::Admin, None),
        caller(UserType::Reseller, None),
        caller(UserType::Accountant, Some(Permission::ManageDevices)),
        caller(UserType::Manager, Some(Permission::ManageDevices)),
    ],
    errors: &[
        refuses(Rule::Access(AccessError::UnknownCaller), "Dont be so smart"),
        refuses(Rule::Access(AccessError::IncorrectHash), "Incorrect hash"),
        refuses(Rule::Access(AccessError::WrongPassword), "Dont be so smart"),
        refuses(Rule::Access(AccessError::WrongType), "Dont be so smart"),
        refuses(Rule::Access(AccessError::NotPermitted), "Dont be so smart"),
        refuses(Rule::User(UserError::Missing), "Dont be so smart"),
        refuses(Rule::User(UserError::NotFound), "User was not found"),
        refuses(
            Rule::Device(DeviceError::TypeInvalid),
            "Device type invalid",
        ),
        refuses(
            Rule::Device(DeviceError::GroupInvalid),
            "Device group invalid",
        ),
        refuses(
            Rule::Device(DeviceError::PinNotNumeric),
            "Pin must be numeric",
        ),
        refuses(Rule::Device(DeviceError::PinUsed), "Pin is already used"),
        refuses(
            Rule::Device(DeviceError::CallerIdNotPermitted),
            "You are not authorized to manage callerid",
        ),
        ErrorText {
            rule: Rule::Device(DeviceError::NotCreated),
            text: "Device was not created",
            has_message: true,
        },
    ],
    storage_error: Some(Rule::Device(DeviceError::NotCreated)),
    is_file: false,
    error_envelope: PerDialect::same(ErrorEnvelope::Page),
    reply: PerDialect::same(REPLY),
    example: &[
        ("user_id", "2"),
        ("description", "desription1"),
        ("pin", "3"),
    ],
    run: Run::Write(run),
};

fn run(tx: &WriteTx<'_>, call: &Call) -> Result<Reply, Error> {
    let sent = &call.parameters;
    let new = NewDevice {
        user_id: sent.id("user_id").ok_or(UserError::Missing)?,
        device_type: sent.text("type"),
        device_group_id: sent.id("devicegroup_id"),
        pin: match (sent.raw("pin"), sent.text("pin")) {
            (None, _) => Pin::Random,
            (Some(_), None) => Pin::Pinless,
            (Some(_), Some(pin)) => Pin::Chosen(pin),
        },
        caller_id: sent.text("caller_id"),
        description: sent.text("description").unwrap_or_default(),
    };
    let device = devices::create(tx, &call.actor, &call.ambient, new)?;
    Ok(Reply::Elements(vec![
        Element::text("status", "Device created"),
        Element::number("id", device.id),
        Element::text("username", device.username),
        Element::text("password", device.secret),
    ]))
}
