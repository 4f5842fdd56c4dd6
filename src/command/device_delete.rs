//! `device delete`: what goes with a device, asking for it, and removing it.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::id;
use crate::command::consent::Consent;
use crate::command::database::{change, look};
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::config::DataDir;
use crate::service::device_delete::{self, Goes};
use crate::service::{Error, Rule, Thing};
use crate::store::row::Id;

/// Delete a device for good: its DIDs stay reserved, its CLIs are deleted, its numbers are free again
///
/// On a terminal it says what goes, and asks. Elsewhere it needs --yes.
#[derive(Debug, clap::Args)]
pub struct Delete {
    /// The device's id
    #[arg(value_parser = id())]
    id: Id,
    /// Only say what would go
    #[arg(long, conflicts_with = "yes")]
    preview: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    at: DataDir,
}

impl Delete {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        let id = self.id;
        let goes = || {
            look(&self.at, ambient, |tx, by| {
                let goes = device_delete::preview(tx, by, id).map_err(|error| naming(error, id))?;
                match goes.obstacle {
                    Some(refusal) => Err(naming(Error::Refused(refusal), id)),
                    None => Ok(goes),
                }
            })
        };
        if self.preview {
            return Ok(report(&goes()?));
        }
        let said = self.consent.ask(|| Ok(words(&goes()?)))?;
        change(&self.at, ambient, move |tx, by| {
            // Something may have come onto it while somebody read.
            if let Some(said) = &said
                && *said != words(&device_delete::preview(tx, by, id)?)
            {
                return Err(Rule::Moved(Thing::Device).into());
            }
            device_delete::remove(tx, by, Some(id)).map_err(|error| naming(error, id))
        })?;
        let json = json!({ "id": id, "deleted": true });
        Ok(Report::new(format!("device {id} is deleted"), &json))
    }
}

fn report(goes: &Goes) -> Report {
    let json = json!({
        "id": goes.device.id,
        "dids": dids(goes),
        "clis": clis(goes),
        "options": goes.options,
        "fax_emails": goes.fax_emails,
        "rules": goes.rules,
        "callflow": goes.callflow,
    });
    Report::new(words(goes), &json)
}

fn words(goes: &Goes) -> String {
    format!(
        "device {} would be deleted; DIDs that stay reserved: {}; CLIs that are deleted: {}; options: {}; fax addresses: {}; rules: {}; moments of its call flow: {}",
        goes.device.id,
        listed(&dids(goes)),
        listed(&clis(goes)),
        goes.options,
        goes.fax_emails,
        goes.rules,
        goes.callflow,
    )
}

fn dids(goes: &Goes) -> Vec<&str> {
    goes.dids.iter().map(|did| did.did.as_str()).collect()
}

fn clis(goes: &Goes) -> Vec<&str> {
    let clis = goes.clis.iter();
    clis.filter_map(|cli| cli.number.as_deref().or(cli.domain.as_deref()))
        .collect()
}

fn listed(names: &[&str]) -> String {
    match names.is_empty() {
        true => "none".into(),
        false => names.join(", "),
    }
}
