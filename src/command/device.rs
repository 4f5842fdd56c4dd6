//! `device`: phones, gateways and trunks.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::{Window, id};
use crate::command::database::{change, look};
use crate::command::device_rule;
use crate::command::each::EachDevice;
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::{device_delete, devices as rules, users};
use crate::store::row::Id;

/// Devices: list them, make them trunks, hide them
#[derive(Debug, clap::Args)]
pub struct Device {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Rule(device_rule::DeviceRule),
    /// List devices, without their secrets
    List {
        /// Only this user's devices, by id or username
        #[arg(long)]
        user: Option<String>,
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
    /// Block or unblock every device that a filter finds: up to 1000, all of them or none
    Each(EachDevice),
    /// Make a device a trunk, so that DIDs can be assigned to it, or an ordinary one again
    Trunk {
        /// The device's id
        #[arg(value_parser = id())]
        id: Id,
        /// Make it an ordinary one
        #[arg(long)]
        off: bool,
        #[command(flatten)]
        at: DataDir,
    },
    /// Hide a device for good: nothing finds it any more, and its PIN is free again
    Hide {
        /// The device's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        at: DataDir,
    },
}

const COLUMNS: &[&str] = &[
    "id",
    "user_id",
    "device_group_id",
    "type",
    "extension",
    "username",
    "pin",
    "caller_id",
    "ipaddr",
    "port",
    "is_trunk",
    "description",
];

impl Device {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Rule(verb) => verb.run(ambient),
            Verb::List { user, window, at } => {
                let rows = look(&at, ambient, |tx, by| match &user {
                    None => rules::list_all(tx, by, window.after(), window.fetch()),
                    Some(name) => {
                        let user = users::get_named(tx, by, name)?;
                        rules::list_of_user(tx, by, Some(user.id), window.after(), window.fetch())
                    }
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
            Verb::Each(each) => each.run(ambient),
            Verb::Trunk { id, off, at } => {
                change(&at, ambient, move |tx, by| {
                    rules::set_trunk(tx, by, id, !off).map_err(|error| naming(error, id))
                })?;
                let state = if off { "not a trunk" } else { "a trunk" };
                let json = json!({ "id": id, "is_trunk": !off });
                Ok(Report::new(format!("device {id} is {state}"), &json))
            }
            Verb::Hide { id, at } => {
                change(&at, ambient, move |tx, by| {
                    device_delete::remove(tx, by, Some(id)).map_err(|error| naming(error, id))
                })?;
                let json = json!({ "id": id, "hidden": true });
                Ok(Report::new(format!("device {id} is hidden"), &json))
            }
        }
    }
}
