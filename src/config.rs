//! Deployment settings: the only place that reads the environment and the configuration file.
//!
//! Each setting stands once, as a field: its name is the key in the file, its flag and its variable are the same words
//! (`max_batch`, `--max-batch`, `LINEBOOK_MAX_BATCH`). A flag wins over the environment, the environment over the file,
//! the file over the default.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgMatches, Args, Command, ValueEnum};
use toml::{Table, Value};
use tracing_subscriber::EnvFilter;

use crate::store;

/// Where the database is.
#[derive(Debug, Clone, Args)]
pub struct DataDir {
    /// The folder with the database
    #[arg(long, env = "LINEBOOK_DATA", value_name = "DIR")]
    pub data: PathBuf,
}

/// Where the database is, for a verb that can do without one.
#[derive(Debug, Clone, Args)]
pub struct OptionalDataDir {
    /// The folder with the database
    #[arg(long, env = "LINEBOOK_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// What `serve` needs to know.
#[derive(Debug, Clone, Args)]
// The verb's own arguments already make a group of this name.
#[group(skip)]
pub struct Serve {
    /// A TOML file with any of these settings; its keys are the flags' names with _ for -
    #[arg(long, env = "LINEBOOK_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub at: DataDir,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: Server,
}

/// Where the server listens unless it is told otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

/// Where the server listens.
#[derive(Debug, Clone, Args)]
pub struct Listen {
    /// The address and port to listen on
    #[arg(
        long,
        env = "LINEBOOK_LISTEN",
        value_name = "ADDR",
        default_value = DEFAULT_LISTEN
    )]
    pub listen: SocketAddr,
}

/// How a server runs.
#[derive(Debug, Clone, Args)]
pub struct Server {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub on: Listen,

    /// Threads that answer requests, 1 to 1024 [default: one per core]
    #[arg(long, env = "LINEBOOK_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,

    /// Connections that read the database, 1 to 256
    #[arg(long, env = "LINEBOOK_READERS", value_name = "N", default_value_t = store::Options::default().readers, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub readers: u32,

    /// Writes that one commit serves at most, 1 to 4096
    #[arg(long, env = "LINEBOOK_MAX_BATCH", value_name = "N", default_value_t = store::MAX_BATCH as u32, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub max_batch: u32,

    /// How a log line looks
    #[arg(
        long,
        env = "LINEBOOK_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,

    /// What is logged: error, warn, info, debug, trace, or per part (`info,linebook::store=debug`)
    #[arg(long, env = "LINEBOOK_LOG", value_name = "FILTER", default_value = "info", value_parser = log_filter)]
    pub log: String,

    /// Seconds that running requests have to finish when the server stops, 0 to 3600
    #[arg(long, env = "LINEBOOK_SHUTDOWN_TIMEOUT_S", value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub shutdown_timeout_s: u64,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object per line.
    Json,
}

impl Server {
    /// Threads that answer requests.
    pub fn worker_count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
        self.workers.map_or_else(cores, usize::from)
    }

    /// How the database is opened.
    pub fn store_options(&self) -> store::Options {
        store::Options {
            readers: self.readers,
            max_batch: self.max_batch as usize,
        }
    }

    /// How long running requests have to finish when the server stops.
    pub fn shutdown_timeout(&self) -> Duration {
        Duration::from_secs(self.shutdown_timeout_s)
    }
}

/// Where this program's own file is, for lines that can be pasted into a shell.
pub fn program() -> String {
    std::env::current_exe().map_or("linebook".into(), |path| path.display().to_string())
}

fn log_filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.into()),
        Err(error) => Err(error.to_string()),
    }
}

/// Why the command line and the file gave no settings.
#[derive(Debug)]
pub enum ConfigError {
    /// The command line; also `--help`.
    Usage(clap::Error),
    /// The file; one line that says where and what.
    File(String),
}

impl From<clap::Error> for ConfigError {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

/// Parses the command line. For a verb that takes `--config`, the file's values become the defaults of its flags.
pub fn matches(command: Command, line: Vec<OsString>) -> Result<ArgMatches, ConfigError> {
    let first = without_required(command.clone()).try_get_matches_from(&line)?;
    let Some((verb, found)) = first.subcommand() else {
        return Ok(command.try_get_matches_from(&line)?);
    };
    let file = found.try_get_one::<PathBuf>("config").ok().flatten();
    let (Some(file), Some(serve)) = (file, command.find_subcommand(verb)) else {
        return Ok(command.try_get_matches_from(&line)?);
    };
    let defaults = read(file, serve)
        .map_err(|what| ConfigError::File(format!("{}: {what}", file.display())))?;
    let command = command.mut_subcommand(verb, |serve| {
        defaults.into_iter().fold(serve, |serve, (key, value)| {
            serve.mut_arg(key, |flag| flag.required(false).default_value(value))
        })
    });
    Ok(command.try_get_matches_from(&line)?)
}

/// What the file may give must not be missed before the file has been read.
fn without_required(command: Command) -> Command {
    let verbs: Vec<String> = command
        .get_subcommands()
        .filter(|verb| verb.get_arguments().any(|flag| flag.get_id() == "config"))
        .map(|verb| verb.get_name().into())
        .collect();
    verbs.into_iter().fold(command, |command, verb| {
        command.mut_subcommand(verb, |verb| verb.mut_args(|flag| flag.required(false)))
    })
}

/// The file's keys and values, each one that the flag of this name takes.
fn read(file: &Path, serve: &Command) -> Result<Vec<(String, String)>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error
            .span()
            .map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        format!("line {line}: {}", error.message())
    })?;
    let flags: Vec<&Arg> = serve
        .get_arguments()
        .filter(|flag| flag.get_id() != "config")
        .collect();
    table
        .into_iter()
        .map(|(key, value)| {
            let flag = flags
                .iter()
                .find(|flag| flag.get_id() == key.as_str())
                .ok_or_else(|| {
                    let known: Vec<&str> =
                        flags.iter().map(|flag| flag.get_id().as_str()).collect();
                    format!("`{key}` is not a setting: there are {}", known.join(", "))
                })?;
            let value = scalar(&key, value)?;
            check(&key, flag, &value)?;
            Ok((key, value))
        })
        .collect()
}

fn scalar(key: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(on) => Ok(on.to_string()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
            Err(format!("`{key}` takes one text or whole number"))
        }
    }
}

/// Asks the flag's own parser, so that the file takes what the flag takes. An explicit flag is used, because the
/// environment does not win over that.
fn check(key: &str, flag: &Arg, value: &str) -> Result<(), String> {
    let given = match flag.get_long() {
        Some(long) => format!("--{long}={value}"),
        None => return Err(format!("`{key}` is only a flag")),
    };
    let alone = Command::new("file")
        .no_binary_name(true)
        .arg(flag.clone().required(false));
    match alone.try_get_matches_from([given]) {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = error.to_string();
            let reason: Vec<&str> = text
                .lines()
                .map(str::trim)
                .take_while(|line| !line.starts_with("For more information"))
                .filter(|line| !line.is_empty())
                .collect();
            let reason = reason.join(" ");
            let reason = reason.strip_prefix("error: ").unwrap_or(&reason);
            Err(format!("`{key}`: {reason}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::FromArgMatches;

    /// The settings that a file and flags give; an error as its one line.
    fn parse(file: &str, flags: &[&str]) -> Result<Serve, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("linebook.toml");
        std::fs::write(&path, file).expect("a file");
        let mut line: Vec<OsString> = vec!["linebook".into(), "serve".into(), "--config".into()];
        line.push(path.clone().into());
        line.extend(flags.iter().map(OsString::from));
        let serve = Serve::augment_args(Command::new("serve"));
        let matches = matches(Command::new("linebook").subcommand(serve), line);
        match matches {
            Ok(found) => {
                let found = found.subcommand_matches("serve").expect("the verb");
                Ok(Serve::from_arg_matches(found).expect("the settings"))
            }
            Err(ConfigError::File(text)) => Err(text.replace(&format!("{}: ", path.display()), "")),
            Err(ConfigError::Usage(error)) => Err(format!("usage: {}", error.kind())),
        }
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = "data = \"/srv/a\"\nreaders = 7\nmax_batch = \"9\"\nlog_format = \"json\"\n";
        let serve = parse(file, &["--readers", "8"]).expect("settings");
        assert_eq!(serve.at.data, Path::new("/srv/a"));
        assert_eq!(serve.server.readers, 8);
        assert_eq!(serve.server.max_batch, 9);
        assert_eq!(serve.server.log_format, LogFormat::Json);
        assert_eq!(serve.server.on.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(serve.server.shutdown_timeout_s, 30);
        assert!(serve.server.worker_count() >= 1);
    }

    #[test]
    fn a_bad_key_or_value_is_named_on_one_line() {
        let check = |file: &str, starts: &str| {
            let error = parse(file, &["--data", "x"]).expect_err(file);
            assert!(error.starts_with(starts), "{file:?}: {error}");
            assert!(!error.contains('\n'), "{error}");
        };
        check(
            "lisen = \"x\"",
            "`lisen` is not a setting: there are data, listen,",
        );
        check("config = \"x\"", "`config` is not a setting");
        check(
            "readers = 0",
            "`readers`: invalid value '0' for '--readers <N>'",
        );
        check("readers = 257", "`readers`: invalid value '257'");
        check("listen = \"8080\"", "`listen`: invalid value '8080'");
        check("log_format = \"xml\"", "`log_format`: invalid value 'xml'");
        check("log = \"linebook=loud\"", "`log`: invalid value");
        check(
            "listen = [\"a\"]",
            "`listen` takes one text or whole number",
        );
        check("[serve]\nreaders = 1", "`serve` is not a setting");
        check("\n\nreaders == 1", "line 3: ");
    }

    #[test]
    fn a_missing_data_folder_is_a_usage_error_with_a_file_too() {
        // Holds only where the variable is not set for the tests themselves.
        if std::env::var_os("LINEBOOK_DATA").is_none() {
            let error = parse("readers = 2", &[]).expect_err("no folder");
            assert!(error.starts_with("usage: "), "{error}");
        }
    }
}
