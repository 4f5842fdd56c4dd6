//! What holds in every sound database, as a list of checks: SQLite's own, the schema, and linebook's invariants.
//!
//! Constraints of the schema guarantee most of them. They are checked all the same: a disk, a hand-written statement or
//! a defect may have got past a constraint, and a backup is good only when nothing has.

mod devices;
mod dids;
mod invariant;
mod log;
mod owners;
pub mod values;

use rusqlite::Connection;

use self::invariant::{Check, MAX_EXAMPLES};
use self::values::VALUE_CHECKS;
use crate::store::file::schema::SCHEMA;
use crate::store::file::shape;
use crate::store::{StoreError, Violation};

/// SQLite's own checks, which fit a database of any release.
pub const FILE_CHECKS: &[Check] = &[
    Check {
        name: "SQLite finds the file intact",
        sql: "
SELECT integrity_check
FROM pragma_integrity_check
WHERE integrity_check <> 'ok'",
    },
    Check {
        name: "every reference leads to a row",
        sql: "
SELECT format('row %s of %s refers to a row of %s that is not there', rowid, \"table\", parent)
FROM pragma_foreign_key_check",
    },
];

/// The product's invariants, by what they are about.
const GROUPS: [&[Check]; 4] = [owners::CHECKS, dids::CHECKS, devices::CHECKS, log::CHECKS];

/// The product's invariants.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    GROUPS.into_iter().flatten()
}

/// The name of the check that compares the schema with linebook's, object by object.
pub const SHAPE: &str = "the schema is linebook's own";

/// How many checks [`check()`] runs.
pub const COUNT: usize = {
    let [owners, dids, devices, log] = GROUPS;
    let own = owners.len() + dids.len() + devices.len() + log.len();
    FILE_CHECKS.len() + 1 + own + VALUE_CHECKS.len()
};

/// Runs every check. Each is one statement and so one snapshot, so a database in use is held only as long as the
/// longest of them takes.
pub fn check(connection: &Connection) -> Result<Vec<Violation>, StoreError> {
    let mut violations = run(connection, FILE_CHECKS.iter())?;
    violations.extend(check_shape(connection, &[SCHEMA])?);
    violations.extend(run(connection, checks())?);
    for check in VALUE_CHECKS {
        violations.extend(violation(check.name, check.examples(connection))?);
    }
    Ok(violations)
}

/// Checks the schema only.
pub fn check_shape(
    connection: &Connection,
    schema: &[&str],
) -> Result<Option<Violation>, StoreError> {
    violation(SHAPE, shape::differences(connection, schema))
}

fn run<'a>(
    connection: &Connection,
    checks: impl Iterator<Item = &'a Check>,
) -> Result<Vec<Violation>, StoreError> {
    let mut violations = Vec::new();
    for check in checks {
        violations.extend(violation(check.name, check.examples(connection))?);
    }
    Ok(violations)
}

/// The violation that a check has found, if any.
fn violation(
    name: &'static str,
    found: Result<Vec<String>, StoreError>,
) -> Result<Option<Violation>, StoreError> {
    let mut examples = match found {
        Err(StoreError::Busy) => return Err(StoreError::Busy),
        // Damage can stop a check; then that is its finding.
        Err(error) => vec![format!("it cannot be told, {error}")],
        Ok(examples) => examples,
    };
    let has_more = examples.len() > MAX_EXAMPLES;
    examples.truncate(MAX_EXAMPLES);
    Ok((!examples.is_empty()).then_some(Violation {
        name,
        examples,
        has_more,
    }))
}
