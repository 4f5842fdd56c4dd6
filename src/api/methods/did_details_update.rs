//! `did_details_update`: how a DID is used, and who gets it.

use crate::api::method::*;
use crate::api::parameters::parse_id;
use crate::service::DidError;
use crate::service::did_details::{self, Edit, Give, MAX_CALLS, MAX_GRACE_S, MAX_TEXT, MAX_TIME_S};

const DID: Parameter = id("did_id", Thing::Did, "The DID's id, not its number.").required();
const CALL_LIMIT: Parameter = number(
    "call_limit",
    0,
    MAX_CALLS as u64,
    "Calls at once. 0: any number.",
);
const USER: Parameter = id(
    "did_user_id",
    Thing::User,
    "Who gets it: a reseller or a plain user. -1 frees it.",
)
.or(NOBODY);
const ACTIVE_FROM: Parameter = number(
    "active_from",
    0,
    MAX_TIME_S as u64,
    "From when on it answers, in seconds since 1970. 0: from the beginning.",
);
const ACTIVE_TILL: Parameter = number(
    "active_till",
    0,
    MAX_TIME_S as u64,
    "Until when it answers, in seconds since 1970. 0: for ever.",
);
const GRACE_TIME: Parameter = number(
    "grace_time",
    0,
    MAX_GRACE_S as u64,
    "Calls of this many seconds or fewer cost nothing.",
);
const LANGUAGE: Parameter = text("language", 2, "Two letters, stored in lower case.");
const PROVIDER: Parameter = id(
    "did_provider_id",
    Thing::Provider,
    "The provider it comes from, as in did_create. A lent DID keeps its own.",
);
const HEADER: Parameter = text(
    "custom_sip_header",
    MAX_TEXT,
    "`Name: value`. Blank removes it.",
)
.even_blank();
const COMMENT: Parameter = text(
    "comment",
    MAX_TEXT,
    "What admin notes. Blank clears it; a reseller's is ignored.",
)
.even_blank();
const RESELLER_COMMENT: Parameter = text(
    "reseller_comment",
    MAX_TEXT,
    "What its reseller notes. Blank clears it.",
)
.even_blank();

/// The word for freeing it.
const NOBODY: &str = "-1";

/// The method.
pub static METHOD: Method = Method {
    name: "did_details_update",
    summary: "Changes how a DID is used, and who has it. What is so already is no change.",
    source: "MOR API did details update",
    parameters: &[
        DID,
        CALL_LIMIT,
        USER,
        ACTIVE_FROM,
        ACTIVE_TILL,
        GRACE_TIME,
        LANGUAGE,
        PROVIDER,
        HEADER,
        COMMENT,
        RESELLER_COMMENT,
    ],
    hashes: &[strict(
        &["did_id"],
        "the order of the page, and of its printed hash",
    )],
    right: Right::ManageDids,
    errors: in_order![
        [
            refuses(Rule::NotFound(Thing::Did), "DID was not found"),
            refuses(
                Rule::Invalid(Field::CallLimit),
                "Call limit is incorrect format",
            ),
            refuses(Rule::NotFound(Thing::User), "User was not found"),
            refuses(Rule::Did(DidError::Terminated), "DID is terminated"),
            refuses(Rule::Did(DidError::NotFree), "DID is not free"),
        ],
        incorrect([
            Field::ActiveFrom,
            Field::ActiveTill,
            Field::GraceTime,
            Field::Language,
            Field::CustomSipHeader,
        ]),
        [
            refuses(Rule::NotFound(Thing::Provider), "Provider was not found"),
            refuses(
                Rule::Foreign(Thing::Provider),
                "Your are not authorized to use this Provider",
            ),
        ],
        too_long([
            Field::Comment,
            Field::ResellerComment,
            Field::CustomSipHeader,
        ]),
    ],
    envelope: STATUS,
    run: Run::Write(|tx, call| {
        let id = call.need_id(DID)?.ok_or(Rule::NotFound(Thing::Did))?;
        let give = call.get(USER).map(|sent| match sent {
            NOBODY => Give::Nobody,
            sent => Give::User(parse_id(sent)),
        });
        let edit = Edit {
            call_limit: call.text(CALL_LIMIT),
            active_from: call.text(ACTIVE_FROM),
            active_till: call.text(ACTIVE_TILL),
            grace_time: call.text(GRACE_TIME),
            language: call.text(LANGUAGE),
            tone_zone: None,
            provider_id: call.id(PROVIDER),
            custom_sip_header: call.text(HEADER),
            comment: call.text(COMMENT),
            reseller_comment: call.text(RESELLER_COMMENT),
        };
        did_details::update(tx, &call.actor, id, give, edit)?;
        Ok(success("DID details successfully updated", []))
    }),
    ..Method::DEFAULT
};
