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
