//! `devices_get`: the devices of a user.

use crate::api::method::*;
use crate::service::devices;
use crate::store::row::Id;
use crate::store::tables::device_lists::Address;
use crate::store::tables::devices::Device;

/// How many devices are read, and held in memory, at once.
pub const PIECE: u32 = 500;

const USER: Parameter =
    id("user_id", Thing::User, "The user.").required_or(Rule::Missing(Field::UserId));
const SHOW_BLOCKED: Parameter = one_of(
    "show_hidden_devices",
    &["0", "1"],
    "0: without blocked devices, which device_update calls hidden. Anything else: with them.",
);

/// The method.
pub static METHOD: Method = Method {
    name: "devices_get",
    aliases: &["device_list"],
    summary: "Lists a user's devices in id order, all of them.",
    source: "M4 API devices get",
    parameters: &[USER, SHOW_BLOCKED],
    hashes: &[strict(
        &["user_id"],
        "the order of the page, and of its printed hash",
    )],
    right: Right::ManageDevices,
    denied: &denied("Bad login", "Bad login"),
    errors: &[
        refuses(Rule::Missing(Field::UserId), "user_id is empty"),
        refuses(Rule::NotFound(Thing::User), "User not found"),
    ],
    is_file: true,
    envelope: LATER_IN_STATUS,
    run: Run::Read(|tx, call| {
        let user_id = call.need_id(USER)?;
        let (by, after) = (&call.actor, call.after);
        let shown = call.get(SHOW_BLOCKED) != Some("0");
        let (items, last): (Vec<Element>, Option<Id>) = match call.dialect {
            Dialect::Classic => {
                let devices = devices::addresses_of_user(tx, by, user_id, shown, after, PIECE)?;
                let last = devices.last().map(|device| device.device_id);
                (devices.into_iter().map(address).collect(), last)
            }
            Dialect::Current => {
                let devices = devices::list_of_user(tx, by, user_id, shown, after, PIECE)?;
                let last = devices.last().map(|device| device.id);
                // A user's primary device is their first.
                let is_primary = |place| after == 0 && place == 0;
                let devices = devices.into_iter().enumerate();
                let items = devices.map(|(place, device)| settings(device, is_primary(place)));
                (items.collect(), last)
            }
        };
        Ok(Reply::List(List {
            around: vec![Element::with("devices", [])],
            next: last.filter(|_| items.len() == PIECE as usize),
            items,
            ..List::default()
        }))
    }),
    ..Method::DEFAULT
};

fn address(device: Address) -> Element {
    Element::with(
        "device",
        [
            Element::number("device_id", device.device_id),
            Element::text("device_type", device.device_type.as_str()),
            Element::text("ipaddr", device.ipaddr),
            Element::number("port", device.port),
        ],
    )
}

fn settings(device: Device, is_primary: bool) -> Element {
    Element::with(
        "device",
        [
            Element::number("device_id", device.id),
            Element::text("device_type", device.device_type.as_str()),
            Element::number("devicegroup_id", device.device_group_id),
            Element::text("primary_device", if is_primary { "yes" } else { "no" }),
            Element::text("username", device.username),
            Element::text("secret", device.secret),
            Element::text("ipaddr", device.ipaddr),
            Element::number("port", device.port),
            Element::text("callerid", device.caller_id),
        ],
    )
}
