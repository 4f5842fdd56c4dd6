//! `device_create`: a device for one of the caller's users.

use crate::api::method::*;
use crate::service::device_create::{self, NewDevice, Pin};
use crate::service::devices::{MAX_CALLER_ID, MAX_DESCRIPTION, MAX_PIN};
use crate::service::extensions::MAX_EXTENSION;

const USER: Parameter = id("user_id", Thing::User, "The user whose device it will be.")
    .required_or(Rule::Missing(Field::UserId));
const DESCRIPTION: Parameter = text(
    "description",
    MAX_DESCRIPTION,
    "What people call the device.",
);
const PIN: Parameter = digits(
    "pin",
    MAX_PIN,
    "Unique over all devices. Not sent: a random one. Blank: none.",
)
.even_blank();
const TYPE: Parameter = one_of(
    "type",
    &["SIP", "IAX2", "FAX", "Virtual", "H323", "ZAP", "Skype"],
    "Not sent or blank: the setting default_device_type, and SIP where that is blank.",
);
const GROUP: Parameter = id(
    "devicegroup_id",
    Thing::DeviceGroup,
    "A device group of that user. Not sent: their primary group.",
);
const CALLER_ID: Parameter = text(
    "caller_id",
    MAX_CALLER_ID,
    "NUMBER, Name <NUMBER> or \"Name\" <NUMBER>; needs the permission manage_callerid.",
);
const EXTENSION: Parameter = text(
    "extension",
    MAX_EXTENSION,
    "Of a-z, 0-9, # and *, unique. The username is the same if it is letters and digits and free. Not sent: the next free number.",
);
const FROM_USER: Parameter = text("fromuser", 80, "The user in the From header of its calls.");
const TIMEOUT: Parameter = number(
    "call_timeout",
    0,
    86_400,
    "Seconds after which a call ends; 0: it does not.",
);

/// The method.
pub static METHOD: Method = Method {
    name: "device_create",
    summary: "Creates a device for a user and answers its id, username and password.",
    source: "MOR API device create",
    parameters: &[
        USER,
        DESCRIPTION,
        PIN,
        TYPE,
        GROUP,
        CALLER_ID,
        EXTENSION,
        FROM_USER,
        TIMEOUT,
    ],
    hashes: &[
        strict(
            &[
                "user_id",
                "description",
                "pin",
                "type",
                "devicegroup_id",
                "caller_id",
            ],
            "the order of the page, and of its printed hash",
        ),
        lenient(&["user_id"], "seen from clients"),
    ],
    right: Right::ManageDevices,
    denied: &denied("Dont be so smart", "Dont be so smart"),
    errors: &[
        refuses(Rule::Missing(Field::UserId), "Dont be so smart"),
        refuses(Rule::NotFound(Thing::User), "User was not found"),
        refuses(Rule::Invalid(Field::DeviceType), "Device type invalid"),
        refuses(Rule::NotFound(Thing::DeviceGroup), "Device group invalid"),
        refuses(Rule::Invalid(Field::Pin), "Pin must be numeric"),
        refuses(Rule::Taken(Field::Pin), "Pin is already used"),
        refuses(
            Rule::NotPermitted(Field::CallerId),
            "You are not authorized to manage callerid",
        ),
        not_created(Rule::TooLong(Field::Pin)),
        not_created(Rule::TooLong(Field::Description)),
        not_created(Rule::TooLong(Field::CallerId)),
        not_created(Rule::Invalid(Field::CallerId)),
        not_created(Rule::Invalid(Field::OfDevice("fromuser"))),
        not_created(Rule::TooLong(Field::OfDevice("fromuser"))),
        not_created(Rule::Invalid(Field::OfDevice("call_timeout"))),
        not_created(Rule::Invalid(Field::OfDevice("extension"))),
        not_created(Rule::TooLong(Field::OfDevice("extension"))),
        not_created(Rule::Taken(Field::OfDevice("extension"))),
        not_created(Rule::Failed),
    ],
    storage_error: Some(Rule::Failed),
    run: Run::Write(|tx, call| {
        let new = NewDevice {
            user_id: call.need_id(USER)?,
            device_type: call.text(TYPE),
            device_group_id: call.id(GROUP),
            pin: match call.get(PIN) {
                None => Pin::Random,
                Some(pin) if pin.trim().is_empty() => Pin::Pinless,
                Some(pin) => Pin::Chosen(pin.into()),
            },
            caller_id: call.text(CALLER_ID),
            description: call.text(DESCRIPTION).unwrap_or_default(),
            extension: call.text(EXTENSION),
            options: [FROM_USER, TIMEOUT]
                .into_iter()
                .filter_map(|option| Some((option.name, call.text(option)?)))
                .collect(),
        };
        let device = device_create::create(tx, &call.actor, &call.ambient, new)?;
        Ok(status(
            "Device created",
            [
                Element::number("id", device.id),
                Element::text("username", device.username),
                Element::text("password", device.secret),
            ],
        ))
    }),
    ..Method::DEFAULT
};

/// MOR's manual has one text for every value that does not fit. The reason comes after it.
const fn not_created(rule: Rule) -> ErrorText {
    refuses(rule, "Device was not created").with_message()
}
