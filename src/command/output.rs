//! What verbs print: a table or a line for people, JSON for programs. The only place that writes to standard output.

use std::io::{self, BufRead, Read, Write};

use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::Value;

use crate::ambient::rfc3339;
use crate::service::text;

/// The most bytes of an answer that are read.
const MAX_ANSWER: u64 = 100;

/// The output of a verb.
#[derive(Debug, Default)]
pub struct Report {
    /// The text for people, without the end of its last line.
    text: String,
    /// The JSON for programs.
    json: String,
    /// A note for people, beside the output.
    note: Option<String>,
}

impl Report {
    /// One or more lines for people, and their content as JSON.
    pub fn new(text: impl Into<String>, json: &Value) -> Self {
        Self {
            text: text.into(),
            json: json.to_string(),
            note: None,
        }
    }

    /// One line for people, and its text as JSON.
    pub fn line(text: String) -> Self {
        let json = Value::from(text.as_str());
        Self::new(text, &json)
    }

    /// Rows as a table of `columns`, which are fields of their JSON.
    pub fn table<T: Serialize>(columns: &[&str], rows: &[T]) -> Self {
        let values: Vec<Value> = rows.iter().map(to_value).collect();
        Self {
            text: table(columns, &values),
            // Rows keep the order of their fields; a `Value` would sort them.
            json: serde_json::to_string(rows).expect("rows are plain values"),
            note: None,
        }
    }

    /// The first `limit` of `rows`. One row more means that the list goes on, and the report says so.
    pub fn list<T: Serialize>(columns: &[&str], rows: Vec<T>, limit: u32) -> Self {
        Self::part(columns, rows, limit, "--after")
    }

    /// The first `limit` of `rows`, and where the list goes on, the flag that continues after the last id: `id`, or
    /// what the first column has.
    pub fn part<T: Serialize>(columns: &[&str], mut rows: Vec<T>, limit: u32, flag: &str) -> Self {
        let has_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let mut report = Self::table(columns, &rows);
        if has_more && let Some(last) = rows.last() {
            let last = to_value(last);
            let id = last
                .get("id")
                .or(last.get(columns[0]))
                .unwrap_or(&Value::Null);
            report.note = Some(format!("there are more: {flag} {id}"));
        }
        report
    }

    /// Prints the report. A reader that has gone away (`| head`) has seen enough.
    pub fn print(&self, as_json: bool) -> Result<(), io::Error> {
        let text = match as_json {
            true => self.json.as_str().into(),
            false => text::revealed(&self.text),
        };
        let printed = match text.is_empty() {
            true => Ok(()),
            false => print(&text),
        };
        match printed {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
        if let Some(note) = &self.note {
            complain(note);
        }
        Ok(())
    }
}

fn print(text: &str) -> Result<(), io::Error> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Writes one line to standard error. A failure is ignored, because nobody could read about it.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "linebook: {}", printable(text));
}

/// Says something on standard error, and asks whether to go on. Anything but yes is no.
pub fn ask(text: &str) -> bool {
    complain(text);
    let _ = write!(io::stderr().lock(), "Go on? [y/N] ");
    let mut answer = String::new();
    let answered = io::stdin().lock().take(MAX_ANSWER).read_line(&mut answer);
    let answer = answer.trim().to_lowercase();
    answered.is_ok() && matches!(answer.as_str(), "y" | "yes")
}

/// The text without line ends, and without characters that could drive a terminal, change the order of reading, or
/// hide.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if text::is_hidden(c) {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

fn to_value<T: Serialize>(row: &T) -> Value {
    serde_json::to_value(row).expect("rows are plain values")
}

fn table(columns: &[&str], rows: &[Value]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().copied());
    for row in rows {
        table.add_row(columns.iter().map(|column| cell(column, &row[*column])));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// A value as people read it; times (fields in `_ms`) as RFC 3339.
fn cell(column: &str, value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.into(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_i64() {
            Some(at_ms) if column.ends_with("_ms") => rfc3339(at_ms),
            _ => number.to_string(),
        },
        Value::Array(values) => {
            let cells: Vec<String> = values.iter().map(|value| cell(column, value)).collect();
            cells.join(" ")
        }
        Value::Object(_) => value.to_string(),
    };
    printable(&text)
}
