//! Passwords on the pages: those that are guessed, and new ones that are typed twice.

use maud::{Markup, html};

use crate::api::fault::Fault;
use crate::http::pages::frame::answer::{Trouble, refusal, words};
use crate::http::pages::frame::parts::{Field, Problem};
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::passwords;
use crate::service::guard::throttle::{Failure, Proof};
use crate::service::{Error, Rule, UserError};

/// Refuses whoever has guessed too often, here or through the API, before a password is looked at.
pub fn throttle(visit: &Visit, username: &str) -> Result<(), Trouble> {
    let throttle = &visit.app.core.throttle;
    match throttle.allows_password(visit.now_ms, visit.remote, username) {
        true => Ok(()),
        false => Err(Fault::TooManyFailures.into()),
    }
}

/// Counts a wrong password.
pub fn failed(visit: &Visit, username: &str) {
    let throttle = &visit.app.core.throttle;
    throttle.failed(visit.now_ms, visit.remote, username, Failure::Credentials);
    let failures = &visit.app.core.failures;
    failures.note(&visit.app.core.store, visit.now_ms, visit.remote, username);
    tracing::warn!(
        address = visit.remote.map(tracing::field::display),
        "a password was refused"
    );
}

/// Forgets the wrong passwords before the right one.
pub fn succeeded(visit: &Visit, username: &str) {
    let throttle = &visit.app.core.throttle;
    throttle.succeeded(visit.remote, username, Proof::Password);
}

/// Whether this can be nobody's password: argon2 need not look at it.
pub fn is_too_long(password: &str) -> bool {
    password.chars().count() > passwords::MAX_PASSWORD
}

/// The two fields of a new password.
pub fn new_password(problem: &Problem) -> Markup {
    html! {
        (Field::text("new_password", "New password", "").kind("password").required()
            .hint("8 to 128 characters").render(problem))
        (Field::text("again", "The same again", "").kind("password").required().render(problem))
    }
}

/// The argon2 string of the new password that was sent twice; or why it cannot be one.
pub async fn hashed(visit: &Visit) -> Result<String, Error> {
    let sent = |name| visit.sent.raw(name).unwrap_or_default();
    let password = sent("new_password");
    if password != sent("again") {
        return Err(UserError::PasswordsDiffer.into());
    }
    let app = &visit.app;
    app.core
        .verifier
        .hash(password, &app.core.ambient, visit.remote)
        .await
}

/// Beside which field a refused password stands.
pub fn problem_of_password(error: Error) -> Result<Problem, Trouble> {
    let refused = refusal(error)?;
    let field = match refused.rule {
        Rule::User(UserError::PasswordsDiffer) => "again",
        Rule::User(UserError::PasswordInvalid) => "new_password",
        _ => "",
    };
    Ok(Some((field, words(&refused, None))))
}
