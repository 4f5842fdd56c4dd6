//! The command line: one file per verb. A verb calls the rules in [`crate::service`] and gives a [`Report`]. This file
//! prints it and chooses the exit code.

mod arguments;
mod backup;
mod callflow;
mod check;
mod clis;
mod clock;
mod consent;
mod database;
mod demo;
mod device;
mod device_delete;
mod device_rule;
mod device_set;
mod dialplan;
mod did;
mod did_import;
mod docs;
mod each;
mod fault;
mod group;
mod hash;
mod healthcheck;
pub mod init;
mod ivr;
mod key;
mod log;
mod number_rule;
mod output;
mod period;
mod phonebook;
mod provider;
mod provider_rule;
mod quickforward;
mod secret;
mod serve;
mod settings;
mod user;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::ambient::Ambient;
use crate::command::fault::Fault;
use crate::config::{self, ConfigError};

pub use crate::command::output::Report;

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
    Period(period::Period),
    Quickforward(quickforward::Quickforward),
    Device(device::Device),
    Callflow(callflow::Callflow),
    Phonebook(phonebook::Phonebook),
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
            Self::Period(verb) => verb.run(ambient),
            Self::Quickforward(verb) => verb.run(ambient),
            Self::Device(verb) => verb.run(ambient),
            Self::Callflow(verb) => verb.run(ambient),
            Self::Phonebook(verb) => verb.run(ambient),
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

/// Runs the command line. The exit code is 0 on success, 1 on a failure, and 2 when the line was not understood.
pub fn main() -> ExitCode {
    let cli = config::matches(Cli::command(), std::env::args_os().collect())
        .and_then(|matches| Ok(Cli::from_arg_matches(&matches)?));
    let cli = match cli {
        Ok(cli) => cli,
        Err(ConfigError::Usage(error)) => {
            match error.use_stderr() {
                true => output::complain(&one_line(&error)),
                // `--help` into a closed pipe is a success.
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
        Err(fault @ Fault::Usage(_)) => {
            output::complain(&fault.to_string());
            return ExitCode::from(2);
        }
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

/// The fault in a command line, without the help around it.
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
