//! `init`: a new database, whose only secrets are random and are shown once.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::ambient::Ambient;
use crate::command::fault::Fault;
use crate::command::output::Report;
use crate::config::{self, DataDir};
use crate::service::guard::passwords;
use crate::service::installation::{self, ADMIN_USERNAME, FIRST_RUN};
use crate::service::{keys, sessions};
use crate::store::{FILE_NAME, OpenError, Options, Store, WriteTx};

/// Make a new database with the user admin, a random password and a random secret key
///
/// On a terminal both secrets are shown once. Otherwise they are written to first-run.txt in the folder, which only its
/// owner can read, and only its path is printed. A folder that has a database is refused.
#[derive(Debug, clap::Args)]
pub struct Init {
    #[command(flatten)]
    at: DataDir,
}

impl Init {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        let shown = match std::io::stdout().is_terminal() {
            true => Shown::OnTerminal,
            false => Shown::InFile,
        };
        let base = format!("http://{}", config::DEFAULT_LISTEN);
        let (_, report) = run(&self.at.data, Options::default(), ambient, shown, &base)?;
        Ok(report)
    }
}

/// Where the first secrets are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// In the report.
    OnTerminal,
    /// In [`FIRST_RUN`].
    InFile,
}

/// Makes a new database in the folder `data`, and the folder if it is missing, and opens it. The report holds the
/// secrets, or the path of the file that holds them. `base` is the address of the web pages.
pub fn run(
    data: &Path,
    options: Options,
    ambient: &Ambient,
    shown: Shown,
    base: &str,
) -> Result<(Store, Report), Fault> {
    make_folder(data)?;
    let secrets = Secrets {
        password: passwords::generate(ambient),
        key: keys::generate(ambient),
        token: sessions::new_token(ambient),
    };
    let hash = passwords::hash(&secrets.password, ambient)?;
    let now_ms = ambient.now_ms();
    let mut first_run = None;
    let store = Store::create(data, options, |tx: &WriteTx<'_>| {
        installation::fill_new(tx, now_ms, hash, &secrets.key)?;
        sessions::insert_first_link(tx, &secrets.token, now_ms)?;
        // This comes before the commit: a database whose secrets nobody has is useless.
        if shown == Shown::InFile {
            first_run = Some(write_file(data, &secrets, base)?);
        }
        Ok::<(), Fault>(())
    });
    match (store, first_run) {
        (Ok(store), Some(path)) => Ok((store, in_file(data, &path))),
        (Ok(store), None) => Ok((store, on_terminal(data, &secrets, base))),
        (Err(fault), path) => {
            if let Some(path) = path
                && !is_made(data, &fault)
            {
                // The file holds the secrets of a database that does not exist.
                let _ = std::fs::remove_file(path);
            }
            Err(fault)
        }
    }
}

/// Whether the database was made before the fault. One that existed already is someone else's.
fn is_made(data: &Path, fault: &Fault) -> bool {
    !matches!(fault, Fault::Open(OpenError::Exists(_))) && data.join(FILE_NAME).exists()
}

struct Secrets {
    password: String,
    key: String,
    /// The token of the link with which admin sets their own password.
    token: String,
}

impl Secrets {
    fn link(&self, base: &str) -> String {
        format!("{base}/welcome/{}", self.token)
    }

    fn lines(&self, base: &str) -> String {
        format!(
            "username  {ADMIN_USERNAME}\npassword  {}\nkey       {}\nlink      {}\n{}",
            self.password,
            self.key,
            self.link(base),
            about_link(base),
        )
    }
}

/// Says what the link is for, and when its address has to be changed first, as behind a proxy.
fn about_link(base: &str) -> String {
    format!(
        "(The link sets another password in the browser: once, within {} minutes, while linebook serves. If the browser reaches it at another address than {base}, put that into the link.)",
        sessions::LINK_MS / 60_000,
    )
}

/// Makes the folder, for its owner only, if it is missing.
pub fn make_folder(data: &Path) -> Result<(), Fault> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .map_err(|error| Fault::Said(format!("{} cannot be made: {error}", data.display())))
}

/// Writes the file for its owner only. An existing file is left alone: it may hold the secrets of another database.
fn write_file(data: &Path, secrets: &Secrets, base: &str) -> Result<PathBuf, Fault> {
    let path = data.join(FIRST_RUN);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| {
            writeln!(file, "{}", secrets.lines(base))?;
            file.sync_all()
        });
    match written {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let path = path.display();
            Err(Fault::Said(format!(
                "{path} is already there: unless another `init` runs, it is from a database that is gone; move it away"
            )))
        }
        Err(error) => {
            let _ = std::fs::remove_file(&path);
            Err(Fault::Said(format!(
                "{} cannot be written: {error}",
                path.display()
            )))
        }
    }
}

fn on_terminal(data: &Path, secrets: &Secrets, base: &str) -> Report {
    let text = format!(
        "A new database is in {}. These are shown only once:\n{}",
        data.display(),
        secrets.lines(base)
    );
    let json = json!({
        "data": data.display().to_string(),
        "username": ADMIN_USERNAME,
        "password": secrets.password,
        "key": secrets.key,
        "link": secrets.link(base),
    });
    Report::new(text, &json)
}

fn in_file(data: &Path, path: &Path) -> Report {
    let text = format!(
        "A new database is in {}. The password and the key of {ADMIN_USERNAME} are in {}: keep them. The file goes away at the first sign-in.",
        data.display(),
        path.display()
    );
    let json = json!({
        "data": data.display().to_string(),
        "first_run": path.display().to_string(),
    });
    Report::new(text, &json)
}
