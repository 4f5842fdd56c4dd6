//! The hash of a call: hex SHA1 over the values of a method's hashed parameters, in one of its orders, and a secret key.

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use super::method::{Dialect, HashLevel, HashOrder, Method};
use super::parameters::Parameters;
use crate::store::tables::settings::HashCheck;

/// The text to hash, without the key: the values of sent parameters as they were sent, without separators.
pub fn signed_text(order: &HashOrder, parameters: &Parameters) -> String {
    order
        .parameters
        .iter()
        .filter_map(|name| parameters.raw(name))
        .collect()
}

/// The hash that signs a call with `key`, in `order`.
pub fn sign(order: &HashOrder, parameters: &Parameters, key: &str) -> String {
    let mut sha1 = Sha1::new();
    sha1.update(signed_text(order, parameters));
    sha1.update(key);
    hex::encode(sha1.finalize())
}

/// The orders that a method accepts under `check`.
pub fn accepted(method: &Method, check: HashCheck) -> impl Iterator<Item = &'static HashOrder> {
    method
        .hashes
        .iter()
        .filter(move |order| is_accepted(order.level, check))
}

/// Whether a method is accepted under `check` without any hash.
pub fn is_needless(method: &Method, check: HashCheck, dialect: Dialect) -> bool {
    method.unsigned.is_some_and(|unsigned| {
        let is_spoken = unsigned.dialect.is_none_or(|known| known == dialect);
        is_spoken && is_accepted(unsigned.level, check)
    })
}

fn is_accepted(level: HashLevel, check: HashCheck) -> bool {
    match level {
        HashLevel::Strict => true,
        HashLevel::Documented => check != HashCheck::Strict,
        HashLevel::Lenient => check == HashCheck::Lenient,
    }
}

/// The accepted order and the key (by its place in `keys`) that give the sent hash. Upper-case hex is accepted. Every
/// key and order is tried in any case, and compared in constant time.
pub fn verify(
    method: &Method,
    check: HashCheck,
    parameters: &Parameters,
    keys: &[impl AsRef<str>],
    sent: &str,
) -> Option<(&'static HashOrder, usize)> {
    let sent: [u8; 20] = hex::decode(sent).ok()?.try_into().ok()?;
    let mut found = None;
    for order in accepted(method, check) {
        let unkeyed = Sha1::new().chain_update(signed_text(order, parameters));
        for (place, key) in keys.iter().enumerate() {
            let hash = unkeyed.clone().chain_update(key.as_ref()).finalize();
            if bool::from(hash.ct_eq(&sent)) && found.is_none() {
                found = Some((order, place));
            }
        }
    }
    found
}
