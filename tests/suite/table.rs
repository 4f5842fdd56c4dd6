//! Checks that hold for every method, generated from the table, against expectations that are written out here.

use linebook::api::curl;
use linebook::api::method::{Kind, Need, Parameter};
use linebook::api::methods::{self, METHODS};
use linebook::api::parameters::Parameters;
use linebook::api::reference::EXAMPLE_KEY;

use crate::common::request::escape;
use crate::common::{self, Call, Request, World, fixture};

/// Any active key proves a caller: no password is looked at.
const NO_PASSWORDS: &str = "UPDATE settings SET require_password = 'never'";

/// Sends a call to a fresh world after `sql`: `ok`, or the text of the error. A refused call changes nothing.
fn outcome(sql: &str, request: &Request) -> String {
    outcome_in(&World::after(sql), request)
}

/// The same in a world that is already there.
fn outcome_in(world: &World, request: &Request) -> String {
    let before = world.dump();
    let answer = world.send(request);
    match answer.error() {
        Some(error) => {
            assert_eq!(world.dump(), before, "{error}, but something has changed");
            error
        }
        None => {
            assert_eq!(answer.status, 200);
            "ok".into()
        }
    }
}

#[test]
fn the_table_is_sorted_and_names_every_method_once() {
    let names: Vec<&str> = METHODS.iter().map(|method| method.name).collect();
    assert_eq!(names, common::methods(), "the files under fixtures");
    assert!(names.is_sorted());
    for fixture in fixture::methods() {
        for name in fixture.facts("alias").chain([fixture.name.as_str()]) {
            assert_eq!(methods::find(name).unwrap().name, fixture.name);
        }
    }
    assert!(methods::find("device").is_none());
}

#[test]
fn every_fact_of_the_table_is_filled_in() {
    for method in METHODS {
        let name = method.name;
        assert!(!method.summary.is_empty(), "{name} has no summary");
        assert!(!method.source.is_empty(), "{name} names no page");
        assert!(
            method.looks_at_hash() <= method.order().is_some(),
            "{name} is never signed"
        );
        assert!(
            !method.hashes.iter().any(|order| order.why.is_empty()),
            "{name}"
        );
        assert!(
            !method.parameters.iter().any(|one| one.doc.is_empty()),
            "{name}"
        );
        let known = |sent: &str| ["u", "p"].contains(&sent) || method.parameter(sent).is_some();
        let signed = method.hashes.iter().flat_map(|order| order.parameters);
        for signed in signed.copied() {
            assert!(known(signed), "{name} signs {signed}, and does not take it");
        }
        let example = method.example();
        let example = example.unwrap_or_else(|| panic!("fixtures/{name}.http has no success"));
        for (sent, _) in example.sent.iter() {
            assert!(
                known(sent),
                "the success of {name} sends {sent}, and it is not taken"
            );
        }
    }
}

/// The line that the reference and the demo print, on a fresh demo world.
#[test]
fn every_example_can_be_pasted() {
    for method in METHODS {
        let line = curl::example("http://x", method, &method.example().unwrap(), EXAMPLE_KEY);
        let target = line
            .split("'http://x")
            .nth(1)
            .unwrap()
            .trim_end_matches('\'');
        let answer = outcome("", &Request::new("POST", target));
        assert_eq!(answer, "ok", "{line}");
    }
}

/// A success can do without its optional parameters, and not without its required ones.
#[test]
fn every_required_parameter_is_required_and_no_other() {
    let world = World::after(NO_PASSWORDS);
    for method in METHODS {
        let texts: Vec<String> = method.errors.iter().map(|error| error.named()).collect();
        for parameter in method.parameters {
            let name = parameter.name;
            let call = Call::sample(method.name);
            let call = parameter
                .others()
                .fold(call, |call, one| call.without(one.name));
            let send = |call: Call| {
                let answer = outcome_in(&world, &call.signed_by_admin().post());
                world.start_over(NO_PASSWORDS);
                answer
            };
            let mut answers = vec![send(call.clone().without(name))];
            if !parameter.counts_blank {
                answers.push(send(call.clone().with(name, "")));
                answers.push(send(call.with(name, " \t")));
            }
            for answer in answers {
                match parameter.need {
                    Need::Optional => assert_eq!(answer, "ok", "{} without {name}", method.name),
                    Need::Required(Some(rule)) => {
                        assert_eq!(answer, method.error(rule).unwrap().named(), "{name}");
                    }
                    Need::Required(None) | Need::Unless(_) => assert!(
                        texts.contains(&answer),
                        "{} without {name}: {answer}",
                        method.name
                    ),
                }
            }
        }
    }
}

/// A parameter that another can stand for is not required; without both, a call is refused.
#[test]
fn one_of_several_parameters_is_enough() {
    let alone = Call::new("cli_add")
        .with("u", "admin")
        .with("device_id", "2");
    for (more, expected) in [
        (&[][..], "CLI Number cannot be empty"),
        (&[("cli_number", "1234678")], "ok"),
        (&[("cli_domain", "sip.example.org")], "ok"),
    ] {
        let call = alone.clone().with_all(more).signed_by_admin();
        assert_eq!(outcome("", &call.post()), expected, "{more:?}");
        let sent = more.iter();
        let sent = sent.map(|(name, value)| ((*name).into(), (*value).into()));
        let sent = Parameters::new(sent.collect()).unwrap();
        let number = methods::find("cli_add").unwrap().parameter("cli_number");
        assert_eq!(number.unwrap().is_lacking(&sent), expected != "ok");
    }
}

#[test]
fn texts_and_digits_have_limits_that_are_kept_on_both_sides() {
    let world = World::after(NO_PASSWORDS);
    for method in METHODS {
        for parameter in method.parameters {
            let (Kind::Text(limit) | Kind::Digits(limit)) = parameter.kind else {
                continue;
            };
            for (length, is_taken) in [(limit, true), (limit + 1, false)] {
                let value = filler(parameter, length);
                assert_eq!(value.chars().count(), length);
                let call = Call::sample(method.name).alone(method, parameter);
                let mut call = call.with(parameter.name, &value);
                // An address applies only to a device that is known by it.
                if ["host", "hostname"].contains(&parameter.name) {
                    let other = if parameter.name == "host" {
                        "hostname"
                    } else {
                        "host"
                    };
                    call = call.without(other).with("authentication", "1");
                }
                let answer = outcome_in(&world, &call.signed_by_admin().post());
                world.start_over(NO_PASSWORDS);
                // No thing has this name, and a search for it finds nothing.
                let is_search = name_is_searched(parameter);
                let is_taken = is_taken && parameter.thing().is_none() && !is_search;
                assert_eq!(
                    answer == "ok",
                    is_taken,
                    "{} {length}: {answer}",
                    parameter.name
                );
            }
        }
    }
}

/// Whether a parameter is a text that a list is searched for.
fn name_is_searched(parameter: &Parameter) -> bool {
    parameter.name.starts_with("search_")
}

/// A value of this many characters, valid except for its length. Parameters that take only one form are listed here.
fn filler(parameter: &Parameter, length: usize) -> String {
    match (parameter.name, parameter.kind) {
        ("custom_sip_header", _) => "X: ".to_owned() + &"ž".repeat(length - 3),
        ("caller_id", _) => "ž".repeat(length - 7) + " <1008>",
        ("cli_domain" | "hostname" | "server_ip", _) => repeated("a.", length),
        ("server_ids", _) => repeated("1,", length),
        // The longest amount, and the longest address.
        ("balance_limit", _) => "-10000000000.0000000".to_owned() + &"1".repeat(length - 20),
        ("ipaddr", _) => {
            "0000:0000:0000:0000:0000:ffff:192.168.100.10".to_owned() + &"0".repeat(length - 44)
        }
        ("host", _) => {
            let mapped = "0000:0000:0000:0000:0000:ffff:255.255.255.255";
            mapped.to_owned() + &"0".repeat(length - mapped.len())
        }
        ("callerid_number", _) => "+".to_owned() + &"8".repeat(length - 1),
        ("balance", _) => "0".repeat(length),
        ("fax_email_add" | "fax_email_delete" | "voicemail_email", _) => {
            "a".repeat(length - 12) + "@example.com"
        }
        ("webhook_url_for_call_end", _) => "https://".to_owned() + &"a".repeat(length - 8),
        ("deny" | "permit", _) => {
            "1.1.1.1/0;".repeat(24)
                + if length == 255 {
                    "100.100.100.1/0"
                } else {
                    "100.100.100.10/0"
                }
        }
        (
            "username" | "password" | "extension" | "language" | "nat" | "qualify" | "insecure"
            | "allow" | "disallow",
            _,
        ) => "a".repeat(length),
        (_, Kind::Digits(_)) => "8".repeat(length),
        _ => "ž".repeat(length),
    }
}

/// Pairs, and the first of a pair until it is that long.
fn repeated(pair: &str, length: usize) -> String {
    let pairs = pair.repeat(length / 2 - 1);
    let more = length - pairs.len();
    pairs + &pair[..1].repeat(more)
}

#[test]
fn an_id_has_at_most_18_digits() {
    let sql = "INSERT INTO users (id, username, type, owner_id, created_ms) VALUES
                 (999999999999999999, 'longest', 'user', 0, 1), (1000000000000000000, 'too long', 'user', 0, 1)";
    for (id, expected) in [
        ("999999999999999999", "ok"),
        ("1000000000000000000", "User not found"),
        ("0000000000000000100", "User not found"),
        ("000000000000000100", "ok"),
    ] {
        let call = Call::sample("devices_get").with("user_id", id);
        assert_eq!(
            outcome(sql, &call.signed_by_admin().post()),
            expected,
            "{id}"
        );
    }
}

#[test]
fn parameters_query_and_body_have_limits_that_are_kept_on_both_sides() {
    let world = World::new();
    let outcome = |request: &Request| {
        let answer = outcome_in(&world, request);
        world.start_over("");
        answer
    };
    for method in common::methods() {
        let call = Call::sample(method).signed_by_admin();
        let (query, form) = (call.post(), call.form());

        let count = form.matches('=').count();
        for (total, expected) in [(200, "ok"), (201, "More than 200 parameters")] {
            let more = "&a=".repeat(total - count);
            let mut request = query.clone();
            request.target += &more;
            assert_eq!(outcome(&request), expected, "{method} {total}");
            // Parameters in the query and in the body are counted together.
            let split = Request::new("POST", &format!("/billing/api/{method}?{}", &more[1..]));
            assert_eq!(
                outcome(&split.body(None, form.clone())),
                expected,
                "{method} {total}"
            );
        }
        for (total, expected) in [
            (8192, "ok"),
            (8193, "Query string is longer than 8192 bytes"),
        ] {
            let mut request = query.clone();
            request.target += &format!("&a={}", "x".repeat(total - form.len() - 3));
            let sent = request.target.split_once('?').unwrap().1.len();
            assert_eq!(sent, total);
            assert_eq!(outcome(&request), expected, "{method} {total}");
        }
        for (total, expected) in [(65536, "ok"), (65537, "Body is larger than 65536 bytes")] {
            let mut request = call.post_form();
            request.body.extend(b"&a=");
            request.body.resize(total, b'x');
            assert_eq!(outcome(&request), expected, "{method} {total}");
        }
    }
}

/// A caller ID needs its permission, too, whatever other permissions someone has.
#[test]
fn a_caller_id_asks_for_its_own_permission() {
    for (more, expected) in [
        ("manage_dids", "You are not authorized to manage callerid"),
        ("manage_callerid", "ok"),
    ] {
        let sql = format!("INSERT INTO permissions VALUES (6, 'manage_devices'), (6, '{more}')");
        let call = Call::sample("device_create")
            .with("caller_id", "1008")
            .with("u", "clerk");
        assert_eq!(
            outcome(&sql, &call.signed_with("clerk-key").post()),
            expected,
            "{more}"
        );
    }
}

/// A stored text comes back unchanged, whatever is in it.
#[test]
fn odd_texts_are_carried_through_hash_database_and_xml() {
    for text in [
        "<&>\"']]>",
        "\t\r\n x",
        "ž漢🦀\u{fffd}",
        "'; DROP TABLE clis; --",
        "%00 %3C",
        "+",
    ] {
        let world = World::after(
            "UPDATE owner_settings SET dialect = 'current'; INSERT OR REPLACE INTO owner_settings VALUES (0, 'documented', 'current')",
        );
        let call = Call::sample("cli_add")
            .with("comment", text)
            .signed_by_admin();
        assert_eq!(world.send(&call.post()).error(), None);
        assert_eq!(world.select("SELECT comment FROM clis WHERE id = 4"), text);
        world
            .connection()
            .execute("UPDATE devices SET caller_id = ?1 WHERE id = 3", [text])
            .unwrap();
        let listed = world.send(&Call::sample("devices_get").signed_by_admin().post());
        let carried = xml_text(&listed.text(), "callerid");
        assert_eq!(carried, text, "{}", escape(text));
    }
}

/// The text of the first element of this name, as a reader sees it.
fn xml_text(document: &str, wanted: &str) -> String {
    use xml::reader::{EventReader, XmlEvent};
    let mut is_inside = false;
    let mut text = String::new();
    for event in EventReader::new(document.as_bytes()) {
        match event.unwrap() {
            XmlEvent::StartElement { name, .. } if name.local_name == wanted => is_inside = true,
            XmlEvent::EndElement { name } if name.local_name == wanted && is_inside => return text,
            XmlEvent::Characters(part) | XmlEvent::Whitespace(part) if is_inside => text += &part,
            _ => {}
        }
    }
    panic!("no {wanted} in {document}")
}
