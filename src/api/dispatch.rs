//! The pipeline of every call, top to bottom: find, authenticate, authorise, run, answer.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;

use super::fault::Fault;
use super::method::{Call, ErrorEnvelope, Method, Reply, Run};
use super::parameters::Parameters;
use super::signature;
use super::xml::{Document, Element, Layout, page};
use crate::app::App;
use crate::service::access::{Actor, Caller, Scope};
use crate::service::callers::Current;
use crate::service::throttle::{self, Guess, Proof};
use crate::service::{AccessError, Error, Refusal, Rule};
use crate::store::action_log::Through;
use crate::store::settings::{self, Dialect, Gzip, HashCheck, RequirePassword, Settings};
use crate::store::users::ADMIN;
use crate::store::{ReadTx, Snapshot, StoreError};

/// A call, as it came in.
pub struct Request {
    /// The method that its path names.
    pub method: &'static Method,
    /// The HTTP verb.
    pub verb: Verb,
    /// The parameters, or why they could not be read.
    pub parameters: Result<Parameters, Fault>,
    /// From where.
    pub address: Option<IpAddr>,
    /// Ties the reply, the log line and the action log together.
    pub request_id: String,
}

/// The HTTP verbs that make a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// The documented one.
    Post,
    /// Allowed by a setting.
    Get,
    /// Never allowed.
    Other,
}

/// What is sent back.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The XML.
    pub body: Body,
    /// The method's name, when its XML is to be sent as a file.
    pub file: Option<&'static str>,
    /// Plain XML was asked for (`test=1`): no compression.
    pub is_plain: bool,
    /// When files are compressed.
    pub gzip: Gzip,
    /// After how many seconds it may be worth trying again.
    pub retry_after_s: Option<u32>,
    /// Who called, once that was known: for the log.
    pub caller: Option<String>,
    /// How it ended: for the log and the metrics.
    pub outcome: Outcome,
}

/// How a call ended, without anything that its caller sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With success.
    Done,
    /// With this error of the method's list, its name left open.
    Refused(&'static str),
    /// With a fault.
    Fault(Fault),
}

impl Outcome {
    /// `ok`, the text of the error, or the name of the fault.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Done => "ok",
            Self::Refused(text) => text,
            Self::Fault(fault) => fault.name(),
        }
    }
}

/// The XML of an answer.
pub enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// Piece by piece.
    Pieces(Box<Pieces>),
}

/// What is known of a call while it goes down the pipeline: enough to shape the answer wherever it ends.
struct Known {
    dialect: Dialect,
    gzip: Gzip,
    caller: Option<String>,
}

/// Why a call ends early.
enum Failure {
    Fault(Fault),
    Refused(Refusal),
    Store(StoreError),
}

/// Answers a call.
pub async fn dispatch(app: &Arc<App>, request: Request) -> Answer {
    let method = request.method;
    let is_plain = matches!(&request.parameters, Ok(sent) if sent.raw("test") == Some("1"));
    let layout = if is_plain {
        Layout::Indented
    } else {
        Layout::Compact
    };
    let mut known = Known {
        dialect: Dialect::Pages,
        gzip: Gzip::Documented,
        caller: None,
    };
    let mut answer = match perform(app, request, &mut known).await {
        Ok((call, reply)) => success(app, method, call, reply, layout),
        Err(failure) => refusal(method, known.dialect, failure, layout),
    };
    answer.is_plain = is_plain;
    answer.gzip = known.gzip;
    answer.caller = known.caller;
    answer
}

/// Every check in the contract's order, then the method itself.
async fn perform(app: &App, request: Request, known: &mut Known) -> Result<(Call, Reply), Failure> {
    let method = request.method;
    let now_ms = app.ambient.now_ms();
    let snapshot = app.store.snapshot()?;
    let identified = identify(app, &snapshot.tx(), &request, known);
    note_failure(app, &request, now_ms, identified.as_ref().err());
    let (settings, caller) = identified?;
    let username = &caller.user.username;
    let guess = app.throttle.guess(now_ms, request.address, username);
    let (proof, snapshot) = {
        let mut proof = pin!(check_password(app, &request, &settings, &caller, &guess));
        match proof.as_mut().now_or_never() {
            Some(proof) => (proof, Some(snapshot)),
            // Argon2 takes its time; nobody holds a snapshot for so long.
            None => {
                drop(snapshot);
                (proof.await, None)
            }
        }
    };
    note_failure(app, &request, now_ms, proof.as_ref().err());
    app.throttle.succeeded(request.address, username, proof?);
    drop(guess);
    let parameters = request.parameters?;
    let actor = Actor {
        user_id: Some(caller.user.id),
        name: caller.user.username.clone(),
        scope: Scope::Owner(caller.owner_id),
        user_type: caller.user.user_type,
        permissions: caller.permissions.clone(),
        through: Through::Api,
        address: request.address,
        request_id: Some(request.request_id),
        now_ms,
    };
    authorise(method, &actor)?;
    let call = Call {
        actor,
        parameters,
        dialect: known.dialect,
        ambient: app.ambient.clone(),
        after: 0,
    };
    run(app, method, call, snapshot).await
}

/// API on, verb allowed, well formed, caller known, hash right: on one snapshot of the database.
fn identify(
    app: &App,
    tx: &ReadTx<'_>,
    request: &Request,
    known: &mut Known,
) -> Result<(Arc<Settings>, Arc<Caller>), Failure> {
    let current = app.callers.current(tx)?;
    known.gzip = current.settings.gzip;
    let caller = find(app, tx, &current, request);
    // Until the caller is known, and to one who never is, the system owner's dialect is spoken.
    known.dialect = match &caller {
        Ok(caller) => caller.owner_settings.dialect,
        Err(_) => settings::get_owner(tx, ADMIN)?.dialect,
    };
    let caller = caller?;
    known.caller = Some(caller.user.username.clone());
    check_hash(request, &caller)?;
    Ok((current.settings, caller))
}

/// Everything before the hash.
fn find(
    app: &App,
    tx: &ReadTx<'_>,
    current: &Current,
    request: &Request,
) -> Result<Arc<Caller>, Failure> {
    check_switches(&current.settings, request.verb)?;
    let parameters = request.parameters.as_ref().map_err(|fault| *fault)?;
    let username = parameters.get("u").ok_or(AccessError::UnknownCaller)?;
    let now_ms = app.ambient.now_ms();
    if !app.throttle.allows(now_ms, request.address, username) {
        return Err(Fault::TooManyFailures.into());
    }
    let caller = app.callers.find(tx, current, username)?;
    if let Err(refused) = caller.check_address(request.address) {
        app.metrics.address_refusals.inc();
        return Err(refused.into());
    }
    Ok(caller)
}

fn check_switches(settings: &Settings, verb: Verb) -> Result<(), Failure> {
    if !settings.allow_api {
        return Err(AccessError::ApiDisabled.into());
    }
    match verb {
        Verb::Post => Ok(()),
        Verb::Get if settings.allow_get => Ok(()),
        Verb::Get => Err(AccessError::GetDisabled.into()),
        Verb::Other => Err(Fault::VerbNotAllowed.into()),
    }
}

fn check_hash(request: &Request, caller: &Caller) -> Result<(), Failure> {
    let parameters = request.parameters.as_ref().map_err(|fault| *fault)?;
    let check = caller.owner_settings.hash_check;
    if check == HashCheck::Off {
        return Ok(());
    }
    let sent = parameters.get("hash").unwrap_or_default();
    match signature::verify(request.method, check, parameters, &caller.keys, sent) {
        Some(_) => Ok(()),
        None => Err(AccessError::IncorrectHash.into()),
    }
}

/// Counts what may be somebody guessing.
fn note_failure(app: &App, request: &Request, now_ms: i64, failure: Option<&Failure>) {
    let Some(Failure::Refused(refusal)) = failure else {
        return;
    };
    let kind = match refusal.rule {
        Rule::Access(AccessError::UnknownCaller | AccessError::WrongPassword) => {
            throttle::Failure::Credentials
        }
        Rule::Access(AccessError::IncorrectHash) => throttle::Failure::Hash,
        _ => return,
    };
    let sent = request.parameters.as_ref().ok();
    // Nobody guesses without a name.
    let Some(username) = sent.and_then(|sent| sent.get("u")) else {
        return;
    };
    app.throttle.failed(now_ms, request.address, username, kind);
    if kind == throttle::Failure::Credentials {
        let failures = &app.failures;
        failures.note(&app.store, now_ms, request.address, username);
    }
}

async fn check_password(
    app: &App,
    request: &Request,
    settings: &Settings,
    caller: &Caller,
    guess: &Guess<'_>,
) -> Result<Proof, Failure> {
    let is_required = match settings.require_password {
        RequirePassword::Never => return Ok(Proof::Hash),
        RequirePassword::Documented => request.method.needs_password,
        RequirePassword::Always => true,
    };
    let parameters = request.parameters.as_ref().map_err(|fault| *fault)?;
    match parameters.get("p") {
        None if is_required => Err(AccessError::WrongPassword.into()),
        None => Ok(Proof::Hash),
        Some(password) => {
            let stored = caller.password.as_deref();
            app.verifier.verify(guess, password, stored).await?;
            Ok(Proof::Password)
        }
    }
}

fn authorise(method: &Method, actor: &Actor) -> Result<(), Failure> {
    let mut callers = method.callers.iter();
    let rule = callers
        .find(|rule| rule.user_type == actor.user_type)
        .ok_or(AccessError::WrongType)?;
    match rule.needs {
        Some(permission) if !actor.may(permission) => Err(AccessError::NotPermitted.into()),
        _ => Ok(()),
    }
}

async fn run(
    app: &App,
    method: &'static Method,
    call: Call,
    snapshot: Option<Snapshot>,
) -> Result<(Call, Reply), Failure> {
    match method.run {
        Run::Read(run) => {
            let snapshot = snapshot.map_or_else(|| app.store.snapshot(), Ok)?;
            let reply = run(&snapshot.tx(), &call)?;
            Ok((call, reply))
        }
        Run::Write(run) => {
            drop(snapshot);
            let written = app.store.write(move |tx| {
                let reply = run(tx, &call)?;
                Ok::<_, Error>((call, reply))
            });
            Ok(written.await?)
        }
    }
}

fn success(
    app: &Arc<App>,
    method: &'static Method,
    call: Call,
    reply: Reply,
    layout: Layout,
) -> Answer {
    let body = match reply {
        Reply::Elements(elements) => Body::Whole(page(layout, &elements)),
        Reply::List { name, items, next } => {
            let mut document = Document::start(layout);
            document.open(name);
            items.iter().for_each(|item| document.element(item));
            match next {
                None => {
                    document.close();
                    Body::Whole(document.finish())
                }
                Some(after) => Body::Pieces(Box::new(Pieces {
                    app: app.clone(),
                    method,
                    call: Call { after, ..call },
                    document: Some(document),
                })),
            }
        }
    };
    Answer {
        file: method.is_file.then_some(method.name),
        ..answer(200, body, Outcome::Done)
    }
}

fn refusal(method: &Method, dialect: Dialect, failure: Failure, layout: Layout) -> Answer {
    let refused = match failure {
        Failure::Fault(fault) => return self::fault(fault, layout),
        Failure::Refused(refusal) => refusal,
        Failure::Store(error) => match (Fault::from(&error), method.storage_error) {
            (Fault::StorageFailed, Some(rule)) => Refusal {
                rule,
                detail: Some(error.to_string()),
            },
            (fault, _) => return self::fault(fault, layout),
        },
    };
    let listed = method.error(refused.rule);
    let (Some(listed), Some((text, message))) = (listed, method.say(&refused)) else {
        tracing::error!(method = method.name, %refused, "a refusal that the method does not list");
        return fault(Fault::Internal, layout);
    };
    let mut elements = vec![Element::text("error", text)];
    elements.extend(message.map(|message| Element::text("message", message)));
    if method.error_envelope.of(dialect) == ErrorEnvelope::Status {
        elements = vec![Element::with("status", elements)];
    }
    Answer {
        file: method.is_file.then_some(method.name),
        ..answer(
            200,
            Body::Whole(page(layout, &elements)),
            Outcome::Refused(listed.text),
        )
    }
}

/// The answer to what no page describes.
pub fn fault(fault: Fault, layout: Layout) -> Answer {
    let body = page(layout, &[Element::text("error", fault.text())]);
    Answer {
        retry_after_s: fault.retry_after_s(),
        ..answer(fault.status(), Body::Whole(body), Outcome::Fault(fault))
    }
}

fn answer(status: u16, body: Body, outcome: Outcome) -> Answer {
    Answer {
        status,
        body,
        file: None,
        is_plain: false,
        gzip: Gzip::Documented,
        retry_after_s: None,
        caller: None,
        outcome,
    }
}

/// The rest of a long list. Each piece is a snapshot of its own: a slow reader holds no transaction open.
pub struct Pieces {
    app: Arc<App>,
    method: &'static Method,
    call: Call,
    /// None: the document is finished.
    document: Option<Document>,
}

impl Iterator for Pieces {
    type Item = Result<Vec<u8>, Error>;

    /// What has been written so far, and reads the next piece of the list into the document.
    fn next(&mut self) -> Option<Self::Item> {
        let mut document = self.document.take()?;
        let written = document.take();
        match self.read() {
            Err(error) => Some(Err(error)),
            Ok((items, next)) => {
                items.iter().for_each(|item| document.element(item));
                match next {
                    Some(after) => {
                        self.call.after = after;
                        self.document = Some(document);
                        Some(Ok(written))
                    }
                    None => {
                        document.close();
                        Some(Ok([written, document.finish()].concat()))
                    }
                }
            }
        }
    }
}

impl Pieces {
    fn read(&self) -> Result<(Vec<Element>, Option<i64>), Error> {
        let Run::Read(run) = self.method.run else {
            return Err(StoreError::Internal.into());
        };
        match self.app.store.read(|tx| run(tx, &self.call))? {
            Reply::List { items, next, .. } => Ok((items, next)),
            Reply::Elements(_) => Err(StoreError::Internal.into()),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal)
                if refusal.rule == Rule::Access(AccessError::TooManyGuesses) =>
            {
                Self::Fault(Fault::TooManyFailures)
            }
            Error::Refused(refusal) => Self::Refused(refusal),
            Error::Store(error) => Self::Store(error),
        }
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        Error::from(error).into()
    }
}
