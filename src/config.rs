//! Deployment settings: the only place that reads the environment and the configuration file.
//!
//! Each setting is one field. Its key in the file, its flag and its variable are made of one name (`max_batch`,
//! `--max-batch`, `LINEBOOK_MAX_BATCH`). A flag wins over the environment, the environment over the file, and the file
//! over the default.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command};
use ipnet::IpNet;
use toml::{Table, Value};
use tracing_subscriber::EnvFilter;

use crate::aside;
use crate::housekeeping::BackupPlan;
use crate::store;
use crate::telemetry::LogFormat;

/// Connections that may be open by default.
pub const MAX_CONNECTIONS: u32 = 16_384;

/// The most connections that read the database. Each holds files open.
pub const MAX_READERS: u32 = 256;

/// The values that `--backup-every` takes.
const BACKUP_INTERVAL: RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(365 * 24 * 60 * 60);
/// The most blocks in a list of addresses.
pub const MAX_NETWORKS: usize = 64;

/// The folder of the database.
#[derive(Debug, Clone, Args)]
pub struct DataDir {
    /// The folder with the database
    #[arg(long, env = "LINEBOOK_DATA", value_name = "DIR")]
    pub data: PathBuf,
}

/// The folder of the database, for a verb that can do without one.
#[derive(Debug, Clone, Args)]
pub struct OptionalDataDir {
    /// The folder with the database
    #[arg(long, env = "LINEBOOK_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// The settings of `serve`.
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

    #[command(flatten)]
    #[allow(missing_docs)]
    pub backups: Backups,
}

/// The backups that a server makes by itself.
#[derive(Debug, Clone, Args)]
pub struct Backups {
    /// Make a backup this long after the last one: 24h, 90m, ...; a minute to a year [default: none are made]
    #[arg(long, env = "LINEBOOK_BACKUP_EVERY", value_name = "TIME", value_parser = backup_interval)]
    pub backup_every: Option<Duration>,

    /// Backups to keep, 1 to 10000; older ones are removed after a new good one
    #[arg(long, env = "LINEBOOK_BACKUP_KEEP", value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub backup_keep: u32,

    /// The folder for backups [default: backups in the data folder]
    #[arg(long, env = "LINEBOOK_BACKUP_DIR", value_name = "DIR")]
    pub backup_dir: Option<PathBuf>,
}

impl Backups {
    /// The plan for the database in the folder `data`, if backups are wanted.
    pub fn plan(&self, data: &Path) -> Option<BackupPlan> {
        Some(BackupPlan {
            data: data.into(),
            folder: match &self.backup_dir {
                Some(folder) => folder.clone(),
                None => data.join("backups"),
            },
            every: self.backup_every?,
            keep: self.backup_keep as usize,
        })
    }
}

fn backup_interval(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    match BACKUP_INTERVAL.contains(&time) {
        true => Ok(time),
        false => Err("from 1m to 365d".into()),
    }
}

/// The default address of the server.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

/// The address of the server.
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

/// The settings of a running server.
#[derive(Debug, Clone, Args)]
pub struct Server {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub on: Listen,

    /// Threads that answer requests, 1 to 1024 [default: one per core]
    #[arg(long, env = "LINEBOOK_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,

    /// Connections that read the database, 1 to 256 [default: one for each thread that reads]
    #[arg(long, env = "LINEBOOK_READERS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_READERS)))]
    pub readers: Option<u32>,

    /// The most writes that one commit serves, 1 to 4096
    #[arg(long, env = "LINEBOOK_MAX_BATCH", value_name = "N", default_value_t = store::MAX_BATCH as u32, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub max_batch: u32,

    /// The form of a log line
    #[arg(
        long,
        env = "LINEBOOK_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,

    /// The level of log lines: error, warn, info, debug, trace, or per part (`info,linebook::store=debug`)
    #[arg(long, env = "LINEBOOK_LOG", value_name = "FILTER", default_value = "info", value_parser = log_filter)]
    pub log: String,

    /// Connections that are open at once, 16 to 1000000; one more is answered with 503
    #[arg(long, env = "LINEBOOK_MAX_CONNECTIONS", value_name = "N", default_value_t = MAX_CONNECTIONS, value_parser = clap::value_parser!(u32).range(16..=1_000_000))]
    pub max_connections: u32,

    /// Of these, connections of one address, 1 to 1000000; an IPv6 /64 is one address, a /56 has twice and a /48 four times
    /// as many [default: an eighth, at least 256]
    #[arg(long, env = "LINEBOOK_MAX_CONNECTIONS_PER_ADDRESS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_connections_per_address: Option<u32>,

    /// Proxies whose X-Forwarded-For is believed: addresses and CIDR blocks, separated by commas
    #[arg(
        long,
        env = "LINEBOOK_TRUSTED_PROXY",
        value_name = "CIDR,...",
        default_value = "",
        hide_default_value = true
    )]
    pub trusted_proxy: Networks,

    /// The certificate chain for TLS (PEM); read again on SIGHUP
    #[arg(long, env = "LINEBOOK_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key (PEM); read again on SIGHUP
    #[arg(long, env = "LINEBOOK_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// An address and port of its own for /metrics, in plain HTTP [default: it is not served]
    #[arg(long, env = "LINEBOOK_METRICS_LISTEN", value_name = "ADDR")]
    pub metrics_listen: Option<SocketAddr>,

    /// Serve /metrics with the API, to everyone who reaches it
    #[arg(long, env = "LINEBOOK_METRICS_PUBLIC", value_name = "true|false", hide_possible_values = true, value_parser = BoolishValueParser::new(), num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, action = ArgAction::Set)]
    pub metrics_public: bool,

    /// Seconds that running requests have to finish when the server stops, 0 to 3600
    #[arg(long, env = "LINEBOOK_SHUTDOWN_TIMEOUT_S", value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub shutdown_timeout_s: u64,
}

/// Blocks of addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(pub Vec<IpNet>);

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let networks = parts.map(network).collect::<Result<Vec<_>, _>>()?;
        match networks.len() {
            0..=MAX_NETWORKS => Ok(Self(networks)),
            many => Err(format!("{many} blocks, at most {MAX_NETWORKS} are allowed")),
        }
    }
}

/// A CIDR block, or an address alone.
fn network(text: &str) -> Result<IpNet, String> {
    let alone = text
        .parse()
        .map(|address: IpAddr| address.to_canonical().into());
    alone
        .or_else(|_| text.parse())
        .map_err(|_| format!("`{text}` is neither an address nor a CIDR block"))
}

impl Server {
    /// Threads that answer requests.
    pub fn worker_count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
        self.workers.map_or_else(cores, usize::from)
    }

    /// How the database is opened.
    pub fn store_options(&self) -> store::Options {
        // Enough for everything that reads at the same time: workers, their lists, web pages, and housekeeping.
        let threads = self.worker_count() * (1 + aside::BLOCKING_THREADS) + aside::THREADS + 1;
        let enough = u32::try_from(threads).unwrap_or(u32::MAX);
        let least = store::Options::default().readers;
        store::Options {
            readers: self.readers.unwrap_or(enough.clamp(least, MAX_READERS)),
            max_batch: self.max_batch as usize,
        }
    }

    /// The files of certificate and key, if the server speaks TLS.
    pub fn tls_files(&self) -> Result<Option<(PathBuf, PathBuf)>, String> {
        match (&self.tls_cert, &self.tls_key) {
            (None, None) => Ok(None),
            (Some(cert), Some(key)) => Ok(Some((cert.clone(), key.clone()))),
            (Some(_), None) => Err("--tls-cert needs --tls-key beside it".into()),
            (None, Some(_)) => Err("--tls-key needs --tls-cert beside it".into()),
        }
    }

    /// How long running requests have to finish when the server stops.
    pub fn shutdown_timeout(&self) -> Duration {
        Duration::from_secs(self.shutdown_timeout_s)
    }
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
    /// The command line, or `--help`.
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

/// A flag that the file may give is not required before the file has been read.
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

/// The file's keys and values, each checked by the flag of its name.
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

/// Asks the flag's own parser, so that the file takes the flag's values. The value is passed as an explicit flag,
/// because the environment does not win over that.
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
mod tests;
