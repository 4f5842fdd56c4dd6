//! `dialplan`: what can answer a DID instead of a device.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::{Owner, Window, id};
use crate::command::database::{change, look};
use crate::command::did;
use crate::command::fault::Fault;
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::did_steps;
use crate::service::named::DIALPLANS;
use crate::store::row::Id;

/// Dial plans, which answer a DID instead of a device: add, list and assign them
#[derive(Debug, clap::Args)]
pub struct Dialplan {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Add a dial plan
    Add {
        /// Its name
        name: String,
        #[command(flatten)]
        owner: Owner,
        #[command(flatten)]
        at: DataDir,
    },
    /// Assign a reserved DID to a dial plan
    Assign {
        /// The dial plan's id
        #[arg(value_parser = id())]
        id: Id,
        /// The DID's number
        did: String,
        #[command(flatten)]
        at: DataDir,
    },
    /// List dial plans
    List {
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
}

const COLUMNS: &[&str] = &["id", "owner_id", "name"];

impl Dialplan {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Add { name, owner, at } => {
                let id = change(&at, ambient, move |tx, by| {
                    let owner_id = owner.id(tx, by)?;
                    DIALPLANS
                        .create(tx, by, owner_id, &name)
                        .map_err(|error| owner.naming(error, &name))
                })?;
                Ok(Report::new(
                    format!("dial plan {id} was added"),
                    &json!({ "id": id }),
                ))
            }
            Verb::Assign { id, did, at } => did::step(&at, ambient, did, move |tx, by, did| {
                did_steps::assign_to_dialplan(tx, by, did, id)
            }),
            Verb::List { window, at } => {
                let rows = look(&at, ambient, |tx, by| {
                    DIALPLANS.list_all(tx, by, window.after(), window.fetch())
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
        }
    }
}
