//! `hash`: the hash of a call, how it is made, and why another hash is not accepted.

use std::path::PathBuf;

use serde_json::json;

use crate::ambient::Ambient;
use crate::api::diagnosis::{self, Budget, Diagnosis};
use crate::api::method::{HashOrder, Method};
use crate::api::parameters::Parameters;
use crate::api::{curl, methods, signature};
use crate::command::database::look;
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::command::secret;
use crate::config::{DataDir, OptionalDataDir};
use crate::service::AccessError;
use crate::service::guard::callers::{Signers, signers};
use crate::service::keys::mask;
use crate::store::tables::settings::HashCheck;

/// Print the hash that signs a call, or find out why another one is not accepted
///
/// The first key signs. Without --key, the keys are those that sign for the user `u` in the database at --data.
#[derive(Debug, clap::Args)]
pub struct Hash {
    /// The method, by its name in the path
    method: String,

    /// The parameters, decoded: user_id=2 "description=Desk phone"
    #[arg(value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,

    /// The secret key
    #[arg(long, value_name = "KEY", conflicts_with = "key_file")]
    key: Option<String>,

    /// The file that holds the secret key, - for standard input
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    #[command(flatten)]
    at: OptionalDataDir,

    /// Say which order and which key this hash fits, or why it fits none
    #[arg(long, value_name = "HASH")]
    check: Option<String>,

    /// The server that the curl line calls
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    base: String,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.into(), value.into())),
        None => Err("write it as NAME=VALUE".into()),
    }
}

impl Hash {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        let method = methods::find(&self.method).ok_or_else(|| {
            let known: Vec<&str> = methods::METHODS.iter().map(|method| method.name).collect();
            Fault::Said(format!(
                "`{}` is not a method: there are {}",
                self.method,
                known.join(", ")
            ))
        })?;
        let parameters = Parameters::new(self.parameters.clone())
            .map_err(|fault| Fault::Said(format!("the parameters: {}", fault.text())))?;
        let signers = self.signers(ambient, &parameters)?;
        match &self.check {
            Some(sent) => check(method, &parameters, &signers, sent),
            None => self.sign(method, &parameters, &signers),
        }
    }

    fn signers(&self, ambient: &Ambient, parameters: &Parameters) -> Result<Signers, Fault> {
        let given = match (&self.key, &self.key_file) {
            (Some(key), _) => Some(key.clone()),
            (None, Some(file)) => Some(secret::read(file)?),
            (None, None) => None,
        };
        match (given, self.at.data.clone()) {
            (Some(key), _) => Ok(Signers {
                keys: vec![key],
                check: HashCheck::Documented,
            }),
            (None, Some(data)) => stored(&DataDir { data }, ambient, parameters),
            (None, None) => Err(Fault::Said(
                "there is no key to sign with: give --key, --key-file, or --data and u=USERNAME"
                    .into(),
            )),
        }
    }

    fn sign(
        &self,
        method: &Method,
        parameters: &Parameters,
        signers: &Signers,
    ) -> Result<Report, Fault> {
        let Some(key) = signers.keys.first() else {
            return Err(Fault::Said(Diagnosis::NoKey.to_string()));
        };
        let Some((first, others)) = method.hashes.split_first() else {
            return Err(Fault::Said(format!("{} is not signed", method.name)));
        };
        let hash = signature::sign(first, parameters, key);
        let text = format!("{}{}", signature::signed_text(first, parameters), mask(key));
        let line = curl::line(&self.base, method, parameters, first, key);
        let others: Vec<String> = others.iter().map(accepted).collect();
        let mut lines = vec![
            format!("hash    {hash}"),
            format!("hashed  {text}"),
            format!("order   {}", first.describe()),
        ];
        lines.extend(others.iter().map(|other| format!("also    {other}")));
        lines.push(line.clone());
        let json = json!({
            "hash": hash,
            "hashed": text,
            "order": first.parameters,
            "also_accepted": others,
            "curl": line,
        });
        Ok(Report::new(lines.join("\n"), &json))
    }
}

/// The keys and the strictness that a call with these parameters meets.
fn stored(at: &DataDir, ambient: &Ambient, parameters: &Parameters) -> Result<Signers, Fault> {
    let username = parameters
        .get("u")
        .ok_or_else(|| Fault::Said("whose keys? Add u=USERNAME, or give --key".into()))?;
    look(at, ambient, |tx, by| {
        let unknown = || naming(AccessError::UnknownCaller.into(), username);
        signers(tx, by, username)?.ok_or_else(unknown)
    })
}

fn accepted(order: &HashOrder) -> String {
    format!(
        "{}, from hash_check {} on",
        order.describe(),
        order.level.as_str()
    )
}

fn check(
    method: &Method,
    parameters: &Parameters,
    signers: &Signers,
    sent: &str,
) -> Result<Report, Fault> {
    let Signers { keys, check } = signers;
    let found = diagnosis::diagnose(method, *check, parameters, keys, sent, Budget::COMMAND);
    let found = found.diagnosis;
    let key = found.key().and_then(|key| keys.get(key));
    let key = key.map(|key| mask(key));
    let text = match &key {
        Some(key) => format!("{found}, key {key}"),
        None => found.to_string(),
    };
    if !matches!(found, Diagnosis::Accepted(..)) {
        return Err(Fault::Said(text));
    }
    let json = json!({ "accepted": true, "reason": found.to_string(), "key": key });
    Ok(Report::new(text, &json))
}
