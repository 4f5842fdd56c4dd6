//! `device set`: fields and options by the names of device_update's parameters, secrets out of files.

use std::collections::BTreeSet;

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::id;
use crate::command::database::change;
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::command::secret::SecretFiles;
use crate::config::DataDir;
use crate::device_options::OPTIONS;
use crate::service::device_update::{self, Change, FIELDS};
use crate::store::row::Id;

/// Change a device: fields and options by the names of device_update's parameters
#[derive(Debug, clap::Args)]
pub struct Set {
    /// The device's id
    #[arg(value_parser = id())]
    id: Id,
    /// What to change, each name once; a blank value clears or gives the default
    #[arg(required_unless_present = "secrets", value_name = "NAME=VALUE")]
    changes: Vec<String>,
    #[command(flatten)]
    secrets: SecretFiles,
    #[command(flatten)]
    at: DataDir,
}

impl Set {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        let (id, wanted) = (self.id, self.wanted()?);
        change(&self.at, ambient, move |tx, by| {
            device_update::update(tx, by, Some(id), &wanted).map_err(|error| naming(error, id))
        })?;
        let json = json!({ "id": id, "changed": true });
        Ok(Report::new(format!("device {id} is as asked"), &json))
    }

    fn wanted(&self) -> Result<Change, Fault> {
        let mut wanted = Change::default();
        // Whoever types a blank value means it.
        wanted.set("allow_empty_callerid", "1");
        let mut named = BTreeSet::new();
        for pair in &self.changes {
            let (name, value) = pair.split_once('=').ok_or_else(|| unknown(pair))?;
            let known = device_update::find(name).ok_or_else(|| unknown(pair))?;
            if device_update::is_secret(known) && !value.trim().is_empty() {
                return Err(Fault::Said(format!(
                    "{name} is a secret, and a shell remembers arguments: give --secret {name}=FILE, or - for standard input"
                )));
            }
            put(&mut wanted, &mut named, known, value)?;
        }
        let secret =
            |name: &str| device_update::find(name).filter(|known| device_update::is_secret(known));
        for (known, value) in self.secrets.read(secret)? {
            put(&mut wanted, &mut named, known, &value)?;
        }
        Ok(wanted)
    }
}

fn put(
    wanted: &mut Change,
    named: &mut BTreeSet<&'static str>,
    name: &'static str,
    value: &str,
) -> Result<(), Fault> {
    if !named.insert(name) {
        return Err(Fault::Said(format!("{name} is given twice")));
    }
    wanted.set(name, value);
    Ok(())
}

fn unknown(pair: &str) -> Fault {
    let known = FIELDS.iter().copied();
    let options = OPTIONS.iter().map(|option| option.name);
    let known: Vec<&str> = known.chain(options).collect();
    Fault::Said(format!(
        "{pair} is not NAME=VALUE with one of these names: {}",
        known.join(", ")
    ))
}
