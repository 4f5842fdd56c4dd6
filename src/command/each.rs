//! `did each` and `device each`: one action for everything that a filter finds.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::{filled, id, one_of};
use crate::command::database::{change, operate};
use crate::command::fault::Fault;
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::bulk::{self, Bulk, Goal};
use crate::service::did_life::{Asks, STEPS, Step};
use crate::service::guard::access::Actor;
use crate::service::{Error, device_lists, did_lists, users};
use crate::store::WriteTx;
use crate::store::row::Id;
use crate::store::tables::devices::DeviceType;
use crate::store::tables::dids::DidStatus;

/// A step for every DID that the filter finds, whoever's: up to 1000, all of them or none
#[derive(Debug, clap::Args)]
pub struct EachDid {
    /// The step
    #[arg(value_parser = step)]
    step: &'static Step,
    #[command(flatten)]
    found: FoundDids,
    /// The user to reserve them for, by id or username
    #[arg(long, value_name = "USER", value_parser = filled)]
    r#for: Option<String>,
    /// The device to assign them to
    #[arg(long, value_name = "ID", value_parser = id())]
    to_device: Option<Id>,
    /// The dial plan to put them on
    #[arg(long, value_name = "ID", value_parser = id())]
    to_dialplan: Option<Id>,
    /// Try everything, say what would become of each, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    at: DataDir,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct FoundDids {
    /// Those whose number begins with this
    #[arg(long, value_name = "DIGITS", value_parser = filled)]
    begins: Option<String>,
    /// Those in this state
    #[arg(long, value_parser = one_of(DidStatus::ALL.iter().copied()))]
    status: Option<DidStatus>,
    /// Those of this user, by id or username
    #[arg(long, value_parser = filled)]
    user: Option<String>,
    /// Those of this provider
    #[arg(long, value_name = "ID", value_parser = id())]
    provider: Option<Id>,
    /// Those on this device
    #[arg(long, value_name = "ID", value_parser = id())]
    device: Option<Id>,
    /// Those on this dial plan
    #[arg(long, value_name = "ID", value_parser = id())]
    dialplan: Option<Id>,
}

/// Blocks or unblocks every device that the filter finds, whoever's: up to 1000, all of them or none
#[derive(Debug, clap::Args)]
pub struct EachDevice {
    /// block, so that they neither call nor are called, or unblock
    #[arg(value_parser = ["block", "unblock"])]
    action: String,
    #[command(flatten)]
    found: FoundDevices,
    /// Try everything, say what would become of each, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    at: DataDir,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct FoundDevices {
    /// Those whose extension or description begins with this
    #[arg(long, value_name = "TEXT", value_parser = filled)]
    begins: Option<String>,
    /// Those of this user, by id or username
    #[arg(long, value_parser = filled)]
    user: Option<String>,
    /// Those in this group
    #[arg(long, value_name = "ID", value_parser = id())]
    group: Option<Id>,
    /// Those of this type
    #[arg(long, value_parser = one_of(DeviceType::ALL.iter().copied()))]
    r#type: Option<DeviceType>,
}

fn step(name: &str) -> Result<&'static Step, String> {
    let names = || STEPS.map(|step| step.name).join(", ");
    Step::find(name).ok_or_else(|| format!("`{name}` is none of {}", names()))
}

impl EachDid {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        let Self { step, found, .. } = self;
        let missing = match step.asks {
            Asks::User if self.r#for.is_none() => Some("--for"),
            Asks::Device if self.to_device.is_none() => Some("--to-device"),
            Asks::Dialplan if self.to_dialplan.is_none() => Some("--to-dialplan"),
            _ => None,
        };
        if let Some(option) = missing {
            return Err(Fault::Usage(format!("{} needs {option}", step.name)));
        }
        let goal = Goal {
            user: self.r#for.unwrap_or_default(),
            device_id: self.to_device,
            dialplan_id: self.to_dialplan,
        };
        run(&self.at, ambient, self.dry_run, move |tx, by| {
            let user = found.user.map(|name| users::get_named(tx, by, &name));
            let filter = did_lists::Filter {
                start: found.begins.unwrap_or_default(),
                status: found.status,
                provider_id: found.provider,
                user_id: user.transpose()?.map(|user| user.id),
                device_id: found.device,
                dialplan_id: found.dialplan,
                ..did_lists::Filter::default()
            };
            Ok(Bulk::Dids(Box::new(filter), step, goal))
        })
    }
}

impl EachDevice {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        let (found, blocks) = (self.found, self.action == "block");
        run(&self.at, ambient, self.dry_run, move |tx, by| {
            let user = found.user.map(|name| users::get_named(tx, by, &name));
            let filter = device_lists::Filter {
                search: found.begins.unwrap_or_default(),
                user_id: user.transpose()?.map(|user| user.id),
                device_group_id: found.group,
                device_type: found.r#type,
                ..device_lists::Filter::default()
            };
            Ok(Bulk::Devices(Box::new(filter), blocks))
        })
    }
}

fn run<F>(at: &DataDir, ambient: &Ambient, dry_run: bool, find: F) -> Result<Report, Fault>
where
    F: FnOnce(&WriteTx<'_>, &Actor) -> Result<Bulk, Error> + Send + 'static,
{
    let tried = match dry_run {
        false => change(at, ambient, move |tx, by| {
            bulk::perform(tx, by, &find(tx, by)?, None)
        })?,
        true => {
            let undone = operate(at, ambient, move |tx, by| {
                bulk::preview(tx, by, &find(tx, by)?)
            })?;
            match undone {
                Ok(never) => match never {},
                Err(undo) => undo.tried()?,
            }
        }
    };
    let (count, problems) = (tried.outcomes.len(), tried.problems());
    if !dry_run {
        let json = json!({ "changed": count });
        return Ok(Report::new(format!("it was done to {count}"), &json));
    }
    let report = Report::table(COLUMNS, &tried.outcomes);
    match problems {
        0 => Ok(report),
        _ => Err(Fault::Partly(
            report,
            format!("it cannot be done to {problems} of {count}, so nothing would be"),
        )),
    }
}

const COLUMNS: &[&str] = &["id", "name", "before", "after", "problem"];
