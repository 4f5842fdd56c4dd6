//! The filters of lists as an address has them, for the lists and for what acts on everything that they find.

use crate::api::parameters::Parameters;
use crate::service::device_lists::{self, Sort};
use crate::service::guard::access::Actor;
use crate::service::{Error, devices, did_lists, providers, users};
use crate::store::ReadTx;
use crate::store::row::Id;

/// The words in the address that filter DIDs.
pub const DID_FILTERS: &[&str] = &[
    "q", "part", "status", "user", "provider", "device", "dialplan", "lent_to", "language", "hide",
];
/// The words in the address that filter devices.
pub const DEVICE_FILTERS: &[&str] = &[
    "q",
    "user",
    "type",
    "trunk",
    "blocked",
    "caller_id",
    "group",
];

fn text<'a>(sent: &'a Parameters, name: &str) -> &'a str {
    sent.get(name).unwrap_or_default().trim()
}

/// The user that is named. An unknown name, or somebody else's user, has nothing.
fn user(tx: &ReadTx<'_>, by: &Actor, sent: &Parameters, field: &str) -> Option<Id> {
    match text(sent, field) {
        "" => None,
        name => Some(users::get_named(tx, by, name).map_or(-1, |user| user.id)),
    }
}

/// Which DIDs are meant.
pub fn did_filter(
    tx: &ReadTx<'_>,
    by: &Actor,
    sent: &Parameters,
) -> Result<did_lists::Filter, Error> {
    Ok(did_lists::Filter {
        start: text(sent, "q").into(),
        status: text(sent, "status").parse().ok(),
        // A provider whose name is hidden from the actor has no DIDs here: the list would tell which of them it gave.
        provider_id: match sent.id("provider") {
            None => None,
            Some(id) => {
                let id = id.unwrap_or(-1);
                Some(providers::name_of(tx, by, id)?.map_or(-1, |_| id))
            }
        },
        user_id: user(tx, by, sent, "user"),
        part: text(sent, "part").into(),
        device_id: sent.id("device").map(|id| id.unwrap_or(-1)),
        dialplan_id: sent.id("dialplan").map(|id| id.unwrap_or(-1)),
        lent_to_id: user(tx, by, sent, "lent_to"),
        language: text(sent, "language").to_lowercase(),
        is_hiding_terminated: sent.get("hide").is_some(),
    })
}

/// Which devices are meant, and in which order.
pub fn device_filter(
    tx: &ReadTx<'_>,
    by: &Actor,
    sent: &Parameters,
) -> Result<device_lists::Filter, Error> {
    let yes = |name| sent.get(name).map(|value| value == "yes");
    Ok(device_lists::Filter {
        search: text(sent, "q").into(),
        user_id: user(tx, by, sent, "user"),
        device_group_id: sent.id("group").map(|id| id.unwrap_or(-1)),
        device_type: devices::find_type(text(sent, "type")),
        is_trunk: yes("trunk"),
        is_blocked: yes("blocked"),
        has_caller_id: yes("caller_id"),
        sort: match text(sent, "sort") {
            "extension" => Sort::Extension,
            "description" => Sort::Description,
            _ => Sort::Newest,
        },
    })
}
