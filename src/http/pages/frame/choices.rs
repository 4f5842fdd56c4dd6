//! The choices of fields in more than one area.

use crate::http::pages::frame::answer::Trouble;
use crate::http::pages::frame::visit::Visit;
use crate::service::{providers, users};
use crate::store::tables::users::{User, UserType};

/// How to type a user where there are too many to choose from.
pub const BY_NAME: &str = "a username or an ID";

/// Users that a field offers. Where they are too many to choose from, it takes any own user by name or ID.
pub fn offered_users(visit: &Visit) -> Result<Vec<(String, String)>, Trouble> {
    offered(visit, |_| true)
}

/// Users that a field offers for a DID: resellers and plain users.
pub fn offered_takers(visit: &Visit) -> Result<Vec<(String, String)>, Trouble> {
    offered(visit, |user| {
        matches!(user.user_type, UserType::Reseller | UserType::User)
    })
}

fn offered(visit: &Visit, keeps: impl Fn(&User) -> bool) -> Result<Vec<(String, String)>, Trouble> {
    let users = visit.read(|tx| users::list_offered(tx, visit.by()))?;
    Ok(users
        .into_iter()
        .filter(|user| keeps(user))
        .map(|user| {
            let shown = format!("{} ({}, ID {})", user.username, user.user_type, user.id);
            // A name of digits would be read as an ID.
            let is_digits = user.username.bytes().all(|byte| byte.is_ascii_digit());
            let sent = if is_digits {
                user.id.to_string()
            } else {
                user.username
            };
            (sent, shown)
        })
        .collect())
}

/// Providers that a field offers: those that take new DIDs.
pub fn offered_providers(visit: &Visit) -> Result<Vec<(String, String)>, Trouble> {
    let usable = visit.read(|tx| providers::list_usable(tx, visit.by()))?;
    Ok(usable
        .into_iter()
        .map(|found| (found.id.to_string(), found.name))
        .collect())
}
