//! `did_trunk_device_assign`: a reserved DID onto a trunk.

use crate::api::method::{
    Call, ErrorEnvelope, HashLevel, HashOrder, Kind, Method, Parameter, PerDialect, Reply, Run,
    caller, refuses,
};
use crate::api::xml::Element;
use crate::service::dids::{self, MAX_NUMBER};
use crate::service::{AccessError, DidError, Error, Rule};
use crate::store::WriteTx;
use crate::store::tables::users::{Permission, UserType};

/// The method.
pub static METHOD: Method = Method {
    name: "did_trunk_device_assign",
    aliases: &[],
    summary: "Assigns a reserved DID to a trunk of the user it is reserved for.",
    source: "MOR API did trunk device assign",
    parameters: &[
        Parameter {
            name: "device_id",
            kind: Kind::Id,
            required: true,
            doc: "The trunk.",
        },
        Parameter {
            name: "did",
            kind: Kind::Digits(MAX_NUMBER),
            required: true,
            doc: "The number of the DID.",
        },
    ],
    needs_password: false,
    hashes: &[
        HashOrder {
            parameters: &["device_id", "did"],
            level: HashLevel::Strict,
            why: "the order of the page",
        },
        HashOrder {
            parameters: &["did", "device_id"],
            level: HashLevel::Strict,
            why: "seen from clients; all is signed",
        },
        HashOrder {
            parameters: &["device_id"],
            level: HashLevel::Documented,
            why: "the printed hash",
        },
    ],
    callers: &[
        caller(UserType::Admin, None),
        caller(UserType::Reseller, Some(Permission::ManageDids)),
        caller(UserType::Accountant, Some(Permission::ManageDids)),
    ],
    errors: &[
        refuses(Rule::Access(AccessError::UnknownCaller), "Access Denied"),
        refuses(Rule::Access(AccessError::IncorrectHash), "Incorrect hash"),
        refuses(Rule::Access(AccessError::WrongPassword), "Access Denied"),
        refuses(Rule::Access(AccessError::WrongType), "Access Denied"),
        refuses(
            Rule::Access(AccessError::NotPermitted),
            "You are not authorized to manage DIDs",
        ),
        refuses(Rule::Did(DidError::DeviceNotFound), "Device was not found"),
        refuses(Rule::Did(DidError::NotFound), "DID was not found"),
        refuses(
            Rule::Did(DidError::DeviceNotPermitted),
            "Your are not authorized to use this Device",
        ),
        refuses(
            Rule::Did(DidError::NotPermitted),
            "Your are not authorized to use this DID",
        ),
        refuses(Rule::Did(DidError::Terminated), "DID is terminated"),
        refuses(Rule::Did(DidError::NotFree), "DID is not free"),
        refuses(
            Rule::Did(DidError::NotReserved),
            "DID must be reserved for a User",
        ),
        refuses(Rule::Did(DidError::NotTrunk), "Device is not a Trunk"),
        refuses(Rule::Did(DidError::NotAssigned), "Device was not assigned"),
    ],
    storage_error: Some(Rule::Did(DidError::NotAssigned)),
    is_file: false,
    error_envelope: PerDialect::same(ErrorEnvelope::Status),
    reply: PerDialect::same("<status><success>Device assigned to DID</success></status>"),
    example: &[("did", "123456789"), ("device_id", "1")],
    run: Run::Write(run),
};

fn run(tx: &WriteTx<'_>, call: &Call) -> Result<Reply, Error> {
    let device_id = call.parameters.id("device_id").flatten();
    let number = call.parameters.get("did").unwrap_or_default();
    dids::assign_to_trunk(tx, &call.actor, device_id, number)?;
    let success = Element::text("success", "Device assigned to DID");
    Ok(Reply::Elements(vec![Element::with("status", [success])]))
}
