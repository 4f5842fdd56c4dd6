//! The pipeline of every call, top to bottom: admit, run, answer.

use std::net::IpAddr;
use std::sync::Arc;

use super::admission::{Admitted, Failure, Known};
use super::fault::Fault;
use super::method::{ErrorEnvelope, Method, Reply, Run};
use super::parameters::Parameters;
use super::xml::{Document, Element, Layout, page};
use crate::app::App;
use crate::service::{AccessError, Error, Refusal};
use crate::store::tables::settings::{Dialect, Gzip};
use crate::store::{Snapshot, StoreError};

/// How often a call is admitted anew because its caller's password was changed while it was verified or while it waited.
pub const MAX_ADMISSIONS: u32 = 3;

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
    /// When it had come in whole, in milliseconds since 1970-01-01 UTC: limits and ends are measured by it.
    pub now_ms: i64,
    /// The token of the session of the pages in which it is sent; it does nothing once that session has ended.
    pub session: Option<String>,
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
        Ok((admitted, reply)) => success(app, admitted, reply, layout),
        Err(failure) => refusal(method, known.dialect, failure, layout),
    };
    answer.is_plain = is_plain;
    answer.gzip = known.gzip;
    answer.caller = known.caller;
    answer
}

/// Every check in the contract's order, then the method itself.
async fn perform(
    app: &App,
    request: Request,
    known: &mut Known,
) -> Result<(Admitted, Reply), Failure> {
    let (mut admitted, mut snapshot) = Admitted::new(app, request, known).await?;
    for _ in 0..MAX_ADMISSIONS {
        let Stopped(stopped, failure) = match run(app, admitted, snapshot.take()).await {
            Ok((admitted, reply)) => {
                known.clone_from(&admitted.known);
                return Ok((admitted, reply));
            }
            Err(stopped) => stopped,
        };
        let Some(stopped) = stopped else {
            return Err(failure);
        };
        admitted = *stopped;
        let again = match failure {
            Failure::PasswordMoved => admitted.again(app).await,
            other => {
                admitted.note(app, &other);
                Err(other)
            }
        };
        known.clone_from(&admitted.known);
        snapshot = again?;
    }
    Err(Fault::Overloaded.into())
}

/// A call that was not made, and why; without the call where it went under with the writer.
struct Stopped(Option<Box<Admitted>>, Failure);

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self(None, error.into())
    }
}

/// Does what the method does, if its caller still may in that moment.
async fn run(
    app: &App,
    mut admitted: Admitted,
    snapshot: Option<Snapshot>,
) -> Result<(Admitted, Reply), Stopped> {
    match admitted.method.run {
        Run::Read(run) => {
            let (snapshot, checked) = match snapshot {
                // The one on which it was checked.
                Some(snapshot) => (snapshot, Ok(())),
                None => {
                    let snapshot = app.store.snapshot()?;
                    let checked = admitted.renew(&snapshot.tx());
                    (snapshot, checked)
                }
            };
            let reply = checked.and_then(|()| Ok(run(&snapshot.tx(), &admitted.call)?));
            admitted.ended(reply)
        }
        Run::Write(run) => {
            drop(snapshot);
            let written = app.store.write(move |tx| {
                let checked = admitted.renew(tx);
                let reply = checked.and_then(|()| Ok(run(tx, &admitted.call)?));
                admitted.ended(reply)
            });
            written.await
        }
    }
}

impl Admitted {
    fn ended(self, reply: Result<Reply, Failure>) -> Result<(Self, Reply), Stopped> {
        match reply {
            Ok(reply) => Ok((self, reply)),
            Err(failure) => Err(Stopped(Some(Box::new(self)), failure)),
        }
    }
}

fn success(app: &Arc<App>, admitted: Admitted, reply: Reply, layout: Layout) -> Answer {
    let method = admitted.method;
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
                Some(after) => {
                    let mut admitted = admitted;
                    admitted.call.after = after;
                    Body::Pieces(Box::new(Pieces {
                        app: app.clone(),
                        admitted,
                        document: Some(document),
                    }))
                }
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
        Failure::Elsewhere => AccessError::UnknownCaller.into(),
        Failure::PasswordMoved => AccessError::WrongPassword.into(),
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

/// The rest of a long list. Each piece is a snapshot of its own: a slow reader holds no transaction open, and nobody reads
/// on who may not any more.
pub struct Pieces {
    app: Arc<App>,
    admitted: Admitted,
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
                        self.admitted.call.after = after;
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
    fn read(&mut self) -> Result<(Vec<Element>, Option<i64>), Error> {
        let Run::Read(run) = self.admitted.method.run else {
            return Err(StoreError::Internal.into());
        };
        let admitted = &mut self.admitted;
        let read = self.app.store.read(|tx| {
            admitted.renew(tx)?;
            run(tx, &admitted.call)
        });
        match read? {
            Reply::List { items, next, .. } => Ok((items, next)),
            Reply::Elements(_) => Err(StoreError::Internal.into()),
        }
    }
}
