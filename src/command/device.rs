//! `device`: phones, gateways and trunks.

use serde_json::{Map, Value, json};

use crate::ambient::Ambient;
use crate::command::arguments::{Window, id};
use crate::command::database::{change, look};
use crate::command::device_delete::Delete;
use crate::command::device_rule;
use crate::command::device_set::Set;
use crate::command::each::EachDevice;
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::{device_details, device_update, devices as rules, users};
use crate::store::row::Id;

/// Devices: list, show and change them, make them trunks, block and delete them
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
    /// Block or unblock every device that a filter finds, whoever's: up to 1000, all of them or none
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
    /// Show a device with its options, without its secret and PIN
    Show {
        /// The device's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        at: DataDir,
    },
    Set(Set),
    /// Block a device: it neither calls nor is called, and keeps everything
    Block {
        /// The device's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        at: DataDir,
    },
    /// Take the block off a device
    Unblock {
        /// The device's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        at: DataDir,
    },
    #[command(visible_alias = "hide")]
    Delete(Delete),
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
    "blocked_ms",
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
                        rules::list_of_user(
                            tx,
                            by,
                            Some(user.id),
                            true,
                            window.after(),
                            window.fetch(),
                        )
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
            Verb::Show { id, at } => show(id, &at, ambient),
            Verb::Set(set) => set.run(ambient),
            Verb::Block { id, at } => block(id, true, &at, ambient),
            Verb::Unblock { id, at } => block(id, false, &at, ambient),
            Verb::Delete(delete) => delete.run(ambient),
        }
    }
}

fn show(id: Id, at: &DataDir, ambient: &Ambient) -> Result<Report, Fault> {
    let details = look(at, ambient, |tx, by| {
        device_details::get(tx, by, Some(id)).map_err(|error| naming(error, id))
    })?;
    let mut fields = json!(details.device);
    fields["pin"] = details.device.pin.is_some().into();
    fields["fax_emails"] = json!(details.fax_emails);
    let own = details.options.own();
    let own: Map<String, Value> = own
        .map(|(option, value)| (option.name.into(), value.into()))
        .collect();
    fields["options"] = own.into();
    let lines = fields.as_object().into_iter().flatten();
    let lines: Vec<String> = lines
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name}: {text}"),
            other => format!("{name}: {other}"),
        })
        .collect();
    Ok(Report::new(lines.join("\n"), &fields))
}

fn block(id: Id, blocks: bool, at: &DataDir, ambient: &Ambient) -> Result<Report, Fault> {
    change(at, ambient, move |tx, by| {
        device_update::set_blocked(tx, by, id, blocks).map_err(|error| naming(error, id))
    })?;
    let state = if blocks { "blocked" } else { "not blocked" };
    let json = json!({ "id": id, "blocked": blocks });
    Ok(Report::new(format!("device {id} is {state}"), &json))
}
