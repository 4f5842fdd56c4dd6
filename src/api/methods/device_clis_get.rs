//! `device_clis_get`: the CLIs of a device, of a user, or of everyone.

use crate::ambient::plain_time;
use crate::api::method::*;
use crate::service::clis;
use crate::store::tables::clis::CliOnDevice;

/// How many CLIs are read, and held in memory, at once. One with long texts takes 700 bytes.
const PIECE: u32 = 100;

const DEVICE: Parameter = id("devices_id", Thing::Device, "Those on this device.");
const USER: Parameter = id(
    "users_id",
    Thing::User,
    "Those of this user. Neither sent: every CLI in the caller's scope; a reseller's own are in the reseller's.",
);

/// The method.
pub static METHOD: Method = Method {
    name: "device_clis_get",
    summary: "Lists CLIs in id order, all of them, one after the other.",
    source: "MOR API device CLIs get",
    parameters: &[DEVICE, USER],
    hashes: &[
        strict(
            &["devices_id", "users_id"],
            "all that is sent; the page signs the key alone",
        ),
        documented(&[], "the order of the page, and of its printed hash"),
    ],
    right: Right::ManageDevices,
    denied: &denied(
        "Access Denied",
        "You are not authorized to use this functionality",
    ),
    errors: &[
        refuses(Rule::NotFound(Thing::Device), "Device was not found"),
        refuses(Rule::NotFound(Thing::User), "User was not found"),
        refuses(Rule::NoneFound(Thing::Cli), "CLIs were not found"),
    ],
    envelope: STATUS,
    run: Run::Read(|tx, call| {
        let (device_id, user_id) = (call.id(DEVICE), call.id(USER));
        let listed = clis::list_of(tx, &call.actor, device_id, user_id, call.after, PIECE)?;
        let last = listed.last().map(|cli| cli.id);
        Ok(Reply::List(List {
            around: vec![Element::with("status", [])],
            next: last.filter(|_| listed.len() == PIECE as usize),
            items: listed
                .into_iter()
                .flat_map(|cli| elements(cli, call.dialect))
                .collect(),
            ..List::default()
        }))
    }),
    ..Method::DEFAULT
};

fn elements(cli: CliOnDevice, dialect: Dialect) -> Vec<Element> {
    let time = |at_ms| plain_time(at_ms) + " +0000";
    let device = format!("{}/{}", cli.device_type, cli.device_username);
    let mut elements = vec![
        Element::number("cli_id", cli.id),
        Element::text("cli_cli", cli.number.unwrap_or_default()),
        Element::text("cli_device", device),
        Element::text("cli_description", cli.description),
        Element::text("cli_added_at", time(cli.created_ms)),
        Element::text(
            "cli_updated_at",
            time(cli.updated_ms.unwrap_or(cli.created_ms)),
        ),
        Element::text("cli_comment", cli.comment),
        Element::number("cli_email_callback", 0),
        Element::number("cli_banned", cli.banned),
    ];
    if dialect == Dialect::Current {
        let domain = cli.domain.unwrap_or_default();
        elements.push(Element::text("cli_domain", domain));
    }
    elements
}
