//! Phonebooks: names, numbers and speed dials of a user. Those of user 0 are for everyone; a user's own come first.

use serde_json::json;

use super::{Error, Field, Rule, Thing, log, text};
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::store::row::Id;
use crate::store::tables::phonebook_records::{self, PhonebookRecord};
use crate::store::tables::users::{ADMIN, User};
use crate::store::{ReadTx, WriteTx};

/// Longest name, in characters.
pub const MAX_NAME: usize = text::MAX_NAME;
/// Longest number and speed dial, in digits.
pub const MAX_DIGITS: usize = 20;
/// Shortest speed dial, in digits.
const MIN_SPEEDDIAL: usize = 2;

/// What a record says, as it was sent.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// The name.
    pub name: Option<String>,
    /// The number.
    pub number: Option<String>,
    /// The digits that dial it.
    pub speeddial: Option<String>,
}

/// Adds a record to the phonebook of an own user.
pub fn create(
    tx: &WriteTx<'_>,
    by: &Actor,
    user_id: Option<Id>,
    entry: Entry,
) -> Result<Id, Error> {
    by.require(Right::ManagePhonebooks)?;
    let user = find_user(tx, by, user_id)?;
    let mut record = PhonebookRecord {
        id: 0,
        user_id: user.id,
        name: entry.name.unwrap_or_default(),
        number: entry.number.unwrap_or_default(),
        speeddial: entry.speeddial.unwrap_or_default(),
    };
    check(tx, &record, None)?;
    record.id = phonebook_records::insert(tx, &record, tx.now_ms())?;
    let after = Some(json!(record));
    log::record(tx, by, Action::PhonebookCreate, record.id, None, after)?;
    Ok(record.id)
}

/// Changes a record of an own user. What is not sent stays.
pub fn update(tx: &WriteTx<'_>, by: &Actor, id: Option<Id>, entry: Entry) -> Result<(), Error> {
    by.require(Right::ManagePhonebooks)?;
    let before = get(tx, by, id)?;
    let after = PhonebookRecord {
        name: entry.name.unwrap_or_else(|| before.name.clone()),
        number: entry.number.unwrap_or_else(|| before.number.clone()),
        speeddial: entry.speeddial.unwrap_or_else(|| before.speeddial.clone()),
        ..before.clone()
    };
    check(tx, &after, Some(&before))?;
    if before == after {
        return Ok(());
    }
    phonebook_records::update(tx, &after)?;
    let (was, is) = log::difference(&json!(before), &json!(after));
    log::record(
        tx,
        by,
        Action::PhonebookUpdate,
        before.id,
        Some(was),
        Some(is),
    )?;
    Ok(())
}

/// Refuses a record that cannot be one, in the order of MOR's manual, whose words are the details. A speed dial stays
/// a record's own: one of user 0 came first, and a user may have taken it for a number of their own since.
fn check(
    tx: &ReadTx<'_>,
    record: &PhonebookRecord,
    before: Option<&PhonebookRecord>,
) -> Result<(), Error> {
    let refused = |rule: Rule, words: &str| Err(rule.with(words));
    let (number, speeddial) = (&record.number, &record.speeddial);
    if record.name.trim().is_empty() {
        return refused(
            Rule::Missing(Field::Name),
            "Speed Dial name must be provided",
        );
    }
    if !text::is_longer(speeddial, MIN_SPEEDDIAL - 1) {
        let words = "Speed Dial should have at least two digits";
        return refused(Rule::Missing(Field::Speeddial), words);
    }
    if number.is_empty() {
        let words = "Record number should have at least one digit";
        return refused(Rule::Missing(Field::Number), words);
    }
    if !text::is_digits(speeddial) {
        let words = "Speed Dial must be numeric";
        return refused(Rule::Invalid(Field::Speeddial), words);
    }
    if !text::is_digits(number) {
        return refused(
            Rule::Invalid(Field::Number),
            "Record number must be numeric",
        );
    }
    let is_taken = match record.user_id {
        _ if before.is_some_and(|before| before.speeddial == *speeddial) => false,
        ADMIN => phonebook_records::is_taken(tx, speeddial, record.id)?,
        user_id => phonebook_records::is_taken_by(tx, user_id, speeddial, record.id)?,
    };
    if is_taken {
        return refused(Rule::Taken(Field::Speeddial), "Speed dial must be unique");
    }
    if record.name.contains(char::is_control) {
        return refused(Rule::Invalid(Field::Name), "name is incorrect format");
    }
    for (field, value, limit) in [
        (Field::Number, number, MAX_DIGITS),
        (Field::Name, &record.name, MAX_NAME),
        (Field::Speeddial, speeddial, MAX_DIGITS),
    ] {
        if text::is_longer(value, limit) {
            let words = format!("{} is too long", field.name());
            return refused(Rule::TooLong(field), &words);
        }
    }
    Ok(())
}

fn find_user(tx: &ReadTx<'_>, by: &Actor, id: Option<Id>) -> Result<User, Error> {
    let found = match id {
        Some(id) => by.own_user(tx, id)?,
        None => None,
    };
    found.ok_or_else(|| Rule::NotFound(Thing::User).into())
}

/// The record of this row, if its user is the actor's own.
pub fn get(tx: &ReadTx<'_>, by: &Actor, id: Option<Id>) -> Result<PhonebookRecord, Error> {
    by.require(Right::ManagePhonebooks)?;
    let not_found = || Rule::NotFound(Thing::PhonebookRecord);
    let found = match id {
        Some(id) => phonebook_records::find(tx, id)?,
        None => None,
    };
    let record = found.ok_or_else(not_found)?;
    by.own_user(tx, record.user_id)?.ok_or_else(not_found)?;
    Ok(record)
}

/// Up to `limit` records of an own user with ids above `after`, in id order.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    user_id: Option<Id>,
    after: Id,
    limit: u32,
) -> Result<Vec<PhonebookRecord>, Error> {
    by.require(Right::ManagePhonebooks)?;
    let user = find_user(tx, by, user_id)?;
    Ok(phonebook_records::list_of_user(tx, user.id, after, limit)?)
}
