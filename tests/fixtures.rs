//! Every file under `fixtures` holds the cases of one method, or of none, and each case is a test: that request to a
//! fresh demo world is answered with exactly that answer. `UPDATE=1` writes hashes and answers instead of comparing
//! them, for review in the diff.
//!
//! ```text
//! # cli_add
//! # right: manage_devices
//! # signed strict: device_id cli_number cli_description comment banned ivr_id
//! # signed documented: device_id cli_number
//!
//! ### banned-blank: Blank was not sent: not banned.
//! # then: SELECT banned FROM clis WHERE id = 4 => 0
//! POST /billing/api/cli_add?u=admin&device_id=2&cli_number=1&banned=&hash=bb3b61b28670cf45e86cd4e72841305a61bb9783
//! => <?xml version="1.0" encoding="UTF-8"?><page><status>CLI successfully created</status></page>
//! ```
//!
//! On top stands what the table says of the method, a second time: the right that it asks for, and the orders in which
//! it may be signed. A case has a name and a reason, directives, a request line, headers, an empty line and a body where
//! it has them, and behind `=>` the whole answer, unpacked, to the next case. What is pasted into curl ends at `=>`.
//!
//! - `# given: settings set allow_get on`: a line of the command line, run on the world first.
//! - `# given sql: ...`: a change behind the server's back, first.
//! - `# from: 192.0.2.7`: the address that it comes from.
//! - `# lines: crlf`: the body's lines end as multipart wants them.
//! - `# signed: provider_id`: what the hash is made of, where that is not the method's first order.
//! - `# key: 456789`: the key that signs, where that is not the caller's first one.
//! - `# hash: as written`: the hash is no right one.
//! - `# status: 404`: the status, where it is not 200.
//! - `# reply: Name: value`, `# reply: no Name`: a header that the reply must have, or must not.
//! - `# then: SELECT ... => a|b`: what the database holds afterwards.

#![allow(clippy::unwrap_used, missing_docs)]

#[allow(missing_docs)]
mod common;

use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};

use common::fixture::{self, Case};
use common::request::sent;
use common::{Answer, Fixture, METHODS, Request, World};
use libtest_mimic::{Arguments, Failed, Trial};
use linebook::api::method::{COMMON_ERRORS, ErrorText, Method, Right, Run};
use linebook::api::methods;

/// The files whose cases are about no one method.
const NO_METHOD: [&str; 1] = ["requests"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for name in fixture::names() {
        trials.extend(file(&name));
    }
    for method in methods::METHODS {
        trials.extend(coverage(method));
        let name = format!("{} is what its file says", method.name);
        trials.push(Trial::test(name, || witness(method)));
    }
    trials.push(Trial::test(
        "an XML reader that is not ours takes every answer",
        xmllint,
    ));
    trials.push(Trial::test(
        "what a fixture file may not be",
        refused_fixtures,
    ));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A test per case; one that fails, where the file cannot be read.
fn file(name: &str) -> Vec<Trial> {
    let read = Fixture::read(name);
    let is_known = NO_METHOD.contains(&name) || METHODS.contains(&name);
    let read = match is_known {
        true => read,
        false => Err(format!("{name} is no method")),
    };
    match read {
        Err(error) => vec![Trial::test(name, move || Err(error.into()))],
        Ok(fixture) => {
            let fixture = Arc::new(fixture);
            let places = 0..fixture.cases.len();
            places
                .map(|place| {
                    let fixture = fixture.clone();
                    let name = format!("{name}/{}", fixture.cases[place].name);
                    Trial::test(name, move || run(&fixture, &fixture.cases[place]))
                })
                .collect()
        }
    }
}

fn run(fixture: &Fixture, case: &Case) -> Result<(), Failed> {
    let case = with_hash(fixture, case)?;
    let world = World::new();
    // In their order: commands refuse a schema that is not linebook's.
    for (how, what) in case.directives() {
        match how {
            "given" => world.linebook(what),
            "given sql" => world.sql(what),
            _ => {}
        }
    }
    let before = world.dump();
    let answer = world.send(&case.request);
    answer.check();
    let status = case.all("status").next().unwrap_or("200");
    expect(answer.status, status.parse()?, "status")?;
    check_headers(&case, &answer)?;
    compare(fixture, &case, &answer.text())?;

    let log_before = before["action_log"].len();
    let after = world.dump();
    if answer.error().is_some() || is_read(&fixture.name) {
        expect(&after, &before, "the database")?;
    } else {
        expect(
            after["action_log"].len(),
            log_before + 1,
            "entries in the log",
        )?;
        check_log(&world, &case.request)?;
    }
    for then in case.all("then") {
        let (sql, rows) = then.split_once(" => ").ok_or("then: no =>")?;
        expect(world.select(sql).as_str(), rows, sql)?;
    }
    Ok(())
}

fn is_read(name: &str) -> bool {
    methods::find(name).is_some_and(|method| matches!(method.run, Run::Read(_)))
}

/// The case with the hash of its values, which it must carry already; `UPDATE=1` puts it there.
fn with_hash(fixture: &Fixture, case: &Case) -> Result<Case, Failed> {
    let Some(right) = fixture.hash(case) else {
        return Ok(case.clone());
    };
    let values = sent(&case.request).map_err(|error| error.to_string())?;
    let written = values["hash"].as_str();
    if !is_update() {
        expect(written, right.as_str(), "hash")?;
        return Ok(case.clone());
    }
    let mut text = case.text.clone();
    for before in ["&hash=", "?hash=", "\"hash\":\"", "name=\"hash\"\n\n"] {
        text = text.replace(&format!("{before}{written}"), &format!("{before}{right}"));
    }
    Ok(case.clone().with_request(&text)?)
}

fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some()
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

/// Compares the answer, or writes it down.
fn compare(fixture: &Fixture, case: &Case, answer: &str) -> Result<(), Failed> {
    /// The cases of one file run side by side.
    static FILES: Mutex<()> = Mutex::new(());
    if is_update() {
        let _held = FILES.lock().unwrap();
        let before = fixture.case(&case.name).unwrap();
        fixture::rewrite(&fixture.name, before, &case.text, answer);
        return Ok(());
    }
    let expected = case.answer.as_deref();
    expect(Some(answer), expected, "answer (UPDATE=1 writes it)")
}

fn expect<T: PartialEq + std::fmt::Debug>(is: T, should: T, what: &str) -> Result<(), Failed> {
    if is == should {
        return Ok(());
    }
    Err(format!("{what}: is {is:?}, should be {should:?}").into())
}

fn check_headers(case: &Case, answer: &Answer) -> Result<(), Failed> {
    for header in case.all("reply") {
        let (name, value) = match header.strip_prefix("no ") {
            Some(name) => (name, None),
            None => header
                .split_once(": ")
                .map(|(name, value)| (name, Some(value)))
                .ok_or("reply: no value")?,
        };
        expect(answer.header(name), value, name)?;
    }
    Ok(())
}

/// The table says of a method what its file says.
fn witness(method: &Method) -> Result<(), Failed> {
    let fixture = Fixture::read(method.name)?;
    let orders = method.hashes.iter().map(|order| {
        let level = format!("{:?}", order.level).to_lowercase();
        format!("{level}: {}", order.parameters.join(" "))
    });
    let stated = fixture.orders().into_iter();
    let stated = stated.map(|(level, order)| format!("{level}: {}", order.join(" ")));
    expect(
        orders.collect::<Vec<_>>(),
        stated.collect(),
        "what is signed",
    )?;
    let stated: Vec<&str> = fixture.facts("right").collect();
    expect(vec![name_of(method.right).as_str()], stated, "the right")
}

/// `ManageDevices` as `manage_devices`.
fn name_of(right: Right) -> String {
    let mut name = String::new();
    for letter in format!("{right:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// One test per error that a method lists: there is a case for it, and it gets that error's text.
fn coverage(method: &'static Method) -> Vec<Trial> {
    let errors: Vec<&'static ErrorText> = COMMON_ERRORS.iter().chain(method.errors()).collect();
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
            Trial::test(format!("{} has the case {name}", method.name), move || {
                let fixture = Fixture::read(method.name)?;
                let case = fixture.case(&name).ok_or("it is missing")?;
                match case
                    .answer
                    .as_ref()
                    .is_some_and(|answer| answer.contains(text))
                {
                    true => Ok(()),
                    false => Err(format!("it does not say {text}").into()),
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

/// Hands every answer to xmllint, which is no part of linebook.
fn xmllint() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut lint = Command::new("xmllint");
    lint.arg("--noout");
    for name in fixture::names() {
        for case in Fixture::read(&name)?.cases {
            let path = folder.path().join(format!("{name} {}.xml", case.name));
            std::fs::write(&path, case.answer.unwrap_or_default())?;
            lint.arg(path);
        }
    }
    match lint.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into()),
        Err(error) => {
            println!("The answers are not checked by xmllint: {error}");
            Ok(())
        }
    }
}

/// A file that could be understood in two ways is refused.
fn refused_fixtures() -> Result<(), Failed> {
    let head = "# cli_add\n# right: manage_devices\n\n";
    let case = "### a: why\nPOST /\n=> <a/>";
    for (text, error) in [
        (format!("{head}{case}\n\n{case}\n"), "two cases are named a"),
        (format!("{head}{case}\n=> <b/>\n"), "a has two answers"),
        (format!("{head}### a\nPOST /\n"), "a case begins with"),
        (format!("{head}### a: \nPOST /\n"), "a says why it is there"),
        (
            format!("{head}### a: why\n# form: x\nPOST /\n"),
            "form is none of",
        ),
        (format!("{head}### a: why\n# lines: cr\nPOST /\n"), "not cr"),
        (
            format!("# cli_add\n# rigth: x\n\n{case}\n"),
            "rigth is none of",
        ),
    ] {
        let is = Fixture::parse("cli_add", &text).err().unwrap_or_default();
        if !is.contains(error) {
            return Err(format!("{text:?}: is {is:?}, should be {error:?}").into());
        }
    }
    Ok(())
}
