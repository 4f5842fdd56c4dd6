//! `device rule`: how the numbers of a device's calls are rewritten.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::id;
use crate::command::database::{change, look};
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::device_rules::{self, MAX_RULES, NewRule};
use crate::store::row::Id;

/// Device rules, which rewrite the numbers of calls that reach a device through a DID: add, list and delete them
#[derive(Debug, clap::Args)]
pub struct DeviceRule {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Add a rule to a device
    Add {
        /// The device's id
        #[arg(value_parser = id())]
        id: Id,
        /// What people call the rule
        name: String,
        /// Take this off the beginning of a number
        #[arg(long, default_value = "")]
        cut: String,
        /// Put this there
        #[arg(long, default_value = "")]
        add: String,
        /// The shortest number that it is for [default: 1]
        #[arg(long)]
        min: Option<String>,
        /// The longest one [default: 100]
        #[arg(long)]
        max: Option<String>,
        /// Rewrite the caller's number (src) or the called one (dst) [default: dst]
        #[arg(long = "for", value_name = "NUMBER")]
        applies_to: Option<String>,
        /// Rewrite the caller's name, too
        #[arg(long)]
        with_name: bool,
        #[command(flatten)]
        at: DataDir,
    },
    /// List the rules of a device
    List {
        /// The device's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        at: DataDir,
    },
    /// Delete a rule
    Delete {
        /// The rule's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        at: DataDir,
    },
}

const COLUMNS: &[&str] = &[
    "id",
    "name",
    "cut",
    "prefix",
    "min_length",
    "max_length",
    "applies_to",
    "changes_name",
];

impl DeviceRule {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Add {
                id,
                name,
                cut,
                add,
                min,
                max,
                applies_to,
                with_name,
                at,
            } => {
                let new = NewRule {
                    device_id: Some(id),
                    name,
                    cut,
                    prefix: add,
                    min_length: min,
                    max_length: max,
                    applies_to,
                    changes_name: with_name.then(|| "1".into()),
                };
                let id = change(&at, ambient, move |tx, by| {
                    device_rules::create(tx, by, new)
                })?;
                let json = json!({ "id": id });
                Ok(Report::new(format!("rule {id} was added"), &json))
            }
            Verb::List { id, at } => {
                let rules = look(&at, ambient, |tx, by| {
                    device_rules::list_on(tx, by, id).map_err(|error| naming(error, id))
                })?;
                Ok(Report::list(COLUMNS, rules, MAX_RULES))
            }
            Verb::Delete { id, at } => {
                change(&at, ambient, move |tx, by| {
                    device_rules::delete(tx, by, Some(id)).map_err(|error| naming(error, id))
                })?;
                let json = json!({ "id": id, "deleted": true });
                Ok(Report::new(format!("rule {id} was deleted"), &json))
            }
        }
    }
}
