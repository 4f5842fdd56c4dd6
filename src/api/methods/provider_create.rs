//! `provider_create`: a carrier of admin's.

use crate::api::method::*;
use crate::api::provider_details::{INCORRECT, TARIFF, and_common, sent};
use crate::service::providers;
use crate::service::text::MAX_NAME;

const NAME: Parameter = text("name", MAX_NAME, "Its name; unique among the owner's.").required();
const TECH: Parameter = one_of(
    "tech",
    &["dahdi", "SIP", "IAX2", "H323"],
    "How calls are sent to it.",
)
.required();

/// The method.
pub static METHOD: Method = Method {
    name: "provider_create",
    summary: "Creates a provider of admin's: a carrier that DIDs come from and that calls go out through.",
    source: "MOR API provider create",
    parameters: &and_common([NAME, TECH, TARIFF]),
    hashes: &[
        strict(&["name", "tech", "tariff_id"], "seen from clients"),
        lenient(
            &[],
            "the order of the page: a constant with which anyone who saw one call could make others",
        ),
    ],
    // Only admin calls it. Resellers make providers on the web pages.
    right: Right::ManageServer,
    errors: in_order![
        [
            refuses(Rule::Missing(Field::Name), "Provider name cannot be empty"),
            refuses(Rule::Taken(Field::Name), "Provider name must be unique"),
            refuses(Rule::Invalid(Field::TariffId), "Invalid tariff"),
        ],
        incorrect([Field::Name, Field::Tech]),
        INCORRECT,
    ],
    run: Run::Write(|tx, call| {
        let by = &call.actor;
        let id = providers::create(tx, by, by.owner_id(), &sent(call))?;
        let created = Element::text("success", "Provider created");
        let created = [created, Element::number("provider_id", id)];
        Ok(Reply::Elements(vec![Element::with("status", created)]))
    }),
    ..Method::DEFAULT
};
