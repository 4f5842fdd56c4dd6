//! `cli`: the calling numbers and domains by which devices are recognised.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::{Window, id};
use crate::command::database::{change, look};
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::clis as rules;
use crate::store::row::Id;

/// CLIs, the calling numbers and domains by which devices are recognised: list and delete them
#[derive(Debug, clap::Args)]
pub struct Clis {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List CLIs
    List {
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
    /// Delete a CLI
    Delete {
        /// The CLI's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        at: DataDir,
    },
}

const COLUMNS: &[&str] = &[
    "id",
    "device_id",
    "number",
    "domain",
    "banned",
    "ivr_id",
    "description",
    "comment",
];

impl Clis {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::List { window, at } => {
                let rows = look(&at, ambient, |tx, by| {
                    rules::list_all(tx, by, window.after(), window.fetch())
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
            Verb::Delete { id, at } => {
                change(&at, ambient, move |tx, by| {
                    rules::delete(tx, by, id).map_err(|error| naming(error, id))
                })?;
                let json = json!({ "id": id, "deleted": true });
                Ok(Report::new(format!("CLI {id} is deleted"), &json))
            }
        }
    }
}
