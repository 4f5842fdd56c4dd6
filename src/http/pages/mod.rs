//! The web pages: everything that the rules can do, in a browser. They are rendered here, without JavaScript. No rule
//! is here.

mod account;
mod bulk;
mod callflow;
mod clis;
mod console;
mod device;
mod device_rules;
mod device_settings;
mod devices;
mod did;
mod dids;
pub(in crate::http) mod frame;
mod groups;
mod hash;
mod log;
mod named;
mod overview;
mod periods;
mod phonebooks;
mod provider;
mod providers;
mod quickforwards;
pub mod routes;
mod settings;
mod sign_in;
mod users;

use std::sync::Arc;

use actix_web::http::Method as HttpMethod;
use actix_web::http::header::ACCEPT;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt;

use self::routes::{Handler, ROUTES, Route, Verb, Who};
use super::address::Client;
use super::request;
use crate::api::fault::Fault;
use crate::api::parameters::parse_id;
use crate::app::App;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::visit::Visit;
use crate::service::sessions;
use crate::store::row::Id;

/// The target of a path.
pub enum Found {
    /// A page or an action, with the ids and the name in its path.
    Route(&'static Route, Vec<Id>, Option<String>),
    /// A page, but not with this verb.
    WrongVerb,
    /// Nothing; a browser asked.
    Nothing,
}

impl Found {
    /// Its name in the log. The path itself may hold anything, even the token of a link.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Route(route, ..) => route.path,
            Self::WrongVerb | Self::Nothing => "-",
        }
    }
}

/// The target of a path; none: no browser asked for it.
pub fn find(http: &HttpRequest, segments: &[&str]) -> Option<Found> {
    let verb = match *http.method() {
        HttpMethod::GET | HttpMethod::HEAD => Some(Verb::Get),
        HttpMethod::POST => Some(Verb::Post),
        _ => None,
    };
    let mut is_page = false;
    for route in ROUTES {
        let Some((ids, name)) = matched(route, segments) else {
            continue;
        };
        if verb == Some(route.verb) {
            return Some(Found::Route(route, ids, name));
        }
        is_page = true;
    }
    let is_browser = http.headers().get(ACCEPT).is_some_and(|accept| {
        accept
            .to_str()
            .is_ok_and(|accept| accept.contains("text/html"))
    });
    match (is_browser, is_page) {
        (true, true) => Some(Found::WrongVerb),
        (true, false) => Some(Found::Nothing),
        (false, _) => None,
    }
}

/// The ids and the name in the path, if it is the route's.
fn matched(route: &Route, segments: &[&str]) -> Option<(Vec<Id>, Option<String>)> {
    let wanted: Vec<&str> = route
        .path
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    if wanted.len() != segments.len() {
        return None;
    }
    let (mut ids, mut name) = (Vec::new(), None);
    for (wanted, sent) in wanted.iter().zip(segments) {
        match *wanted {
            "{id}" => ids.push(parse_id(sent)?),
            "{name}" => name = Some((*sent).to_owned()),
            same if same == *sent => {}
            _ => return None,
        }
    }
    Some((ids, name))
}

/// Answers a request for a page.
pub async fn serve(
    http: &HttpRequest,
    payload: Payload,
    app: &Arc<App>,
    client: Client,
    found: Found,
    request_id: &str,
) -> HttpResponse {
    // The whole request is read first, whatever the answer. Who asks is decided by what holds once it is complete.
    let sent = request::parameters(http, payload, None).await;
    let mut visit = Visit::new(http, app, client, request_id);
    let answer = match visit.sign_in() {
        Err(error) => Err(error.into()),
        Ok(()) => match (found, sent) {
            (Found::Nothing, _) => Err(Trouble::NotFound),
            (Found::WrongVerb, _) => Err(Trouble::WrongVerb),
            (Found::Route(..), Err(fault)) => Err(fault.into()),
            (Found::Route(route, ids, name), Ok(sent)) => {
                visit.sent = sent;
                visit.ids = ids;
                visit.name = name.unwrap_or_default();
                visit.route = route.path;
                visit.is_action = route.verb == Verb::Post;
                walk_in(route, &visit).await
            }
        },
    };
    visit.reply(answer)
}

/// Checks who is let through and whose form it is, and then runs the page or the action.
async fn walk_in(route: &Route, visit: &Visit) -> Result<Answer, Trouble> {
    if route.who == Who::SignedIn && visit.by.is_none() {
        return Ok(visit.ask_to_sign_in());
    }
    if route.verb == Verb::Post && !visit.is_own_form() {
        return Err(Trouble::WrongForm);
    }
    if visit.is_due {
        let (token, remote) = (visit.token.clone(), visit.remote);
        let seen = visit
            .app
            .core
            .store
            .write(move |tx| sessions::see(tx, &token, remote));
        // A full disk does not keep out someone who only looks.
        if let Err(error) = seen.await {
            tracing::warn!(%error, "the use of a session could not be noted");
        }
    }
    match &visit.by {
        // Pages for anyone are small, and are answered even while signed-in users ask for too much.
        Some(by) if route.who == Who::SignedIn => {
            let user_id = by.user_id.unwrap_or_default();
            let page = make(route.handler, visit.clone());
            let made = visit.app.aside.run(user_id, page.boxed()).await;
            made.map_err(|error| Fault::from(&error))?
        }
        _ => (route.handler)(visit.clone()).await,
    }
}

/// Makes a page, if its user is still signed in when its turn comes.
async fn make(handler: Handler, mut visit: Visit) -> Result<Answer, Trouble> {
    visit.sign_in()?;
    match visit.by {
        Some(_) => handler(visit).await,
        None => Err(Trouble::SignedOut),
    }
}
