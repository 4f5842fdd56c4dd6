//! A signed call as a line to paste, for the demo, `linebook hash` and the reference.

use super::encoding::query;
use super::example::Example;
use super::method::{HashOrder, Method};
use super::parameters::Parameters;
use super::signature;

/// A curl line that sends an example to `base` (`http://127.0.0.1:8080`), signed with `key` in the method's first
/// order.
pub fn example(base: &str, method: &Method, example: &Example, key: &str) -> String {
    let segment = example.segment.as_ref();
    let segment = segment
        .map(|segment| format!("/{segment}"))
        .unwrap_or_default();
    let path = format!("{}{segment}", method.name);
    post(base, &path, &example.sent, method.order(), key)
}

/// A curl line that calls `method` at `base` with these parameters, signed with `key` in `order`.
pub fn line(
    base: &str,
    method: &Method,
    parameters: &Parameters,
    order: &HashOrder,
    key: &str,
) -> String {
    post(base, method.name, parameters, Some(order), key)
}

fn post(
    base: &str,
    path: &str,
    parameters: &Parameters,
    order: Option<&HashOrder>,
    key: &str,
) -> String {
    let sent = parameters.iter().filter(|(name, _)| *name != "hash");
    let hash = order.map(|order| signature::sign(order, parameters, key));
    let query = query(sent.chain(hash.as_deref().map(|hash| ("hash", hash))));
    format!("curl -sS --compressed -X POST '{base}/billing/api/{path}?{query}'")
}
