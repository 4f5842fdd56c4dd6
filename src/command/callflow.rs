//! `callflow`: what happens to a call for a device before it rings, and when it is not answered, busy or failed.

use serde_json::{Value, json};

use crate::ambient::Ambient;
use crate::command::arguments::id;
use crate::command::database::{change, look};
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::callflows::{self, Branch, EMPTY, Edit};
use crate::store::row::Id;
use crate::store::tables::callflows::{FlowAction, FlowState};

/// Call flows: what happens to a call before a device rings, and when it is not answered, busy or failed
#[derive(Debug, clap::Args)]
pub struct Callflow {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show what happens to a device's calls
    Show {
        /// The device's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        at: DataDir,
    },
    /// Set what happens at one moment
    Set(Box<Set>),
}

/// What happens at one moment.
#[derive(Debug, clap::Args)]
struct Set {
    /// The device's id
    #[arg(value_parser = id())]
    id: Id,
    /// When
    #[arg(value_parser = words(FlowState::ALL.iter().map(|state| state.as_str())))]
    state: String,
    /// What: a forward, faxes to a fax device (before the call only), a message, or nothing
    #[arg(value_parser = words(FlowAction::ALL.iter().map(|action| action.as_str()).chain([EMPTY])))]
    action: String,
    /// Forward to this device
    #[arg(long, value_name = "ID", value_parser = id())]
    to_device: Option<Id>,
    /// Forward to this number
    #[arg(long, value_name = "NUMBER")]
    to_number: Option<String>,
    /// Send faxes to this device
    #[arg(long, value_name = "ID", value_parser = id())]
    fax: Option<Id>,
    /// Show the device's caller ID on a forwarded call, instead of the one it came with
    #[arg(long)]
    device_caller_id: bool,
    /// Show the number of this DID, which is on the device
    #[arg(long, value_name = "ID", value_parser = id())]
    did: Option<Id>,
    /// Show this text
    #[arg(long, value_name = "TEXT")]
    caller_id: Option<String>,
    #[command(flatten)]
    at: DataDir,
}

fn words(words: impl Iterator<Item = &'static str>) -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(words)
}

const COLUMNS: &[&str] = &[
    "state",
    "action",
    "target_id",
    "number",
    "caller_id_from",
    "caller_id",
];

impl Callflow {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Show { id, at } => {
                let flow = look(&at, ambient, |tx, by| {
                    callflows::get(tx, by, Some(id)).map_err(|error| naming(error, id))
                })?;
                let rows: Vec<Value> = FlowState::ALL
                    .iter()
                    .map(|state| row(*state, flow.at(*state)))
                    .collect();
                let count = rows.len() as u32;
                Ok(Report::list(COLUMNS, rows, count))
            }
            Verb::Set(set) => {
                let (id, at) = (set.id, set.at.clone());
                let what = format!("{}: {}", set.state, set.action);
                change(&at, ambient, move |tx, by| {
                    callflows::update(tx, by, &edit(*set))
                })?;
                let json = json!({ "id": id });
                Ok(Report::new(format!("device {id}, {what}"), &json))
            }
        }
    }
}

fn edit(set: Set) -> Edit {
    Edit {
        device_id: Some(set.id),
        state: set.state,
        action: set.action,
        target_ids: set.to_device.map(Some).into_iter().collect(),
        number: set.to_number,
        fax_id: set.fax.map(Some),
        with_device: set.device_caller_id,
        with_source: false,
        did_id: set.did.map(Some),
        custom: set.caller_id,
    }
}

/// A line of the list.
fn row(state: FlowState, branch: Option<&Branch>) -> Value {
    let Some(branch) = branch else {
        return json!({ "state": state, "action": EMPTY });
    };
    let flow = &branch.flow;
    json!({
        "state": state,
        "action": flow.action,
        "target_id": flow.target_id,
        "number": flow.number,
        "caller_id_from": flow.caller_id_from,
        "caller_id": branch.did.as_ref().unwrap_or(&flow.caller_id),
    })
}
