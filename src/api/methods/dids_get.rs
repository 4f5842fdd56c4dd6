//! `dids_get`: the DIDs that somebody sees, however many.

use crate::api::method::*;
use crate::api::parameters::parse_id;
use crate::service::did_search::{self, MAX_NAME, MAX_PART, Reached, Search};
use crate::store::tables::did_search::Shown;

const NUMBER: Parameter = text(
    "search_did_number",
    MAX_PART,
    "A part of the number. `%` stands for any digits, `_` for one.",
);
const STATUS_WORD: Parameter = one_of(
    "search_status",
    &["free", "reserved", "active", "closed", "terminated"],
    "In this state.",
);
const OWNER: Parameter = text(
    "search_did_owner",
    MAX_NAME,
    "A part of the name of who has it, in any letter case. Only admin and accountants search by it.",
);
const DIALPLAN: Parameter = id("search_dialplan", Thing::Dialplan, "On this dial plan.");
const USER: Parameter = id(
    "search_user",
    Thing::User,
    "This user has it, or it is in this reseller's scope.",
);
const DEVICE: Parameter = id(
    "search_device",
    Thing::Device,
    "On this device. `device` in the answer is blank for callers who may not see devices, as an accountant without `manage_devices`.",
);
const PROVIDER: Parameter = id(
    "search_provider",
    Thing::Provider,
    "From this provider. Plain users do not search by it.",
);
const LANGUAGE: Parameter = text("search_language", 3, "In this language. `all`: in any.");
const HIDES: Parameter = one_of(
    "search_hide_terminated_dids",
    &["0", "1"],
    "1: leaves terminated ones out.",
);
const FROM: Parameter = number(
    "from",
    1,
    MOST,
    "The place of the first row, from 1. Anything else: 1.",
);
const MAX_RESULTS: Parameter = number(
    "max_results",
    1,
    MOST,
    "The most rows. Anything else: all of them.",
);

/// The largest number of 18 digits.
const MOST: u64 = 999_999_999_999_999_999;

/// The method.
pub static METHOD: Method = Method {
    name: "dids_get",
    summary: "Lists DIDs in id order, all that match: for admin everyone's, for others those of their scope or their own.",
    source: "MOR API dids get",
    parameters: &[
        NUMBER,
        STATUS_WORD,
        OWNER,
        DIALPLAN,
        USER,
        DEVICE,
        PROVIDER,
        LANGUAGE,
        HIDES,
        FROM,
        MAX_RESULTS,
    ],
    hashes: &[
        strict(
            &[
                "search_did_number",
                "search_status",
                "search_did_owner",
                "search_dialplan",
                "search_user",
                "search_device",
                "search_provider",
                "search_language",
                "search_hide_terminated_dids",
                "from",
                "max_results",
            ],
            "all that is sent; the page signs the key alone",
        ),
        documented(&[], "the order of the page"),
        lenient(&["u", "p"], "seen from clients"),
    ],
    right: Right::SeeDids,
    errors: &[refuses(Rule::NoneFound(Thing::Did), "No DIDs found")],
    is_search: true,
    run: Run::Read(|tx, call| {
        let (by, passed) = (&call.actor, call.passed);
        let reached = Reached {
            after: call.after,
            skipped: passed.skipped,
            given: passed.given,
        };
        let found = did_search::search(tx, by, &search(call), reached)?;
        let next = found.next.unwrap_or_default();
        let items = found.dids.into_iter();
        Ok(Reply::List(List {
            around: vec![Element::with("dids", [])],
            items: items.map(|did| element(did, call.dialect)).collect(),
            next: found.next.map(|next| next.after),
            passed: Passed {
                skipped: next.skipped,
                given: next.given,
            },
            ..List::default()
        }))
    }),
    ..Method::DEFAULT
};

fn search(call: &Call) -> Search {
    let count = |parameter| {
        let number = call.get(parameter).and_then(parse_id);
        number
            .and_then(|number| u64::try_from(number).ok())
            .filter(|number| *number > 0)
    };
    Search {
        number: call.text(NUMBER),
        status: call.text(STATUS_WORD),
        owner_name: call.text(OWNER),
        dialplan_id: call.id(DIALPLAN),
        user_id: call.id(USER),
        device_id: call.id(DEVICE),
        provider_id: call.id(PROVIDER),
        language: call.text(LANGUAGE),
        is_hiding_terminated: call.get(HIDES) == Some("1"),
        skip: count(FROM).map_or(0, |from| from - 1),
        limit: count(MAX_RESULTS),
    }
}

fn element(did: Shown, dialect: Dialect) -> Element {
    let status = did.status.as_str();
    let (first, rest) = status.split_at(1);
    let limit = match did.call_limit {
        0 => "Unlimited".into(),
        limit => limit.to_string(),
    };
    let mut children = vec![
        Element::text("did", did.did),
        Element::text("provider", did.provider),
        Element::text("language", did.language),
        Element::text("status", first.to_uppercase() + rest),
        Element::text("reseller", did.reseller.unwrap_or_default()),
        Element::text("owner", did.owner),
        Element::text("device", did.device.unwrap_or_default()),
        Element::text("dial_plan", did.dialplan.unwrap_or_default()),
        Element::text("simultaneous_call_limit", limit),
        Element::text("tone_zone", did.tone_zone),
        Element::number("id", did.id),
    ];
    if dialect == Dialect::Current {
        children.push(Element::text("did_status", status));
    }
    Element::with("did", children)
}
