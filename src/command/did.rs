//! `did`: DIDs and the steps of their life.

use std::path::PathBuf;

use crate::ambient::Ambient;
use crate::command::arguments::{Window, id, one_of};
use crate::command::database::{change, look};
use crate::command::did_import;
use crate::command::each::EachDid;
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::did_details::Edit;
use crate::service::did_life::{self, Step};
use crate::service::did_search::Search;
use crate::service::guard::access::Actor;
use crate::service::{self, did_details, did_search, did_steps, dids as rules, users};
use crate::store::row::Id;
use crate::store::tables::dids::{Did as Row, DidStatus};
use crate::store::{ReadTx, WriteTx};

/// DIDs: create, import and list them, and take them through their life
///
/// free -> reserved (for a user) -> active (on a trunk, through the API, or on a dial plan) -> closed -> free. A
/// reserved DID can be freed, and an active one taken off. A free or closed one can be terminated, and then freed again
/// or deleted. A reseller has admin's DIDs on loan.
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
    /// List DIDs: all, or those that match everything asked for
    List {
        #[command(flatten)]
        wanted: Box<Wanted>,
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
    /// Take a step with every DID that a filter finds, whoever's: up to 1000, all of them or none
    Each(EachDid),
    /// Show one DID
    Show(Number),
    /// Change how a DID is used; what is not given stays as it is
    Set {
        /// Its number
        number: String,
        #[command(flatten)]
        details: Box<Details>,
        #[command(flatten)]
        at: DataDir,
    },
    /// Assign a free or reserved DID to a device
    Assign {
        /// Its number
        number: String,
        /// The id of the device
        #[arg(long, value_name = "ID", value_parser = id())]
        device: Id,
        #[command(flatten)]
        at: DataDir,
    },
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
    /// Reserve a closed DID for its user again
    Reopen(Number),
    /// Free an active DID at once: it leaves its device or dial plan, and its user loses it
    Release(Number),
    /// Take a lent DID back, free or reserved for its reseller: it is admin's free stock again
    TakeBack(Number),
    /// Terminate a free or closed DID: nobody has it until it is freed
    Terminate(Number),
    /// Delete a terminated DID, so that its number can be created again
    Delete(Number),
}

/// What a list of DIDs looks for.
#[derive(Debug, clap::Args)]
struct Wanted {
    /// A part of the number; % stands for any digits, _ for one
    #[arg(long, value_name = "PART")]
    number: Option<String>,
    /// In this state
    #[arg(long, value_parser = one_of(DidStatus::ALL.iter().copied()))]
    status: Option<DidStatus>,
    /// A part of the name of who has it
    #[arg(long, value_name = "PART")]
    owner: Option<String>,
    /// Of this user, or in this reseller's scope, by id or username
    #[arg(long)]
    user: Option<String>,
    /// On the device with this id
    #[arg(long, value_name = "ID", value_parser = id())]
    device: Option<Id>,
    /// On the dial plan with this id
    #[arg(long, value_name = "ID", value_parser = id())]
    dialplan: Option<Id>,
    /// From the provider with this id
    #[arg(long, value_name = "ID", value_parser = id())]
    provider: Option<Id>,
    /// In this language
    #[arg(long)]
    language: Option<String>,
    /// Leave terminated ones out
    #[arg(long)]
    hide_terminated: bool,
}

/// New details of a DID.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Details {
    /// Calls at once; 0: any number
    #[arg(long, value_name = "CALLS", allow_negative_numbers = true)]
    call_limit: Option<String>,
    /// From when on it answers, in seconds since 1970 (UTC); 0: from the beginning
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    active_from: Option<String>,
    /// Until when it answers, in seconds since 1970 (UTC); 0: for ever
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    active_till: Option<String>,
    /// Calls of this many seconds or fewer cost nothing
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    grace_time: Option<String>,
    /// Two letters, or nothing
    #[arg(long)]
    language: Option<String>,
    /// Two letters, or nothing
    #[arg(long)]
    tone_zone: Option<String>,
    /// The id of the provider it comes from
    #[arg(long, value_name = "ID", value_parser = id())]
    provider: Option<Id>,
    /// `Name: value`, or nothing
    #[arg(long, value_name = "HEADER")]
    custom_sip_header: Option<String>,
    /// What admin notes
    #[arg(long)]
    comment: Option<String>,
    /// What its reseller notes
    #[arg(long)]
    reseller_comment: Option<String>,
}

impl Wanted {
    /// The search, with users by id.
    fn search(self, tx: &ReadTx<'_>, by: &Actor) -> Result<Search, service::Error> {
        let user = self.user.map(|name| users::get_named(tx, by, &name));
        Ok(Search {
            number: self.number,
            status: self.status.map(|status| status.to_string()),
            owner_name: self.owner,
            user_id: user.transpose()?.map(|user| Some(user.id)),
            device_id: self.device.map(Some),
            dialplan_id: self.dialplan.map(Some),
            provider_id: self.provider.map(Some),
            language: self.language,
            is_hiding_terminated: self.hide_terminated,
            skip: 0,
            limit: None,
        })
    }
}

impl Details {
    fn edit(self) -> Edit {
        Edit {
            call_limit: self.call_limit,
            active_from: self.active_from,
            active_till: self.active_till,
            grace_time: self.grace_time,
            language: self.language,
            tone_zone: self.tone_zone,
            provider_id: self.provider.map(Some),
            custom_sip_header: self.custom_sip_header,
            comment: self.comment,
            reseller_comment: self.reseller_comment,
        }
    }
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
    "lent_by_id",
    "call_limit",
    "grace_time_s",
    "language",
    "tone_zone",
    "active_from_ms",
    "active_till_ms",
    "custom_sip_header",
    "comment",
    "reseller_comment",
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
            Verb::List { wanted, window, at } => {
                let rows = look(&at, ambient, |tx, by| {
                    let search = wanted.search(tx, by)?;
                    did_search::list(tx, by, &search, window.after(), window.fetch())
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
            Verb::Reopen(did) => take(did, ambient, &did_life::REOPEN),
            Verb::Release(did) => take(did, ambient, &did_life::RELEASE),
            Verb::TakeBack(did) => take(did, ambient, &did_life::TAKE_BACK),
            Verb::Terminate(did) => take(did, ambient, &did_life::TERMINATE),
            Verb::Show(Number { number, at }) => {
                let did = look(&at, ambient, |tx, by| {
                    rules::get_numbered(tx, by, &number).map_err(|error| naming(error, &number))
                })?;
                Ok(Report::table(COLUMNS, &[did]))
            }
            Verb::Set {
                number,
                details,
                at,
            } => step(&at, ambient, number, move |tx, by, number| {
                let provider = details.provider.unwrap_or_default();
                let updated = did_details::update(tx, by, number, None, details.edit());
                updated.map_err(|error| did_import::naming_create(error, number, provider))
            }),
            Verb::Assign { number, device, at } => {
                step(&at, ambient, number, move |tx, by, number| {
                    did_steps::assign_to_device(tx, by, number, device)
                })
            }
            Verb::Delete(Number { number, at }) => {
                let did = change(&at, ambient, move |tx, by| {
                    let deleted = did_details::delete(tx, by, number.as_str());
                    deleted.map_err(|error| naming(error, &number))
                })?;
                let json = serde_json::to_value(&did).expect("a DID is plain values");
                Ok(Report::new(format!("DID {} was deleted", did.did), &json))
            }
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
