//! Every `fixtures/<folder>/<case>.http` is a test of its name: that request to a fresh demo world is answered with
//! exactly `<case>.xml`. `UPDATE=1` writes the answers instead of comparing them, for review in the diff.
//!
//! A case starts with `#` lines: why it is there, and directives. Then come a request line, headers, an empty line and
//! the body, so that the request can be pasted into curl.
//!
//! - `# given: settings set allow_get on`: a line of the command line, run on the world first.
//! - `# given sql: ...`: a change behind the server's back, first.
//! - `# from: 192.0.2.7`: the address that it comes from.
//! - `# lines: crlf`: the body's lines end as multipart wants them.
//! - `# status: 404`: the status, where it is not 200.
//! - `# reply: Name: value`, `# reply: no Name`: a header that the reply must have, or must not.
//! - `# then: SELECT ... => a|b`: what the database holds afterwards.

#![allow(clippy::unwrap_used, missing_docs)]

#[allow(missing_docs)]
mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use common::{Answer, METHODS, Request, World};
use libtest_mimic::{Arguments, Failed, Trial};
use linebook::api::method::{COMMON_ERRORS, ErrorText, Method};
use linebook::api::methods;

/// The folder of cases that are about no one method.
const NO_METHOD: &str = "http";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let cases = list("http");
    let mut trials: Vec<Trial> = cases.iter().map(|path| trial(path)).collect();
    for method in methods::METHODS {
        trials.extend(coverage(method));
    }
    trials.push(Trial::test("every file belongs to a case", move || {
        strays(&cases)
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Every file in a folder under `fixtures` with this extension, in order.
fn list(extension: &str) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(folder()).unwrap();
    let folders = folders.map(|entry| entry.unwrap().path());
    let files = folders
        .filter(|path| path.is_dir())
        .flat_map(|path| std::fs::read_dir(path).unwrap())
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|known| known == extension))
        .collect();
    files.sort();
    files
}

fn trial(path: &Path) -> Trial {
    let name = path.strip_prefix(folder()).unwrap().with_extension("");
    let path = path.to_owned();
    Trial::test(name.to_string_lossy(), move || run(&path))
}

fn run(path: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    let case = Case::parse(&text)?;
    let world = World::new();
    // In their order: commands refuse a schema that is not linebook's.
    for (how, what) in &case.given {
        match how {
            Given::Command => world.linebook(what),
            Given::Sql => world.sql(what),
        };
    }
    let before = world.dump();
    let answer = world.send(&case.request);
    answer.check();
    expect(answer.status, case.status, "status")?;
    case.check_headers(&answer)?;
    compare(&path.with_extension("xml"), &answer.text())?;

    let log_before = before["action_log"].len();
    let after = world.dump();
    let is_read = path.parent().unwrap().ends_with("devices_get");
    if answer.error().is_some() || is_read {
        expect(&after, &before, "the database")?;
    } else {
        expect(
            after["action_log"].len(),
            log_before + 1,
            "entries in the log",
        )?;
        check_log(&world, &case.request)?;
    }
    for (sql, rows) in &case.then {
        expect(&world.select(sql), rows, sql)?;
    }
    Ok(())
}

/// The newest entry says from where the change came, and tells no secret.
fn check_log(world: &World, request: &Request) -> Result<(), Failed> {
    let last = "FROM action_log ORDER BY id DESC LIMIT 1";
    let from = format!("api|{}|16", request.from);
    let columns = format!("SELECT through, address, length(request_id) {last}");
    expect(world.select(&columns), from, "the log")?;
    let entry = world.select(&format!("SELECT ifnull(before, '') || after {last}"));
    let secrets = "SELECT secret FROM devices UNION SELECT secret FROM api_keys";
    for secret in world.select(secrets).split(';') {
        // A short key may stand in a number by chance; whole, quoted, it must not stand anywhere.
        if entry.contains(&format!("\"{secret}\"")) || secret.len() > 8 && entry.contains(secret) {
            return Err(format!("the log holds the secret {secret}: {entry}").into());
        }
    }
    Ok(())
}

fn compare(path: &Path, answer: &str) -> Result<(), Failed> {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, answer)?;
        return Ok(());
    }
    let expected = std::fs::read_to_string(path)
        .map_err(|_| format!("no {}: UPDATE=1 writes it", path.display()))?;
    expect(answer, expected.as_str(), "answer")
}

fn expect<T: PartialEq + std::fmt::Debug>(is: T, should: T, what: &str) -> Result<(), Failed> {
    if is == should {
        return Ok(());
    }
    Err(format!("{what}: is {is:?}, should be {should:?}").into())
}

/// How something is brought about before the request.
#[derive(Debug)]
enum Given {
    Command,
    Sql,
}

/// A case, as its file says.
struct Case {
    given: Vec<(Given, String)>,
    status: u16,
    reply: Vec<String>,
    then: Vec<(String, String)>,
    request: Request,
}

impl Case {
    fn parse(text: &str) -> Result<Self, Failed> {
        let is_comment = |line: &&str| line.starts_with('#');
        let comments: Vec<&str> = text.lines().take_while(is_comment).collect();
        if !comments.iter().any(|line| directive(line).is_none()) {
            return Err("a case says why it is there".into());
        }
        let start: usize = comments.iter().map(|line| line.len() + 1).sum();
        let mut case = Self {
            given: Vec::new(),
            status: 200,
            reply: Vec::new(),
            then: Vec::new(),
            request: request(&text[start..])?,
        };
        for (name, value) in comments.iter().filter_map(|line| directive(line)) {
            match name {
                "given" => case.given.push((Given::Command, value.into())),
                "given sql" => case.given.push((Given::Sql, value.into())),
                "from" => case.request = case.request.from(value),
                "lines" => {
                    let body = String::from_utf8(case.request.body.clone())?;
                    case.request.body = body.replace('\n', "\r\n").into_bytes();
                }
                "status" => case.status = value.parse()?,
                "reply" => case.reply.push(value.into()),
                _ => {
                    let (sql, rows) = value.split_once(" => ").ok_or("then: no =>")?;
                    case.then.push((sql.into(), rows.into()));
                }
            }
        }
        Ok(case)
    }

    fn check_headers(&self, answer: &Answer) -> Result<(), Failed> {
        for header in &self.reply {
            let (name, value) = match header.strip_prefix("no ") {
                Some(name) => (name, None),
                None => header
                    .split_once(": ")
                    .map(|(name, value)| (name, Some(value)))
                    .unwrap(),
            };
            expect(answer.header(name), value, name)?;
        }
        Ok(())
    }
}

/// The name and value of a directive; none for a line of prose.
fn directive(line: &str) -> Option<(&str, &str)> {
    let names = [
        "given",
        "given sql",
        "from",
        "lines",
        "status",
        "reply",
        "then",
    ];
    let (name, value) = line.strip_prefix("# ")?.split_once(": ")?;
    names.contains(&name).then_some((name, value))
}

fn request(text: &str) -> Result<Request, Failed> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let mut lines = head.lines();
    let (verb, target) = lines
        .next()
        .and_then(|line| line.split_once(' '))
        .ok_or("no request line")?;
    let mut request = Request::new(verb, target);
    for line in lines {
        let (name, value) = line.split_once(": ").ok_or("a header is `Name: value`")?;
        request = request.header(name, value);
    }
    let body = body.strip_suffix('\n').unwrap_or(body);
    Ok(request.body(None, body))
}

/// One test per error that a method lists: there is a case for it, and it gets that error's text.
fn coverage(method: &'static Method) -> Vec<Trial> {
    let errors: Vec<&'static ErrorText> = COMMON_ERRORS.iter().chain(method.errors).collect();
    let names: Vec<String> = errors
        .iter()
        .map(|error| case_name(error, &errors))
        .collect();
    let successes = ["success", "success-current"].map(|name| (name.to_owned(), "<page>"));
    let texts = errors
        .iter()
        .map(|error| error.text.split("{}").next().unwrap());
    names
        .into_iter()
        .zip(texts)
        .chain(successes)
        .map(|(name, text)| {
            let path = folder().join(method.name).join(&name).with_extension("xml");
            Trial::test(format!("{} has the case {name}", method.name), move || {
                let answer = std::fs::read_to_string(&path)
                    .map_err(|_| format!("{} is missing", path.display()))?;
                match answer.contains(text) {
                    true => Ok(()),
                    false => Err(format!("{} does not say {text}", path.display()).into()),
                }
            })
        })
        .collect()
}

/// `Device(PinUsed)` is `pin-used`; with its area in front where a method lists two of the name.
fn case_name(error: &ErrorText, all: &[&'static ErrorText]) -> String {
    let parts = |error: &ErrorText| {
        let debug = format!("{:?}", error.rule);
        let (area, variant) = debug.strip_suffix(')').unwrap().split_once('(').unwrap();
        (area.to_owned(), variant.to_owned())
    };
    let (area, variant) = parts(error);
    let alike = all.iter().filter(|other| parts(other).1 == variant).count();
    match alike {
        1 => kebab(&variant),
        _ => kebab(&(area + &variant)),
    }
}

fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.extend(c.to_lowercase());
    }
    kebab
}

/// No answer without its request, no folder that is not a method's.
fn strays(cases: &[PathBuf]) -> Result<(), Failed> {
    let known: BTreeSet<PathBuf> = cases
        .iter()
        .map(|path| path.with_extension("xml"))
        .collect();
    let answers: BTreeSet<PathBuf> = list("xml").into_iter().collect();
    expect(&answers, &known, "answers")?;
    for path in cases {
        let folder = path
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_string_lossy();
        if folder != NO_METHOD && !METHODS.contains(&&*folder) {
            return Err(format!("{folder} is no method").into());
        }
    }
    Ok(())
}
