//! `devices_get`: the devices of a user.

use crate::api::method::{
    Call, ErrorEnvelope, HashLevel, HashOrder, Kind, Method, Parameter, PerDialect, Reply, Run,
    caller, refuses,
};
use crate::api::xml::Element;
use crate::service::devices;
use crate::service::{AccessError, Error, Rule, UserError};
use crate::store::ReadTx;
use crate::store::devices::Peer;
use crate::store::settings::Dialect;
use crate::store::users::{Permission, UserType};

/// How many devices are read, and held in memory, at once.
pub const PIECE: u32 = 500;

/// The method.
pub static METHOD: Method = Method {
    name: "devices_get",
    aliases: &["device_list"],
    summary: "Lists a user's devices in id order, all of them.",
    source: "M4 API devices get",
    parameters: &[Parameter {
        name: "user_id",
        kind: Kind::Id,
        required: true,
        doc: "The user.",
    }],
    needs_password: false,
    hashes: &[HashOrder {
        parameters: &["user_id"],
        level: HashLevel::Strict,
        why: "the order of the page, and of its printed hash",
    }],
    callers: &[
        caller(UserType::Admin, None),
        caller(UserType::Reseller, None),
        caller(UserType::Accountant, Some(Permission::ManageDevices)),
        caller(UserType::Manager, Some(Permission::ManageDevices)),
    ],
    errors: &[
        refuses(Rule::Access(AccessError::UnknownCaller), "Bad login"),
        refuses(Rule::Access(AccessError::IncorrectHash), "Incorrect hash"),
        refuses(Rule::Access(AccessError::WrongPassword), "Bad login"),
        refuses(Rule::Access(AccessError::WrongType), "Bad login"),
        refuses(Rule::Access(AccessError::NotPermitted), "Bad login"),
        refuses(Rule::User(UserError::Missing), "user_id is empty"),
        refuses(Rule::User(UserError::NotFound), "User not found"),
    ],
    storage_error: None,
    is_file: true,
    error_envelope: PerDialect {
        pages: ErrorEnvelope::Page,
        current: ErrorEnvelope::Status,
    },
    reply: PerDialect {
        pages: "<devices><device><device_id>3</device_id><device_type>SIP</device_type><ipaddr>0.0.0.0</ipaddr><port>5060</port></device></devices>",
        current: "<devices><device><device_id>3</device_id><device_type>SIP</device_type><devicegroup_id>4</devicegroup_id><primary_device>yes</primary_device><username>1003</username><secret>q7GbX0sKd2mVw9Ta</secret><ipaddr>0.0.0.0</ipaddr><port>5060</port><callerid>Ann &lt;1003&gt;</callerid></device></devices>",
    },
    example: &[("user_id", "100")],
    run: Run::Read(run),
};

fn run(tx: &ReadTx<'_>, call: &Call) -> Result<Reply, Error> {
    let user_id = call.parameters.id("user_id").ok_or(UserError::Missing)?;
    let peers = devices::peers_of_user(tx, &call.actor, user_id, call.after, PIECE)?;
    let next = match peers.last() {
        Some(last) if peers.len() == PIECE as usize => Some(last.device_id),
        _ => None,
    };
    let mut items = Vec::with_capacity(peers.len());
    for (place, peer) in peers.into_iter().enumerate() {
        // A user's primary device is his first.
        let is_primary = call.after == 0 && place == 0;
        items.push(element(peer, call.dialect, is_primary));
    }
    Ok(Reply::List {
        name: "devices",
        items,
        next,
    })
}

fn element(peer: Peer, dialect: Dialect, is_primary: bool) -> Element {
    let mut fields = Vec::with_capacity(9);
    fields.push(Element::number("device_id", peer.device_id));
    fields.push(Element::text("device_type", peer.device_type.as_str()));
    if dialect == Dialect::Current {
        fields.push(Element::number("devicegroup_id", peer.device_group_id));
        fields.push(Element::text(
            "primary_device",
            if is_primary { "yes" } else { "no" },
        ));
        fields.push(Element::text("username", peer.username));
        fields.push(Element::text("secret", peer.secret));
    }
    fields.push(Element::text("ipaddr", peer.ipaddr));
    fields.push(Element::number("port", peer.port));
    if dialect == Dialect::Current {
        fields.push(Element::text("callerid", peer.caller_id));
    }
    Element::with("device", fields)
}
