//! `clock`: the server's clock, as the database knows it.

use serde_json::json;

use crate::ambient::{Ambient, rfc3339};
use crate::command::database::change;
use crate::command::fault::Fault;
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::clock;

/// The machine's clock: closed DIDs are not freed after it has leapt
#[derive(Debug, clap::Args)]
pub struct Clock {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Say that the clock is right after a leap: closed DIDs are freed again, within the hour where a server runs
    Accept {
        #[command(flatten)]
        at: DataDir,
    },
}

impl Clock {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        let Verb::Accept { at } = self.verb;
        let now = rfc3339(ambient.now_ms());
        change(&at, ambient, clock::accept)?;
        let text = format!("the clock is accepted: it is {now}; closed DIDs are freed on time");
        Ok(Report::new(text, &json!({ "now": now })))
    }
}
