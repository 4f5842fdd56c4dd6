//! The details of a provider: the values that each field takes, and its value as a text. The API, the forms and the
//! command line read this one list.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::{Error, Field, Rule, text};
use crate::amount::Amount;
use crate::store::tables::providers::{DEFAULT_PORT, Details, NetworkType, Tech};

/// Longest login, password, caller's name or From user, in characters.
pub const MAX_LOGIN: usize = 80;
/// Longest From domain, and longest list of MOR's servers, in characters.
pub const MAX_TEXT: usize = 255;
/// Longest caller's number, in digits.
pub const MAX_CID_NUMBER: usize = 20;
/// The least seconds that a provider may ring.
pub const MIN_TIMEOUT_S: u64 = 30;
/// The most seconds that a provider may ring, or a call may last.
pub const MAX_TIMEOUT_S: u64 = 86_400;
/// The most calls at once.
pub const MAX_CALLS: u64 = 1_000_000;
/// The ways in which pressed keys can be sent.
pub const DTMF_MODES: &[&str] = &["inband", "info", "rfc2833", "auto"];
/// The one location that everything is in.
pub const LOCATION: &str = "1";
/// The host of a provider that registers here.
const DYNAMIC: &str = "dynamic";

/// The fields, in the order of the checks.
pub const FIELDS: [Field; 20] = [
    Field::Tech,
    Field::ServerIds,
    Field::Active,
    Field::Register,
    Field::Dtmfmode,
    Field::LocationId,
    Field::Timeout,
    Field::MaxTimeout,
    Field::CallLimit,
    Field::BalanceLimit,
    Field::Login,
    Field::Password,
    Field::CidName,
    Field::CidNumber,
    Field::NetworkType,
    Field::ServerIp,
    Field::Ipaddr,
    Field::Port,
    Field::Fromdomain,
    Field::Fromuser,
];

/// What somebody sends of a provider. None, or not among the details: it stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// Its name.
    pub name: Option<String>,
    /// Whether resellers may use it, too.
    pub common_use: Option<bool>,
    /// A tariff. None exists yet, so every one is refused.
    pub tariff_id: Option<String>,
    /// Fields and their values. A blank text clears what is there.
    pub details: Vec<(Field, String)>,
}

impl Sent {
    /// The details out of values by the names of their fields.
    pub fn details(value: impl Fn(&'static str) -> Option<String>) -> Vec<(Field, String)> {
        let sent = FIELDS.iter().copied();
        sent.filter_map(|field| Some((field, value(field.name())?)))
            .collect()
    }

    fn value(&self, wanted: Field) -> Option<&str> {
        let mut details = self.details.iter();
        let found = details.find(|(field, _)| *field == wanted);
        found.map(|(_, value)| value.as_str())
    }

    /// Puts the details into a provider, in the order of the checks. What a provider that registers here has no use for
    /// is not looked at.
    pub(super) fn apply(&self, details: &mut Details) -> Result<(), Error> {
        let was_dynamic = details.network_type == NetworkType::Dynamic;
        let network_type = match self.value(Field::NetworkType) {
            Some(sent) => any_case(NetworkType::ALL, sent).unwrap_or(details.network_type),
            None => details.network_type,
        };
        let is_dynamic = network_type == NetworkType::Dynamic;
        if was_dynamic && !is_dynamic {
            details.server_ip.clear();
            details.port = DEFAULT_PORT;
        }
        for field in FIELDS {
            if let Some(value) = self.value(field)
                && !(is_dynamic && is_of_address(field))
            {
                set(details, field, value).ok_or(Rule::Invalid(field))?;
            }
        }
        if is_dynamic {
            details.server_ip = DYNAMIC.into();
            details.ipaddr.clear();
            details.port = 0;
            details.register = false;
        }
        Ok(())
    }
}

/// Whether only a provider with an address has this.
const fn is_of_address(field: Field) -> bool {
    matches!(
        field,
        Field::Register | Field::ServerIp | Field::Ipaddr | Field::Port
    )
}

/// Puts a value into its place; none: the field does not take it.
fn set(it: &mut Details, field: Field, value: &str) -> Option<()> {
    let seconds = |least| number(value, least..=MAX_TIMEOUT_S);
    let line = |limit| cleared_or(value, |value| is_line(value, limit));
    match field {
        Field::Tech => it.tech = any_case(Tech::ALL, value)?,
        Field::ServerIds => it.server_ids = cleared_or(value, are_ids)?,
        Field::Active => it.active = switch(value)?,
        Field::Register => it.register = switch(value)?,
        Field::Dtmfmode => it.dtmfmode = dtmf_mode(value)?,
        // Nothing is stored: everything is there.
        Field::LocationId => return (value == LOCATION).then_some(()),
        Field::Timeout => it.timeout_s = seconds(MIN_TIMEOUT_S)?,
        Field::MaxTimeout => it.max_timeout_s = seconds(0)?,
        Field::CallLimit => it.call_limit = number(value, 0..=MAX_CALLS)?,
        Field::BalanceLimit => it.balance_limit = Amount::parse(value)?,
        Field::Login => it.login = cleared_or(value, is_login)?,
        Field::Password => it.password = cleared_or(value, is_login)?,
        Field::CidName => it.cid_name = line(MAX_LOGIN)?,
        Field::CidNumber => it.cid_number = cleared_or(value, is_cid_number)?,
        Field::NetworkType => it.network_type = any_case(NetworkType::ALL, value)?,
        Field::ServerIp => it.server_ip = cleared_or(value, is_host)?,
        Field::Ipaddr => it.ipaddr = cleared_or(value, is_address)?,
        Field::Port => it.port = number(value, 1..=65_535)?,
        Field::Fromdomain => it.fromdomain = line(MAX_TEXT)?,
        Field::Fromuser => it.fromuser = line(MAX_LOGIN)?,
        _ => return None,
    }
    Some(())
}

/// The value of a field as a text, which it takes again.
pub fn get(it: &Details, field: Field) -> String {
    let switch = |is_on: bool| u8::from(is_on).to_string();
    match field {
        Field::Tech => it.tech.to_string(),
        Field::ServerIds => it.server_ids.clone(),
        Field::Active => switch(it.active),
        Field::Register => switch(it.register),
        Field::Dtmfmode => it.dtmfmode.clone(),
        Field::LocationId => LOCATION.into(),
        Field::Timeout => it.timeout_s.to_string(),
        Field::MaxTimeout => it.max_timeout_s.to_string(),
        Field::CallLimit => it.call_limit.to_string(),
        Field::BalanceLimit => it.balance_limit.to_string(),
        Field::Login => it.login.clone(),
        Field::Password => it.password.clone(),
        Field::CidName => it.cid_name.clone(),
        Field::CidNumber => it.cid_number.clone(),
        Field::NetworkType => it.network_type.to_string(),
        Field::ServerIp => it.server_ip.clone(),
        Field::Ipaddr => it.ipaddr.clone(),
        Field::Port => it.port.to_string(),
        Field::Fromdomain => it.fromdomain.clone(),
        Field::Fromuser => it.fromuser.clone(),
        _ => String::new(),
    }
}

fn any_case<T: Copy + ToString>(words: &[T], value: &str) -> Option<T> {
    let mut words = words.iter().copied();
    words.find(|word| word.to_string().eq_ignore_ascii_case(value))
}

fn dtmf_mode(value: &str) -> Option<String> {
    match value {
        "" => Some(String::new()),
        value => any_case(DTMF_MODES, value).map(Into::into),
    }
}

fn switch(value: &str) -> Option<bool> {
    match value {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

fn number<T: TryFrom<u64>>(value: &str, range: RangeInclusive<u64>) -> Option<T> {
    text::number(value, range)?.try_into().ok()
}

/// The value, if it is blank or right.
fn cleared_or(value: &str, is_right: impl Fn(&str) -> bool) -> Option<String> {
    (value.is_empty() || is_right(value)).then(|| value.into())
}

fn is_line(value: &str, limit: usize) -> bool {
    !text::is_longer(value, limit) && !value.contains(char::is_control)
}

/// Some PBXs take these two for callers who do not say who they are.
fn is_login(value: &str) -> bool {
    let is_nobody = |word: &str| value.eq_ignore_ascii_case(word);
    is_line(value, MAX_LOGIN) && !["anonymous", "unknown"].into_iter().any(is_nobody)
}

/// `1,3,4`
fn are_ids(value: &str) -> bool {
    value.len() <= MAX_TEXT && value.split(',').all(text::is_digits)
}

fn is_cid_number(value: &str) -> bool {
    text::is_digits(value) && value.len() <= MAX_CID_NUMBER
}

fn is_address(value: &str) -> bool {
    value.parse::<IpAddr>().is_ok()
}

fn is_host(value: &str) -> bool {
    text::is_domain(value) || is_address(value)
}
