//! The reference of the API for people: Markdown, made from the table of methods.

use std::fmt::Write;

use super::curl;
use super::example::Example;
use super::fault::Fault;
use super::limits::{MAX_BODY, MAX_PARAMETERS, MAX_QUERY};
use super::method::{COMMON_ERRORS, Dialect, ErrorText, Kind, Method, Need, Parameter, Unsigned};
use super::xml::Layout;

/// The key that signs the examples: the demo world's.
pub const EXAMPLE_KEY: &str = "secret";

/// The reference of these methods as Markdown.
pub fn markdown(methods: &[&Method]) -> String {
    let mut text = format!(
        "# API reference\n\n\
        Made by `linebook docs` from the table of methods; a test keeps this file equal to it.\n\n\
        ## Calls\n\n\
        `POST /billing/api/METHOD`, or `/api/METHOD`; or `/billing/api/` with a parameter `action`, which names the \
        method and is never signed. Parameters come from the query string and the body together; on \
        the same name the body wins. A body is a form, `multipart/form-data`, or one flat JSON object. Words \
        from a list (`forward`, `SIP`) are taken in any letter case. Blank, which is spaces of any kind, too, counts as not sent, unless a parameter says otherwise. `GET` works while the setting `allow_get` is on.\n\n\
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
    for method in methods {
        section(&mut text, method);
    }
    faults(&mut text);
    text
}

/// The section of one method.
pub fn section(text: &mut String, method: &Method) {
    let Method {
        name,
        summary,
        source,
        ..
    } = method;
    put(
        text,
        format_args!("## {name}\n\n{summary} In MOR's manual: *{source}*.\n\n"),
    );
    for alias in method.aliases {
        put(text, format_args!("Also called as `{alias}`.\n\n"));
    }
    parameters(text, method);
    let password = match (method.names_caller(), method.asks_for_password()) {
        (true, true) => "required",
        (true, false) => "checked when sent",
        (false, _) => "not looked at",
    };
    put(
        text,
        format_args!(
            "\nPassword (`p`): {password}.\n\nMay call: {}.\n\n",
            callers(method)
        ),
    );
    hashes(text, method);
    if let Some(example) = method.example() {
        let call = curl::example("http://127.0.0.1:8080", method, &example, EXAMPLE_KEY);
        put(
            text,
            format_args!("\nExample, signed with the key `{EXAMPLE_KEY}`:\n\n```\n{call}\n```\n\n"),
        );
        replies(text, method, &example);
    }
    text.push_str("Errors, in the order in which they are checked:\n\n");
    errors(text, method.errors());
    if method.storage_error.is_none() {
        text.push_str("A fault of the storage is a 503.\n\n");
    }
}

fn parameters(text: &mut String, method: &Method) {
    text.push_str("| parameter | | holds | meaning |\n|---|---|---|---|\n");
    for parameter in method.parameters {
        let Parameter {
            name, kind, doc, ..
        } = parameter;
        let (required, holds) = (required(parameter), holds(*kind));
        let also = parameter.also.map(|word| format!(", or `{word}`"));
        let holds = holds + &also.unwrap_or_default();
        put(
            text,
            format_args!("| `{name}` | {required} | {holds} | {doc} |\n"),
        );
    }
    if let Some(parameter) = method.path_parameter() {
        let (method, name) = (method.name, parameter.name);
        put(
            text,
            format_args!(
                "\n`{name}` may also be sent as `/billing/api/{method}/{}`.\n",
                name.to_uppercase()
            ),
        );
    }
}

fn hashes(text: &mut String, method: &Method) {
    if !method.looks_at_hash() {
        text.push_str("No hash is looked at.\n");
        return;
    }
    text.push_str("| signed, in this order | from `hash_check` | why |\n|---|---|---|\n");
    for order in method.hashes {
        let (signed, level, why) = (order.describe(), order.level.as_str(), order.why);
        put(text, format_args!("| {signed} | {level} | {why} |\n"));
    }
    if let Some(Unsigned {
        level,
        dialect,
        why,
    }) = method.unsigned
    {
        let level = level.as_str();
        let dialect = dialect.map(|dialect| format!(", in the dialect `{dialect}`"));
        let dialect = dialect.unwrap_or_default();
        put(
            text,
            format_args!("| no hash at all | {level}{dialect} | {why} |\n"),
        );
    }
}

fn replies(text: &mut String, method: &Method, example: &Example) {
    for (name, dialect) in dialects(method, example) {
        let file = if method.is_file {
            ", gzipped as a file"
        } else {
            ""
        };
        let (success, error) = (example.answer.of(dialect), error_example(method, dialect));
        put(
            text,
            format_args!(
                "Success{name}{file}, and an error:\n\n```xml\n{success}\n{error}\n```\n\n"
            ),
        );
    }
}

/// The dialects in which the method answers differently, with the words that tell them apart.
fn dialects(method: &Method, example: &Example) -> Vec<(&'static str, Dialect)> {
    let is_same = example.answer.classic == example.answer.current
        && method.envelope.classic == method.envelope.current;
    if is_same {
        return vec![("", Dialect::Classic)];
    }
    vec![
        (" in the dialect `classic`", Dialect::Classic),
        (" in the dialect `current`", Dialect::Current),
    ]
}

/// An error of a method, with everything that it may contain.
pub(super) fn error_example(method: &Method, dialect: Dialect) -> String {
    let with_message = method.errors().find(|error| error.has_message);
    let message = with_message.map(|error| format!("the reason, only with “{}”", error.named()));
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
                error.named().replace("{}", "NAME"),
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
        Kind::Number(least, most) => format!("{least} to {most}"),
        Kind::OneOf([""]) => "blank".into(),
        Kind::OneOf(words) => words.join(", "),
    }
}

// Writing to a String cannot fail.
fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}
