//! Refusals: a method lists each one that its rule gives and no others, and a refusal names the parameter that is wrong.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use linebook::api::method::{Kind, Method, Parameter, Rule};
use linebook::api::methods::METHODS;
use linebook::service::{Field, Thing};

use crate::common::{Call, World};

/// Who calls: admin, a reseller with every permission and one without any, each with their key.
const CALLERS: [(&str, &str); 3] = [
    ("admin", "secret"),
    ("reseller", "reseller-key"),
    ("newcomer", "newcomer-key"),
];

/// What a parameter may hold, right and wrong: blank, too long, and what the demo world has.
fn values(parameter: &Parameter) -> Vec<String> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    match parameter.kind {
        Kind::Id(_) => {
            let mut ids: Vec<String> = texts(&["", "x", "100", "999"]);
            ids.extend((1..=10).map(|id| id.to_string()));
            ids
        }
        Kind::Digits(limit) => {
            let mut numbers: Vec<String> =
                texts(&["", "x", "12x", "22", "1111", "37061111111", "37062222222"]);
            numbers.push("1".repeat(limit + 1));
            numbers.extend((1..=10).map(|place| format!("370600000{place:02}")));
            numbers
        }
        Kind::Text(limit) => {
            let mut more: Vec<String> = texts(&[
                "",
                "<",
                "a\nb",
                "1002",
                "1001",
                "sip.example.com",
                "Carrier One",
            ]);
            more.push("x".repeat(limit + 1));
            // A SIP header, too long.
            more.push("X: ".to_owned() + &"x".repeat(limit));
            more
        }
        Kind::Number(_, most) => {
            let mut numbers: Vec<String> = texts(&["", "x", "-1", "1.5"]);
            numbers.extend([most, most + 1].map(|number| number.to_string()));
            numbers
        }
        Kind::OneOf(_) => texts(&["", "Radio"]),
    }
}

/// Those of a parameter's values that are tried together with another's: every DID, and a few of everything else.
fn few(parameter: &Parameter) -> Vec<String> {
    let mut values = values(parameter);
    values.retain(|value| match parameter.kind {
        Kind::Id(_) => ["1", "2", "3", "5", "6", "8"].contains(&value.as_str()),
        Kind::Digits(_) => value.starts_with("37"),
        Kind::Text(_) | Kind::Number(..) | Kind::OneOf(_) => !value.is_empty(),
    });
    values
}

/// The parameters of a method up to which each two are tried together.
const FEW: usize = 8;

/// The example without each parameter and with all its values, and with a few values of each two parameters. Of many
/// parameters, only those that name a thing are tried together.
fn calls(method: &Method) -> Vec<Call> {
    let example = Call::sample(method.name);
    let mut calls = vec![example.clone()];
    for (place, one) in method.parameters.iter().enumerate() {
        calls.push(example.clone().without(one.name));
        let all = values(one);
        calls.extend(
            all.iter()
                .map(|value| example.clone().with(one.name, value)),
        );
        for other in &method.parameters[place + 1..] {
            let names_things = one.thing().is_some() && other.thing().is_some();
            let is_instead = one.others().any(|instead| instead.name == other.name);
            if method.parameters.len() > FEW && !names_things && !is_instead {
                continue;
            }
            calls.push(example.clone().without(one.name).without(other.name));
            for value in few(one) {
                let call = example.clone().with(one.name, &value);
                let both = few(other);
                calls.extend(
                    both.iter()
                        .map(|value| call.clone().with(other.name, value)),
                );
            }
        }
    }
    calls
}

/// The errors that a method answers, in a world that is as it was before for each call.
fn answered(method: &Method) -> BTreeSet<String> {
    let changed = "UPDATE settings SET require_password = 'never'";
    let world = World::after(changed);
    let mut answered = BTreeSet::new();
    for call in calls(method) {
        for (username, key) in CALLERS {
            let call = call.clone().with("u", username).signed_with(key);
            let answer = world.send(&call.post());
            assert_eq!(answer.status, 200, "{} {call:?}", method.name);
            match answer.error() {
                Some(error) => drop(answered.insert(error)),
                None => world.start_over(changed),
            }
        }
    }
    answered
}

#[test]
fn a_method_lists_the_refusals_that_its_rule_gives_and_no_others() {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..threads.get() {
            scope.spawn(|| {
                while let Some(method) = METHODS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    assert_listed(method);
                }
            });
        }
    });
    assert!(next.into_inner() >= METHODS.len());
}

/// Each error that `method` lists is one that it answers.
fn assert_listed(method: &Method) {
    let answered = answered(method);
    for error in method.errors {
        // The fixtures break the storage for the first, and make a world for the others.
        let needs_a_world = matches!(
            error.rule,
            Rule::Failed
                | Rule::HasTooMany(_)
                | Rule::InUse(_)
                | Rule::TooMany(Thing::FaxEmail)
                | Rule::NotPermitted(Field::CallerId | Field::OfDevice(_))
                | Rule::TooLong(Field::OfDevice("callerid_number"))
        );
        // An address applies only to a device that is known by it.
        let is_of_address = ["host", "port", "hostname"]
            .map(Some)
            .contains(&error.rule.field());
        if needs_a_world || is_of_address {
            continue;
        }
        let text = error.named();
        let (start, end) = text.split_once("{}").unwrap_or((&text, ""));
        let is_given = |text: &String| text.starts_with(start) && text.ends_with(end);
        assert!(
            answered.iter().any(is_given),
            "no call of {} is refused with {:?}: {answered:?}",
            method.name,
            text
        );
    }
}

#[test]
fn a_refusal_is_about_a_parameter_of_its_method() {
    for method in METHODS {
        for error in method.errors {
            let Some(field) = error.rule.field() else {
                continue;
            };
            let is_meant = |parameter: &Parameter| {
                let of_thing = parameter.thing().and_then(Thing::field);
                parameter.name == field || of_thing == Some(field)
            };
            assert!(
                method.parameters.iter().any(is_meant),
                "{} has no {field}, which {:?} is about",
                method.name,
                error.rule
            );
        }
    }
}
