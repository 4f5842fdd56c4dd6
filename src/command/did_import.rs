//! `did import`: many DIDs in one transaction, all of them or none.

use std::io::Read;
use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::ambient::Ambient;
use crate::api::parameters::parse_id;
use crate::command::database::operate;
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::command::secret;
use crate::config::DataDir;
use crate::service::guard::access::Actor;
use crate::service::{self, Rule, Thing, dids};
use crate::store::row::Id;
use crate::store::{StoreError, WriteTx};

/// The most lines of one import: a running server's writes wait for it, and give up after
/// [`crate::store::BUSY_TIMEOUT`].
pub const MAX_LINES: usize = 50_000;
/// Largest file, in bytes: [`MAX_LINES`] lines of the longest number and id, several times over.
pub const MAX_FILE: u64 = 8 * 1024 * 1024;
/// The first line of the file.
const HEADER: [&str; 2] = ["did", "provider_id"];

/// Spreadsheets write this before the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line that could be read.
struct Line {
    line: u64,
    did: String,
    provider_id: Id,
}

/// A line that cannot be imported.
#[derive(Debug, Serialize)]
struct BadLine {
    line: u64,
    did: String,
    reason: String,
}

const COLUMNS: &[&str] = &["line", "did", "reason"];

/// Why the transaction was rolled back.
enum Undo {
    BadLines(Vec<BadLine>),
    DryRun,
    Store(StoreError),
}

impl From<StoreError> for Undo {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Imports `file`. A dry run does everything and rolls it back.
pub(super) fn run(
    at: &DataDir,
    ambient: &Ambient,
    file: &Path,
    dry_run: bool,
) -> Result<Report, Fault> {
    let (lines, bad_lines) = read(file)?;
    let count = lines.len();
    let total = lines.len() + bad_lines.len();
    let done = operate(at, ambient, move |tx, by| {
        insert(tx, by, &lines, bad_lines)?;
        if dry_run { Err(Undo::DryRun) } else { Ok(()) }
    })?;
    match done {
        Ok(()) => Ok(imported(
            format!("{count} DIDs were imported"),
            count,
            false,
        )),
        Err(Undo::DryRun) => Ok(imported(
            format!("{count} DIDs can be imported"),
            count,
            true,
        )),
        Err(Undo::Store(error)) => Err(error.into()),
        Err(Undo::BadLines(bad_lines)) => Err(Fault::Partly(
            Report::table(COLUMNS, &bad_lines),
            format!(
                "{} of {total} lines cannot be imported, so nothing was: correct them",
                bad_lines.len()
            ),
        )),
    }
}

fn imported(text: String, count: usize, dry_run: bool) -> Report {
    Report::new(text, &json!({ "dids": count, "dry_run": dry_run }))
}

/// Inserts every line, and continues after a refused one, so that all bad lines are named at once.
fn insert(
    tx: &WriteTx<'_>,
    by: &Actor,
    lines: &[Line],
    mut bad_lines: Vec<BadLine>,
) -> Result<(), Undo> {
    for line in lines {
        match dids::create(tx, by, &line.did, Some(line.provider_id)) {
            Ok(_) => {}
            Err(service::Error::Store(error)) => return Err(error.into()),
            Err(refused) => bad_lines.push(BadLine {
                line: line.line,
                did: line.did.clone(),
                reason: naming_create(refused, &line.did, line.provider_id).to_string(),
            }),
        }
    }
    if bad_lines.is_empty() {
        return Ok(());
    }
    bad_lines.sort_by_key(|bad| bad.line);
    Err(Undo::BadLines(bad_lines))
}

/// The lines of the right shape, and the others.
fn read(file: &Path) -> Result<(Vec<Line>, Vec<BadLine>), Fault> {
    let fault = |what: String| Fault::Said(format!("{}: {what}", file.display()));
    let mut bytes = Vec::new();
    secret::open(file)?
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| fault(error.to_string()))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(fault(format!("more than {MAX_FILE} bytes: split it")));
    }
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
    let mut count = LineCount {
        text,
        counted: 0,
        line: 1,
    };
    let mut csv = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text);
    let header = csv
        .byte_headers()
        .map_err(|error| fault(error.to_string()))?;
    if header != HEADER.as_slice() {
        return Err(fault(format!(
            "the first line must be `{}`",
            HEADER.join(",")
        )));
    }
    let (mut lines, mut bad_lines) = (Vec::new(), Vec::new());
    for record in csv.byte_records() {
        let record = record.map_err(|error| fault(error.to_string()))?;
        let byte = record
            .position()
            .map_or(0, |position| position.byte() as usize);
        match parse(&record, count.at(byte)) {
            Ok(line) => lines.push(line),
            Err(bad) => bad_lines.push(bad),
        }
        if lines.len() + bad_lines.len() > MAX_LINES {
            return Err(fault(format!("more than {MAX_LINES} lines: split it")));
        }
    }
    Ok((lines, bad_lines))
}

/// Finds the line that a byte is on. Bytes must be asked for in rising order. The CSV reader's own count is wrong after
/// an empty line.
struct LineCount<'a> {
    text: &'a [u8],
    counted: usize,
    line: u64,
}

impl LineCount<'_> {
    /// The line of the first byte at or after `byte` that does not end a line. The first line is 1.
    fn at(&mut self, byte: usize) -> u64 {
        let is_end = |c: &u8| matches!(c, b'\r' | b'\n');
        let rest = self.text[byte..].iter();
        let start = byte + rest.take_while(|c| is_end(c)).count();
        let passed = &self.text[self.counted..start];
        self.line += passed.iter().filter(|c| **c == b'\n').count() as u64;
        self.counted = start;
        self.line
    }
}

fn parse(record: &csv::ByteRecord, line: u64) -> Result<Line, BadLine> {
    let text = |field: usize| String::from_utf8_lossy(record.get(field).unwrap_or_default());
    let bad = |reason: String| BadLine {
        line,
        did: text(0).into(),
        reason,
    };
    if record.len() != HEADER.len() {
        return Err(bad(format!("2 values are needed, not {}", record.len())));
    }
    let provider_id = text(1);
    match parse_id(&provider_id) {
        Some(provider_id) => Ok(Line {
            line,
            did: text(0).into(),
            provider_id,
        }),
        None => Err(bad(format!("provider_id is not a number: {provider_id}"))),
    }
}

/// A refusal to create a DID, or to change it. It names the one of the two values that it is about.
pub(super) fn naming_create(error: service::Error, number: &str, provider: Id) -> service::Error {
    let is_provider = matches!(
        &error,
        service::Error::Refused(refusal)
            if refusal.rule == Rule::NotFound(Thing::Provider)
    );
    match is_provider {
        true => naming(error, provider),
        false => naming(error, number),
    }
}
