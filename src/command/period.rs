//! `period`: parts of the day, the week and the year, for dial plans.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::{Owner, Window, id};
use crate::command::database::{change, look};
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::time_periods::{self, Edit};
use crate::store::row::Id;

/// Time periods of dial plans: add, list, change and hide them
#[derive(Debug, clap::Args)]
pub struct Period {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Add a period: all day and all year, but for what is said here
    Add {
        /// Its name
        name: String,
        #[command(flatten)]
        limits: Limits,
        #[command(flatten)]
        owner: Owner,
        #[command(flatten)]
        at: DataDir,
    },
    /// Change a period; what is not said stays
    Set {
        /// The period's id
        #[arg(value_parser = id())]
        id: Id,
        /// Its new name
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        limits: Limits,
        #[command(flatten)]
        at: DataDir,
    },
    /// Hide a period, so that no dial plan can be for it
    Hide {
        /// The period's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        at: DataDir,
    },
    /// List periods
    List {
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
}

/// The limits of a period. Each is part of it. A blank weekday, month or day is no limit.
#[derive(Debug, clap::Args)]
struct Limits {
    /// Its first hour, 0 to 23
    #[arg(long)]
    start_hour: Option<String>,
    /// Its last hour
    #[arg(long)]
    end_hour: Option<String>,
    /// The minute of its first hour
    #[arg(long)]
    start_minute: Option<String>,
    /// The minute of its last hour
    #[arg(long)]
    end_minute: Option<String>,
    /// Its first day of the week: mon, tue, wed, thu, fri, sat or sun
    #[arg(long)]
    start_weekday: Option<String>,
    /// Its last day of the week
    #[arg(long)]
    end_weekday: Option<String>,
    /// Its first month, 1 to 12
    #[arg(long)]
    start_month: Option<String>,
    /// Its last month
    #[arg(long)]
    end_month: Option<String>,
    /// Its first day of the month
    #[arg(long)]
    start_day: Option<String>,
    /// Its last day of the month
    #[arg(long)]
    end_day: Option<String>,
}

impl Limits {
    /// The edit, in the order of the rule's fields.
    fn edit(self, name: Option<String>) -> Edit {
        Edit {
            name,
            limits: [
                self.start_hour,
                self.end_hour,
                self.start_minute,
                self.end_minute,
                self.start_weekday,
                self.end_weekday,
                self.start_month,
                self.end_month,
                self.start_day,
                self.end_day,
            ],
        }
    }
}

const COLUMNS: &[&str] = &["id", "owner_id", "name", "when"];

impl Period {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Add {
                name,
                limits,
                owner,
                at,
            } => {
                let edit = limits.edit(Some(name.clone()));
                let id = change(&at, ambient, move |tx, by| {
                    let owner_id = owner.id(tx, by)?;
                    time_periods::create(tx, by, owner_id, &edit)
                        .map_err(|error| owner.naming(error, &name))
                })?;
                let json = json!({ "id": id });
                Ok(Report::new(format!("period {id} was added"), &json))
            }
            Verb::Set {
                id,
                name,
                limits,
                at,
            } => {
                let edit = limits.edit(name);
                change(&at, ambient, move |tx, by| {
                    time_periods::update(tx, by, Some(id), &edit)
                })?;
                let json = json!({ "id": id });
                Ok(Report::new(format!("period {id} was saved"), &json))
            }
            Verb::Hide { id, at } => {
                change(&at, ambient, move |tx, by| {
                    time_periods::hide(tx, by, id).map_err(|error| naming(error, id))
                })?;
                let json = json!({ "id": id, "hidden": true });
                Ok(Report::new(format!("period {id} is hidden"), &json))
            }
            Verb::List { window, at } => {
                let periods = look(&at, ambient, |tx, by| {
                    time_periods::list_all(tx, by, window.after(), window.fetch())
                })?;
                let rows: Vec<_> = periods
                    .iter()
                    .map(|period| {
                        let mut row = json!(period);
                        row["when"] = time_periods::in_words(period).into();
                        row
                    })
                    .collect();
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
        }
    }
}
