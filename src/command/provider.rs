//! `provider`: the carriers that DIDs come from.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::{Owner, Window};
use crate::command::database::{change, look};
use crate::command::fault::Fault;
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::providers as rules;

/// Providers, the carriers that DIDs come from: add and list them
#[derive(Debug, clap::Args)]
pub struct Provider {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Add a provider
    Add {
        /// Its name
        name: String,
        /// Let resellers put DIDs on it, too
        #[arg(long)]
        common_use: bool,
        #[command(flatten)]
        owner: Owner,
        #[command(flatten)]
        at: DataDir,
    },
    /// List providers
    List {
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
}

const COLUMNS: &[&str] = &["id", "owner_id", "name", "common_use"];

impl Provider {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Add {
                name,
                common_use,
                owner,
                at,
            } => {
                let id = change(&at, ambient, move |tx, by| {
                    let owner_id = owner.id(tx, by)?;
                    rules::create(tx, by, owner_id, &name, common_use)
                        .map_err(|error| owner.naming(error, &name))
                })?;
                Ok(Report::new(
                    format!("provider {id} was added"),
                    &json!({ "id": id }),
                ))
            }
            Verb::List { window, at } => {
                let rows = look(&at, ambient, |tx, by| {
                    rules::list_all(tx, by, window.after(), window.fetch())
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
        }
    }
}
