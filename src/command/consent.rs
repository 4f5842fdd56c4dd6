//! Consent: a verb that takes away more than it names says what goes, and asks.

use std::io::{IsTerminal, stderr, stdin};

use crate::command::fault::Fault;
use crate::command::output;

/// `--yes`.
#[derive(Debug, clap::Args)]
pub struct Consent {
    /// Do it without asking; a script has to say so, because nobody is there to answer
    #[arg(long)]
    yes: bool,
}

impl Consent {
    /// Says what would go, and asks on a terminal. Gives what was said; none: nobody was to be asked.
    pub fn ask(
        &self,
        goes: impl FnOnce() -> Result<String, Fault>,
    ) -> Result<Option<String>, Fault> {
        if self.yes {
            return Ok(None);
        }
        let goes = goes()?;
        if !(stdin().is_terminal() && stderr().is_terminal()) {
            return Err(Fault::Said(format!("{goes}: add --yes to do it")));
        }
        match output::ask(&goes) {
            true => Ok(Some(goes)),
            false => Err(Fault::Said("nothing was changed".into())),
        }
    }
}
