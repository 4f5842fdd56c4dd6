//! `log`: who changed what.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::ambient::Ambient;
use crate::command::arguments::{DEFAULT_ROWS, id, row_count};
use crate::command::database::look;
use crate::command::fault::Fault;
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::log;
use crate::store::row::Id;
use crate::store::tables::action_log::{Entry, Through};

/// The action log: who changed what, newest first
#[derive(Debug, clap::Args)]
pub struct Log {
    /// Print this many rows at most
    #[arg(long, value_name = "N", default_value_t = DEFAULT_ROWS, value_parser = row_count())]
    limit: u32,

    /// Print only rows with ids below this one
    #[arg(long, value_name = "ID", value_parser = id())]
    before: Option<Id>,

    #[command(flatten)]
    at: DataDir,
}

const COLUMNS: &[&str] = &[
    "id",
    "at_ms",
    "actor",
    "through",
    "address",
    "action",
    "object_id",
    "before",
    "after",
];

/// An entry whose changed fields are JSON themselves, not text that holds JSON.
#[derive(Serialize)]
struct Row {
    id: Id,
    at_ms: i64,
    actor_id: Option<Id>,
    actor: String,
    through: Through,
    address: Option<String>,
    request_id: Option<String>,
    action: String,
    object_id: Option<Id>,
    before: Option<Box<RawValue>>,
    after: Option<Box<RawValue>>,
}

impl From<(Id, Entry)> for Row {
    fn from((id, entry): (Id, Entry)) -> Self {
        // The schema checks that it is JSON.
        let raw = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        Self {
            id,
            at_ms: entry.at_ms,
            actor_id: entry.actor_id,
            actor: entry.actor,
            through: entry.through,
            address: entry.address,
            request_id: entry.request_id,
            action: entry.action,
            object_id: entry.object_id,
            before: raw(entry.before),
            after: raw(entry.after),
        }
    }
}

impl Log {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        let before = self.before.unwrap_or(Id::MAX);
        let entries = look(&self.at, ambient, |tx, by| {
            log::list_all(tx, by, before, self.limit + 1)
        })?;
        let rows: Vec<Row> = entries.into_iter().map(Row::from).collect();
        Ok(Report::part(COLUMNS, rows, self.limit, "--before"))
    }
}
