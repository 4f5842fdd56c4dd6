//! `provider rule`: how numbers change in calls through a provider.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::{Window, id};
use crate::command::database::{change, look};
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::provider_rules::{self as rules, NewRule};
use crate::store::row::Id;

/// Rules for numbers in calls through a provider
#[derive(Debug, clap::Args)]
pub struct ProviderRule {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Add a rule
    Add {
        /// The provider's id
        #[arg(value_parser = id())]
        provider: Id,
        /// The rule's name
        name: String,
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        at: DataDir,
    },
    /// List a provider's rules
    List {
        /// The provider's id
        #[arg(value_parser = id())]
        provider: Id,
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
    /// Delete a rule
    Delete {
        /// The rule's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        at: DataDir,
    },
}

#[derive(Debug, clap::Args)]
struct What {
    /// What numbers lose from their beginning
    #[arg(long, value_name = "DIGITS")]
    cut: Option<String>,
    /// What they get in front instead
    #[arg(long, value_name = "DIGITS")]
    add: Option<String>,
    /// The least digits of the numbers that it is for [default: 1]
    #[arg(long, value_name = "N")]
    min: Option<String>,
    /// The most digits of the numbers that it is for [default: 100]
    #[arg(long, value_name = "N")]
    max: Option<String>,
    /// Change the caller's number, and not the called one
    #[arg(long)]
    source: bool,
    /// What called numbers get behind them
    #[arg(long, value_name = "DIGITS")]
    suffix: Option<String>,
    /// Set the P-Asserted-Identity, too
    #[arg(long)]
    set_pai: bool,
    /// Change the caller's name, too
    #[arg(long)]
    change_name: bool,
}

impl What {
    fn named(self, name: String) -> NewRule {
        let on = |is_on: bool| is_on.then(|| "1".to_owned());
        NewRule {
            name,
            cut: self.cut,
            add: self.add,
            min_length: self.min,
            max_length: self.max,
            applies_to: self.source.then(|| "src".into()),
            tariff_id: None,
            sets_pai: on(self.set_pai),
            suffix: self.suffix,
            changes_name: on(self.change_name),
        }
    }
}

const COLUMNS: &[&str] = &[
    "id",
    "name",
    "cut",
    "prefix",
    "min_length",
    "max_length",
    "applies_to",
    "suffix",
    "sets_pai",
    "changes_name",
];

impl ProviderRule {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Add {
                provider,
                name,
                what,
                at,
            } => {
                let new = what.named(name);
                let id = change(&at, ambient, move |tx, by| {
                    rules::create(tx, by, Some(provider), &new)
                })?;
                let json = json!({ "id": id, "provider_id": provider });
                Ok(Report::new(format!("rule {id} was added"), &json))
            }
            Verb::List {
                provider,
                window,
                at,
            } => {
                let rows = look(&at, ambient, |tx, by| {
                    rules::list(tx, by, Some(provider), window.after(), window.fetch())
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
            Verb::Delete { id, at } => {
                change(&at, ambient, move |tx, by| {
                    rules::delete(tx, by, Some(id)).map_err(|error| naming(error, id))
                })?;
                Ok(Report::new(
                    format!("rule {id} is deleted"),
                    &json!({ "id": id, "deleted": true }),
                ))
            }
        }
    }
}
