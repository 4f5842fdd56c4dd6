//! `phonebooks_get`: the records of a user's phonebook.

use crate::api::method::*;
use crate::service::lists;
use crate::service::phonebooks;
use crate::store::tables::phonebook_records::PhonebookRecord;

/// How many records are read, and held in memory, at once.
const PIECE: u32 = 200;

const USER: Parameter = id(
    "user_id",
    Thing::User,
    "The user. 0: the records for everyone.",
)
.required();

/// The method.
pub static METHOD: Method = Method {
    name: "phonebooks_get",
    aliases: &["phonebooks"],
    summary: "Lists the records of a user's phonebook in id order, all of them.",
    source: "MOR API phonebooks get",
    parameters: &[USER],
    hashes: &[strict(
        &["user_id"],
        "the order of the page, and of its printed hash",
    )],
    right: Right::ManagePhonebooks,
    errors: &[
        refuses(Rule::NotFound(Thing::User), "User was not found"),
        refuses(Rule::NoneFound(Thing::PhonebookRecord), "No Phonebooks"),
    ],
    run: Run::Read(|tx, call| {
        let user_id = call.need_id(USER)?;
        let records = phonebooks::list(tx, &call.actor, user_id, call.after, PIECE)?;
        let records = lists::some(records, call.after, Thing::PhonebookRecord)?;
        let item = |record| element(record, call.dialect);
        Ok(Reply::List(List::piece(
            &["phonebooks"],
            records,
            PIECE,
            |record| record.id,
            item,
        )))
    }),
    ..Method::DEFAULT
};

fn element(record: PhonebookRecord, dialect: Dialect) -> Element {
    let mut elements = Vec::with_capacity(4);
    if dialect == Dialect::Current {
        elements.push(Element::number("id", record.id));
    }
    elements.extend([
        Element::text("name", record.name),
        Element::text("number", record.number),
        Element::text("speeddial", record.speeddial),
    ]);
    Element::with("phonebook", elements)
}
