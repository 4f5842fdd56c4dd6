//! Passwords on the web pages: those that prove a user, and new ones that are typed twice.

use maud::{Markup, html};

use crate::api::fault::Fault;
use crate::http::pages::frame::answer::Trouble;
use crate::http::pages::frame::parts::{Field, Problem};
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::attempt::Attempt;
use crate::service::guard::throttle::Failure;
use crate::service::{Error, Field as Refused, Rule};

/// An attempt to prove with a password that one is this user, unless too many were wrong, here or through the API.
pub fn attempt<'a>(visit: &'a Visit, username: &'a str) -> Result<Attempt<'a>, Trouble> {
    let core = &visit.app.core;
    let attempt = Attempt::new(core, visit.now_ms, visit.remote, username);
    match attempt.check_password() {
        Ok(()) => Ok(attempt),
        Err(_) => Err(Fault::TooManyFailures.into()),
    }
}

/// Counts and logs a wrong password.
pub fn failed(visit: &Visit, attempt: Attempt<'_>) {
    attempt.failed(Failure::Credentials);
    tracing::warn!(
        address = visit.remote.map(tracing::field::display),
        "a password was refused"
    );
}

/// The two fields of a new password.
pub fn new_password(problem: &Problem) -> Markup {
    html! {
        (Field::text("new_password", "New password", "").kind("password").required()
            .hint("8 to 128 characters").render(problem))
        (Field::text("again", "The same again", "").kind("password").required().render(problem))
    }
}

/// The argon2 string of the new password that was sent twice, or why it is not allowed.
pub async fn hashed(visit: &Visit) -> Result<String, Error> {
    let sent = |name| visit.sent.raw(name).unwrap_or_default();
    let password = sent("new_password");
    if password != sent("again") {
        return Err(Rule::Invalid(Refused::Again).into());
    }
    let app = &visit.app;
    app.core
        .verifier
        .hash(password, &app.core.ambient, visit.remote)
        .await
}
