//! Checks of values that SQL cannot judge: what the code has a table or a parser for.

use std::net::IpAddr;

use rusqlite::{Connection, Row};

use crate::device_options;
use crate::store::StoreError;
use crate::store::file::check::invariant::MAX_EXAMPLES;

/// A check of each row that a statement selects.
pub struct ValueCheck {
    /// What should hold.
    pub name: &'static str,
    /// Selects what is looked at.
    sql: &'static str,
    /// The text for a row that breaks it.
    broken: fn(&Row<'_>) -> Result<Option<String>, rusqlite::Error>,
}

/// All of them.
pub const VALUE_CHECKS: &[ValueCheck] = &[
    ValueCheck {
        name: "device options are known, and differ from their defaults",
        sql: "
SELECT
  device_id,
  name,
  value
FROM device_options",
        broken: |row| {
            let (id, name, value): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(match device_options::find(&name) {
                None => Some(format!("device {id} has {name}, which is no option")),
                Some(option) if option.default == value => {
                    Some(format!("device {id} has the default as its own {name}"))
                }
                Some(_) => None,
            })
        },
    },
    ValueCheck {
        name: "the addresses of devices are in canonical form",
        sql: "
SELECT
  id,
  ipaddr
FROM devices",
        broken: |row| {
            let (id, address): (i64, String) = (row.get(0)?, row.get(1)?);
            let parsed: Option<IpAddr> = address.parse().ok();
            let canonical = parsed.map(|address| address.to_canonical().to_string());
            Ok((canonical.as_ref() != Some(&address))
                .then(|| format!("device {id} is at {address}")))
        },
    },
];

impl ValueCheck {
    /// The first rows that break it, one more than are named.
    pub fn examples(&self, connection: &Connection) -> Result<Vec<String>, StoreError> {
        let mut statement = connection.prepare(self.sql)?;
        let mut rows = statement.query([])?;
        let mut examples = Vec::new();
        while let Some(row) = rows.next()? {
            examples.extend((self.broken)(row)?);
            if examples.len() > MAX_EXAMPLES {
                break;
            }
        }
        Ok(examples)
    }
}
