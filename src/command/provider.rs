//! `provider`: the carriers that DIDs come from, and the rules for numbers in calls through them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::ambient::Ambient;
use crate::command::arguments::{Owner, Window, id};
use crate::command::consent::Consent;
use crate::command::database::{change, look};
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::command::provider_rule::ProviderRule;
use crate::command::secret;
use crate::config::DataDir;
use crate::service::number_rules::MAX_RULES;
use crate::service::provider_details::{FIELDS, Sent, get};
use crate::service::{Field, provider_rules, providers as rules};
use crate::store::row::Id;
use crate::store::tables::providers::Details;

/// Providers, the carriers that DIDs come from: add, show, change, list and delete them
///
/// What can be set of one has the names of the API's parameters: tech, active, register, dtmfmode, timeout, max_timeout,
/// call_limit, balance_limit, login, cid_name, cid_number, network_type, server_ip, ipaddr, port, fromdomain, fromuser,
/// server_ids. A blank value clears a text.
#[derive(Debug, clap::Args)]
pub struct Provider {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Add a provider
    Add {
        /// Its name, unique among the owner's
        name: String,
        #[command(flatten)]
        settings: Settings,
        /// Let resellers put DIDs on it, too
        #[arg(long)]
        common_use: bool,
        #[command(flatten)]
        owner: Owner,
        #[command(flatten)]
        at: DataDir,
    },
    /// Change a provider: its name, common_use, or what else is named above
    Set {
        /// The provider's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        at: DataDir,
    },
    /// Show everything about a provider but its password
    Show {
        /// The provider's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        at: DataDir,
    },
    /// List providers
    List {
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
    /// Hide a provider for good; its DIDs have to be terminated first
    ///
    /// On a terminal it says what goes, and asks. Elsewhere it needs --yes.
    Delete {
        /// The provider's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        at: DataDir,
    },
    /// The rules for numbers in calls through a provider: add, list and delete them
    Rule(ProviderRule),
}

#[derive(Debug, clap::Args)]
struct Settings {
    /// What to set: server_ip=sip.example.com port=5061
    #[arg(value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// The file that holds the password for the provider, - for standard input; an empty one takes the password away
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// `name=value`. A password would stay in the shell's history.
fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not NAME=VALUE"))?;
    let mut fields = FIELDS.iter().map(|field| field.name());
    match name {
        "password" => Err("a password comes from --password-file".into()),
        "name" | "common_use" => Ok((name.into(), value.into())),
        _ if fields.any(|known| known == name) => Ok((name.into(), value.into())),
        _ => Err(format!("a provider has no {name}")),
    }
}

impl Settings {
    fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.password_file.is_none()
    }

    fn sent(self) -> Result<Sent, Fault> {
        let mut names = BTreeSet::new();
        if let Some((twice, _)) = self.settings.iter().find(|(name, _)| !names.insert(name)) {
            return Err(Fault::Said(format!("{twice} is given twice")));
        }
        let file = self.password_file.as_deref();
        let password = file.map(secret::read).transpose()?;
        let value = |wanted: &str| match wanted {
            "password" => password.clone(),
            _ => {
                let mut set = self.settings.iter();
                let found = set.find(|(name, _)| name == wanted);
                found.map(|(_, value)| value.clone())
            }
        };
        Ok(Sent {
            name: value("name"),
            common_use: match value("common_use").as_deref() {
                None => None,
                Some("0") => Some(false),
                Some("1") => Some(true),
                Some(other) => return Err(Fault::Said(format!("common_use is 0 or 1: {other}"))),
            },
            tariff_id: None,
            details: Sent::details(value),
        })
    }
}

const COLUMNS: &[&str] = &[
    "id",
    "owner_id",
    "name",
    "common_use",
    "tech",
    "active",
    "network_type",
    "server_ip",
    "port",
    "register",
];

impl Provider {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Add {
                name,
                settings,
                common_use,
                owner,
                at,
            } => {
                let mut sent = settings.sent()?;
                sent.common_use = sent.common_use.or(Some(common_use));
                sent.name = Some(name.clone());
                let id = change(&at, ambient, move |tx, by| {
                    let owner_id = owner.id(tx, by)?;
                    rules::create(tx, by, owner_id, &sent)
                        .map_err(|error| owner.naming(error, &name))
                })?;
                Ok(done(id, "was added"))
            }
            Verb::Set { settings, .. } if settings.is_empty() => {
                let what = "say what to set: NAME=VALUE or --password-file";
                Err(Fault::Usage(what.into()))
            }
            Verb::Set { id, settings, at } => {
                let sent = settings.sent()?;
                change(&at, ambient, move |tx, by| {
                    rules::update(tx, by, id, &sent).map_err(|error| naming(error, id))
                })?;
                Ok(done(id, "is as it was told"))
            }
            Verb::Show { id, at } => {
                let found = look(&at, ambient, |tx, by| rules::get(tx, by, id))?;
                Ok(show(&found))
            }
            Verb::List { window, at } => {
                let rows = look(&at, ambient, |tx, by| {
                    rules::list_all(tx, by, window.after(), window.fetch())
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
            Verb::Delete { id, consent, at } => {
                consent.ask(|| goes(id, &at, ambient))?;
                change(&at, ambient, move |tx, by| {
                    rules::hide(tx, by, id).map_err(|error| naming(error, id))
                })?;
                Ok(done(id, "is hidden"))
            }
            Verb::Rule(rule) => rule.run(ambient),
        }
    }
}

/// What is hidden with a provider.
fn goes(id: Id, at: &DataDir, ambient: &Ambient) -> Result<String, Fault> {
    let (name, rules) = look(at, ambient, |tx, by| {
        let found = rules::get(tx, by, id)?;
        let rules = provider_rules::list(tx, by, Some(id), 0, MAX_RULES)?;
        Ok((found.name, rules.len()))
    })?;
    Ok(format!(
        "provider {id}, {name}, would be hidden for good, with its registration and its rules: {rules}"
    ))
}

fn done(id: Id, what: &str) -> Report {
    Report::new(format!("provider {id} {what}"), &json!({ "id": id }))
}

/// Every value under the name that sets it: for people as it is typed, for programs as a number or a boolean.
fn show(found: &Details) -> Report {
    let mut values: Vec<(&str, String, Value)> = vec![
        ("id", found.id.to_string(), found.id.into()),
        (
            "owner_id",
            found.owner_id.to_string(),
            found.owner_id.into(),
        ),
        ("name", found.name.clone(), found.name.clone().into()),
        (
            "common_use",
            u8::from(found.common_use).to_string(),
            found.common_use.into(),
        ),
    ];
    let shown = FIELDS
        .iter()
        .copied()
        .filter(|field| *field != Field::LocationId);
    values.extend(shown.map(|field| {
        let text = match field {
            Field::Password if !found.password.is_empty() => "(set)".into(),
            field => get(found, field),
        };
        let value = typed(found, field).unwrap_or_else(|| text.clone().into());
        (field.name(), text, value)
    }));
    let lines: Vec<String> = values
        .iter()
        .map(|(name, text, _)| format!("{name}={text}"))
        .collect();
    let json: Map<String, Value> = values
        .into_iter()
        .map(|(name, _, value)| (name.into(), value))
        .collect();
    Report::new(lines.join("\n"), &json.into())
}

/// The value of a field that is no text.
fn typed(found: &Details, field: Field) -> Option<Value> {
    Some(match field {
        Field::Active => found.active.into(),
        Field::Register => found.register.into(),
        Field::Port => found.port.into(),
        Field::Timeout => found.timeout_s.into(),
        Field::MaxTimeout => found.max_timeout_s.into(),
        Field::CallLimit => found.call_limit.into(),
        Field::BalanceLimit => json!(found.balance_limit),
        _ => return None,
    })
}
