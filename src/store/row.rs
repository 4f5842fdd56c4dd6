//! The tools of every table file: one-row, many-row and changing statements, and enumerations stored as text.

use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Params, Row, ToSql};

use super::{ReadTx, StoreError, WriteTx};
use crate::amount::Amount;

/// A row number. SQLite gives positive 64-bit ones; 0 is admin.
pub type Id = i64;

/// A place in a walk along an index: the last row that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The text that the walk is ordered by; blank where it is ordered by id.
    pub text: String,
    /// The row.
    pub id: Id,
}

/// The part of an index that holds the texts beginning with `start`, after a cursor.
pub(super) struct Range {
    pub(super) after: String,
    pub(super) id: Id,
    pub(super) until: String,
}

impl Range {
    pub(super) fn new(start: &str, after: Option<&Cursor>) -> Self {
        // A cursor of another walk would lead before the beginning of this one.
        let after = after.filter(|after| begins_with(&after.text, start));
        Self {
            after: after.map_or(start, |after| &after.text).into(),
            id: after.map_or(Id::MIN, |after| after.id),
            // Every text that begins with `start` sorts before this one.
            until: format!("{start}\u{10ffff}"),
        }
    }
}

/// Whether a text begins with another, in any letter case (ASCII), as some indexes are ordered.
fn begins_with(text: &str, start: &str) -> bool {
    let beginning = text.as_bytes().get(..start.len());
    beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(start.as_bytes()))
}

impl ReadTx<'_> {
    /// The row that `sql` selects, if there is one.
    pub(super) fn find<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: fn(&Row<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        Ok(match rows.next()? {
            Some(row) => Some(map(row)?),
            None => None,
        })
    }

    /// The row that `sql` selects, where one always exists.
    pub(super) fn get<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: fn(&Row<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        Ok(self
            .connection
            .prepare_cached(sql)?
            .query_row(params, map)?)
    }

    /// All rows that `sql` selects.
    pub(super) fn list<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: fn(&Row<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params, map)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl WriteTx<'_> {
    /// Runs a statement that changes rows, and gives their number.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        self.change(|| self.connection.prepare_cached(sql)?.execute(params))
    }

    /// Runs an INSERT, and gives the new row's id.
    pub(super) fn insert(&self, sql: &str, params: impl Params) -> Result<Id, StoreError> {
        self.change(|| self.connection.prepare_cached(sql)?.insert(params))
    }

    /// A full disk or an I/O error can make SQLite roll the whole transaction back by itself. A rule that went on after
    /// that would have each further statement committed alone.
    fn change<T>(
        &self,
        statement: impl FnOnce() -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        self.tried.set(true);
        if self.connection.is_autocommit() {
            return Err(self.why_rolled_back());
        }
        statement().map_err(|error| {
            let fault = StoreError::from(error);
            *self.fault.borrow_mut() = Some(fault.clone());
            fault
        })
    }

    /// Why SQLite rolled the transaction back by itself.
    pub(super) fn why_rolled_back(&self) -> StoreError {
        self.fault.borrow().clone().unwrap_or(StoreError::Disk)
    }
}

impl ToSql for Amount {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.e8().into())
    }
}

impl FromSql for Amount {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self::from_e8)
    }
}

/// An enumeration that is stored as text. Its words are written once here, and once in a CHECK in schema.sql.
macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every value, in the order in which they are documented.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word it is stored and shown as.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    format!("`{text}` is none of {}", Self::ALL.iter().map(|value| value.as_str()).collect::<Vec<_>>().join(", "))
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl rusqlite::ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }

        impl rusqlite::types::FromSql for $name {
            fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
                value.as_str()?.parse().map_err(|error: String| rusqlite::types::FromSqlError::Other(error.into()))
            }
        }
    };
}
pub(super) use text_enum;

/// The values of a row, one after the other.
pub(super) struct Values<'a, 'statement> {
    row: &'a Row<'statement>,
    place: usize,
}

impl<'a, 'statement> Values<'a, 'statement> {
    pub(super) fn of(row: &'a Row<'statement>) -> Self {
        Self { row, place: 0 }
    }

    /// The next one.
    pub(super) fn take<T: FromSql>(&mut self) -> Result<T, rusqlite::Error> {
        let value = self.row.get(self.place);
        self.place += 1;
        value
    }
}

/// A row of a table, column by column. This one list makes the struct, its columns for [`select`] and the reading by
/// position, so a new column is one line here and a migration. `= type` names a column that differs from its field.
macro_rules! row {
    (
        $(#[$doc:meta])*
        pub struct $name:ident $(from $table:ident)? {
            $(#[$first_doc:meta])* $first:ident: $first_type:ty $(= $first_column:tt)?
            $(, $(#[$field_doc:meta])* $field:ident: $type:ty $(= $column:tt)?)* $(,)?
        }
    ) => {
        $(#[$doc])*
        pub struct $name {
            $(#[$first_doc])* pub $first: $first_type,
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $name {
            /// Reads a row whose columns begin with those of [`select`].
            #[allow(dead_code, reason = "who selects more than these columns calls `take`")]
            pub(in crate::store) fn read(row: &rusqlite::Row<'_>) -> Result<Self, rusqlite::Error> {
                Self::take(&mut $crate::store::row::Values::of(row))
            }

            /// Reads the next columns of a row that holds more.
            pub(in crate::store) fn take(values: &mut $crate::store::row::Values<'_, '_>) -> Result<Self, rusqlite::Error> {
                Ok(Self { $first: values.take()?, $($field: values.take()?,)* })
            }
        }

        /// The columns and the table, for [`select`].
        macro_rules! $name {
            (columns) => {
                concat!(
                    "\n  ", $crate::store::row::column!($first $($first_column)?),
                    $(",\n  ", $crate::store::row::column!($field $($column)?),)*
                )
            };
            $((table) => { stringify!($table) };)?
        }
    };
}

/// The name of a field's column.
macro_rules! column {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $column:tt) => {
        stringify!($column)
    };
}

/// A statement that selects rows of a [`row`]: `select!(Device, "WHERE id = :id")`. `Named from ivrs` selects from
/// another table, and `User + password` adds a column after the row's own.
macro_rules! select {
    ($name:ident $(+ $more:ident)?) => {
        concat!("\nSELECT", $name!(columns), $(",\n  ", stringify!($more),)? "\nFROM ", $name!(table))
    };
    ($name:ident $(+ $more:ident)?, $rest:literal) => {
        concat!($crate::store::row::select!($name $(+ $more)?), "\n", $rest)
    };
    ($name:ident from $table:ident, $rest:literal) => {
        concat!("\nSELECT", $name!(columns), "\nFROM ", stringify!($table), "\n", $rest)
    };
}
pub(super) use {column, row, select};

#[cfg(test)]
mod tests {
    use super::Values;

    row! {
        /// A sample.
        #[derive(Debug, PartialEq)]
        pub struct Sample from samples {
            /// Its row.
            id: i64,
            /// A column with another name.
            sample_type: Option<String> = type,
            /// The last one.
            is_last: bool
        }
    }

    #[test]
    fn one_list_gives_columns_and_reading() {
        const ALL: &str = select!(Sample);
        const FIND: &str = select!(Sample, "WHERE id = :id");
        const MORE: &str = select!(Sample + note, "WHERE id = :id");
        const OTHER: &str = select!(Sample from others, "WHERE id = 1");
        assert_eq!(ALL, "\nSELECT\n  id,\n  type,\n  is_last\nFROM samples");
        assert_eq!(FIND, format!("{ALL}\nWHERE id = :id"));
        assert_eq!(MORE, FIND.replace("is_last", "is_last,\n  note"));
        assert_eq!(OTHER, FIND.replace("samples", "others").replace(":id", "1"));
        let connection = crate::store::pool::in_memory().expect("a database");
        connection
            .execute_batch("CREATE TABLE samples (is_last, note, type, id); INSERT INTO samples VALUES (1, 'n', NULL, 7)")
            .expect("SQL");
        let read = connection.query_row(MORE, &[(":id", &7)], |row| {
            let mut values = Values::of(row);
            Ok((Sample::take(&mut values)?, values.take()?))
        });
        let sample = Sample {
            id: 7,
            sample_type: None,
            is_last: true,
        };
        assert_eq!(read, Ok((sample, "n".to_owned())));
        let all = connection.query_row(ALL, [], Sample::read);
        assert!(all.is_ok_and(|sample| sample.is_last));
    }
}
