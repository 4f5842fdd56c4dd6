//! Calls of every method in docs/openapi.json, right and wrong, by everyone: each is answered in XML.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;

use crate::client::{Client, own_address, show};
use crate::common::{Answer, Fixture, request, sha1};
use crate::dice::Dice;
use crate::run::{Tally, is_long, run};
use crate::values::{self, any, hostile, likely};
use crate::world::World;

/// A method, as the OpenAPI file describes it.
struct Method {
    path: String,
    parameters: Vec<Parameter>,
    /// What the successes of its fixture file send.
    examples: Vec<Vec<(String, String)>>,
    /// The parameters in the hash, in each accepted order.
    orders: Vec<Vec<String>>,
}

struct Parameter {
    name: String,
    values: Vec<String>,
}

static METHODS: LazyLock<Vec<Method>> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let methods: Vec<Method> = paths
        .iter()
        .map(|(path, item)| method(path, item, &document))
        .collect();
    assert!(!methods.is_empty());
    methods
});

fn method(path: &str, item: &Value, document: &Value) -> Method {
    let schema = &item["post"]["requestBody"]["content"]["application/json"]["schema"];
    let form = schema["$ref"].as_str().unwrap().trim_start_matches('#');
    let properties = &document.pointer(form).unwrap()["properties"];
    let properties = properties.as_object().unwrap();
    let parameter = |(name, schema): (&String, &Value)| Parameter {
        name: name.clone(),
        values: schema["enum"].as_array().map_or(Vec::new(), |values| {
            values
                .iter()
                .map(|value| value.as_str().unwrap().into())
                .collect()
        }),
    };
    let hash = properties["hash"]["description"].as_str().unwrap();
    let hash = hash
        .strip_prefix("Hex SHA1 of ")
        .unwrap()
        .trim_end_matches('.');
    let order = |order: &str| {
        let names = order
            .trim_start_matches("or of ")
            .split(" + ")
            .map(str::to_owned);
        names.filter(|name| name != "key").collect()
    };
    let fixture = Fixture::read(path.rsplit('/').next().unwrap()).unwrap();
    let successes = { fixture.cases.iter() }.filter(|case| case.name.starts_with("success"));
    let is_common = |name: &str| matches!(name, "u" | "p" | "hash" | "test");
    Method {
        path: path.into(),
        examples: successes
            .map(|case| {
                let sent = request::pairs(case.request.query()).unwrap().into_iter();
                sent.filter(|(name, _)| !is_common(name)).collect()
            })
            .collect(),
        orders: hash.split(", ").map(order).collect(),
        parameters: properties
            .iter()
            .filter(|(name, _)| !is_common(name))
            .map(parameter)
            .collect(),
    }
}

/// Who calls, with which key.
const CALLERS: [(&str, &str); 11] = [
    ("admin", "secret"),
    ("admin", "456789"),
    ("username", "secret"),
    ("manager", "secret"),
    ("reseller", "reseller-key"),
    ("reseller", "reseller-key"),
    ("newcomer", "newcomer-key"),
    ("clerk", "clerk-key"),
    ("trainee", "secret"),
    ("anna", "secret"),
    ("former", "secret"),
];

/// What the manual's requests name.
const EXAMPLES: &str = include_str!("../../fixtures/examples.sql");

/// Settings for both dialects, three levels of `hash_check`, GET, and enough for the calls that use things up: devices,
/// reserved, active, free and terminated DIDs, and CLIs.
const SETTINGS: &str = "
    UPDATE settings SET allow_get = 1;
    WITH RECURSIVE number (n) AS (SELECT 20000 UNION ALL SELECT n + 1 FROM number WHERE n < 20299)
    INSERT INTO devices (id, user_id, device_group_id, type, extension, username, secret, port, created_ms, owner_id) SELECT n, 2, 3, 'SIP', n, n, 'PhoneSecret' || n, 5060, created_ms, 0 FROM number, installation;
    WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 899)
    INSERT INTO dids (did, provider_id, owner_id, status, user_id, created_ms) SELECT 37070000000 + n, 1, 0, 'reserved', 2, created_ms FROM number, installation;
    WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 899)
    INSERT INTO dids (did, provider_id, owner_id, status, user_id, device_id, created_ms) SELECT 37071000000 + n, 1, 0, 'active', 2, 1, created_ms FROM number, installation;
    WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 899)
    INSERT INTO dids (did, provider_id, owner_id, status, created_ms) SELECT 37072000000 + n, 1, 0, 'free', created_ms FROM number, installation;
    WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 899)
    INSERT INTO dids (did, provider_id, owner_id, status, created_ms) SELECT 37074000000 + n, 1, 0, 'terminated', created_ms FROM number, installation;
    WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 899)
    INSERT INTO clis (device_id, number, created_ms) SELECT 1, 37073000000 + n, created_ms FROM number, installation;
    INSERT OR REPLACE INTO owner_settings (owner_id, hash_check, dialect) VALUES (0, 'documented', 'classic'), (4, 'lenient', 'current'), (8, 'off', 'current');
    INSERT INTO allowed_networks (owner_id, network) VALUES (8, '127.0.0.0/8');";

#[test]
fn every_call_is_answered_in_xml() {
    let world = World::start(&format!("{EXAMPLES}{SETTINGS}"));
    let address = world.server.address;
    let (made, tally) = run("api", 35, |dice, tally| {
        let mut client = Client::connect(address, own_address(dice))?;
        let count = 1 + dice.below(12);
        for place in 0..count {
            let (bytes, name, verb) = call(dice);
            client.write(&bytes);
            let answer = client.answer(verb == "HEAD");
            let what = |what: String| {
                format!(
                    "call {} of the connection, {name}: {what}\nsent:\n{}",
                    place + 1,
                    show(&bytes)
                )
            };
            let answer = answer.map_err(|why| what(format!("not answered: {why:?}")))?;
            check(&answer, verb, tally, &name).map_err(|why| {
                what(format!(
                    "{why}\nanswer: {} {:?}\n{}",
                    answer.status,
                    answer.headers,
                    show(&answer.body)
                ))
            })?;
            if answer.header("connection") == Some("close") {
                return Ok(place as u64 + 1);
            }
        }
        Ok(count as u64)
    });
    world.stop();
    if is_long(made) {
        for method in METHODS.iter() {
            let name = method.path.rsplit('/').next().unwrap();
            assert!(
                tally.seen(&format!("{name} ok")) > 0,
                "no call of {name} succeeded"
            );
        }
        assert!(
            tally.seen("status 429") < made / 20,
            "the throttle answered instead"
        );
    }
}

/// The bytes of a call, the name of its method, and its verb.
fn call(dice: &mut Dice) -> (Vec<u8>, String, &'static str) {
    let method = &METHODS[dice.below(METHODS.len())];
    let name = method.path.rsplit('/').next().unwrap();
    let pairs = pairs(dice, method);
    let path = match dice.below(20) {
        0 => format!("/api/{name}"),
        1 => format!("//billing///api/{name}/"),
        2 => format!("/billing/api/{}", name.to_uppercase()),
        3 => format!("{}/more", method.path),
        4 => dice.text(&[
            "/billing",
            "/api",
            "/health/ready",
            "/metrics",
            "/billing/api/device_list",
            "/billing/api/%00",
        ]),
        _ => method.path.clone(),
    };
    let verb = ["POST"; 14]
        .into_iter()
        .chain(["GET", "GET", "GET", "HEAD", "PUT", "DELETE"])
        .nth(dice.below(20))
        .unwrap();
    let mut headers = Vec::new();
    let mut header = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
    if dice.percent(40) {
        header(
            "Accept-Encoding",
            &dice.text(&[
                "gzip",
                "identity",
                "*",
                "gzip;q=0",
                "br, gzip;q=0.5",
                ";;,q=",
            ]),
        );
    }
    if dice.percent(2) {
        header(
            "Content-Encoding",
            &dice.text(&["gzip", "identity", "x", "gzip, gzip"]),
        );
    }
    if dice.percent(2) {
        header(
            "X-Forwarded-For",
            &dice.text(&["192.0.2.1", "x", "::1, 10.0.0.1", ",,,"]),
        );
    }
    let form_type = "application/x-www-form-urlencoded";
    let (query, body) = match dice.below(10) {
        0..=2 => (values::form(dice, &pairs), Vec::new()),
        3..=4 => {
            header("Content-Type", form_type);
            (Vec::new(), values::form(dice, &pairs))
        }
        5..=6 => {
            header("Content-Type", "application/json");
            (Vec::new(), values::json(dice, &pairs))
        }
        7..=8 => {
            let (kind, body) = values::multipart(dice, &pairs);
            header("Content-Type", &kind);
            (Vec::new(), body)
        }
        _ => {
            let kind = dice.text(&[
                form_type,
                "text/plain",
                "application/json; charset=utf-16",
                "multipart/form-data",
                ";",
                "APPLICATION/JSON",
                "image/svg+xml",
            ]);
            header("Content-Type", &kind);
            let middle = dice.below(pairs.len() + 1);
            (
                values::form(dice, &pairs[..middle]),
                values::form(dice, &pairs[middle..]),
            )
        }
    };
    let target = values::target(&path, &query);
    // These requests are always HTTP. Broken HTTP belongs to the `framing` test.
    let target: Vec<u8> = target
        .into_iter()
        .filter(|byte| byte.is_ascii_graphic())
        .collect();
    (
        values::request(verb, &target, &headers, &body),
        name.into(),
        verb,
    )
}

/// The parameters of a call, with its hash.
fn pairs(dice: &mut Dice, method: &Method) -> Vec<(String, String)> {
    let is_example = dice.percent(50);
    let (caller, key) = match is_example && dice.percent(80) {
        true => CALLERS[0],
        false => CALLERS[dice.below(CALLERS.len())],
    };
    let is_good = is_example || dice.percent(45);
    let mut pairs = match is_example {
        true => like_example(dice, method),
        false => made_up(dice, method, is_good),
    };
    // The first order is accepted at every level.
    let place = match is_example {
        true => 0,
        false => dice.below(method.orders.len()),
    };
    let order = &method.orders[place];
    let value = |name: &String| {
        let sent = pairs.iter().find(|(known, _)| known == name);
        match name.as_str() {
            "u" => caller,
            _ => sent.map_or("", |(_, value)| value.as_str()),
        }
    };
    let signed = order.iter().map(value).collect::<String>() + key;
    let hash = match dice.below(25) {
        0 => "0".repeat(40),
        1 => sha1::hex(&signed).to_uppercase(),
        2 => hostile(dice),
        3 => String::new(),
        _ => sha1::hex(&signed),
    };
    let caller = if dice.percent(3) {
        hostile(dice)
    } else {
        caller.into()
    };
    pairs.insert(0, ("u".into(), caller));
    pairs.push(("hash".into(), hash));
    match dice.below(100) {
        0 => pairs.push(("p".into(), hostile(dice))),
        _ if is_good => pairs.push(("p".into(), "password".into())),
        1..=50 => pairs.push(("p".into(), "password".into())),
        _ => {}
    }
    if dice.percent(10) {
        pairs.push(("test".into(), dice.text(&["1", "0", "", "true"])));
    }
    match dice.below(40) {
        0 => pairs.extend(std::iter::repeat_n(
            ("x".into(), "y".into()),
            190 + dice.below(20),
        )),
        1 => {
            let copy = pairs[dice.below(pairs.len())].clone();
            pairs.push(copy);
        }
        2 => pairs.push((hostile(dice), hostile(dice))),
        _ => {}
    }
    pairs
}

/// The parameters of one of the method's examples as they are, or some of them left out or with another value: what the
/// example names may be used up.
fn like_example(dice: &mut Dice, method: &Method) -> Vec<(String, String)> {
    let mut pairs = method.examples[dice.below(method.examples.len())].clone();
    let changed = [0, 0, 20, 60][dice.below(4)];
    if !pairs.is_empty() && dice.percent(50) {
        pairs.remove(dice.below(pairs.len()));
    }
    // The examples of device_delete take devices that other examples name.
    let is_of_many = dice.percent(50);
    for (name, value) in &mut pairs {
        if is_of_many && matches!(name.as_str(), "device" | "device_id") {
            *value = (20_000 + dice.below(300)).to_string();
        } else if is_of_many && name == "did" {
            // Reserved, active or free.
            *value = format!("3707{}000{:03}", dice.below(3), dice.below(900));
        } else if dice.percent(changed) || name == "device" {
            *value = likely(dice, name);
        }
    }
    pairs
}

/// Parameters of the method, good ones or any.
fn made_up(dice: &mut Dice, method: &Method, is_good: bool) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for parameter in &method.parameters {
        let is_needed = matches!(
            parameter.name.as_str(),
            "user_id"
                | "device_id"
                | "device"
                | "provider_id"
                | "did"
                | "did_id"
                | "dids_id"
                | "cli_number"
                | "cli"
        );
        if !(is_good && is_needed) && dice.percent(if is_good { 75 } else { 30 }) {
            continue;
        }
        let value = match parameter.values.is_empty() || (!is_good && dice.percent(20)) {
            true if is_good => likely(dice, &parameter.name),
            true => any(dice, &parameter.name),
            false => parameter.values[dice.below(parameter.values.len())].clone(),
        };
        pairs.push((parameter.name.clone(), value));
    }
    pairs
}

/// Checks what must be true of every answer.
fn check(answer: &Answer, verb: &str, tally: &Tally, method: &str) -> Result<(), String> {
    tally.see(format!("status {}", answer.status));
    if answer.status >= 500 {
        return Err(format!("status {}", answer.status));
    }
    if verb == "HEAD" {
        return Ok(());
    }
    let kind = answer.header("content-type").unwrap_or_default();
    if answer.status == 200
        && ["text/plain", "application/openmetrics-text"]
            .iter()
            .any(|known| kind.starts_with(known))
    {
        // Health and metrics do not answer in XML.
        return Ok(());
    }
    let checked = std::panic::catch_unwind(|| answer.check());
    checked.map_err(|_| "no XML reader takes it, or a header is missing".to_owned())?;
    let text = answer.text();
    if answer.status == 200 && !text.contains("<error>") {
        tally.see(format!("{method} ok"));
    }
    Ok(())
}
