//! `provider rule`: how the numbers of calls through a provider are rewritten.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::{Window, id};
use crate::command::database::{change, look};
use crate::command::fault::{Fault, naming};
use crate::command::number_rule::NumberRule;
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::provider_rules::{self, NewRule};
use crate::store::row::Id;

/// Provider rules, which rewrite the numbers of calls through a provider: add, list and delete them
#[derive(Debug, clap::Args)]
pub struct ProviderRule {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Add a rule to a provider
    Add {
        /// The provider's id
        #[arg(value_parser = id())]
        provider: Id,
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        at: DataDir,
    },
    /// List the rules of a provider
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
    #[command(flatten)]
    number: NumberRule,
    /// Put this behind called numbers
    #[arg(long)]
    suffix: Option<String>,
    /// Set the P-Asserted-Identity, too
    #[arg(long)]
    with_pai: bool,
}

impl What {
    fn sent(self) -> NewRule {
        NewRule {
            number: self.number.sent(),
            tariff_id: None,
            sets_pai: self.with_pai.then(|| "1".into()),
            suffix: self.suffix,
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
            Verb::Add { provider, what, at } => {
                let new = what.sent();
                let id = change(&at, ambient, move |tx, by| {
                    provider_rules::create(tx, by, Some(provider), &new)
                })?;
                let json = json!({ "id": id, "provider_id": provider });
                Ok(Report::new(format!("rule {id} was added"), &json))
            }
            Verb::List {
                provider,
                window,
                at,
            } => {
                let (after, limit) = (window.after(), window.fetch());
                let rules = look(&at, ambient, |tx, by| {
                    provider_rules::list(tx, by, Some(provider), after, limit)
                })?;
                Ok(Report::list(COLUMNS, rules, window.limit))
            }
            Verb::Delete { id, at } => {
                change(&at, ambient, move |tx, by| {
                    provider_rules::delete(tx, by, Some(id)).map_err(|error| naming(error, id))
                })?;
                let json = json!({ "id": id, "deleted": true });
                Ok(Report::new(format!("rule {id} is deleted"), &json))
            }
        }
    }
}
