//! `quickforward`: to which number a DID takes each of its callers.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::Window;
use crate::command::database::{change, look};
use crate::command::fault::Fault;
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::{Error, quickforwards, users};

/// Quickforwards: to which number a DID takes a user who calls it
#[derive(Debug, clap::Args)]
pub struct Quickforward {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Set which DIDs a user may send to a number of their own
    Pattern {
        /// The user, by id or username
        user: String,
        /// Digits, with , or | between alternatives, % for any digits and [..] for one of several; blank: none
        pattern: String,
        #[command(flatten)]
        at: DataDir,
    },
    /// List the DIDs that a user may use, and where they take the user
    List {
        /// The user, by id or username
        user: String,
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
    /// Say where a DID takes a user
    Set {
        /// The user, by id or username
        user: String,
        /// The DID's number
        did: String,
        /// The number that it takes the user to
        forward_to: String,
        /// What the user calls it
        #[arg(long)]
        description: Option<String>,
        #[command(flatten)]
        at: DataDir,
    },
    /// Let a DID take a user nowhere
    Delete {
        /// The user, by id or username
        user: String,
        /// The DID's number
        did: String,
        #[command(flatten)]
        at: DataDir,
    },
}

const COLUMNS: &[&str] = &["did_id", "did", "forward_to", "description"];

impl Quickforward {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Pattern { user, pattern, at } => {
                let json = json!({ "user": user, "pattern": pattern });
                let said = format!("the pattern of {user} was saved");
                change(&at, ambient, move |tx, by| {
                    let user = users::get_named(tx, by, &user)?;
                    quickforwards::set_pattern(tx, by, user.id, &pattern)
                })?;
                Ok(Report::new(said, &json))
            }
            Verb::List { user, window, at } => {
                let rows = look(&at, ambient, |tx, by| {
                    let user = users::get_named(tx, by, &user)?;
                    let (mut rows, wanted) = (Vec::new(), window.fetch() as usize);
                    let mut next = Some(window.after());
                    // A part may be short, and the list goes on.
                    while let Some(after) = next.filter(|_| rows.len() < wanted) {
                        let limit = wanted - rows.len();
                        let part = quickforwards::list(tx, by, Some(user.id), after, limit)?;
                        rows.extend(part.rows);
                        next = part.next;
                    }
                    Ok::<_, Error>(rows)
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
            Verb::Set {
                user,
                did,
                forward_to,
                description,
                at,
            } => {
                let json = json!({ "did": did, "forward_to": forward_to });
                let said = format!("DID {did} takes {user} to {forward_to}");
                change(&at, ambient, move |tx, by| {
                    let user = users::get_named(tx, by, &user)?;
                    let number = Some(forward_to);
                    quickforwards::update(tx, by, Some(user.id), &did, number, description)
                })?;
                Ok(Report::new(said, &json))
            }
            Verb::Delete { user, did, at } => {
                let json = json!({ "did": did, "deleted": true });
                let said = format!("DID {did} takes {user} nowhere");
                change(&at, ambient, move |tx, by| {
                    let user = users::get_named(tx, by, &user)?;
                    quickforwards::delete(tx, by, Some(user.id), &did)
                })?;
                Ok(Report::new(said, &json))
            }
        }
    }
}
