//! `did`: DIDs and the steps of their life.

use std::path::PathBuf;

use crate::ambient::Ambient;
use crate::command::arguments::{Window, id};
use crate::command::database::{change, look};
use crate::command::did_import;
use crate::command::each::EachDid;
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::did_life::{self, Step};
use crate::service::guard::access::Actor;
use crate::service::{self, did_lists, did_steps, dids as rules, users};
use crate::store::WriteTx;
use crate::store::row::Id;
use crate::store::tables::dids::Did as Row;

/// DIDs: create, import and list them, and take them through their life
///
/// free -> reserved (for a user) -> active (on a trunk, through the API, or on a dial plan) -> closed -> free. A
/// reserved DID can be freed, and an active one taken off. A free or closed one can be terminated, and later freed
/// again.
#[derive(Debug, clap::Args)]
pub struct Did {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Create a free DID
    Create {
        /// Its number: 1 to 15 digits
        number: String,
        /// The id of the provider it comes from
        #[arg(long, value_name = "ID", value_parser = id())]
        provider: Id,
        #[command(flatten)]
        at: DataDir,
    },
    /// Create many DIDs from a CSV file with the header `did,provider_id`: all of them, or none
    Import {
        /// The file, - for standard input
        file: PathBuf,
        /// Try everything, say what would happen, and change nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        at: DataDir,
    },
    /// List DIDs
    List {
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
    /// Take a step with every DID that a filter finds: up to 1000, all of them or none
    Each(EachDid),
    /// Reserve a free DID for a user
    Reserve {
        /// Its number
        number: String,
        /// The user, by id or username
        #[arg(long)]
        user: String,
        #[command(flatten)]
        at: DataDir,
    },
    /// End a reservation: the DID is free again
    Unreserve(Number),
    /// Take an active DID off its device or dial plan: it stays reserved for its user
    Unassign(Number),
    /// Make a closed or terminated DID free
    Free(Number),
    /// Take an active DID out of use; its user keeps it until it is freed
    Close(Number),
    /// Terminate a free or closed DID: nobody has it until it is freed
    Terminate(Number),
}

#[derive(Debug, clap::Args)]
struct Number {
    /// Its number
    number: String,
    #[command(flatten)]
    at: DataDir,
}

const COLUMNS: &[&str] = &[
    "id",
    "did",
    "status",
    "provider_id",
    "owner_id",
    "user_id",
    "device_id",
    "dialplan_id",
    "closed_ms",
];

impl Did {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Create {
                number,
                provider,
                at,
            } => step(&at, ambient, number, move |tx, by, number| {
                rules::create(tx, by, number, Some(provider))
                    .and_then(|id| rules::get(tx, by, id))
                    .map_err(|error| did_import::naming_create(error, number, provider))
            }),
            Verb::Import { file, dry_run, at } => did_import::run(&at, ambient, &file, dry_run),
            Verb::List { window, at } => {
                let rows = look(&at, ambient, |tx, by| {
                    did_lists::list_all(tx, by, window.after(), window.fetch())
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
            Verb::Each(each) => each.run(ambient),
            Verb::Reserve { number, user, at } => {
                step(&at, ambient, number, move |tx, by, number| {
                    let user = users::get_named(tx, by, &user)?;
                    did_steps::reserve(tx, by, number, user.id)
                })
            }
            Verb::Unreserve(did) => take(did, ambient, &did_life::UNRESERVE),
            Verb::Unassign(did) => take(did, ambient, &did_life::UNASSIGN),
            Verb::Free(did) => take(did, ambient, &did_life::FREE),
            Verb::Close(did) => take(did, ambient, &did_life::CLOSE),
            Verb::Terminate(did) => take(did, ambient, &did_life::TERMINATE),
        }
    }
}

/// Takes a step without further input.
fn take(did: Number, ambient: &Ambient, step: &'static Step) -> Result<Report, Fault> {
    self::step(&did.at, ambient, did.number, move |tx, by, number| {
        did_steps::take(tx, by, step, number)
    })
}

/// Takes a DID one step further, and shows its new state.
pub(super) fn step<F>(
    at: &DataDir,
    ambient: &Ambient,
    number: String,
    work: F,
) -> Result<Report, Fault>
where
    F: FnOnce(&WriteTx<'_>, &Actor, &str) -> Result<Row, service::Error> + Send + 'static,
{
    let did = change(at, ambient, move |tx, by| {
        work(tx, by, &number).map_err(|error| naming(error, &number))
    })?;
    let text = match did.user_id {
        Some(user_id) => format!("DID {} is {}, of user {user_id}", did.did, did.status),
        None => format!("DID {} is {}", did.did, did.status),
    };
    let json = serde_json::to_value(&did).expect("a DID is plain values");
    Ok(Report::new(text, &json))
}
