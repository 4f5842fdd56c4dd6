//! `device`: phones, gateways and trunks.

use serde_json::{Map, Value, json};

use crate::ambient::Ambient;
use crate::command::arguments::{Window, id};
use crate::command::database::{change, look};
use crate::command::device_rule;
use crate::command::each::EachDevice;
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::config::DataDir;
use crate::device_options::OPTIONS;
use crate::service::device_update::{self, Change, FIELDS};
use crate::service::{device_delete, device_details, devices as rules, users};
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
    /// Show a device with its options, without its secret and PIN
    Show {
        /// The device's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        at: DataDir,
    },
    /// Change a device: fields and options by the names of device_update's parameters
    Set {
        /// The device's id
        #[arg(value_parser = id())]
        id: Id,
        /// What to change; a blank value clears or gives the default
        #[arg(required = true, value_name = "NAME=VALUE")]
        changes: Vec<String>,
        #[command(flatten)]
        at: DataDir,
    },
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
    /// Delete a device for good: its DIDs stay reserved, its CLIs are deleted, its numbers are free again
    #[command(visible_alias = "hide")]
    Delete {
        /// The device's id
        #[arg(value_parser = id())]
        id: Id,
        /// Only say what would go
        #[arg(long)]
        preview: bool,
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
            Verb::Set { id, changes, at } => set(id, &changes, &at, ambient),
            Verb::Block { id, at } => block(id, true, &at, ambient),
            Verb::Unblock { id, at } => block(id, false, &at, ambient),
            Verb::Delete {
                id,
                preview: true,
                at,
            } => preview(id, &at, ambient),
            Verb::Delete { id, at, .. } => {
                change(&at, ambient, move |tx, by| {
                    device_delete::remove(tx, by, Some(id)).map_err(|error| naming(error, id))
                })?;
                let json = json!({ "id": id, "deleted": true });
                Ok(Report::new(format!("device {id} is deleted"), &json))
            }
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

fn set(id: Id, changes: &[String], at: &DataDir, ambient: &Ambient) -> Result<Report, Fault> {
    let mut wanted = Change::default();
    // Whoever types a blank value means it.
    wanted.set("allow_empty_callerid", "1");
    for pair in changes {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !pair.contains('=') || !wanted.set(name, value) {
            let known = FIELDS.iter().copied();
            let options = OPTIONS.iter().map(|option| option.name);
            let known: Vec<&str> = known.chain(options).collect();
            return Err(Fault::Said(format!(
                "{pair} is not NAME=VALUE with one of these names: {}",
                known.join(", ")
            )));
        }
    }
    change(at, ambient, move |tx, by| {
        device_update::update(tx, by, Some(id), &wanted).map_err(|error| naming(error, id))
    })?;
    let json = json!({ "id": id, "changed": true });
    Ok(Report::new(format!("device {id} is as asked"), &json))
}

fn block(id: Id, blocks: bool, at: &DataDir, ambient: &Ambient) -> Result<Report, Fault> {
    change(at, ambient, move |tx, by| {
        device_update::set_blocked(tx, by, id, blocks).map_err(|error| naming(error, id))
    })?;
    let state = if blocks { "blocked" } else { "not blocked" };
    let json = json!({ "id": id, "blocked": blocks });
    Ok(Report::new(format!("device {id} is {state}"), &json))
}

fn preview(id: Id, at: &DataDir, ambient: &Ambient) -> Result<Report, Fault> {
    let goes = look(at, ambient, |tx, by| {
        device_delete::preview(tx, by, id).map_err(|error| naming(error, id))
    })?;
    let dids: Vec<&str> = goes.dids.iter().map(|did| did.did.as_str()).collect();
    let clis = goes.clis.iter();
    let clis = clis.map(|cli| cli.number.as_deref().or(cli.domain.as_deref()));
    let clis: Vec<&str> = clis.flatten().collect();
    let text = format!(
        "device {id} would be deleted; DIDs that stay reserved: {}; CLIs that are deleted: {}; options: {}; fax addresses: {}",
        listed(&dids),
        listed(&clis),
        goes.options,
        goes.fax_emails
    );
    let json = json!({
        "id": id, "dids": dids, "clis": clis, "options": goes.options, "fax_emails": goes.fax_emails,
    });
    Ok(Report::new(text, &json))
}

fn listed(names: &[&str]) -> String {
    match names.is_empty() {
        true => "none".into(),
        false => names.join(", "),
    }
}
