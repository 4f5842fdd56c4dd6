//! `dialplan`: what can answer a DID instead of a device.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::{Owner, Window, id, one_of};
use crate::command::database::{change, look};
use crate::command::did;
use crate::command::fault::Fault;
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::dialplans::{self, Period};
use crate::service::did_steps;
use crate::store::row::Id;
use crate::store::tables::dialplans::DialplanKind;

/// Dial plans, which answer a DID instead of a device: add, list and assign them, and say when they are for
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
        /// What it does with a call: a voice menu, or each user's own number
        #[arg(long, value_name = "KIND", default_value_t = DialplanKind::Ivr, value_parser = one_of(DialplanKind::ALL.iter().copied()))]
        kind: DialplanKind,
        #[command(flatten)]
        owner: Owner,
        #[command(flatten)]
        at: DataDir,
    },
    /// Set the time periods that a dial plan is for
    Periods {
        /// The dial plan's id
        #[arg(value_parser = id())]
        id: Id,
        /// The periods' ids, up to three; none: it is for no period
        #[arg(value_parser = id(), num_args = 0..=3)]
        periods: Vec<Id>,
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

const COLUMNS: &[&str] = &[
    "id",
    "owner_id",
    "name",
    "kind",
    "time_period1_id",
    "time_period2_id",
    "time_period3_id",
];

impl Dialplan {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Add {
                name,
                kind,
                owner,
                at,
            } => {
                let id = change(&at, ambient, move |tx, by| {
                    let owner_id = owner.id(tx, by)?;
                    dialplans::create(tx, by, owner_id, &name, kind.as_str())
                        .map_err(|error| owner.naming(error, &name))
                })?;
                Ok(Report::new(
                    format!("dial plan {id} was added"),
                    &json!({ "id": id }),
                ))
            }
            Verb::Periods { id, periods, at } => {
                let mut all = [Period::Cleared; 3];
                for (place, period) in periods.iter().enumerate() {
                    all[place] = Period::Set(Some(*period));
                }
                change(&at, ambient, move |tx, by| {
                    dialplans::set_periods(tx, by, Some(id), all)
                })?;
                let json = json!({ "id": id, "periods": periods });
                Ok(Report::new(format!("dial plan {id} was saved"), &json))
            }
            Verb::Assign { id, did, at } => did::step(&at, ambient, did, move |tx, by, did| {
                did_steps::assign_to_dialplan(tx, by, did, id)
            }),
            Verb::List { window, at } => {
                let rows = look(&at, ambient, |tx, by| {
                    dialplans::list_all(tx, by, window.after(), window.fetch())
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
        }
    }
}
