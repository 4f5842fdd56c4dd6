//! One request for a page: who asks, what he sent, and how he is answered.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::header::{CONTENT_TYPE, HOST, LOCATION, RETRY_AFTER, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use maud::{Markup, html};

use crate::api::fault::Fault;
use crate::api::method::Method;
use crate::api::parameters::Parameters;
use crate::app::App;
use crate::http::pages::frame::cookies;
use crate::http::pages::frame::layout;
use crate::http::pages::frame::list::Export;
use crate::http::pages::frame::parts;
use crate::http::pages::routes::Verb;
use crate::http::{address, reply};
use crate::service::guard::access::{Actor, Origin, Right};
use crate::service::{
    AccessError, CliError, DeviceError, DidError, Error, Refusal, Rule, SetupError, UserError,
    sessions,
};
use crate::store::row::Id;
use crate::store::tables::action_log::Through;
use crate::store::{ReadTx, StoreError, WriteTx};

/// Nothing but what the pages themselves bring: no script, no frame, no other origin.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A request for a page.
#[derive(Clone)]
pub struct Visit {
    /// The server.
    pub app: Arc<App>,
    /// Who asks; none: nobody is signed in.
    pub by: Option<Actor>,
    /// The `access_version` by which that was found.
    pub version: i64,
    /// It is time to note that he was seen.
    pub is_due: bool,
    /// When the request had come in whole: limits and ends are measured by it.
    pub now_ms: i64,
    /// How the page is asked for.
    pub verb: Verb,
    /// The token of his cookie, or a new one.
    pub token: String,
    /// What he sent, in the address and in the form.
    pub sent: Parameters,
    /// The ids in the path.
    pub ids: Vec<Id>,
    /// The name in the path.
    pub name: String,
    /// The route's path.
    pub route: &'static str,
    /// The path.
    pub path: String,
    /// The path and what stands behind its question mark.
    pub address: String,
    /// From where.
    pub remote: Option<IpAddr>,
    /// Ties the reply, the log line and the action log together.
    pub request_id: String,
    /// Over TLS.
    pub is_secure: bool,
    /// The server as the browser names it: `http://127.0.0.1:8080`.
    pub base: String,
}

/// What is sent back.
pub enum Answer {
    /// A page.
    Page(u16, Box<Markup>),
    /// A page that keeps the visitor's token, for the form in it.
    Form(u16, Box<Markup>),
    /// Elsewhere, after an action.
    SeeOther(String),
    /// Elsewhere, signed in with this token.
    SignedIn(String, String),
    /// Elsewhere, signed out.
    SignedOut(String),
    /// A list as a file.
    Csv(Box<Export>),
    /// Something that never changes under its name.
    Asset(&'static str, &'static [u8]),
}

/// Why there is no answer.
pub enum Trouble {
    /// There is nothing, or nothing that is his.
    NotFound,
    /// There is a page, but not for this verb.
    WrongVerb,
    /// The form is not one that was made for him.
    WrongForm,
    /// His session ended while the request was on its way.
    SignedOut,
    /// A rule said no, and the page has no better place for it.
    Refused(Refusal),
    /// The request cannot be read.
    Fault(Fault),
    /// The store could not.
    Store(StoreError),
}

impl Trouble {
    /// After how many seconds it may be worth trying again.
    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Fault(fault) => fault.retry_after_s(),
            Self::Store(error) => Fault::from(error).retry_after_s(),
            Self::NotFound
            | Self::WrongVerb
            | Self::WrongForm
            | Self::SignedOut
            | Self::Refused(_) => None,
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => Self::Store(error),
            Error::Refused(refusal) => match refusal.rule {
                Rule::User(UserError::NotFound | UserError::KeyNotFound)
                | Rule::Device(DeviceError::NotFound)
                | Rule::Did(DidError::NotFound)
                | Rule::Cli(CliError::NotFound)
                | Rule::Setup(SetupError::NotFound) => Self::NotFound,
                Rule::Access(AccessError::SignedOut) => Self::SignedOut,
                _ => Self::Refused(refusal),
            },
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A refusal, for a page that shows it beside its field. A fault of the store is none, too many guesses are none, and who
/// may not do this at all is shown no form for it.
pub fn refusal(error: Error) -> Result<Refusal, Trouble> {
    match error {
        Error::Refused(refusal) if refusal.rule == Rule::Access(AccessError::TooManyGuesses) => {
            Err(Trouble::Fault(Fault::TooManyFailures))
        }
        Error::Refused(refusal) if refusal.rule == Rule::Access(AccessError::SignedOut) => {
            Err(Trouble::SignedOut)
        }
        Error::Refused(refusal) if is_forbidden(&refusal) => Err(Trouble::Refused(refusal)),
        Error::Refused(refusal) => Ok(refusal),
        Error::Store(error) => Err(Trouble::Store(error)),
    }
}

/// Whether it is about who he is, and not about what he sent.
fn is_forbidden(refusal: &Refusal) -> bool {
    matches!(
        refusal.rule,
        Rule::Access(AccessError::WrongType | AccessError::NotPermitted)
    )
}

/// What a refusal says: the words of the API's method where it has some, and else the rule's own.
pub fn words(refusal: &Refusal, method: Option<&Method>) -> String {
    let said = method.and_then(|method| method.say(refusal));
    let text = match said {
        Some((text, Some(message))) => format!("{text}: {message}"),
        Some((text, None)) => text,
        None => refusal.to_string(),
    };
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => text,
    }
}

/// Who a request found to be signed in, for when they act.
pub struct Standing {
    token: String,
    by: Actor,
    version: i64,
}

impl Standing {
    /// As whom they act in this moment; refused, if their session has ended.
    pub fn renew(&self, tx: &ReadTx<'_>) -> Result<Actor, Error> {
        sessions::renew(tx, &self.token, &self.by, self.version)
    }
}

impl Visit {
    /// What the request says, before anything is looked up.
    pub fn new(http: &HttpRequest, app: &Arc<App>, request_id: &str) -> Self {
        let is_secure = address::is_secure(http, app);
        let host = http.headers().get(HOST).and_then(|host| host.to_str().ok());
        let scheme = if is_secure { "https" } else { "http" };
        Self {
            by: None,
            version: 0,
            is_due: false,
            now_ms: app.ambient.now_ms(),
            verb: Verb::Get,
            token: cookies::token(http).unwrap_or_else(|| sessions::new_token(&app.ambient)),
            sent: Parameters::default(),
            ids: Vec::new(),
            name: String::new(),
            route: "",
            path: http.path().into(),
            address: http.uri().to_string(),
            remote: address::of(http, app),
            request_id: request_id.into(),
            base: format!("{scheme}://{}", host.unwrap_or("127.0.0.1:8080")),
            is_secure,
            app: app.clone(),
        }
    }

    /// Finds out who holds the token.
    pub fn sign_in(&mut self) -> Result<(), StoreError> {
        let found = self.read(|tx| sessions::find(tx, &self.token, self.origin()))?;
        self.is_due = found.as_ref().is_some_and(|found| found.is_due);
        self.version = found.as_ref().map_or(0, |found| found.version);
        self.by = found.map(|found| found.actor);
        Ok(())
    }

    /// From where whoever asks acts.
    pub fn origin(&self) -> Origin {
        Origin {
            through: Through::Pages,
            address: self.remote,
            request_id: Some(self.request_id.clone()),
            now_ms: self.now_ms,
        }
    }

    /// Who is signed in. A route for [`Who::SignedIn`](super::routes::Who) is not reached by anyone else.
    pub fn by(&self) -> &Actor {
        self.by.as_ref().expect("the route is for who is signed in")
    }

    /// Refuses whoever lacks a right, before a form is shown or read: the rules behind the form ask again.
    pub fn require(&self, right: Right) -> Result<(), Trouble> {
        Ok(self.by().require(right)?)
    }

    /// Whether whoever is signed in has a right: what he lacks is not offered.
    pub fn may(&self, right: Right) -> bool {
        self.by.as_ref().is_some_and(|by| by.has(right))
    }

    /// The first id in the path.
    pub fn id(&self) -> Id {
        self.ids.first().copied().unwrap_or(-1)
    }

    /// What was sent under a name, without the space around it; blank when nothing was.
    pub fn text(&self, name: &str) -> String {
        self.sent.raw(name).unwrap_or_default().trim().into()
    }

    /// Whether a box was ticked.
    pub fn is_on(&self, name: &str) -> bool {
        self.sent.get(name).is_some()
    }

    /// Reads on one snapshot.
    pub fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.app.store.read(work)
    }

    /// Changes something as whoever is signed in, if in that moment he still is, and with the rights that he then has.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&WriteTx<'_>, &Actor) -> Result<T, Error> + Send + 'static,
    {
        let standing = self.standing();
        let written = self
            .app
            .store
            .write(move |tx| work(tx, &standing.renew(tx)?));
        written.await
    }

    /// Whether the form that was sent was made for the holder of the token.
    pub fn is_own_form(&self) -> bool {
        let sent = self.sent.in_body("form_token").unwrap_or_default();
        sessions::is_form_token(&self.token, sent)
    }

    /// What it takes to ask later who is signed in.
    pub fn standing(&self) -> Standing {
        Standing {
            token: self.token.clone(),
            by: self.by().clone(),
            version: self.version,
        }
    }

    /// To the sign-in, and back to where he wanted to go.
    pub fn ask_to_sign_in(&self) -> Answer {
        let next = match self.verb {
            Verb::Get if self.address != "/" => {
                format!("?next={}", crate::api::curl::percent_encode(&self.address))
            }
            _ => String::new(),
        };
        Answer::SeeOther(format!("/sign-in{next}"))
    }

    /// A page under a title.
    pub fn page(&self, title: &str, body: Markup) -> Answer {
        Answer::Page(200, Box::new(layout::page(self, title, body)))
    }

    /// A page that shows what a rule refused.
    pub fn refused(&self, title: &str, body: Markup) -> Answer {
        Answer::Page(422, Box::new(layout::page(self, title, body)))
    }

    /// A page with what was just done, or with the problem that stopped it.
    pub fn page_or_problem(&self, title: &str, has_problem: bool, body: Markup) -> Answer {
        match has_problem {
            true => self.refused(title, body),
            false => self.page(title, body),
        }
    }

    /// The HTTP reply.
    pub fn reply(&self, answer: Result<Answer, Trouble>) -> HttpResponse {
        match answer {
            Ok(answer) => self.send(answer),
            Err(trouble) => {
                let retry_after_s = trouble.retry_after_s();
                let mut reply = self.send(self.explain(trouble));
                if let Some(seconds) = retry_after_s {
                    reply.headers_mut().insert(RETRY_AFTER, seconds.into());
                }
                reply
            }
        }
    }

    fn send(&self, answer: Answer) -> HttpResponse {
        match answer {
            Answer::Page(status, markup) => self.html(status, *markup),
            Answer::Form(status, markup) => {
                let mut reply = self.html(status, *markup);
                if self.by.is_none() {
                    self.set_cookie(
                        &mut reply,
                        &cookies::keep(&self.token, false, self.is_secure),
                    );
                }
                reply
            }
            Answer::SeeOther(to) => self.see_other(&to),
            Answer::SignedIn(to, token) => {
                let mut reply = self.see_other(&to);
                self.set_cookie(&mut reply, &cookies::keep(&token, true, self.is_secure));
                reply
            }
            Answer::SignedOut(to) => {
                let mut reply = self.see_other(&to);
                self.set_cookie(&mut reply, &cookies::forget());
                reply
            }
            Answer::Csv(export) => export.reply(self.builder(200)),
            Answer::Asset(content_type, bytes) => self
                .builder(200)
                .insert_header((CONTENT_TYPE, content_type))
                .insert_header(("Cache-Control", "public, max-age=31536000, immutable"))
                .body(bytes),
        }
    }

    fn html(&self, status: u16, markup: Markup) -> HttpResponse {
        self.builder(status)
            .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
            .body(parts::revealed(markup.into_string()))
    }

    fn see_other(&self, to: &str) -> HttpResponse {
        self.builder(303).insert_header((LOCATION, to)).finish()
    }

    fn set_cookie(&self, reply: &mut HttpResponse, cookie: &str) {
        if let Ok(value) = cookie.parse() {
            reply.headers_mut().append(SET_COOKIE, value);
        }
    }

    fn builder(&self, status: u16) -> HttpResponseBuilder {
        let mut builder = reply::builder(status, &self.request_id);
        builder
            .insert_header(("Content-Security-Policy", POLICY))
            .insert_header(("X-Content-Type-Options", "nosniff"))
            .insert_header(("Referrer-Policy", "no-referrer"));
        builder
    }

    fn explain(&self, trouble: Trouble) -> Answer {
        let (status, title, text) = match trouble {
            Trouble::SignedOut => return self.ask_to_sign_in(),
            Trouble::NotFound => (
                404,
                "Not found",
                "There is nothing at this address, or nothing that is yours.".into(),
            ),
            Trouble::WrongVerb => (
                405,
                "Not that way",
                "This address takes only what its form sends.".into(),
            ),
            Trouble::WrongForm => (
                403,
                "The form has expired",
                "It was not made in this session, so nothing was changed. Go back, reload the page, and try again.".into(),
            ),
            Trouble::Refused(refusal) => {
                let status = if is_forbidden(&refusal) { 403 } else { 422 };
                (status, "Not possible", words(&refusal, None))
            }
            Trouble::Fault(fault @ Fault::TooManyFailures) => (
                fault.status(),
                "Too many failed attempts",
                "Your address has sent too many wrong passwords. Wait a minute, then try again.".into(),
            ),
            Trouble::Fault(fault) => (fault.status(), "Not possible now", fault.text()),
            Trouble::Store(error) => {
                let fault = Fault::from(&error);
                (fault.status(), "The database does not answer", fault.text())
            }
        };
        let body = html! {
            div.empty {
                p { (text) }
                @match self.by {
                    Some(_) => p { a href="/" { "To the overview" } },
                    None => p { a href="/sign-in" { "To the sign-in" } },
                }
            }
        };
        Answer::Page(status, Box::new(layout::page(self, title, body)))
    }
}
