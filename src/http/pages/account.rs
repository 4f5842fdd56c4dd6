//! One's own account: name, rights, password and sessions.

use maud::{Markup, html};

use crate::ambient::plain_time;
use crate::http::pages::frame::answer::{Answer, Trouble, refusal};
use crate::http::pages::frame::parts::{self, Field, Problem, badge, facts, time};
use crate::http::pages::frame::password::{self, hashed, new_password};
use crate::http::pages::frame::problem::problem;
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::attempt::Attempt;
use crate::service::guard::throttle::Proof;
use crate::service::{Error, sessions, users};
use crate::store::tables::sessions::Listed;

/// The page.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, &None)
}

fn render(visit: &Visit, problem: &Problem) -> Result<Answer, Trouble> {
    let by = visit.by();
    let sessions = visit.read(|tx| sessions::list_own(tx, by))?;
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
        (session_list(visit, &sessions))
    };
    Ok(visit.page_or_problem("Your account", problem.is_some(), body))
}

/// One's sessions, each with its address and a button that ends it.
fn session_list(visit: &Visit, sessions: &[(String, Listed)]) -> Markup {
    let this = sessions::name(&visit.token);
    html! {
        section.card {
            h2 { "Where you are signed in" }
            p.hint { "Is one of them not yours? End it, and change the password." }
            ul.plain {
                @for (name, session) in sessions {
                    li {
                        form.inline method="post" action="/account/sessions/end" {
                            (parts::form_token(visit))
                            input type="hidden" name="session" value=(name);
                            code { (session.address.as_deref().unwrap_or("unknown address")) }
                            " since " (time(session.created_ms)) ", last used " (time(session.seen_ms)) " "
                            @if *name == this { (badge("this one")) " " }
                            button.quiet type="submit" { "End" span.hidden { " the session since " (plain_time(session.created_ms)) } }
                        }
                    }
                }
            }
            @if sessions.len() > 1 {
                form method="post" action="/account/sessions/end-others" {
                    (parts::form_token(visit))
                    div.buttons { button.quiet type="submit" { "End all others" } }
                }
            }
        }
    }
}

/// Signs out.
pub async fn leave(visit: Visit) -> Result<Answer, Trouble> {
    let token = visit.token.clone();
    visit
        .write(move |tx, by| sessions::end(tx, by, &token))
        .await?;
    Ok(Answer::SignedOut("/sign-in".into()))
}

/// Ends one of one's own sessions. Ending the present one signs out.
pub async fn end_session(visit: Visit) -> Result<Answer, Trouble> {
    let name = visit.text("session");
    if name == sessions::name(&visit.token) {
        return leave(visit).await;
    }
    let ended = visit.write(move |tx, by| sessions::end_own(tx, by, &name));
    ended.await?;
    Ok(Answer::SeeOther("/account?done=ended".into()))
}

/// Ends all of one's own sessions but this one.
pub async fn end_others(visit: Visit) -> Result<Answer, Trouble> {
    let token = visit.token.clone();
    let ended = visit.write(move |tx, by| sessions::end_others(tx, by, &token));
    ended.await?;
    Ok(Answer::SeeOther("/account?done=ended".into()))
}

/// Changes the password of a user who knows the present one.
pub async fn set_password(visit: Visit) -> Result<Answer, Trouble> {
    let by = visit.by();
    let attempt = password::attempt(&visit, &by.name)?;
    if let Err(error) = verify_old(&visit, &attempt).await {
        refusal(error)?;
        password::failed(&visit, attempt);
        let problem = Some(("password", "That is not the current password.".into()));
        return render(&visit, &problem);
    }
    attempt.succeeded(Proof::Password);
    match hashed(&visit).await {
        Err(error) => render(&visit, &problem(error, "")?),
        Ok(hash) => {
            let set = visit.write(move |tx, by| users::set_own_password(tx, by, &hash));
            set.await?;
            Ok(Answer::SignedOut("/sign-in".into()))
        }
    }
}

async fn verify_old(visit: &Visit, attempt: &Attempt<'_>) -> Result<(), Error> {
    let old = visit.sent.raw("password").unwrap_or_default();
    let stored = visit.read(|tx| users::own_password(tx, visit.by()))?;
    attempt.verify_typed(old, stored.as_deref()).await
}
