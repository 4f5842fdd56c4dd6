//! The options of devices: which values they take, what a device has, and changing them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::{Error, Field, Rule, text};
use crate::device_options::{DeviceOption, Kind, OPTIONS};
use crate::store::row::Id;
use crate::store::tables::device_options as rows;
use crate::store::{ReadTx, StoreError, WriteTx};

/// The options of one device: what differs from the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<String, String>);

impl Options {
    /// Those of a device.
    pub(super) fn of(tx: &ReadTx<'_>, device_id: Id) -> Result<Self, StoreError> {
        Ok(Self(rows::list(tx, device_id)?.into_iter().collect()))
    }

    /// The value of an option: the device's own, or the default.
    pub fn get<'a>(&'a self, option: &DeviceOption) -> &'a str {
        self.0
            .get(option.name)
            .map_or(option.default, String::as_str)
    }

    /// The number in the option of this name; 0: it holds none.
    pub(super) fn number(&self, name: &str) -> u64 {
        let option = crate::device_options::find(name);
        let number = option.and_then(|option| self.get(option).parse().ok());
        number.unwrap_or_default()
    }

    /// The options that differ from the defaults, in the order of the table.
    pub fn own(&self) -> impl Iterator<Item = (&'static DeviceOption, &str)> {
        let own = |option: &'static DeviceOption| Some((option, self.0.get(option.name)?.as_str()));
        OPTIONS.iter().filter_map(own)
    }
}

/// A value to be set.
pub(super) type Change = (&'static DeviceOption, String);

/// The value to store for a sent one. Its length is asked later: see [`check_length`].
pub(super) fn read(option: &'static DeviceOption, sent: &str) -> Result<Change, Error> {
    let value = match sent.trim().is_empty() {
        // Whoever sends a blank value at all wants the default.
        true => Some(option.default.into()),
        // Of a text that is too long, nobody asks what it says.
        false if is_too_long(option, sent) => Some(sent.into()),
        false => take(option.kind, sent),
    };
    let value = value.ok_or_else(|| refused(option.name, takes(option.kind)))?;
    Ok((option, value))
}

/// Refuses a value with too many characters.
pub(super) fn check_length((option, value): &Change) -> Result<(), Error> {
    if is_too_long(option, value) {
        let detail = format!("{} takes {}", option.name, takes(option.kind));
        return Err(Rule::TooLong(Field::OfDevice(option.name)).with(detail));
    }
    Ok(())
}

fn is_too_long(option: &DeviceOption, value: &str) -> bool {
    let limit = option.limit();
    limit.is_some_and(|limit| text::is_longer(value, limit))
}

/// A value of this kind as it is stored; none: it is of another kind.
fn take(kind: Kind, sent: &str) -> Option<String> {
    let is_right = match kind {
        Kind::Number(least, most) => {
            return text::number(sent, least..=most).map(|n| n.to_string());
        }
        Kind::Word(words) => {
            let mut words = words.iter();
            return words
                .find(|word| word.eq_ignore_ascii_case(sent))
                .map(|word| (*word).into());
        }
        Kind::Mail => return text::is_mail(sent).then(|| sent.to_lowercase()),
        Kind::Letters if sent.len() != 2 => false,
        Kind::Letters => {
            let is_letters = sent.bytes().all(|byte| byte.is_ascii_alphabetic());
            return is_letters.then(|| sent.to_ascii_lowercase());
        }
        Kind::Flag => matches!(sent, "0" | "1"),
        Kind::Text(_) => !sent.contains(char::is_control),
        Kind::Visible(_) => sent.bytes().all(|byte| byte.is_ascii_graphic()),
        Kind::Digits(_) => text::is_digits(sent),
        Kind::Id => text::is_digits(sent) && sent.len() <= 18,
        Kind::Url(_) => is_url(sent),
        Kind::Codecs(_) => sent.split(',').all(is_codec),
        Kind::Networks(_) => sent.split(';').all(is_network),
    };
    is_right.then(|| sent.into())
}

fn is_url(text: &str) -> bool {
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
    })
}

fn is_codec(name: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte);
    !name.is_empty() && name.bytes().all(is_sign)
}

/// `ADDRESS/MASK`, where the mask is an address, too, or a number of bits.
fn is_network(text: &str) -> bool {
    let by_address = || {
        let (address, mask) = text.split_once('/')?;
        let (address, mask): (IpAddr, IpAddr) = (address.parse().ok()?, mask.parse().ok()?);
        ipnet::ip_mask_to_prefix(mask).ok()?;
        (address.is_ipv4() == mask.is_ipv4()).then_some(())
    };
    text.parse::<IpNet>().is_ok() || by_address().is_some()
}

/// The values that a kind takes, for people.
pub fn takes(kind: Kind) -> String {
    match kind {
        Kind::Number(least, most) => format!("a number from {least} to {most}"),
        Kind::Flag => "0 or 1".into(),
        Kind::Word(words) => words
            .join(", ")
            .replace("udp,tcp, tcp,udp", "udp,tcp or tcp,udp"),
        Kind::Text(limit) => format!("up to {limit} characters"),
        Kind::Visible(limit) => format!("up to {limit} visible ASCII characters"),
        Kind::Digits(limit) => format!("up to {limit} digits"),
        Kind::Id => "an id".into(),
        Kind::Mail => "a mail address".into(),
        Kind::Letters => "two letters".into(),
        Kind::Url(_) => "an address that begins with http:// or https://".into(),
        Kind::Codecs(_) => "names of codecs, with commas between them".into(),
        Kind::Networks(_) => "ADDRESS/MASK, several with ; between them".into(),
    }
}

/// The refusal of a value in a field of a device.
pub(super) fn refused(name: &'static str, takes: String) -> Error {
    Rule::Invalid(Field::OfDevice(name)).with(format!("{name} takes {takes}"))
}

/// The refusal of a field with these words behind its name.
pub(super) fn saying(error: Error, words: &str) -> Error {
    match error {
        Error::Refused(refusal) => {
            let name = refusal.rule.field().unwrap_or_default();
            refusal.rule.with(format!("{name} {words}"))
        }
        other => other,
    }
}

/// Changes options of a device. The changed ones are added to `was` and `is`, for the action log.
pub(super) fn set(
    tx: &WriteTx<'_>,
    device_id: Id,
    changes: &[Change],
    (was, is): (&mut Map<String, Value>, &mut Map<String, Value>),
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut present = Options::of(tx, device_id)?;
    for (option, value) in changes {
        let before = present.get(option).to_owned();
        if before == *value {
            continue;
        }
        match value == option.default {
            true => rows::delete(tx, device_id, option.name)?,
            false => rows::set(tx, device_id, option.name, value)?,
        }
        if option.is_secret {
            is.insert(format!("{}_changed", option.name), true.into());
        } else {
            was.insert(option.name.into(), before.into());
            is.insert(option.name.into(), value.clone().into());
        }
        present.0.insert(option.name.into(), value.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device_options::find;

    fn stored(name: &str, sent: &str) -> Option<String> {
        let option = find(name).expect(name);
        let change = read(option, sent).ok()?;
        check_length(&change).ok().map(|()| change.1)
    }

    #[test]
    fn an_option_takes_the_values_of_its_kind_and_keeps_one_form_of_each() {
        for (name, sent, kept) in [
            ("call_limit", "007", "7"),
            ("call_limit", "1000000", "1000000"),
            ("call_limit", "", "0"),
            ("ringing_timeout", "10", "10"),
            ("encryption", "1", "1"),
            ("progressinband", "Never", "never"),
            ("transport", "UDP,TCP", "udp,tcp"),
            ("language", "LT", "lt"),
            ("voicemail_email", "Anna@Example.COM", "anna@example.com"),
            ("emergency_callerid", "112", "112"),
            ("emergency_callerid_pool_id", "7", "7"),
            (
                "webhook_url_for_call_end",
                "https://example.com/x?key=1",
                "https://example.com/x?key=1",
            ),
            ("allow", "alaw,g729", "alaw,g729"),
            (
                "permit",
                "192.0.2.0/255.255.255.0",
                "192.0.2.0/255.255.255.0",
            ),
            (
                "permit",
                "192.0.2.0/24;2001:db8::/32",
                "192.0.2.0/24;2001:db8::/32",
            ),
            ("comment", "žalias & <b>", "žalias & <b>"),
        ] {
            assert_eq!(stored(name, sent).as_deref(), Some(kept), "{name}={sent}");
        }
        for option in OPTIONS {
            assert_eq!(
                stored(option.name, option.default).as_deref(),
                Some(option.default)
            );
        }
    }

    #[test]
    fn an_option_takes_nothing_else() {
        let long = |count| "x".repeat(count);
        for (name, sent) in [
            ("call_limit", "1000001"),
            ("call_limit", "-1"),
            ("call_limit", "+1"),
            ("call_limit", "1.0"),
            ("call_limit", "99999999999999999999999"),
            ("ringing_timeout", "9"),
            ("encryption", "2"),
            ("encryption", "yes"),
            ("sendrpid", "1"),
            ("transport", "udp, tcp"),
            ("language", "eng"),
            ("language", "l1"),
            ("language", "ž"),
            ("voicemail_email", "anna"),
            ("emergency_callerid", "+112"),
            ("emergency_callerid", "123456789012345678901"),
            ("emergency_callerid_pool_id", "1234567890123456789"),
            ("webhook_url_for_call_end", "ftp://example.com"),
            ("webhook_url_for_call_end", "https://"),
            ("webhook_url_for_call_end", "https://example.com/a b"),
            ("webhook_url_for_call_end", "javascript:alert(1)"),
            ("allow", "alaw,,g729"),
            ("allow", "alaw g729"),
            ("permit", "192.0.2.0"),
            ("permit", "192.0.2.0/33"),
            ("permit", "192.0.2.0/255.0.255.0"),
            ("permit", "192.0.2.0/ffff::"),
            ("nat", "force rport"),
            ("fromuser", "a\nb"),
            ("fromuser", &long(81)),
            ("comment", &long(256)),
            ("nat", &long(41)),
        ] {
            assert_eq!(stored(name, sent), None, "{name}={sent}");
        }
    }
}
