//! Why a verb did not do what it was asked, in one line that says what to do.

use crate::command::output::Report;
use crate::service::{self, Refusal, Rule, Thing};
use crate::store::file::backup::BackupError;
use crate::store::{OpenError, StoreError};

/// Characters of a refused value that an error line shows.
const MAX_NAMED: usize = 80;

/// Why a verb did not do what it was asked; its text is one line.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A rule or the store refused.
    #[error("{0}{advice}", advice = advice(.0))]
    Refused(service::Error),
    /// The database could not be opened or made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A backup was not made, or not restored.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// Anything else.
    #[error("{0}")]
    Said(String),
    /// The line leaves something out, or says it twice.
    #[error("{0} (see --help)")]
    Usage(String),
    /// A report to print, and then a line that says what is wrong.
    #[error("{1}")]
    Partly(Report, String),
}

impl From<service::Error> for Fault {
    fn from(error: service::Error) -> Self {
        Self::Refused(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// Advice about a refusal, where its own text has none.
fn advice(error: &service::Error) -> &'static str {
    let rule = match error {
        service::Error::Store(StoreError::Busy) => return ": another process holds it; try again",
        service::Error::Store(_) => return "",
        service::Error::Refused(refusal) => refusal.rule,
    };
    let Rule::NotFound(thing) = rule else {
        return "";
    };
    match thing {
        Thing::User => " (see `linebook user list`)",
        Thing::Key => " (see `linebook key list`)",
        Thing::Device => " (see `linebook device list`)",
        Thing::FaxDevice => " (see `linebook device list`)",
        Thing::DeviceRule => " (see `linebook device rule list`)",
        Thing::DeviceGroup => " (see `linebook group list`)",
        Thing::Did => " (see `linebook did list`)",
        Thing::Provider => " (see `linebook provider list`)",
        Thing::ProviderRule => " (see `linebook provider rule list`)",
        Thing::Dialplan => " (see `linebook dialplan list`)",
        Thing::Ivr => " (see `linebook ivr list`)",
        Thing::Cli => " (see `linebook cli list`)",
        Thing::TimePeriod => " (see `linebook period list`)",
        Thing::PhonebookRecord => " (see `linebook phonebook list`)",
        Thing::Setting => " (see `linebook settings list`)",
        Thing::Callflow
        | Thing::Quickforward
        | Thing::Network
        | Thing::Session
        | Thing::Location
        | Thing::FaxEmail => "",
    }
}

/// A refusal that names no value, with the text that the operator typed.
pub fn naming(error: service::Error, typed: impl ToString) -> service::Error {
    let typed: String = typed.to_string().chars().take(MAX_NAMED).collect();
    match error {
        service::Error::Refused(Refusal { rule, detail: None }) if !typed.is_empty() => {
            rule.with(typed)
        }
        other => other,
    }
}
