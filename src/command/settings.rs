//! `settings`: the settings of the API, which are in the database.

use serde::Serialize;
use serde_json::json;

use crate::ambient::Ambient;
use crate::command::database::{change, look};
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::guard::access::Actor;
use crate::service::{self, settings as rules, users};
use crate::store::ReadTx;
use crate::store::row::Id;
use crate::store::tables::users::ADMIN;

/// Settings of the API: list and set them
#[derive(Debug, clap::Args)]
pub struct Settings {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List every setting: its value, its default, the values it takes and what it does
    List {
        /// Whose settings, where they are per owner: admin or a reseller, by id or username [default: admin]
        #[arg(long, value_name = "USER")]
        owner: Option<String>,
        #[command(flatten)]
        at: DataDir,
    },
    /// Set one setting; it holds from the server's next request on
    Set {
        /// Its name, as `settings list` prints it
        name: String,
        /// Its new value
        #[arg(allow_negative_numbers = true)]
        value: String,
        /// Whose setting, where it is per owner: admin or a reseller, by id or username [default: admin]
        #[arg(long, value_name = "USER")]
        owner: Option<String>,
        #[command(flatten)]
        at: DataDir,
    },
}

const COLUMNS: &[&str] = &["name", "value", "default", "scope", "takes", "doc"];

#[derive(Serialize)]
struct Row {
    name: &'static str,
    value: String,
    default: &'static str,
    scope: &'static str,
    takes: &'static str,
    doc: &'static str,
}

impl Settings {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::List { owner, at } => {
                let rows = look(&at, ambient, |tx, by| list(tx, by, owner.as_deref()))?;
                Ok(Report::table(COLUMNS, &rows))
            }
            Verb::Set {
                name,
                value,
                owner,
                at,
            } => set(&at, ambient, name, value, owner),
        }
    }
}

fn find_owner(
    tx: &ReadTx<'_>,
    by: &Actor,
    owner: Option<&str>,
) -> Result<Option<Id>, service::Error> {
    match owner {
        Some(name) => Ok(Some(users::get_named(tx, by, name)?.id)),
        None => Ok(None),
    }
}

fn list(tx: &ReadTx<'_>, by: &Actor, owner: Option<&str>) -> Result<Vec<Row>, service::Error> {
    let owner_id = find_owner(tx, by, owner)?.unwrap_or(ADMIN);
    service::guard::access::check_owner(tx, by, owner_id)
        .map_err(|error| naming(error, owner_id))?;
    let settings = rules::list(tx, by, owner_id)?;
    let row = |(setting, value): (&'static rules::Setting, String)| Row {
        name: setting.name,
        value,
        default: setting.default,
        scope: setting.field.scope(),
        takes: setting.takes,
        doc: setting.doc,
    };
    Ok(settings.into_iter().map(row).collect())
}

fn set(
    at: &DataDir,
    ambient: &Ambient,
    name: String,
    value: String,
    owner: Option<String>,
) -> Result<Report, Fault> {
    let (name, value) = change(at, ambient, move |tx, by| {
        let owner_id = find_owner(tx, by, owner.as_deref())?;
        rules::set(tx, by, &name, &value, owner_id)
            .map_err(|error| naming(error, owner.as_deref().unwrap_or(&name)))?;
        // The stored value: `sip` becomes `SIP`.
        let now = rules::list(tx, by, owner_id.unwrap_or(ADMIN))?;
        let now = now.into_iter().find(|(setting, _)| setting.name == name);
        Ok((name, now.map_or(value, |(_, value)| value)))
    })?;
    let text = format!(
        "{name} is {}",
        if value.is_empty() { "blank" } else { &value }
    );
    Ok(Report::new(text, &json!({ "name": name, "value": value })))
}
