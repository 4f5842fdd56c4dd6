//! `provider_delete`: takes a provider away.

use crate::api::method::*;
use crate::service::providers;

const PROVIDER: Parameter = id("provider_id", Thing::Provider, "The provider.").required();

/// The method.
pub static METHOD: Method = Method {
    name: "provider_delete",
    summary: "Hides a provider for good. Its DIDs have to be terminated first.",
    source: "MOR API provider delete",
    parameters: &[PROVIDER],
    hashes: &[strict(&["provider_id"], "seen from clients")],
    right: Right::ManageSetup,
    errors: &[
        refuses(Rule::NotFound(Thing::Provider), "Provider was not found"),
        refuses(
            Rule::InUse(Thing::Provider),
            "Cannot delete provider - it has DIDs",
        ),
    ],
    run: Run::Write(|tx, call| {
        let id = call
            .need_id(PROVIDER)?
            .ok_or(Rule::NotFound(Thing::Provider))?;
        providers::hide(tx, &call.actor, id)?;
        Ok(success("Provider deleted", []))
    }),
    ..Method::DEFAULT
};
