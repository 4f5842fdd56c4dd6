//! `device_details_get`: everything about one device.

use crate::api::method::*;
use crate::device_options::{self, OPTIONS};
use crate::service::device_details::{self, Details};
use crate::service::device_update::MAX_USERNAME;

const DEVICE: Parameter = id("device_id", Thing::Device, "The device.").unless(&[USERNAME]);
const USERNAME: Parameter = text(
    "device_u",
    MAX_USERNAME,
    "The username of the device, where no device_id is sent.",
)
.names(Thing::Device);

/// The method.
pub static METHOD: Method = Method {
    name: "device_details_get",
    summary: "Answers with everything about a device, its secret included.",
    source: "MOR API device details get",
    parameters: &[DEVICE, USERNAME],
    hashes: &[
        strict(
            &["device_id", "device_u"],
            "the order of the page, and of its printed hash; clients sign device_u where only that is sent",
        ),
        documented(&["device_id"], "the words of the page, also for device_u"),
    ],
    right: Right::ManageDevices,
    errors: &[refuses(
        Rule::NotFound(Thing::Device),
        "Device was not found",
    )],
    envelope: LATER_IN_STATUS,
    run: Run::Read(|tx, call| {
        let by = &call.actor;
        let details = match (call.id(DEVICE), call.get(USERNAME)) {
            (None, Some(username)) => device_details::get_by_username(tx, by, username)?,
            (id, _) => device_details::get(tx, by, id.flatten())?,
        };
        Ok(Reply::Elements(elements(&details)))
    }),
    ..Method::DEFAULT
};

/// The tags in the order of the page: facts about the device, options by their tags, and what is the same for all.
/// Behind [`REST`] stand the options that have no place of their own.
const TAGS: &str = "id name host secret context ipaddr port regseconds accountcode callerid extension \
    voicemail_active username device_type user_id primary_did_id works_not_logged forward_to record transfer disallow \
    allow deny permit nat qualify fullcontact canreinvite devicegroup_id dtmfmode callgroup pickupgroup fromuser \
    fromdomain trustrpid sendrpid insecure progressinband videosupport description istrunk cid_from_dids pin \
    tell_balance tell_time tell_rtime_when_left repeat_rtime_every authentication hidden location_id ... \
    allowtransfer dynamic balance device_balance_enabled";
const REST: &str = "...";

fn elements(details: &Details) -> Vec<Element> {
    let mut elements = Vec::new();
    for tag in TAGS.split_whitespace() {
        match tag {
            REST => elements.extend(rest(details)),
            tag => elements.push(Element::text(tag, value(details, tag))),
        }
    }
    let allow = device_options::find("allow").map(|option| details.options.get(option));
    let codecs = allow.filter(|allow| *allow != "all").unwrap_or_default();
    let codecs = Element::text("audio_codecs", codecs.to_owned());
    elements.push(Element::with("codecs", [codecs]));
    elements
}

/// The options that have no place of their own.
fn rest(details: &Details) -> impl Iterator<Item = Element> + '_ {
    let placed: Vec<&str> = TAGS.split_whitespace().collect();
    let options = OPTIONS
        .iter()
        .filter(move |option| !placed.contains(&option.tag));
    options.map(|option| Element::text(option.tag, details.options.get(option).to_owned()))
}

fn value(details: &Details, tag: &str) -> String {
    let device = &details.device;
    match tag {
        "id" | "accountcode" => device.id.to_string(),
        "name" | "username" => device.username.clone(),
        "host" if !device.hostname.is_empty() => device.hostname.clone(),
        "host" if device.ip_auth => device.ipaddr.clone(),
        "host" => "dynamic".into(),
        "secret" => device.secret.clone(),
        "ipaddr" => device.ipaddr.clone(),
        "port" => device.port.to_string(),
        "callerid" => device.caller_id.clone(),
        "extension" => device.extension.clone(),
        "device_type" => device.device_type.as_str().into(),
        "user_id" => device.user_id.to_string(),
        "devicegroup_id" => device.device_group_id.to_string(),
        "description" => device.description.clone(),
        "istrunk" => (u8::from(device.is_trunk) + u8::from(device.with_ani)).to_string(),
        "pin" => device.pin.clone().unwrap_or_default(),
        "authentication" => u8::from(device.ip_auth).to_string(),
        "hidden" => u8::from(device.blocked_ms.is_some()).to_string(),
        "forward_to" => details.forwards_to.unwrap_or_default().to_string(),
        "balance" => device.balance.to_string(),
        // The same for every device, until a PBX says more.
        "context" => "mor_local".into(),
        "works_not_logged" | "location_id" => "1".into(),
        "regseconds" | "voicemail_active" | "primary_did_id" => "0".into(),
        "fullcontact" | "dynamic" => String::new(),
        tag => {
            let mut options = OPTIONS.iter();
            let option = options.find(|option| option.tag == tag);
            option.map_or_else(String::new, |option| details.options.get(option).into())
        }
    }
}
