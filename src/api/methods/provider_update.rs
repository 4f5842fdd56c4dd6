//! `provider_update`: changes what is sent of a provider.

use crate::api::method::*;
use crate::api::provider_details::{INCORRECT, TARIFF, and_common, sent};
use crate::service::providers;
use crate::service::text::MAX_NAME;

const PROVIDER: Parameter = id("provider_id", Thing::Provider, "The provider.").required();
const NAME: Parameter = text("name", MAX_NAME, "Its name; unique among the owner's.");

/// The method.
pub static METHOD: Method = Method {
    name: "provider_update",
    summary: "Changes what is sent of a provider. The same values again change nothing.",
    source: "MOR API provider update",
    parameters: &and_common([PROVIDER, NAME, TARIFF]),
    hashes: &[
        strict(&["provider_id"], "seen from clients"),
        lenient(
            &[],
            "the order of the page, and of its printed hash: a constant with which anyone who saw one call could send others",
        ),
    ],
    right: Right::ManageSetup,
    errors: in_order![
        [
            refuses(Rule::NotFound(Thing::Provider), "Provider was not found"),
            refuses(Rule::Taken(Field::Name), "Provider name must be unique"),
            refuses(Rule::Invalid(Field::TariffId), "Invalid tariff"),
        ],
        incorrect([Field::Name]),
        INCORRECT,
    ],
    run: Run::Write(|tx, call| {
        let id = call
            .need_id(PROVIDER)?
            .ok_or(Rule::NotFound(Thing::Provider))?;
        providers::update(tx, &call.actor, id, &sent(call))?;
        Ok(success("Provider updated", []))
    }),
    ..Method::DEFAULT
};
