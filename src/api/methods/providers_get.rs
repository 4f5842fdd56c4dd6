//! `providers_get`: the providers of the caller's scope.

use crate::api::method::*;
use crate::service::provider_details::get;
use crate::service::providers::{self, Seen};

/// How many providers are read, and held in memory, at once.
pub const PIECE: u32 = 500;

const PROVIDER: Parameter = id(
    "provider_id",
    Thing::Provider,
    "Only this one. Not sent: all of them; for a reseller, those for common use, too.",
);

/// The method.
pub static METHOD: Method = Method {
    name: "providers_get",
    summary: "Lists providers in id order, all of them. Of those for common use, a reseller sees the name and the technology; only the owner sees logins and passwords.",
    source: "MOR API providers get",
    parameters: &[PROVIDER],
    hashes: &[
        strict(&["provider_id"], "all that is sent"),
        documented(&[], "the order of the page, and of its printed hash"),
    ],
    right: Right::SeeProviders,
    errors: &[refuses(
        Rule::NotFound(Thing::Provider),
        "Provider was not found",
    )],
    run: Run::Read(|tx, call| {
        let only = call.id(PROVIDER);
        let seen = providers::list_seen(tx, &call.actor, only, call.after, PIECE)?;
        let (around, id) = (["status", "providers"], |seen: &Seen| seen.provider.id);
        Ok(Reply::List(List::piece(&around, seen, PIECE, id, provider)))
    }),
    ..Method::DEFAULT
};

/// The elements of a provider, in their order, with those that linebook does not keep.
fn provider(seen: Seen) -> Element {
    let it = &seen.provider;
    let known = |text: String| if seen.is_limited { String::new() } else { text };
    let is = |field| known(get(it, field));
    let fixed = |text: &str| known(text.into());
    let elements = [
        ("id", it.id.to_string()),
        ("name", it.name.clone()),
        ("tech", get(it, Field::Tech)),
        ("channel", String::new()),
        ("login", is(Field::Login)),
        ("password", is(Field::Password)),
        ("server_ip", is(Field::ServerIp)),
        ("port", is(Field::Port)),
        ("priority", fixed("1")),
        ("quality", fixed("1")),
        ("tariff_id", String::new()),
        ("cut_a", fixed("0")),
        ("cut_b", fixed("0")),
        ("add_a", String::new()),
        ("add_b", String::new()),
        ("device_id", String::new()),
        ("ani", fixed("0")),
        ("timeout", is(Field::Timeout)),
        ("call_limit", is(Field::CallLimit)),
        ("register", is(Field::Register)),
        ("terminator_id", String::new()),
        ("hidden", fixed("0")),
        ("user_id", known(it.owner_id.to_string())),
        ("common_use", u8::from(it.common_use).to_string()),
        ("balance", fixed("0")),
        ("balance_limit", is(Field::BalanceLimit)),
        ("active", is(Field::Active)),
    ];
    let elements = elements.map(|(name, value)| Element::text(name, value));
    Element::with("provider", elements)
}
