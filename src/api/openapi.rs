//! The reference of the API for programs: an OpenAPI document, made from the table of methods. What stands in it more than
//! once (a form for each content type, a fault for each method) is a component.

use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::limits::MAX_SEGMENT;
use super::method::{Dialect, ErrorText, Kind, Media, Method, Need, Parameter};
use super::reference::error_example;
use super::xml::{self, Node};

/// These methods as an OpenAPI 3.1 document.
pub fn document(methods: &[&Method]) -> Value {
    let mut paths = Map::new();
    let mut forms = Map::new();
    for method in methods {
        let path = format!("/billing/api/{}", method.name);
        let in_path = method.path_parameter().map(Some);
        for in_path in std::iter::once(None).chain(in_path) {
            let id = operation_id(method, in_path);
            let end = in_path.map(|parameter| format!("/{{{}}}", parameter.name));
            let path = format!("{path}{}", end.unwrap_or_default());
            paths.insert(path, json!({ "post": operation(method, in_path) }));
            forms.insert(id, form(method, in_path));
        }
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
        "components": { "schemas": forms, "responses": faults() },
    })
}

/// The name of an operation, and of its form.
fn operation_id(method: &Method, in_path: Option<&Parameter>) -> String {
    match in_path {
        None => method.name.into(),
        Some(_) => format!("{}_in_path", method.name),
    }
}

fn operation(method: &Method, in_path: Option<&Parameter>) -> Value {
    let id = operation_id(method, in_path);
    let form = json!({ "schema": { "$ref": format!("#/components/schemas/{id}") } });
    let errors: Vec<String> = method.errors().map(ErrorText::named).collect();
    let mut operation = json!({
        "operationId": id,
        "summary": method.summary,
        "requestBody": { "required": true, "content": {
            "application/x-www-form-urlencoded": form,
            "multipart/form-data": form,
            "application/json": form,
        } },
        "responses": responses(method),
        "x-errors": errors,
    });
    if let Some(parameter) = in_path {
        let mut schema = schema(parameter);
        schema["maxLength"] = MAX_SEGMENT.into();
        operation["parameters"] = json!([
            { "name": parameter.name, "in": "path", "required": true, "schema": schema }
        ]);
    }
    operation
}

/// The form of a call, without the parameter in the path.
fn form(method: &Method, in_path: Option<&Parameter>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut known = |name: &'static str, is_required: bool, schema: Value| {
        properties.insert(name.into(), schema);
        if is_required {
            required.push(name);
        }
    };
    let text = |doc: &str| json!({ "type": "string", "description": doc });
    if method.names_caller() {
        known("u", true, text("The caller's username."));
        let is_required = method.asks_for_password();
        known("p", is_required, text("The caller's password."));
    }
    if method.looks_at_hash() {
        known("hash", method.unsigned.is_none(), hash_schema(method));
    }
    known("test", false, text("1: plain, indented XML."));
    let mut either = Vec::new();
    let others = |one: &&Parameter| in_path.is_none_or(|it| it.name != one.name);
    for parameter in method.parameters.iter().filter(others) {
        known(parameter.name, parameter.is_required(), schema(parameter));
        if let Need::Unless(others) = parameter.need {
            let names = std::iter::once(parameter).chain(others);
            let any = names.map(|one| json!({ "required": [one.name] }));
            either.push(json!({ "anyOf": any.collect::<Vec<_>>() }));
        }
    }
    let mut form = json!({ "type": "object", "properties": properties, "required": required });
    if !either.is_empty() {
        form["allOf"] = either.into();
    }
    form
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
        Kind::Id(_) => {
            let also = parameter.also.map(|word| format!("|^{word}$"));
            let pattern = format!("^[0-9]{{1,18}}${}", also.unwrap_or_default());
            json!({ "type": "string", "pattern": pattern })
        }
        Kind::Digits(limit) => {
            json!({ "type": "string", "pattern": format!("^[0-9]{{0,{limit}}}$") })
        }
        Kind::Text(limit) => json!({ "type": "string", "maxLength": limit }),
        Kind::Number(_, most) => {
            let digits = most.to_string().len();
            json!({ "type": "string", "pattern": format!("^[0-9]{{0,{digits}}}$") })
        }
        Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
    };
    schema["description"] = parameter.doc.into();
    schema
}

fn responses(method: &Method) -> Value {
    let mut responses = Map::new();
    responses.insert(
        "200".into(),
        json!({
            "description": "Success, or one of the method's errors.",
            "content": answers(method),
        }),
    );
    for fault in Fault::ALL {
        let reference = format!("#/components/responses/{}", fault_name(*fault));
        responses.insert(fault.status().to_string(), json!({ "$ref": reference }));
    }
    responses.into()
}

/// The answers that any call can get, one for each status.
fn faults() -> Value {
    let mut faults = Map::new();
    for fault in Fault::ALL {
        let answer = faults.entry(fault_name(*fault)).or_insert_with(|| {
            let content = json!({ "text/xml": { "schema": { "type": "string" } } });
            json!({ "description": "", "content": content })
        });
        let earlier = answer["description"].as_str().unwrap_or_default();
        let texts = format!("{earlier} {}.", fault.text());
        answer["description"] = texts.trim_start().into();
    }
    faults.into()
}

fn fault_name(fault: Fault) -> String {
    format!("Fault{}", fault.status())
}

/// The answers in each dialect, by their kind.
fn answers(method: &Method) -> Value {
    let mut content = Map::new();
    for dialect in Dialect::ALL.iter().copied() {
        let media = method.envelope.of(dialect).media;
        let key = media.content_type().split(';').next().unwrap_or_default();
        let known = content
            .entry(key)
            .or_insert_with(|| json!({ "schema": {}, "examples": {} }));
        let Some(example) = method.example() else {
            continue;
        };
        let (success, error) = (example.answer.of(dialect), error_example(method, dialect));
        known["examples"][dialect.to_string()] = json!({ "value": success });
        if media != Media::Xml {
            known["schema"] = json!({ "type": "string" });
            continue;
        }
        let documents = [("Success", success), ("Error", error.as_str())].into_iter();
        let read = |(title, text)| Some(root(title, &xml::read(text)?));
        for schema in documents.filter_map(read) {
            let all = &mut known["schema"]["anyOf"];
            match all.as_array_mut() {
                Some(all) if all.contains(&schema) => {}
                Some(all) => all.push(schema),
                None => *all = json!([schema]),
            }
        }
    }
    content.into()
}

/// The schema of a document like this one. An element that occurs once is required, and one that occurs again is a
/// list.
fn root(title: &str, node: &Node) -> Value {
    let mut schema = described(node);
    schema["title"] = title.into();
    schema["xml"] = json!({ "name": node.name });
    schema
}

fn described(node: &Node) -> Value {
    match node.children.is_empty() && node.attributes.is_empty() {
        true => json!({ "type": "string" }),
        false => json!({ "type": "object", "properties": contents(node) }),
    }
}

fn contents(node: &Node) -> Map<String, Value> {
    let mut properties = Map::new();
    for name in &node.attributes {
        let attribute = json!({ "type": "string", "xml": { "attribute": true } });
        properties.insert(name.clone(), attribute);
    }
    for child in &node.children {
        let one = described(child);
        let property = match properties.contains_key(&child.name) {
            true => json!({ "type": "array", "items": one }),
            false => one,
        };
        properties.insert(child.name.clone(), property);
    }
    properties
}
