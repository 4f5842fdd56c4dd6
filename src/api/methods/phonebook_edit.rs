//! `phonebook_edit`: changes a record of a phonebook.

use crate::api::method::*;
use crate::service::phonebooks::{self, Entry, MAX_DIGITS, MAX_NAME};

const RECORD: Parameter = id("phonebook_id", Thing::PhonebookRecord, "The record.").required();
const NUMBER: Parameter = digits("number", MAX_DIGITS, "The number. Not sent: it stays.");
const NAME: Parameter = text("name", MAX_NAME, "The name. Not sent: it stays.");
const SPEEDDIAL: Parameter = digits(
    "speeddial",
    MAX_DIGITS,
    "The digits that dial it: 2 at least, unique. Not sent: it stays.",
);

/// The method.
pub static METHOD: Method = Method {
    name: "phonebook_edit",
    summary: "Changes a record of a phonebook.",
    source: "MOR API phonebook edit",
    parameters: &[RECORD, NUMBER, NAME, SPEEDDIAL],
    hashes: &[
        strict(
            &["phonebook_id", "number", "name", "speeddial"],
            "the order of the global list of 2012; the page says “params”",
        ),
        lenient(
            &["phonebook_id"],
            "seen from a client; what the record says is unsigned",
        ),
    ],
    right: Right::ManagePhonebooks,
    errors: &[
        refuses(
            Rule::NotFound(Thing::PhonebookRecord),
            "Phonebook was not found",
        ),
        not_saved(Rule::Missing(Field::Speeddial)),
        not_saved(Rule::Invalid(Field::Speeddial)),
        not_saved(Rule::Invalid(Field::Number)),
        not_saved(Rule::Taken(Field::Speeddial)),
        not_saved(Rule::Invalid(Field::Name)),
        not_saved(Rule::TooLong(Field::Number)),
        not_saved(Rule::TooLong(Field::Name)),
        not_saved(Rule::TooLong(Field::Speeddial)),
    ],
    run: Run::Write(|tx, call| {
        let entry = Entry {
            name: call.text(NAME),
            number: call.text(NUMBER),
            speeddial: call.text(SPEEDDIAL),
        };
        phonebooks::update(tx, &call.actor, call.need_id(RECORD)?, entry)?;
        Ok(status("Phonebook saved", []))
    }),
    ..Method::DEFAULT
};

/// MOR's manual has one text for every value that does not fit. The problem comes after it.
const fn not_saved(rule: Rule) -> ErrorText {
    refuses(rule, "Phonebook was not saved").with_message()
}
