//! `key`: the secret keys that sign API calls.

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::arguments::{Window, id};
use crate::command::database::{change, look};
use crate::command::fault::Fault;
use crate::command::output::Report;
use crate::command::secret::{self, KeyFile};
use crate::config::DataDir;
use crate::service::{keys, users};
use crate::store::row::Id;

/// Secret keys that sign API calls: add, list (masked) and revoke them
#[derive(Debug, clap::Args)]
pub struct Key {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Give a user one more key; their other keys stay active
    Add {
        /// Admin, a reseller, an accountant or a manager, by id or username
        user: String,
        #[command(flatten)]
        key: KeyFile,
        #[command(flatten)]
        at: DataDir,
    },
    /// List active keys: their first two characters
    List {
        /// Only this user's keys, by id or username
        #[arg(long)]
        user: Option<String>,
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
    /// Revoke a key: from the next request on it signs nothing
    Revoke {
        /// The key's id
        #[arg(value_parser = id())]
        id: Id,
        #[command(flatten)]
        at: DataDir,
    },
}

const COLUMNS: &[&str] = &["id", "user_id", "key", "created_ms"];

impl Key {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Add { user, key, at } => add(&at, ambient, user, &key),
            Verb::List { user, window, at } => {
                let rows = look(&at, ambient, |tx, by| match &user {
                    None => keys::list_all(tx, by, window.after(), window.fetch()),
                    Some(name) => {
                        let user = users::get_named(tx, by, name)?;
                        let mut keys = keys::list_of_user(tx, by, user.id)?;
                        keys.retain(|key| key.id > window.after());
                        Ok(keys)
                    }
                })?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
            Verb::Revoke { id, at } => {
                change(&at, ambient, move |tx, by| keys::revoke(tx, by, id))?;
                let json = json!({ "id": id, "revoked": true });
                Ok(Report::new(format!("key {id} is revoked"), &json))
            }
        }
    }
}

fn add(at: &DataDir, ambient: &Ambient, user: String, file: &KeyFile) -> Result<Report, Fault> {
    let given = file.key_file.as_deref().map(secret::read).transpose()?;
    let is_new = given.is_none();
    let secret = given.unwrap_or_else(|| keys::generate(ambient));
    let added = secret.clone();
    let (id, user_id) = change(at, ambient, move |tx, by| {
        let user = users::get_named(tx, by, &user)?;
        let id = keys::add(tx, by, user.id, &added)?;
        Ok((id, user.id))
    })?;
    let mut text = format!("user {user_id} has a new key, {id}");
    let mut json = json!({ "id": id, "user_id": user_id });
    if is_new {
        text.push_str(&format!("\nkey, shown this once: {secret}"));
        json["key"] = json!(secret);
    }
    Ok(Report::new(text, &json))
}
