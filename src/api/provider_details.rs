//! The parameters that provider_create and provider_update have in common, and the texts about their values.

use super::method::*;
use crate::service::provider_details::{
    DTMF_MODES, FIELDS, LOCATION, MAX_CALLS, MAX_CID_NUMBER, MAX_LOGIN, MAX_TEXT, MAX_TIMEOUT_S,
    MIN_TIMEOUT_S, Sent,
};
use crate::service::text::MAX_DOMAIN;

/// The tariff.
pub const TARIFF: Parameter = one_of(
    "tariff_id",
    &[""],
    "A tariff. None exists yet, so it is left out, or blank.",
);

const SWITCH: &[&str] = &["0", "1"];

const SERVER_IDS: Parameter = text(
    "server_ids",
    MAX_TEXT,
    "Numbers of MOR's servers: 1,3,4. They are kept, and mean nothing on one machine.",
);
const ACTIVE: Parameter = one_of(
    "active",
    SWITCH,
    "1: calls go through it. A new one is active.",
);
const REGISTER: Parameter = one_of("register", SWITCH, "1: the PBX registers there.");
const DTMFMODE: Parameter = one_of("dtmfmode", DTMF_MODES, "How pressed keys are sent.");
const LOCATION_ID: Parameter = one_of(
    "location_id",
    &[LOCATION],
    "The only location. It is not stored.",
);
const TIMEOUT: Parameter = number(
    "timeout",
    MIN_TIMEOUT_S,
    MAX_TIMEOUT_S,
    "Seconds that it may ring. A new one: 60.",
);
const MAX_TIMEOUT: Parameter = number(
    "max_timeout",
    0,
    MAX_TIMEOUT_S,
    "Seconds that a call may last; 0: without end.",
);
const CALL_LIMIT: Parameter = number("call_limit", 0, MAX_CALLS, "Calls at once; 0: no limit.");
const BALANCE_LIMIT: Parameter = text(
    "balance_limit",
    21,
    "The balance at which its calls end: an amount with up to 8 digits after the point.",
);
const LOGIN: Parameter = text(
    "login",
    MAX_LOGIN,
    "The name that the PBX signs in with; neither anonymous nor unknown.",
);
const PASSWORD: Parameter = text(
    "password",
    MAX_LOGIN,
    "The password that the PBX signs in with; neither anonymous nor unknown.",
);
const CID_NAME: Parameter = text(
    "cid_name",
    MAX_LOGIN,
    "The caller's name in calls through it.",
);
const CID_NUMBER: Parameter = digits(
    "cid_number",
    MAX_CID_NUMBER,
    "The caller's number in calls through it.",
);
const NETWORK_TYPE: Parameter = one_of(
    "network_type",
    &["hostname", "ip", "dynamic"],
    "How it is reached. A dynamic one registers here: server_ip, ipaddr, port and register are then not looked at.",
);
const SERVER_IP: Parameter = text(
    "server_ip",
    MAX_DOMAIN,
    "The host name or IP address that calls are sent to.",
);
const IPADDR: Parameter = text("ipaddr", 45, "The IP address that its calls come from.");
const PORT: Parameter = number("port", 1, 65_535, "The port at its end. A new one: 5060.");
const FROMDOMAIN: Parameter = text("fromdomain", MAX_TEXT, "The domain in the From header.");
const FROMUSER: Parameter = text("fromuser", MAX_LOGIN, "The user in the From header.");

/// The parameters of both methods.
const COMMON: [Parameter; 19] = [
    SERVER_IDS,
    ACTIVE,
    REGISTER,
    DTMFMODE,
    LOCATION_ID,
    TIMEOUT,
    MAX_TIMEOUT,
    CALL_LIMIT,
    BALANCE_LIMIT,
    LOGIN,
    PASSWORD,
    CID_NAME,
    CID_NUMBER,
    NETWORK_TYPE,
    SERVER_IP,
    IPADDR,
    PORT,
    FROMDOMAIN,
    FROMUSER,
];

/// How many parameters a method has that has three of its own.
pub const COUNT: usize = COMMON.len() + 3;

/// A method's own parameters, and then those of both.
pub const fn and_common(own: [Parameter; 3]) -> [Parameter; COUNT] {
    let mut all = [TARIFF; COUNT];
    let mut place = 0;
    while place < COUNT {
        all[place] = match place {
            0..3 => own[place],
            _ => COMMON[place - 3],
        };
        place += 1;
    }
    all
}

/// The texts about the values of the parameters of both methods, in the order of the checks. Each method has its own
/// about the first one, the technology.
pub const INCORRECT: [ErrorText; COMMON.len()] = match FIELDS.last_chunk() {
    Some(fields) => incorrect(*fields),
    None => panic!("there are fewer fields than parameters"),
};

/// What a call says of a provider. What it must say and does not is blank, which the rules refuse in their order.
pub fn sent(call: &Call) -> Sent {
    let value = |name: &str| {
        let parameter = call.method.parameter(name)?;
        let blank = || parameter.is_required().then(String::new);
        call.parameters.text(name).or_else(blank)
    };
    Sent {
        name: value("name"),
        common_use: None,
        tariff_id: value(TARIFF.name),
        details: Sent::details(value),
    }
}
