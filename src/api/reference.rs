//! The reference of the API, made from the table of methods: Markdown for people, OpenAPI for programs.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::limits::{MAX_BODY, MAX_PARAMETERS, MAX_QUERY};
use super::method::{COMMON_ERRORS, ErrorText, Kind, Method, Need, Parameter};
use super::methods::METHODS;
use super::parameters::Parameters;
use super::xml::{DECLARATION, Layout};
use crate::store::tables::settings::Dialect;

/// The key with which the examples are signed: the demo world's.
pub const EXAMPLE_KEY: &str = "secret";

/// The method reference as Markdown.
pub fn markdown() -> String {
    let mut text = format!(
        "# API reference\n\n\
        Made by `linebook docs` from the table of methods; a test keeps this file equal to it.\n\n\
        ## Calls\n\n\
        `POST /billing/api/METHOD`, or `/api/METHOD`. Parameters come from the query string and the body together; on \
        the same name the body wins. A body is a form, `multipart/form-data`, or one flat JSON object. Blank counts as \
        not sent, unless a parameter says otherwise. `GET` works while the setting `allow_get` is on.\n\n\
        Limits: a body of {MAX_BODY} bytes, a query string of {MAX_QUERY} bytes, {MAX_PARAMETERS} parameters.\n\n\
        Every method takes, beside its own parameters:\n\n\
        | parameter | | meaning |\n|---|---|---|\n\
        | `u` | required | The caller's username. |\n\
        | `hash` | required | Hex SHA1 over the values of the signed parameters that were sent, as they were sent, in \
        the method's order and without separators, then the secret key. |\n\
        | `p` | see each method | The caller's password: checked where it is sent, required where the method or the \
        setting `require_password` says so. |\n\
        | `test` | | `1`: plain, indented XML instead of a gzipped file. Never signed. |\n\n\
        Which orders of the signed parameters are accepted is the owner's setting `hash_check`: `strict`, `documented` \
        (also those of the printed examples), `lenient` (also those seen from clients), `off`.\n\n\
        Every outcome that the pages describe is HTTP 200 with XML, good or bad. Errors are checked, and listed here, in \
        order: with two faults at once the earlier one is answered.\n\n\
        Before a method looks at a call:\n\n"
    );
    errors(&mut text, COMMON_ERRORS);
    for method in METHODS {
        section(&mut text, method);
    }
    faults(&mut text);
    text
}

fn section(text: &mut String, method: &Method) {
    put(
        text,
        format_args!(
            "## {}\n\n{} Page: *{}*.\n\n",
            method.name, method.summary, method.source
        ),
    );
    for alias in method.aliases {
        put(text, format_args!("Also called as `{alias}`.\n\n"));
    }
    put(
        text,
        format_args!("| parameter | | holds | meaning |\n|---|---|---|---|\n"),
    );
    for parameter in method.parameters {
        put(
            text,
            format_args!(
                "| `{}` | {} | {} | {} |\n",
                parameter.name,
                required(parameter),
                holds(parameter.kind),
                parameter.doc
            ),
        );
    }
    let password = if method.needs_password {
        "required"
    } else {
        "checked when sent"
    };
    put(
        text,
        format_args!(
            "\nPassword (`p`): {password}.\n\nMay call: {}.\n\n",
            callers(method)
        ),
    );
    put(
        text,
        format_args!("| signed, in this order | from `hash_check` | why |\n|---|---|---|\n"),
    );
    for order in method.hashes {
        put(
            text,
            format_args!(
                "| {} | {} | {} |\n",
                order.describe(),
                order.level.as_str(),
                order.why
            ),
        );
    }
    put(
        text,
        format_args!(
            "\nExample, signed with the key `{EXAMPLE_KEY}`:\n\n```\n{}\n```\n\n",
            example(method)
        ),
    );
    replies(text, method);
    put(
        text,
        format_args!("Errors, in the order in which they are checked:\n\n"),
    );
    errors(text, method.errors());
    if method.storage_error.is_none() {
        put(text, format_args!("A fault of the storage is a 503.\n\n"));
    }
}

fn replies(text: &mut String, method: &Method) {
    for (name, dialect) in dialects(method) {
        let file = if method.is_file {
            ", gzipped as a file"
        } else {
            ""
        };
        put(
            text,
            format_args!(
                "Success{name}{file}, and an error:\n\n```xml\n{DECLARATION}<page>{}</page>\n{}\n```\n\n",
                method.reply.of(dialect),
                error_example(method, dialect)
            ),
        );
    }
}

/// The dialects in which the method answers differently, each with the words that tell them apart.
fn dialects(method: &Method) -> Vec<(&'static str, Dialect)> {
    let is_same = method.reply.classic == method.reply.current
        && method.envelope.classic == method.envelope.current;
    if is_same {
        return vec![("", Dialect::Classic)];
    }
    vec![
        (" in the dialect `classic`", Dialect::Classic),
        (" in the dialect `current`", Dialect::Current),
    ]
}

fn error_example(method: &Method, dialect: Dialect) -> String {
    let has_message = method.errors().any(|error| error.has_message);
    let message = has_message.then(|| "only with the last error: the reason".into());
    let envelope = method.envelope.of(dialect);
    let written = envelope.error(None, Layout::Compact, "TEXT".into(), message);
    String::from_utf8_lossy(&written).into_owned()
}

fn errors<'a>(text: &mut String, errors: impl IntoIterator<Item = &'a ErrorText>) {
    for (place, error) in errors.into_iter().enumerate() {
        put(
            text,
            format_args!(
                "{}. `{}`: {}\n",
                place + 1,
                error.text.replace("{}", "NAME"),
                error.rule
            ),
        );
    }
    text.push('\n');
}

fn faults(text: &mut String) {
    text.push_str(
        "## Faults\n\nWhat no page describes is answered with a status, as `<page><error>TEXT</error></page>`:\n\n\
        | status | text |\n|---|---|\n",
    );
    for fault in Fault::ALL {
        put(
            text,
            format_args!("| {} | `{}` |\n", fault.status(), fault.text()),
        );
    }
}

fn callers(method: &Method) -> String {
    let callers = method.callers().into_iter();
    let callers = callers.map(|(user_type, needed)| match needed {
        Some(permission) => format!("{user_type} with `{permission}`"),
        None => user_type.to_string(),
    });
    callers.collect::<Vec<_>>().join(", ")
}

fn required(parameter: &Parameter) -> String {
    match parameter.need {
        Need::Optional => String::new(),
        Need::Required(_) => "required".into(),
        Need::Unless(others) => format!("required without {}", names(others).join(" or ")),
    }
}

fn names(parameters: &[Parameter]) -> Vec<String> {
    let names = parameters.iter().map(|one| format!("`{}`", one.name));
    names.collect()
}

fn holds(kind: Kind) -> String {
    match kind {
        Kind::Id(thing) => format!("{} id", thing.name()),
        Kind::Digits(limit) => format!("1 to {limit} digits"),
        Kind::Text(limit) => format!("up to {limit} characters"),
        Kind::OneOf(words) => words.join(", "),
    }
}

/// What the example sends, without its hash.
pub fn example_parameters(method: &Method) -> Parameters {
    let mut pairs = vec![("u", "admin")];
    if method.needs_password {
        pairs.push(("p", "password"));
    }
    pairs.extend(method.example);
    let pairs = pairs
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()));
    Parameters::new(pairs.collect()).expect("examples are short and plain")
}

fn example(method: &Method) -> String {
    let parameters = example_parameters(method);
    super::curl::line(
        "http://127.0.0.1:8080",
        method,
        &parameters,
        method.order(),
        EXAMPLE_KEY,
    )
}

// Writing to a String cannot fail.
fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}

/// The API as an OpenAPI 3.1 document.
pub fn openapi() -> Value {
    let mut paths = Map::new();
    for method in METHODS {
        paths.insert(
            format!("/billing/api/{}", method.name),
            json!({ "post": operation(method) }),
        );
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "linebook",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every documented outcome is HTTP 200 with XML, good or bad.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:8080" }],
        "paths": paths,
    })
}

fn operation(method: &Method) -> Value {
    let mut properties = Map::new();
    let mut required = vec!["u", "hash"];
    properties.insert(
        "u".into(),
        json!({ "type": "string", "description": "The caller's username." }),
    );
    properties.insert(
        "p".into(),
        json!({ "type": "string", "description": "The caller's password." }),
    );
    properties.insert("hash".into(), hash_schema(method));
    properties.insert(
        "test".into(),
        json!({ "type": "string", "description": "1: plain, indented XML." }),
    );
    if method.needs_password {
        required.push("p");
    }
    let mut either = Vec::new();
    for parameter in method.parameters {
        properties.insert(parameter.name.into(), schema(parameter));
        match parameter.need {
            Need::Optional => {}
            Need::Required(_) => required.push(parameter.name),
            Need::Unless(others) => {
                let names = std::iter::once(parameter).chain(others).map(|one| one.name);
                let any: Vec<Value> = names.map(|name| json!({ "required": [name] })).collect();
                either.push(json!({ "anyOf": any }));
            }
        }
    }
    let mut form = json!({ "type": "object", "properties": properties, "required": required });
    if !either.is_empty() {
        form["allOf"] = either.into();
    }
    let form = json!({ "schema": form });
    let errors: Vec<&str> = method.errors().map(|error| error.text).collect();
    json!({
        "operationId": method.name,
        "summary": method.summary,
        "requestBody": { "required": true, "content": {
            "application/x-www-form-urlencoded": form,
            "multipart/form-data": form,
            "application/json": form,
        } },
        "responses": responses(method),
        "x-errors": errors,
    })
}

fn hash_schema(method: &Method) -> Value {
    let orders: Vec<String> = method.hashes.iter().map(|order| order.describe()).collect();
    json!({
        "type": "string",
        "pattern": "^[0-9A-Fa-f]{40}$",
        "description": format!("Hex SHA1 of {}.", orders.join(", or of ")),
    })
}

fn schema(parameter: &Parameter) -> Value {
    let mut schema = match parameter.kind {
        Kind::Id(_) => json!({ "type": "string", "pattern": "^[0-9]{1,18}$" }),
        Kind::Digits(limit) => {
            json!({ "type": "string", "pattern": format!("^[0-9]{{0,{limit}}}$") })
        }
        Kind::Text(limit) => json!({ "type": "string", "maxLength": limit }),
        Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
    };
    schema["description"] = parameter.doc.into();
    schema
}

fn responses(method: &Method) -> Value {
    let examples: Map<String, Value> = Dialect::ALL
        .iter()
        .map(|dialect| {
            let value = format!("{DECLARATION}<page>{}</page>", method.reply.of(*dialect));
            (dialect.to_string(), json!({ "value": value }))
        })
        .collect();
    let mut responses = Map::new();
    responses.insert(
        "200".into(),
        json!({
            "description": "Success, or one of the method's errors.",
            "content": { "text/xml": { "schema": { "type": "string" }, "examples": examples } },
        }),
    );
    for fault in Fault::ALL {
        let status = fault.status().to_string();
        let texts = match responses.get(&status) {
            Some(earlier) => format!(
                "{} {}.",
                earlier["description"].as_str().unwrap_or_default(),
                fault.text()
            ),
            None => format!("{}.", fault.text()),
        };
        responses.insert(
            status,
            json!({ "description": texts, "content": { "text/xml": { "schema": { "type": "string" } } } }),
        );
    }
    responses.into()
}
