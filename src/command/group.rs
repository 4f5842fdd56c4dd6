//! `group`: the groups of a user's devices.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::Window;
use crate::command::database::{change, look};
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::{groups, users};

/// Device groups, which sort a user's devices: add and list them
#[derive(Debug, clap::Args)]
pub struct Group {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Add a device group
    Add {
        /// Its name
        name: String,
        /// The user whose devices it sorts, by id or username
        #[arg(long)]
        user: String,
        #[command(flatten)]
        at: DataDir,
    },
    /// List device groups
    List {
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
}

const COLUMNS: &[&str] = &["id", "user_id", "name", "is_primary"];

impl Group {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Add { name, user, at } => {
                let id = change(&at, ambient, move |tx, by| {
                    let user = users::get_named(tx, by, &user)?;
                    groups::create(tx, by, user.id, &name).map_err(|error| naming(error, &name))
                })?;
                Ok(Report::new(
                    format!("device group {id} was added"),
                    &json!({ "id": id }),
                ))
            }
            Verb::List { window, at } => {
                let rows = look(&at, ambient, |tx, by| {
                    groups::list_all(tx, by, window.after(), window.fetch())
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
        }
    }
}
