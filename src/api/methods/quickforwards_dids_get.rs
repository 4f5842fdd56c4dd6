//! `quickforwards_dids_get`: the DIDs that the caller may forward, and where they take them.

use crate::api::method::*;
use crate::service::quickforwards;
use crate::store::tables::quickforwards::Offered;

/// How many DIDs are read, and held in memory, at once.
const PIECE: usize = 200;

/// The method.
pub static METHOD: Method = Method {
    name: "quickforwards_dids_get",
    summary: "Lists the DIDs that the caller may send to a number of their own, in id order, also those without one.",
    source: "MOR API quickforwards DIDs get",
    hashes: &[strict(
        &[],
        "there is no parameter; the printed hash fits nothing",
    )],
    right: Right::UseQuickforwards,
    denied: &denied(
        "You are not authorized to use Quickforwards",
        "You are not authorized to use Quickforwards",
    ),
    errors: &[refuses(
        Rule::NoneFound(Thing::Quickforward),
        "Quickforwards list is empty",
    )],
    run: Run::Read(|tx, call| {
        let by = &call.actor;
        let part = quickforwards::list(tx, by, by.user_id, call.after, PIECE)?;
        Ok(Reply::List(List {
            next: part.next,
            items: part.rows.into_iter().map(element).collect(),
            ..List::default()
        }))
    }),
    ..Method::DEFAULT
};

fn element(row: Offered) -> Element {
    Element::with(
        "quick_forward_did",
        [
            Element::text("did", row.did),
            Element::text("forward_to", row.forward_to),
            Element::text("description", row.description),
        ],
    )
}
