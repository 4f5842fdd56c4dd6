//! `device rule`: how the numbers of a device's calls are rewritten.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::{Window, id};
use crate::command::database::{change, look};
use crate::command::fault::{Fault, naming};
use crate::command::number_rule::NumberRule;
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::device_rules;
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
        device: Id,
        #[command(flatten)]
        rule: NumberRule,
        #[command(flatten)]
        at: DataDir,
    },
    /// List the rules of a device
    List {
        /// The device's id
        #[arg(value_parser = id())]
        device: Id,
        #[command(flatten)]
        window: Window,
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
            Verb::Add { device, rule, at } => {
                let new = rule.sent();
                let id = change(&at, ambient, move |tx, by| {
                    device_rules::create(tx, by, Some(device), &new)
                })?;
                let json = json!({ "id": id, "device_id": device });
                Ok(Report::new(format!("rule {id} was added"), &json))
            }
            Verb::List { device, window, at } => {
                let (after, limit) = (window.after(), window.fetch());
                let rules = look(&at, ambient, |tx, by| {
                    device_rules::list(tx, by, Some(device), after, limit)
                        .map_err(|error| naming(error, device))
                })?;
                Ok(Report::list(COLUMNS, rules, window.limit))
            }
            Verb::Delete { id, at } => {
                change(&at, ambient, move |tx, by| {
                    device_rules::delete(tx, by, Some(id)).map_err(|error| naming(error, id))
                })?;
                let json = json!({ "id": id, "deleted": true });
                Ok(Report::new(format!("rule {id} is deleted"), &json))
            }
        }
    }
}
