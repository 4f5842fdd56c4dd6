//! `phonebook_record_create`: a new record of a user's phonebook.

use crate::api::method::*;
use crate::service::phonebooks::{self, Entry, MAX_DIGITS, MAX_NAME};

const USER: Parameter = id(
    "user_id",
    Thing::User,
    "The user. 0: the record is for everyone.",
)
.required();
const NUMBER: Parameter =
    digits("number", MAX_DIGITS, "The number.").required_or(Rule::Missing(Field::Number));
const NAME: Parameter = text("name", MAX_NAME, "The name.").required_or(Rule::Missing(Field::Name));
const SPEEDDIAL: Parameter = digits(
    "speeddial",
    MAX_DIGITS,
    "The digits that dial it: 2 at least, unique among the user's; for user 0 among everyone's.",
)
.required_or(Rule::Missing(Field::Speeddial));

/// The method.
pub static METHOD: Method = Method {
    name: "phonebook_record_create",
    summary: "Adds a record to a user's phonebook.",
    source: "MOR API phonebook record create",
    parameters: &[USER, NUMBER, NAME, SPEEDDIAL],
    hashes: &[strict(
        &["user_id", "number", "name", "speeddial"],
        "the order of the page, and of its printed hash",
    )],
    right: Right::ManagePhonebooks,
    errors: in_order![
        [
            refuses(Rule::NotFound(Thing::User), "User was not found"),
            refuses(
                Rule::Missing(Field::Name),
                "Speed Dial name must be provided",
            ),
            refuses(
                Rule::Missing(Field::Speeddial),
                "Speed Dial should have at least two digits",
            ),
            refuses(
                Rule::Missing(Field::Number),
                "Record number should have at least one digit",
            ),
            refuses(
                Rule::Invalid(Field::Speeddial),
                "Speed Dial must be numeric",
            ),
            refuses(
                Rule::Invalid(Field::Number),
                "Record number must be numeric",
            ),
            refuses(Rule::Taken(Field::Speeddial), "Speed dial must be unique"),
        ],
        incorrect([Field::Name]),
        too_long([Field::Number, Field::Name, Field::Speeddial]),
    ],
    run: Run::Write(|tx, call| {
        // What is missing is told in the rule's order.
        let sent = |parameter| call.need(parameter).ok().map(Into::into);
        let entry = Entry {
            name: sent(NAME),
            number: sent(NUMBER),
            speeddial: sent(SPEEDDIAL),
        };
        phonebooks::create(tx, &call.actor, call.need_id(USER)?, entry)?;
        Ok(success("Record successfully added", []))
    }),
    ..Method::DEFAULT
};
