//! `did_create`: a free DID of a provider.

use crate::api::method::{
    Call, ErrorEnvelope, HashLevel, HashOrder, Kind, Method, Parameter, PerDialect, Reply, Run,
    caller, refuses,
};
use crate::api::xml::Element;
use crate::service::dids::{self, MAX_NUMBER};
use crate::service::{AccessError, DidError, Error, Rule};
use crate::store::WriteTx;
use crate::store::tables::settings::Dialect;
use crate::store::tables::users::{Permission, UserType};

/// The method.
pub static METHOD: Method = Method {
    name: "did_create",
    aliases: &[],
    summary: "Creates a DID: free, in the caller's scope, on no device.",
    source: "MOR API did create",
    parameters: &[
        Parameter {
            name: "did",
            kind: Kind::Digits(MAX_NUMBER),
            required: true,
            doc: "The number; unique.",
        },
        Parameter {
            name: "provider_id",
            kind: Kind::Id,
            required: true,
            doc: "The provider it comes from: the caller's own, or for a reseller one marked common use.",
        },
    ],
    needs_password: true,
    hashes: &[
        HashOrder {
            parameters: &["did", "provider_id"],
            level: HashLevel::Strict,
            why: "the order of the page",
        },
        HashOrder {
            parameters: &["provider_id", "did"],
            level: HashLevel::Strict,
            why: "the order of later revisions of the page; all is signed",
        },
        HashOrder {
            parameters: &["u", "did", "provider_id"],
            level: HashLevel::Strict,
            why: "seen from clients; all is signed",
        },
        HashOrder {
            parameters: &["provider_id"],
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
        refuses(
            Rule::Access(AccessError::UnknownCaller),
            "Don't be so smart",
        ),
        refuses(Rule::Access(AccessError::IncorrectHash), "Incorrect hash"),
        refuses(
            Rule::Access(AccessError::WrongPassword),
            "Don't be so smart",
        ),
        refuses(Rule::Access(AccessError::WrongType), "Don't be so smart"),
        refuses(
            Rule::Access(AccessError::NotPermitted),
            "You are not authorized to manage DIDs",
        ),
        refuses(
            Rule::Did(DidError::ProviderNotFound),
            "Provider was not found",
        ),
        refuses(
            Rule::Did(DidError::ProviderNotPermitted),
            "Your are not authorized to use this Provider",
        ),
        refuses(Rule::Did(DidError::NumberInvalid), "Invalid DID specified"),
        refuses(Rule::Did(DidError::Exists), "DID already exists"),
        refuses(Rule::Did(DidError::NotCreated), "DID creation failed"),
    ],
    storage_error: Some(Rule::Did(DidError::NotCreated)),
    is_file: false,
    error_envelope: PerDialect {
        pages: ErrorEnvelope::Page,
        current: ErrorEnvelope::Status,
    },
    reply: PerDialect {
        pages: "<status>DID created</status><id>5</id>",
        current: "<status><success>DID created</success></status><did_details><id>5</id></did_details>",
    },
    example: &[("did", "123456789"), ("provider_id", "1")],
    run: Run::Write(run),
};

fn run(tx: &WriteTx<'_>, call: &Call) -> Result<Reply, Error> {
    let number = call.parameters.get("did").unwrap_or_default();
    let provider_id = call.parameters.id("provider_id").flatten();
    let id = dids::create(tx, &call.actor, number, provider_id)?;
    let id = Element::number("id", id);
    let created = "DID created";
    Ok(Reply::Elements(match call.dialect {
        Dialect::Pages => vec![Element::text("status", created), id],
        Dialect::Current => vec![
            Element::with("status", [Element::text("success", created)]),
            Element::with("did_details", [id]),
        ],
    }))
}
