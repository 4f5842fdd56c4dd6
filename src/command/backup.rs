//! `backup` and `restore`: a copy of the database, even while a server runs, and the way back.

use std::path::PathBuf;

use serde_json::json;

use crate::ambient::{Ambient, file_time};
use crate::command::fault::Fault;
use crate::command::init;
use crate::command::output::Report;
use crate::config::DataDir;
use crate::store::file::backup;

/// Copy the database to a file, even while a server writes to it
///
/// The copy is checked before it gets its name. Only its owner can read it: like the database, it holds secrets.
#[derive(Debug, clap::Args)]
pub struct Backup {
    /// The file to make
    file: PathBuf,

    /// Replace an existing file
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    at: DataDir,
}

impl Backup {
    pub(super) fn run(self) -> Result<Report, Fault> {
        backup::backup(&self.at.data, &self.file, self.force)?;
        let bytes = std::fs::metadata(&self.file).map_or(0, |file| file.len());
        let text = format!(
            "{} holds a checked copy, {bytes} bytes",
            self.file.display()
        );
        let json = json!({ "file": self.file.display().to_string(), "bytes": bytes });
        Ok(Report::new(text, &json))
    }
}

/// Put a backup in the place of the database
///
/// The backup is checked first. Stop a running server before: its database is left alone. With --force an existing
/// database is replaced, and kept in the folder linebook.db.replaced-TIME within the data folder. Everyone signs in to
/// the web pages again: sessions and links for a first password end.
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// The backup
    file: PathBuf,

    /// Replace an existing database
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    at: DataDir,
}

impl Restore {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        init::make_folder(&self.at.data)?;
        let suffix = format!(".replaced-{}", file_time(ambient.now_ms()));
        let restored = backup::restore(&self.file, &self.at.data, self.force, &suffix)?;
        let data = self.at.data.display();
        let replaced = restored.kept.map(|path| path.display().to_string());
        let kept = match &replaced {
            None => String::new(),
            Some(path) => format!("; what was there is kept in {path}"),
        };
        let text = format!(
            "{} is restored to {data}{kept}; everyone signs in again ({} sessions and {} password links were ended)",
            self.file.display(),
            restored.sessions,
            restored.links,
        );
        let json = json!({
            "data": data.to_string(),
            "replaced": replaced,
            "sessions_ended": restored.sessions,
            "links_ended": restored.links,
        });
        Ok(Report::new(text, &json))
    }
}
