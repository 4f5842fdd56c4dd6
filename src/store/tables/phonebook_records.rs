//! The table `phonebook_records`: names, numbers and speed dials.

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Id, row, select};
use crate::store::{ReadTx, StoreError, WriteTx};

row! {
    /// A record of a phonebook.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct PhonebookRecord from phonebook_records {
        /// Its number in the API (`phonebook_id`).
        id: Id,
        /// Whose it is; 0: everyone's.
        user_id: Id,
        /// The name.
        name: String,
        /// The number: 1 to 20 digits.
        number: String,
        /// The digits that dial it: 2 to 20.
        speeddial: String,
    }
}

const FIND: &str = select!(PhonebookRecord, "WHERE id = :id");

/// The record with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<PhonebookRecord>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, PhonebookRecord::read)
}

const LIST_OF_USER: &str = select!(
    PhonebookRecord,
    "  INDEXED BY phonebook_records_of_user
WHERE user_id = :user_id
  AND id > :after
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` of a user's records with ids above `after`, in id order.
pub fn list_of_user(
    tx: &ReadTx<'_>,
    user_id: Id,
    after: Id,
    limit: u32,
) -> Result<Vec<PhonebookRecord>, StoreError> {
    let params = named_params! { ":user_id": user_id, ":after": after, ":limit": limit };
    tx.list(LIST_OF_USER, params, PhonebookRecord::read)
}

const IS_TAKEN_BY: &str = "
SELECT EXISTS (
  SELECT 1
  FROM phonebook_records
  WHERE user_id = :user_id
    AND speeddial = :speeddial
    AND id <> :id
)";

/// Whether another record of the user than `id` has this speed dial.
pub fn is_taken_by(
    tx: &ReadTx<'_>,
    user_id: Id,
    speeddial: &str,
    id: Id,
) -> Result<bool, StoreError> {
    let params = named_params! { ":user_id": user_id, ":speeddial": speeddial, ":id": id };
    tx.get(IS_TAKEN_BY, params, |row| row.get(0))
}

const IS_TAKEN: &str = "
SELECT EXISTS (
  SELECT 1
  FROM phonebook_records INDEXED BY phonebook_records_by_speeddial
  WHERE speeddial = :speeddial
    AND id <> :id
)";

/// Whether another record of anybody than `id` has this speed dial.
pub fn is_taken(tx: &ReadTx<'_>, speeddial: &str, id: Id) -> Result<bool, StoreError> {
    let params = named_params! { ":speeddial": speeddial, ":id": id };
    tx.get(IS_TAKEN, params, |row| row.get(0))
}

const INSERT: &str = "
INSERT INTO phonebook_records (
  user_id,
  name,
  number,
  speeddial,
  created_ms
) VALUES (
  :user_id,
  :name,
  :number,
  :speeddial,
  :now_ms
)";

/// Adds a record (ignoring its `id`), and gives the new id.
pub fn insert(tx: &WriteTx<'_>, new: &PhonebookRecord, now_ms: i64) -> Result<Id, StoreError> {
    tx.insert(
        INSERT,
        named_params! {
            ":user_id": new.user_id,
            ":name": new.name,
            ":number": new.number,
            ":speeddial": new.speeddial,
            ":now_ms": now_ms,
        },
    )
}

const UPDATE: &str = "
UPDATE phonebook_records
SET
  name = :name,
  number = :number,
  speeddial = :speeddial
WHERE id = :id";

/// Replaces what a record says.
pub fn update(tx: &WriteTx<'_>, record: &PhonebookRecord) -> Result<(), StoreError> {
    tx.execute(
        UPDATE,
        named_params! {
            ":id": record.id,
            ":name": record.name,
            ":number": record.number,
            ":speeddial": record.speeddial,
        },
    )?;
    Ok(())
}
