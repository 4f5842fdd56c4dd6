//! `check`: whether the database is sound.

use crate::command::fault::Fault;
use crate::command::output::Report;
use crate::config::DataDir;
use crate::store::FILE_NAME;
use crate::store::Violation;
use crate::store::file::check::{self, COUNT};
use crate::store::file::{folder, migrate};

/// Check the database, even while a server writes to it: exit code 1 when something is wrong
///
/// Runs SQLite's own checks of the file and of its references, compares the schema with the one that linebook makes,
/// object by object, and then checks linebook's invariants: a DID on a device is active and belongs to its user, PINs
/// are unique, every creation is in the action log, ... Broken ones are printed with examples.
#[derive(Debug, clap::Args)]
pub struct Check {
    #[command(flatten)]
    at: DataDir,
}

const COLUMNS: &[&str] = &["name", "examples", "has_more"];

impl Check {
    pub(super) fn run(self) -> Result<Report, Fault> {
        let violations = self.violations()?;
        let count = violations.len();
        if count == 0 {
            return Ok(Report::line(format!("all {COUNT} checks hold")));
        }
        let text = match count {
            1 => "a check does not hold: stop writing, and restore the last good backup".into(),
            _ => format!(
                "{count} checks do not hold: stop writing, and restore the last good backup"
            ),
        };
        Err(Fault::Partly(Report::table(COLUMNS, &violations), text))
    }

    fn violations(&self) -> Result<Vec<Violation>, Fault> {
        let data = &self.at.data;
        let _in_use = folder::lock_for_use(data)?;
        let path = data.join(FILE_NAME);
        Ok(check::check(&migrate::look(&path)?)?)
    }
}
