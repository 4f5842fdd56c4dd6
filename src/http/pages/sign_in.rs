//! Signing in, and the link with which the first password is set.

use maud::html;

use crate::http::pages::frame::answer::{Answer, Trouble, refusal};
use crate::http::pages::frame::layout;
use crate::http::pages::frame::parts::{self, Field, Problem};
use crate::http::pages::frame::password::{attempt, failed, hashed, new_password};
use crate::http::pages::frame::problem::problem;
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::throttle::Proof;
use crate::service::{Error, installation, sessions};
use crate::store::row::Id;
use crate::store::tables::users::{ADMIN, UserType};

/// The address under which people look for the web pages.
pub async fn admin(_: Visit) -> Result<Answer, Trouble> {
    Ok(Answer::SeeOther("/".into()))
}

/// The form for username and password.
pub async fn form(visit: Visit) -> Result<Answer, Trouble> {
    if visit.by.is_some() {
        return Ok(Answer::SeeOther(next(&visit)));
    }
    let is_demo = visit.read(installation::is_demo)?;
    Ok(ask(&visit, 200, &None, is_demo))
}

fn ask(visit: &Visit, status: u16, problem: &Problem, is_demo: bool) -> Answer {
    let username = visit.text("username");
    let fields = html! {
        input type="hidden" name="next" value=(next(visit));
        (Field::text("username", "Username", &username).required().render(problem))
        (Field::text("password", "Password", "").kind("password").required().render(problem))
    };
    let body = html! {
        (parts::form(visit, "/sign-in", "Sign in", problem, fields))
        @if is_demo {
            p.hint { "This is the demo: sign in as " code { "admin" } ", " code { "reseller" } ", " code { "username" }
                " (an accountant), " code { "manager" } " or " code { "anna" } " (a user), each with the password " code { "password" } "." }
        }
    };
    Answer::Form(status, Box::new(layout::page(visit, "Sign in", body)))
}

/// Where to go afterwards: only to an address of this server.
fn next(visit: &Visit) -> String {
    let next = visit.text("next");
    let is_ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|byte| byte.is_ascii_graphic());
    if is_ours { next } else { "/".into() }
}

/// Verifies the password, and begins a session.
pub async fn enter(visit: Visit) -> Result<Answer, Trouble> {
    let (username, password) = (visit.text("username"), visit.sent.raw("password"));
    let password = password.unwrap_or_default();
    let attempt = attempt(&visit, &username)?;
    let verified = sessions::verify(&visit.app.core.store, &attempt, password).await;
    let begun = match verified {
        Ok((user, stored)) => begin(&visit, user.id, stored)
            .await
            .map(|token| (user, token)),
        Err(error) => Err(error),
    };
    let (user, token) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            refusal(error)?;
            failed(&visit, attempt);
            let problem = Some(("", "The username or the password is wrong.".into()));
            let is_demo = visit.read(installation::is_demo)?;
            return Ok(ask(&visit, 422, &problem, is_demo));
        }
    };
    attempt.succeeded(Proof::Password);
    if user.user_type == UserType::Admin {
        sessions::forget_first_run(&visit.app.core.store);
    }
    Ok(Answer::SignedIn(next(&visit), token))
}

/// Begins a session with a new token: one from before signing in must be worthless.
async fn begin(visit: &Visit, user_id: Id, verified: String) -> Result<String, Error> {
    let token = sessions::new_token(&visit.app.core.ambient);
    let (from, kept) = (visit.origin(), token.clone());
    let started = visit
        .app
        .core
        .store
        .write(move |tx| sessions::start_verified(tx, from, user_id, &verified, &kept));
    started.await?;
    Ok(token)
}

/// The page behind the link of a new database.
pub async fn welcome(visit: Visit) -> Result<Answer, Trouble> {
    let user = visit.read(|tx| sessions::find_link(tx, &visit.name, visit.now_ms))?;
    Ok(match user {
        Some(user) => choose(&visit, 200, &user.username, &None),
        None => too_late(&visit),
    })
}

fn too_late(visit: &Visit) -> Answer {
    let body = html! {
        div.card {
            p { "This link was used already, or is older than 30 minutes." }
            p { "The password that linebook made is in " code { (installation::FIRST_RUN) }
                " in its data folder, or was shown on the terminal. " code { "linebook user passwd admin" } " sets another one." }
            p { a href="/sign-in" { "Sign in" } }
        }
    };
    Answer::Form(404, Box::new(layout::page(visit, "Welcome", body)))
}

fn choose(visit: &Visit, status: u16, username: &str, problem: &Problem) -> Answer {
    let fields = html! {
        p { "Choose the password of " b { (username) } ". The link works this once." }
        (new_password(problem))
    };
    let action = format!("/welcome/{}", visit.name);
    let button = "Set the password and sign in";
    let body = parts::form(visit, &action, button, problem, fields);
    Answer::Form(status, Box::new(layout::page(visit, "Welcome", body)))
}

/// Sets the first password, and signs in with it.
pub async fn set_first_password(visit: Visit) -> Result<Answer, Trouble> {
    let now_ms = visit.now_ms;
    let user = visit.read(|tx| sessions::find_link(tx, &visit.name, now_ms))?;
    let Some(user) = user else {
        return Ok(too_late(&visit));
    };
    let hash = match hashed(&visit).await {
        Ok(hash) => hash,
        Err(error) => {
            let problem = problem(error, "")?;
            return Ok(choose(&visit, 422, &user.username, &problem));
        }
    };
    let (token, from, kept) = (visit.name.clone(), visit.origin(), hash.clone());
    let used = visit
        .app
        .core
        .store
        .write(move |tx| sessions::use_link(tx, from, &token, &kept));
    let user = used.await?;
    if user.id == ADMIN {
        sessions::forget_first_run(&visit.app.core.store);
    }
    let token = begin(&visit, user.id, hash).await?;
    Ok(Answer::SignedIn("/".into(), token))
}
