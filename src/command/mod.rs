//! The command line: one file per verb. A verb calls the rules in [`crate::service`] and gives a [`Report`]; what is
//! printed, and with which exit code, is decided here.

mod backup;
mod check;
mod clis;
mod clock;
mod demo;
mod device;
mod dialplan;
mod did;
mod did_import;
mod docs;
mod group;
mod hash;
mod healthcheck;
pub mod init;
mod ivr;
mod key;
mod log;
mod output;
mod provider;
mod secret;
mod serve;
mod settings;
mod user;

use std::process::ExitCode;
use std::sync::Arc;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::ambient::Ambient;
use crate::config::{self, ConfigError, DataDir};
use crate::service::guard::access::Actor;
use crate::service::installation::ADMIN_USERNAME;
use crate::service::{
    self, CliError, DeviceError, DidError, Refusal, Rule, SetupError, UserError, users,
};
use crate::store::file::backup::BackupError;
use crate::store::row::Id;
use crate::store::tables::users::ADMIN;
use crate::store::{OpenError, Options, ReadTx, Store, StoreError, WriteTx};

pub use crate::command::output::Report;

/// Rows that a list prints at most.
pub const MAX_ROWS: u32 = 100_000;
/// Rows that a list prints when it is not told how many.
const DEFAULT_ROWS: u32 = 1000;

/// Characters of a refused value that an error line shows.
const MAX_NAMED: usize = 80;

/// The documented HTTP API of the MOR billing system, in one binary over one SQLite file
#[derive(Debug, Parser)]
#[command(name = "linebook", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,

    /// Print JSON, for programs
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Demo(demo::Demo),
    Init(init::Init),
    Serve(serve::Serve),
    User(user::User),
    Key(key::Key),
    Provider(provider::Provider),
    Group(group::Group),
    Ivr(ivr::Ivr),
    Dialplan(dialplan::Dialplan),
    Device(device::Device),
    Did(did::Did),
    Cli(clis::Clis),
    Settings(settings::Settings),
    Log(log::Log),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Check(check::Check),
    Clock(clock::Clock),
    Hash(hash::Hash),
    Healthcheck(healthcheck::Healthcheck),
    Docs(docs::Docs),
    Openapi(docs::Openapi),
}

impl Verb {
    fn run(self, ambient: &Arc<Ambient>) -> Result<Report, Fault> {
        match self {
            Self::Demo(verb) => verb.run(ambient),
            Self::Init(verb) => verb.run(ambient),
            Self::Serve(verb) => verb.run(ambient),
            Self::User(verb) => verb.run(ambient),
            Self::Key(verb) => verb.run(ambient),
            Self::Provider(verb) => verb.run(ambient),
            Self::Group(verb) => verb.run(ambient),
            Self::Ivr(verb) => verb.run(ambient),
            Self::Dialplan(verb) => verb.run(ambient),
            Self::Device(verb) => verb.run(ambient),
            Self::Did(verb) => verb.run(ambient),
            Self::Cli(verb) => verb.run(ambient),
            Self::Settings(verb) => verb.run(ambient),
            Self::Log(verb) => verb.run(ambient),
            Self::Backup(verb) => verb.run(),
            Self::Restore(verb) => verb.run(ambient),
            Self::Check(verb) => verb.run(),
            Self::Clock(verb) => verb.run(ambient),
            Self::Hash(verb) => verb.run(ambient),
            Self::Healthcheck(verb) => verb.run(),
            Self::Docs(verb) => Ok(verb.run()),
            Self::Openapi(verb) => Ok(verb.run()),
        }
    }
}

/// Runs the command line: 0 when it did what it was asked, 1 when it did not, 2 when it was not understood.
pub fn main() -> ExitCode {
    let cli = config::matches(Cli::command(), std::env::args_os().collect())
        .and_then(|matches| Ok(Cli::from_arg_matches(&matches)?));
    let cli = match cli {
        Ok(cli) => cli,
        Err(ConfigError::Usage(error)) => {
            match error.use_stderr() {
                true => output::complain(&one_line(&error)),
                // `--help` into a closed pipe is no fault.
                false => drop(error.print()),
            }
            return ExitCode::from(error.exit_code() as u8);
        }
        Err(ConfigError::File(text)) => {
            output::complain(&text);
            return ExitCode::FAILURE;
        }
    };
    let (report, fault) = match cli.verb.run(&Arc::new(Ambient::system())) {
        Ok(report) => (report, None),
        Err(Fault::Partly(report, text)) => (report, Some(text)),
        Err(fault) => (Report::default(), Some(fault.to_string())),
    };
    if let Err(error) = report.print(cli.json) {
        output::complain(&format!("the output could not be written: {error}"));
        return ExitCode::FAILURE;
    }
    match fault {
        None => ExitCode::SUCCESS,
        Some(text) => {
            output::complain(&text);
            ExitCode::FAILURE
        }
    }
}

/// What is wrong with a command line, without the help around it.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim);
    let what: Vec<&str> = lines
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .collect();
    let what = what.join(" ");
    let what = what.strip_prefix("error: ").unwrap_or(&what);
    format!("{what} (see --help)")
}

/// Why a verb did not do what it was asked; its text is one line.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A rule or the store said no.
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
    /// There is something to print, and then a line that says what is wrong.
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

/// What to do about a refusal, where its own text does not say it.
fn advice(error: &service::Error) -> &'static str {
    let rule = match error {
        service::Error::Store(StoreError::Busy) => return ": another process holds it; try again",
        service::Error::Store(_) => return "",
        service::Error::Refused(refusal) => refusal.rule,
    };
    match rule {
        Rule::User(UserError::NotFound) | Rule::Did(DidError::UserNotFound) => {
            " (see `linebook user list`)"
        }
        Rule::User(UserError::KeyNotFound) => " (see `linebook key list`)",
        Rule::Device(DeviceError::NotFound) => " (see `linebook device list`)",
        Rule::Did(DidError::NotFound) => " (see `linebook did list`)",
        Rule::Did(DidError::ProviderNotFound) => " (see `linebook provider list`)",
        Rule::Did(DidError::DialplanNotFound) => " (see `linebook dialplan list`)",
        Rule::Cli(CliError::NotFound) => " (see `linebook cli list`)",
        Rule::Setup(SetupError::SettingUnknown) => " (see `linebook settings list`)",
        _ => "",
    }
}

/// A refusal that names nothing, with what the operator typed.
fn naming(error: service::Error, typed: impl ToString) -> service::Error {
    match error {
        service::Error::Refused(Refusal { rule, detail: None }) => {
            let typed: String = typed.to_string().chars().take(MAX_NAMED).collect();
            rule.with(typed)
        }
        other => other,
    }
}

/// Which part of a list.
#[derive(Debug, clap::Args)]
pub struct Window {
    /// Print this many rows at most
    #[arg(long, value_name = "N", default_value_t = DEFAULT_ROWS, value_parser = row_count())]
    limit: u32,

    /// Print only rows with ids above this one
    #[arg(long, value_name = "ID", value_parser = id())]
    after: Option<Id>,
}

impl Window {
    /// What the store is asked to start after; admin's id is 0.
    fn after(&self) -> Id {
        self.after.unwrap_or(-1)
    }

    /// What the store is asked for: one more, to know whether there are more.
    fn fetch(&self) -> u32 {
        self.limit + 1
    }
}

fn row_count() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=i64::from(MAX_ROWS))
}

/// An id on the command line.
fn id() -> clap::builder::RangedI64ValueParser<Id> {
    clap::value_parser!(Id).range(0..)
}

/// One of the words of an enumeration, listed in the help.
fn one_of<T>(words: impl IntoIterator<Item = T>) -> impl TypedValueParser<Value = T>
where
    T: std::str::FromStr<Err = String> + std::fmt::Display + Clone + Send + Sync + 'static,
{
    let words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    PossibleValuesParser::new(words).try_map(|word| word.parse::<T>())
}

/// Opens the database for one verb: one reader is enough.
fn open(at: &DataDir) -> Result<Store, OpenError> {
    let options = Options {
        readers: 1,
        ..Options::default()
    };
    Store::open(&at.data, options)
}

/// Runs `work` as the operator, and returns when it is on disk.
fn change<T, F>(at: &DataDir, ambient: &Ambient, work: F) -> Result<T, Fault>
where
    T: Send + 'static,
    F: FnOnce(&WriteTx<'_>, &Actor) -> Result<T, service::Error> + Send + 'static,
{
    Ok(operate(at, ambient, work)??)
}

/// [`change`] for work that has more to say than a rule's no: its own error, beside that of opening the database.
fn operate<T, E, F>(at: &DataDir, ambient: &Ambient, work: F) -> Result<Result<T, E>, OpenError>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: FnOnce(&WriteTx<'_>, &Actor) -> Result<T, E> + Send + 'static,
{
    let store = open(at)?;
    // A trigger of somebody else's would run with the change.
    store.check_schema()?;
    let by = Actor::operator(ambient.now_ms());
    Ok(store.write_blocking(move |tx| work(tx, &by)))
}

/// Runs `work` as the operator on one snapshot.
fn look<T>(
    at: &DataDir,
    ambient: &Ambient,
    work: impl FnOnce(&ReadTx<'_>, &Actor) -> Result<T, service::Error>,
) -> Result<T, Fault> {
    let by = Actor::operator(ambient.now_ms());
    Ok(open(at)?.read(|tx| work(tx, &by))?)
}

/// `--owner`.
#[derive(Debug, clap::Args)]
pub struct Owner {
    /// Whose it is: admin or a reseller, by id or username [default: admin]
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
}

impl Owner {
    /// The id of the user who was named, or admin's.
    fn id(&self, tx: &ReadTx<'_>, by: &Actor) -> Result<Id, service::Error> {
        match &self.owner {
            Some(name) => Ok(users::get_named(tx, by, name)?.id),
            None => Ok(ADMIN),
        }
    }

    /// A refusal to make `made` for this owner, with the one of the two that it is about.
    fn naming(&self, error: service::Error, made: &str) -> service::Error {
        let is_owner = matches!(
            &error,
            service::Error::Refused(Refusal {
                rule: Rule::Setup(SetupError::OwnerInvalid) | Rule::User(UserError::OwnerInvalid),
                ..
            })
        );
        match is_owner {
            true => naming(error, self.owner.as_deref().unwrap_or(ADMIN_USERNAME)),
            false => naming(error, made),
        }
    }
}
