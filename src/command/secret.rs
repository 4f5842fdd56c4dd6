//! Passwords and keys from a file or standard input, so that none gets into a shell history.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::command::fault::Fault;

/// The largest file that is read for a secret, in bytes: far more than any secret, and small enough that a wrong path
/// does no harm.
pub const MAX_SECRET_FILE: u64 = 4096;

/// `--password-file`.
#[derive(Debug, clap::Args)]
pub struct PasswordFile {
    /// The file that holds the password, - for standard input; without this flag a password is made and shown once
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// `--key-file`.
#[derive(Debug, clap::Args)]
pub struct KeyFile {
    /// The file that holds the key, - for standard input; without this flag a key is made and shown once
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// `--secret`.
#[derive(Debug, clap::Args)]
pub struct SecretFiles {
    /// A secret, and the file that holds it, - for standard input: password=FILE
    #[arg(long = "secret", value_name = "NAME=FILE", value_parser = named_file)]
    secrets: Vec<(String, PathBuf)>,
}

fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !file.is_empty() => Ok((name.into(), file.into())),
        _ => Err("write it as NAME=FILE".into()),
    }
}

impl SecretFiles {
    /// The secrets, under the names that `find` knows for them. A blank one is a mistake, as an empty file easily is.
    pub fn read(
        &self,
        find: impl Fn(&str) -> Option<&'static str>,
    ) -> Result<Vec<(&'static str, String)>, Fault> {
        let files = self.secrets.iter().map(|(_, file)| file.as_path());
        if files.filter(|file| *file == Path::new("-")).count() > 1 {
            let text = "standard input holds one secret: give a file for each other one";
            return Err(Fault::Said(text.into()));
        }
        let secrets = self.secrets.iter().map(|(name, file)| {
            let known = find(name)
                .ok_or_else(|| Fault::Said(format!("{name} is no secret: give {name}=VALUE")))?;
            let secret = read(file)?;
            match secret.trim().is_empty() {
                true => Err(Fault::Said(format!("{}: {name} is blank", file.display()))),
                false => Ok((known, secret)),
            }
        });
        secrets.collect()
    }
}

/// The file's content, without the end of its last line.
pub fn read(file: &Path) -> Result<String, Fault> {
    let mut text = String::new();
    let fault = |what: &str| Fault::Said(format!("{}: {what}", file.display()));
    open(file)?
        .take(MAX_SECRET_FILE + 1)
        .read_to_string(&mut text)
        .map_err(|error| fault(&error.to_string()))?;
    if text.len() as u64 > MAX_SECRET_FILE {
        return Err(fault(&format!(
            "more than {MAX_SECRET_FILE} bytes are not a secret"
        )));
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).into())
}

/// A file to read, `-` for standard input.
pub fn open(file: &Path) -> Result<Box<dyn Read>, Fault> {
    if file == Path::new("-") {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    match std::fs::File::open(file) {
        Ok(open) => Ok(Box::new(open)),
        Err(error) => Err(Fault::Said(format!("{}: {error}", file.display()))),
    }
}
