//! `phonebook`: names, numbers and speed dials of a user, or of everyone.

use clap::ArgGroup;
use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::{Window, id};
use crate::command::database::{change, look};
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::phonebooks::{self, Entry};
use crate::service::{Error, Field, Refusal, Rule, users};
use crate::store::row::Id;

/// Phonebooks: names, numbers and speed dials; those of user 0 are for everyone
#[derive(Debug, clap::Args)]
pub struct Phonebook {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the records of a user
    List {
        /// The user, by id or username; 0: everyone's
        user: String,
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
    /// Add a record
    Add {
        /// The user, by id or username; 0: everyone's
        user: String,
        /// The name
        name: String,
        /// The number
        number: String,
        /// The digits that dial it
        speeddial: String,
        #[command(flatten)]
        at: DataDir,
    },
    /// Change a record; what is not said stays
    #[command(group = ArgGroup::new("changes").args(["name", "number", "speeddial"]).required(true).multiple(true))]
    Set {
        /// The record's id
        #[arg(value_parser = id())]
        id: Id,
        /// The name
        #[arg(long)]
        name: Option<String>,
        /// The number
        #[arg(long)]
        number: Option<String>,
        /// The digits that dial it
        #[arg(long)]
        speeddial: Option<String>,
        #[command(flatten)]
        at: DataDir,
    },
}

const COLUMNS: &[&str] = &["id", "user_id", "name", "number", "speeddial"];

impl Phonebook {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::List { user, window, at } => {
                let rows = look(&at, ambient, |tx, by| {
                    let user = users::get_named(tx, by, &user)?;
                    phonebooks::list(tx, by, Some(user.id), window.after(), window.fetch())
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
            Verb::Add {
                user,
                name,
                number,
                speeddial,
                at,
            } => {
                let entry = Entry {
                    name: Some(name),
                    number: Some(number),
                    speeddial: Some(speeddial),
                };
                let id = change(&at, ambient, move |tx, by| {
                    let user = users::get_named(tx, by, &user)?;
                    phonebooks::create(tx, by, Some(user.id), entry)
                })
                .map_err(in_words)?;
                let json = json!({ "id": id });
                Ok(Report::new(format!("record {id} was added"), &json))
            }
            Verb::Set {
                id,
                name,
                number,
                speeddial,
                at,
            } => {
                let entry = Entry {
                    name,
                    number,
                    speeddial,
                };
                change(&at, ambient, move |tx, by| {
                    phonebooks::update(tx, by, Some(id), entry).map_err(|error| naming(error, id))
                })
                .map_err(in_words)?;
                let json = json!({ "id": id });
                Ok(Report::new(format!("record {id} was saved"), &json))
            }
        }
    }
}

/// A speed dial of one digit counts as none. The words of the refusal say which of the two it is.
fn in_words(fault: Fault) -> Fault {
    match fault {
        Fault::Refused(Error::Refused(Refusal {
            rule: Rule::Missing(Field::Speeddial),
            detail: Some(words),
        })) => Fault::Said(words),
        other => other,
    }
}
