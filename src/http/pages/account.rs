//! One's own account: who one is, what one may, and one's password.

use maud::html;

use super::parts::{self, Field, Problem, badge, facts};
use super::sign_in::{hashed, new_password, problem_of_password};
use super::visit::{Answer, Trouble, Visit, refusal};
use crate::service::users;

/// The page.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, &None)
}

fn render(visit: &Visit, problem: &Problem) -> Result<Answer, Trouble> {
    let by = visit.by();
    let body = html! {
        (facts(&[
            ("Username", html! { (by.name) }),
            ("Type", html! { (badge(by.user_type.as_str())) }),
            ("Permissions", html! {
                @if by.permissions.is_empty() { span.none { "none beyond the type's own" } }
                @for permission in &by.permissions { code { (permission) } " " }
            }),
        ]))
        h2 { "Change the password" }
        (parts::form(visit, "/account/password", "Change the password", problem, html! {
            p.hint { "It ends all your sessions: sign in again afterwards." }
            (Field::text("password", "Password until now", "").kind("password").required().render(problem))
            (new_password(problem))
        }))
    };
    Ok(visit.page_or_problem("Your account", problem.is_some(), body))
}

/// Changes the password of whoever knows the one until now.
pub async fn set_password(visit: Visit) -> Result<Answer, Trouble> {
    let by = visit.by();
    let stored = visit.read(|tx| users::own_password(tx, by))?;
    let old = visit.sent.raw("password").unwrap_or_default();
    let verifier = &visit.app.verifier;
    let verified = verifier.verify(by.now_ms, &by.name, old, stored.as_deref());
    if let Err(error) = verified.await {
        refusal(error)?;
        let problem = Some(("password", "That is not the password until now.".into()));
        return render(&visit, &problem);
    }
    match hashed(&visit).await {
        Err(error) => render(&visit, &problem_of_password(error)?),
        Ok(hash) => {
            let set = visit.write(move |tx, by| users::set_own_password(tx, by, &hash));
            set.await?;
            Ok(Answer::SignedOut("/sign-in".into()))
        }
    }
}
