//! One's own account: who one is, what one may, and one's password.

use maud::html;

use super::parts::{self, Field, Problem, badge, facts};
use super::sign_in::{self, hashed, new_password, problem_of_password};
use super::visit::{Answer, Trouble, Visit, refusal};
use crate::service::throttle::Guess;
use crate::service::{AccessError, Error, users};

/// The page.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, &None)
}

fn render(visit: &Visit, problem: &Problem) -> Result<Answer, Trouble> {
    let by = visit.by();
    let body = html! {
        section.card { (facts(&[
            ("Username", html! { (by.name) }),
            ("Type", html! { (badge(by.user_type.as_str())) }),
            ("Permissions", html! {
                @if by.permissions.is_empty() { span.none { "none beyond the type's own" } }
                @for permission in &by.permissions { code { (permission) } " " }
            }),
        ])) }
        (parts::form(visit, "/account/password", "Change the password", problem, html! {
            h2 { "Change the password" }
            p.hint { "It ends all your sessions: sign in again afterwards." }
            (Field::text("password", "Current password", "").kind("password").required().render(problem))
            (new_password(problem))
        }))
    };
    Ok(visit.page_or_problem("Your account", problem.is_some(), body))
}

/// Changes the password of whoever knows the one until now.
pub async fn set_password(visit: Visit) -> Result<Answer, Trouble> {
    let by = visit.by();
    sign_in::throttle(&visit, &by.name)?;
    let guess = visit.app.throttle.guess(by.now_ms, visit.remote, &by.name);
    if let Err(error) = verify_old(&visit, &guess).await {
        refusal(error)?;
        sign_in::failed(&visit, &by.name);
        let problem = Some(("password", "That is not the current password.".into()));
        return render(&visit, &problem);
    }
    sign_in::succeeded(&visit, &by.name);
    match hashed(&visit).await {
        Err(error) => render(&visit, &problem_of_password(error)?),
        Ok(hash) => {
            let set = visit.write(move |tx, by| users::set_own_password(tx, by, &hash));
            set.await?;
            Ok(Answer::SignedOut("/sign-in".into()))
        }
    }
}

async fn verify_old(visit: &Visit, guess: &Guess<'_>) -> Result<(), Error> {
    let by = visit.by();
    let old = visit.sent.raw("password").unwrap_or_default();
    if sign_in::is_too_long(old) {
        return Err(AccessError::WrongPassword.into());
    }
    let stored = visit.read(|tx| users::own_password(tx, by))?;
    let verifier = &visit.app.verifier;
    verifier.verify(guess, old, stored.as_deref()).await
}
