//! What `ivrs` and `dialplans` have in common: rows with a name and an owner. The SQL is in their own files.

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Id, row};
use crate::store::{ReadTx, StoreError, WriteTx};

row! {
    /// A row of such a table.
    #[derive(Debug, Clone, Serialize)]
    pub struct Named {
        /// Its number in the API.
        id: Id,
        /// Admin, or the reseller it belongs to.
        owner_id: Id,
        /// Its name.
        name: String,
    }
}

/// The statements of such a table. Hidden rows are found by none but `find_name`.
pub struct Table {
    pub(in crate::store) find: &'static str,
    pub(in crate::store) find_name: &'static str,
    pub(in crate::store) list: &'static str,
    pub(in crate::store) walk: &'static str,
    pub(in crate::store) insert: &'static str,
    pub(in crate::store) update: &'static str,
    pub(in crate::store) hide: &'static str,
}

impl Table {
    /// The row with this id.
    pub fn find(&self, tx: &ReadTx<'_>, id: Id) -> Result<Option<Named>, StoreError> {
        tx.find(self.find, named_params! { ":id": id }, Named::read)
    }

    /// The name of a row, hidden or not, for rows that already refer to it.
    pub fn find_name(&self, tx: &ReadTx<'_>, id: Id) -> Result<Option<String>, StoreError> {
        tx.find(self.find_name, named_params! { ":id": id }, |row| {
            row.get(0)
        })
    }

    /// Up to `limit` rows with ids above `after`, in id order.
    pub fn list(&self, tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<Named>, StoreError> {
        let params = named_params! { ":after": after, ":limit": limit };
        tx.list(self.list, params, Named::read)
    }

    /// Up to `limit` of an owner's rows with ids above `after`, in id order.
    pub fn walk(
        &self,
        tx: &ReadTx<'_>,
        owner_id: Id,
        after: Id,
        limit: u32,
    ) -> Result<Vec<Named>, StoreError> {
        let params = named_params! { ":owner_id": owner_id, ":after": after, ":limit": limit };
        tx.list(self.walk, params, Named::read)
    }

    /// Adds a row; its id.
    pub fn insert(
        &self,
        tx: &WriteTx<'_>,
        owner_id: Id,
        name: &str,
        now_ms: i64,
    ) -> Result<Id, StoreError> {
        let params = named_params! { ":owner_id": owner_id, ":name": name, ":now_ms": now_ms };
        tx.insert(self.insert, params)
    }

    /// Renames a row.
    pub fn update(&self, tx: &WriteTx<'_>, id: Id, name: &str) -> Result<(), StoreError> {
        tx.execute(self.update, named_params! { ":id": id, ":name": name })?;
        Ok(())
    }

    /// Hides a row.
    pub fn hide(&self, tx: &WriteTx<'_>, id: Id, now_ms: i64) -> Result<(), StoreError> {
        tx.execute(self.hide, named_params! { ":id": id, ":now_ms": now_ms })?;
        Ok(())
    }
}
