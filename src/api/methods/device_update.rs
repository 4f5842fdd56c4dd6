//! `device_update`: changes what is sent of a device.

use crate::amount::MAX_TEXT;
use crate::api::method::*;
use crate::device_options::{DeviceOption, OPTIONS};
use crate::service::device_update::{
    self, Change, MAX_CALLER_NAME, MAX_CALLER_NUMBER, MAX_MAIL, MAX_USERNAME, PASSWORD,
};
use crate::service::devices::{MAX_DESCRIPTION, MAX_PIN};
use crate::service::extensions::MAX_EXTENSION;
use crate::service::text::MAX_DOMAIN;

const DEVICE: Parameter = id("device", Thing::Device, "The device.").required();

const SWITCH: &[&str] = &["0", "1"];

/// The parameters besides the device and the options.
const FIELDS: [Parameter; 19] = [
    one_of(
        "authentication",
        SWITCH,
        "0: by username and password; 1: by address.",
    ),
    text(
        "username",
        MAX_USERNAME,
        "Letters, digits and . _ - +, unique. Ignored for one that is known by its address.",
    ),
    text(
        "host",
        45,
        "Its IPv4 or IPv6 address. Ignored for one that registers, as are port and hostname.",
    ),
    number("port", 1, 65535, "The port of that address."),
    text(
        "hostname",
        MAX_DOMAIN,
        "A host name instead of the address.",
    ),
    text(
        "password",
        PASSWORD.1,
        "The secret it registers with, of 8 characters at least.",
    ),
    one_of(
        "trunk",
        &["0", "1", "2"],
        "0: no, 1: a trunk, 2: a trunk with ANI.",
    ),
    text(
        "callerid_number",
        MAX_CALLER_NUMBER + 1,
        "Digits, with + before them or without.",
    )
    .even_blank(),
    text(
        "callerid_name",
        MAX_CALLER_NAME,
        "A name without \", < and >.",
    )
    .even_blank(),
    one_of(
        "allow_empty_callerid",
        SWITCH,
        "1: a blank callerid_number or callerid_name clears it.",
    ),
    text("extension", MAX_EXTENSION, "Of a-z, 0-9, # and *, unique."),
    digits("pin", MAX_PIN, "Unique over all devices. Blank: none.").even_blank(),
    one_of(
        "hidden",
        SWITCH,
        "1: blocked, it neither calls nor is called; 0: not blocked.",
    ),
    text(
        "description",
        MAX_DESCRIPTION,
        "What people call the device.",
    ),
    id(
        "new_location_id",
        Thing::Location,
        "1, the only location there is.",
    ),
    id(
        "location_id",
        Thing::Location,
        "The older name of new_location_id.",
    ),
    text(
        "fax_email_add",
        MAX_MAIL,
        "Faxes are also sent to this address, one of 20 at most.",
    ),
    text(
        "fax_email_delete",
        MAX_MAIL,
        "Faxes are no longer sent to this address.",
    ),
    text(
        "balance",
        MAX_TEXT,
        "Its own balance, set and not added to: an amount with up to 8 digits after the point.",
    ),
];

/// The options with the other names of some.
const OTHERS: usize = {
    let (mut others, mut place) = (0, 0);
    while place < OPTIONS.len() {
        others += OPTIONS[place].also.is_some() as usize;
        place += 1;
    }
    others
};
const COUNT: usize = 1 + FIELDS.len() + OPTIONS.len() + OTHERS;

const PARAMETERS: [Parameter; COUNT] = {
    let mut all = [DEVICE; COUNT];
    let (mut place, mut next) = (0, 1);
    while place < FIELDS.len() {
        all[next] = FIELDS[place];
        (place, next) = (place + 1, next + 1);
    }
    place = 0;
    while place < OPTIONS.len() {
        all[next] = option(&OPTIONS[place], OPTIONS[place].name);
        next += 1;
        if let Some(also) = OPTIONS[place].also {
            all[next] = option(&OPTIONS[place], also);
            next += 1;
        }
        place += 1;
    }
    all
};

const fn option(option: &DeviceOption, name: &'static str) -> Parameter {
    use crate::device_options::Kind as Of;
    let parameter = match option.kind {
        Of::Number(least, most) => number(name, least, most, option.doc),
        Of::Flag => one_of(name, SWITCH, option.doc),
        Of::Word(words) => one_of(name, words, option.doc),
        Of::Digits(limit) => digits(name, limit, option.doc),
        Of::Id => digits(name, 18, option.doc),
        Of::Letters => text(name, 2, option.doc),
        Of::Text(limit)
        | Of::Visible(limit)
        | Of::Url(limit)
        | Of::Codecs(limit)
        | Of::Networks(limit) => text(name, limit, option.doc),
        Of::Mail => text(name, MAX_MAIL, option.doc),
    };
    match option.is_cleared_by_blank {
        true => parameter.even_blank(),
        false => parameter,
    }
}

/// The fields of these names.
const fn fields<const N: usize>(names: [&'static str; N]) -> [Field; N] {
    let mut fields = [Field::Pin; N];
    let mut place = 0;
    while place < N {
        fields[place] = Field::OfDevice(names[place]);
        place += 1;
    }
    fields
}

/// Every option.
const OPTION_FIELDS: [Field; OPTIONS.len()] = {
    let mut names = [""; OPTIONS.len()];
    let mut place = 0;
    while place < OPTIONS.len() {
        names[place] = OPTIONS[place].name;
        place += 1;
    }
    fields(names)
};

/// Those that hold a text.
const LIMITED: usize = {
    let (mut count, mut place) = (0, 0);
    while place < OPTIONS.len() {
        count += OPTIONS[place].limit().is_some() as usize;
        place += 1;
    }
    count
};
const LIMITED_FIELDS: [Field; LIMITED] = {
    let mut names = [""; LIMITED];
    let (mut place, mut next) = (0, 0);
    while place < OPTIONS.len() {
        if OPTIONS[place].limit().is_some() {
            names[next] = OPTIONS[place].name;
            next += 1;
        }
        place += 1;
    }
    fields(names)
};

/// The method.
pub static METHOD: Method = Method {
    name: "device_update",
    summary: "Changes what is sent of a device, all of it or nothing.",
    source: "MOR API device update",
    parameters: &PARAMETERS,
    hashes: &[
        strict(
            &["device", "authentication", "username", "host", "port"],
            "the order of the page since 2016, and of clients",
        ),
        documented(
            &["device", "location_id"],
            "the page of 2014; its printed hash is still there",
        ),
        documented(&["device"], "the pages until 2016"),
    ],
    right: Right::ManageDevices,
    errors: in_order![
        [
            refuses(Rule::NotFound(Thing::Device), "Device was not found"),
            refuses(
                Rule::NotPermitted(Field::OfDevice("callerid_number")),
                "You are not authorized to manage callerid",
            ),
            refuses(Rule::NotFound(Thing::Location), "Location was not found"),
        ],
        incorrect(fields([
            "authentication",
            "username",
            "host",
            "port",
            "hostname",
            "password",
            "trunk",
            "callerid_number",
            "callerid_name",
            "allow_empty_callerid",
            "extension",
            "hidden",
            "fax_email_add",
            "fax_email_delete",
            "balance",
        ])),
        incorrect(OPTION_FIELDS),
        [
            refuses(
                Rule::TooShort(Field::OfDevice("password")),
                "Password must be longer than 7 characters or short passwords in Devices should be allowed",
            ),
            refuses(
                Rule::Taken(Field::OfDevice("username")),
                "Such username is already taken"
            ),
            refuses(
                Rule::Taken(Field::OfDevice("extension")),
                "Extension is already used"
            ),
            refuses(Rule::Invalid(Field::Pin), "Pin must be numeric"),
            refuses(Rule::Taken(Field::Pin), "Pin is already used"),
            refuses(Rule::Taken(Field::OfDevice("host")), "Host is already used"),
        ],
        too_long(fields([
            "username",
            "hostname",
            "password",
            "callerid_number",
            "callerid_name",
            "extension",
            "pin",
            "description",
            "fax_email_add",
            "fax_email_delete",
        ])),
        too_long(LIMITED_FIELDS),
        [refuses(
            Rule::TooMany(Thing::FaxEmail),
            "Device has too many fax emails"
        )],
    ],
    envelope: STATUS,
    run: Run::Write(|tx, call| {
        let device = call.need_id(DEVICE)?;
        let mut change = Change::default();
        for parameter in &PARAMETERS[1..] {
            if let Some(value) = call.get(*parameter) {
                change.set(parameter.name, value);
            }
        }
        device_update::update(tx, &call.actor, device, &change)?;
        Ok(success("Device successfully updated", []))
    }),
    ..Method::DEFAULT
};
