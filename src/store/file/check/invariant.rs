//! One invariant that SQL can judge.

use rusqlite::Connection;

use crate::store::StoreError;

/// How many rows that break an invariant are named.
pub const MAX_EXAMPLES: usize = 5;

/// One invariant.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// What should hold.
    pub name: &'static str,
    /// Selects one text for each row that breaks it.
    pub sql: &'static str,
}

impl Check {
    /// The first rows that break it, one more than are named.
    pub fn examples(&self, connection: &Connection) -> Result<Vec<String>, StoreError> {
        let mut statement = connection.prepare(self.sql)?;
        let found = statement.query_map([], |row| row.get(0))?;
        Ok(found.take(MAX_EXAMPLES + 1).collect::<Result<_, _>>()?)
    }
}
