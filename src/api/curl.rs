//! A signed call as a line that can be pasted: for the demo, `linebook hash` and the reference.

use super::method::{HashOrder, Method};
use super::parameters::Parameters;
use super::signature;

/// A curl line that calls `method` at `base` (`http://127.0.0.1:8080`) with these parameters, signed with `key` in
/// `order`.
pub fn line(
    base: &str,
    method: &Method,
    parameters: &Parameters,
    order: &HashOrder,
    key: &str,
) -> String {
    let hash = signature::sign(order, parameters, key);
    let mut query = String::new();
    for (name, value) in parameters.iter().filter(|(name, _)| *name != "hash") {
        query.push_str(&format!(
            "{}={}&",
            percent_encode(name),
            percent_encode(value)
        ));
    }
    format!(
        "curl -sS --compressed -X POST '{base}/billing/api/{}?{query}hash={hash}'",
        method.name
    )
}

/// Everything but letters, digits and `-._~` as `%XX`: safe in a query, and between single quotes of a shell.
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
