//! `ivr`: the voice menus that a CLI's calls can go to.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::{Owner, Window};
use crate::command::database::{change, look};
use crate::command::fault::Fault;
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::named::IVRS;

/// IVRs, the voice menus that a CLI's calls can go to: add and list them
#[derive(Debug, clap::Args)]
pub struct Ivr {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Add an IVR
    Add {
        /// Its name
        name: String,
        #[command(flatten)]
        owner: Owner,
        #[command(flatten)]
        at: DataDir,
    },
    /// List IVRs
    List {
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
}

const COLUMNS: &[&str] = &["id", "owner_id", "name"];

impl Ivr {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Add { name, owner, at } => {
                let id = change(&at, ambient, move |tx, by| {
                    let owner_id = owner.id(tx, by)?;
                    IVRS.create(tx, by, owner_id, &name)
                        .map_err(|error| owner.naming(error, &name))
                })?;
                Ok(Report::new(
                    format!("IVR {id} was added"),
                    &json!({ "id": id }),
                ))
            }
            Verb::List { window, at } => {
                let rows = look(&at, ambient, |tx, by| {
                    IVRS.list_all(tx, by, window.after(), window.fetch())
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
        }
    }
}
