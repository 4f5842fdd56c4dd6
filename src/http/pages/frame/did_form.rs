//! The details of a DID as facts and as a form, and what the form sends.

use maud::{Markup, html};

use crate::ambient::{minute, parse_minute};
use crate::api::parameters::parse_id;
use crate::http::pages::frame::answer::Trouble;
use crate::http::pages::frame::choices::offered_providers;
use crate::http::pages::frame::parts::{self, Field, Problem, or_dash, select, time};
use crate::http::pages::frame::visit::Visit;
use crate::service::Field as Detail;
use crate::service::did_details::{Edit, is_for};
use crate::service::guard::access::Actor;
use crate::store::tables::dids::Did;

/// The details that differ from a new DID's and are for the actor, in words.
pub fn facts(by: &Actor, did: &Did) -> Vec<(&'static str, Markup)> {
    let mut facts = Vec::new();
    if did.call_limit > 0 {
        facts.push(("Calls at once", html! { (did.call_limit) }));
    }
    if let Some(from_ms) = did.active_from_ms {
        facts.push(("Answers from", time(from_ms)));
    }
    if let Some(till_ms) = did.active_till_ms {
        facts.push(("Answers until", time(till_ms)));
    }
    if did.grace_time_s > 0 {
        facts.push(("Grace time", html! { (did.grace_time_s) " seconds" }));
    }
    for (name, text, field) in [
        ("Language", &did.language, Detail::Language),
        ("Tone zone", &did.tone_zone, Detail::ToneZone),
        (
            "SIP header",
            &did.custom_sip_header,
            Detail::CustomSipHeader,
        ),
        ("Comment", &did.comment, Detail::Comment),
        (
            "Reseller's comment",
            &did.reseller_comment,
            Detail::ResellerComment,
        ),
    ] {
        if is_for(by, field) && !text.is_empty() {
            facts.push((name, or_dash(text)));
        }
    }
    facts
}

fn shown(at_ms: Option<i64>) -> String {
    at_ms.map(minute).unwrap_or_default()
}

/// The form, with what was typed where it was refused.
pub fn form(visit: &Visit, did: &Did, problem: &Problem) -> Result<Markup, Trouble> {
    let typed = |name: &str, stored: &str| match problem {
        Some(_) => visit.sent.raw(name).unwrap_or_default().to_owned(),
        None => stored.to_owned(),
    };
    let number = |number: i64| number.to_string();
    let mut providers = offered_providers(visit)?;
    let provider = number(did.provider_id);
    if !providers.iter().any(|(id, _)| *id == provider) {
        providers.insert(0, (String::new(), "as it is".into()));
    }
    let fields = html! {
        h2 { "Details" }
        (Field::text("call_limit", "Calls at once", &typed("call_limit", &number(did.call_limit)))
            .hint("0: any number").render(problem))
        (Field::text("active_from", "Answers from", &typed("active_from", &shown(did.active_from_ms)))
            .kind("datetime-local").hint("UTC. Blank: from the beginning").render(problem))
        (Field::text("active_till", "Answers until", &typed("active_till", &shown(did.active_till_ms)))
            .kind("datetime-local").hint("UTC. Blank: for ever").render(problem))
        (Field::text("grace_time", "Grace time", &typed("grace_time", &number(did.grace_time_s)))
            .hint("Calls of this many seconds or fewer cost nothing").render(problem))
        (Field::text("language", "Language", &typed("language", &did.language)).hint("Two letters").render(problem))
        (Field::text("tone_zone", "Tone zone", &typed("tone_zone", &did.tone_zone)).hint("Two letters").render(problem))
        @if did.lent_by_id.is_none() {
            (select("provider_id", "Provider", &providers, &typed("provider_id", &provider), "", problem))
        }
        (Field::text("custom_sip_header", "SIP header", &typed("custom_sip_header", &did.custom_sip_header))
            .hint("Name: value, sent along with its calls").render(problem))
        @if is_for(visit.by(), Detail::Comment) {
            (Field::text("comment", "Comment", &typed("comment", &did.comment)).render(problem))
        }
        (Field::text("reseller_comment", "Reseller's comment", &typed("reseller_comment", &did.reseller_comment)).render(problem))
    };
    let action = format!("/dids/{}/edit", did.id);
    Ok(parts::form(visit, &action, "Save", problem, fields))
}

/// The details that the form sends. A time that stayed as it was shown keeps its seconds.
pub fn sent(visit: &Visit, did: &Did) -> Edit {
    let text = |name: &str| visit.sent.raw(name).map(|text| text.trim().to_owned());
    let time = |name: &str, stored: Option<i64>| {
        let typed = text(name)?;
        match typed.as_str() {
            same if same == shown(stored) => None,
            "" => Some("0".into()),
            // What is no time stays as it was typed, and is refused.
            other => Some(match parse_minute(other) {
                Some(at_ms) => (at_ms / 1000).to_string(),
                None => typed,
            }),
        }
    };
    let provider =
        text("provider_id").filter(|id| !id.is_empty() && *id != did.provider_id.to_string());
    Edit {
        call_limit: text("call_limit"),
        active_from: time("active_from", did.active_from_ms),
        active_till: time("active_till", did.active_till_ms),
        grace_time: text("grace_time"),
        language: text("language"),
        tone_zone: text("tone_zone"),
        provider_id: provider.map(|id| parse_id(&id)),
        custom_sip_header: text("custom_sip_header"),
        comment: text("comment"),
        reseller_comment: text("reseller_comment"),
    }
}
