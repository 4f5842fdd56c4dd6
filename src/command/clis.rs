//! `cli`: the calling numbers and domains that identify devices.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::{Window, id};
use crate::command::database::{change, look};
use crate::command::fault::Fault;
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::clis::{self as rules, Named};
use crate::service::users;
use crate::store::row::Id;

/// CLIs, the calling numbers and domains that identify devices: find, list and delete them
#[derive(Debug, clap::Args)]
pub struct Clis {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List CLIs
    List {
        /// Only those on this device
        #[arg(long, value_name = "ID", value_parser = id())]
        device: Option<Id>,
        /// Only this user's, by id or username
        #[arg(long)]
        user: Option<String>,
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
    /// Find the device that a number or a domain stands for
    Find {
        #[command(flatten)]
        searched: Searched,
        #[command(flatten)]
        at: DataDir,
    },
    /// Delete a CLI, by its id, its number or its domain
    Delete {
        #[command(flatten)]
        names: Names,
        #[command(flatten)]
        at: DataDir,
    },
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Searched {
    /// The number
    #[arg(long)]
    number: Option<String>,
    /// The domain
    #[arg(long)]
    domain: Option<String>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Names {
    /// The CLI's id
    #[arg(value_parser = id())]
    id: Option<Id>,
    /// Its number
    #[arg(long)]
    number: Option<String>,
    /// Its domain
    #[arg(long)]
    domain: Option<String>,
}

impl Names {
    fn named(&self) -> Named<'_> {
        Named {
            id: self.id,
            number: self.number.as_deref(),
            domain: self.domain.as_deref(),
        }
    }
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
            Verb::List {
                device: None,
                user: None,
                window,
                at,
            } => {
                let rows = look(&at, ambient, |tx, by| {
                    rules::list_all(tx, by, window.after(), window.fetch())
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
            Verb::List {
                device,
                user,
                window,
                at,
            } => {
                let rows = look(&at, ambient, |tx, by| {
                    let user = user.map(|name| users::get_named(tx, by, &name));
                    let user = user.transpose()?.map(|user| Some(user.id));
                    let (after, limit) = (window.after(), window.fetch());
                    rules::list_of(tx, by, device.map(Some), user, after, limit)
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
            Verb::Find { searched, at } => {
                let (number, domain) = (searched.number.as_deref(), searched.domain.as_deref());
                let device = look(&at, ambient, |tx, by| {
                    rules::device_of(tx, by, number, domain)
                })?;
                let text = format!("device {} of user {}", device.id, device.user_id);
                let json = json!({ "device_id": device.id, "user_id": device.user_id });
                Ok(Report::new(text, &json))
            }
            Verb::Delete { names, at } => {
                let cli = change(&at, ambient, move |tx, by| {
                    rules::delete(tx, by, names.named())
                })?;
                let json = json!({ "id": cli.id, "deleted": true });
                Ok(Report::new(format!("CLI {} is deleted", cli.id), &json))
            }
        }
    }
}
