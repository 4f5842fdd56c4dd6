//! Answers: a reply or a refusal in the method's envelope, all at once or, for a long list, piece by piece.

use std::sync::Arc;

use super::admission::Admitted;
use super::envelope::{List, Media, Reply};
use super::failure::Failure;
use super::fault::Fault;
use super::method::{Method, Run};
use super::xml::{Document, Element, Layout, document};
use crate::service::core::Core;
use crate::service::{AccessError, Error, Refusal};
use crate::store::StoreError;
use crate::store::tables::settings::{Dialect, Gzip};

/// An answer to send back.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Its body.
    pub body: Body,
    /// The kind of its body.
    pub media: Media,
    /// The method's name, if its XML is sent as a file.
    pub file: Option<&'static str>,
    /// Plain XML was asked for (`test=1`): no compression.
    pub is_plain: bool,
    /// Whether files are compressed.
    pub gzip: Gzip,
    /// The seconds after which another try may be worthwhile.
    pub retry_after_s: Option<u32>,
    /// The caller, once known, for the log.
    pub caller: Option<String>,
    /// The outcome, for the log and the metrics.
    pub outcome: Outcome,
}

/// The outcome of a call, without anything that its caller sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Done,
    /// It ended with this error of the method's list, with the name left open.
    Refused(&'static str),
    /// It ended with a fault.
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

/// The body of an answer.
pub enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// Piece by piece.
    Pieces(Box<Pieces>),
}

pub(super) fn success(
    core: &Arc<Core>,
    admitted: Admitted,
    reply: Reply,
    layout: Layout,
) -> Answer {
    let method = admitted.call.method;
    let envelope = method.envelope.of(admitted.call.dialect);
    let body = match reply {
        Reply::Elements(elements) => Body::Whole(document(layout, envelope.root, &elements)),
        Reply::Text(text) => Body::Whole(envelope.text(layout, text)),
        Reply::List(list) => {
            let (next, passed) = (list.next, list.passed);
            let document = begin(layout, envelope.root, list);
            match next {
                None => Body::Whole(document.finish()),
                Some(after) => {
                    let mut admitted = admitted;
                    admitted.call.after = after;
                    admitted.call.passed = passed;
                    Body::Pieces(Box::new(Pieces {
                        core: core.clone(),
                        admitted,
                        document: Some(document),
                    }))
                }
            }
        }
    };
    Answer {
        file: method.is_file.then_some(method.name),
        media: envelope.media,
        ..answer(200, body, Outcome::Done)
    }
}

/// Begins a document with the first piece of a list, open for the next.
fn begin(layout: Layout, root: Option<&'static str>, list: List) -> Document {
    let mut document = Document::start(layout);
    if let Some(root) = root {
        document.open(root);
    }
    list.before.iter().for_each(|it| document.element(it));
    list.around.iter().for_each(|it| document.begin(it));
    list.items.iter().for_each(|it| document.element(it));
    document
}

pub(super) fn refusal(
    method: &Method,
    dialect: Dialect,
    failure: Failure,
    layout: Layout,
) -> Answer {
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
    let envelope = method.envelope.of(dialect);
    let body = Body::Whole(envelope.error(listed.place, layout, text, message));
    Answer {
        file: method.is_file.then_some(method.name),
        media: envelope.media,
        ..answer(200, body, Outcome::Refused(listed.text))
    }
}

/// The answer to a fault that MOR's manual does not describe.
pub fn fault(fault: Fault, layout: Layout) -> Answer {
    let text = Element::text("error", fault.text());
    let body = document(layout, Some("page"), &[text]);
    Answer {
        retry_after_s: fault.retry_after_s(),
        ..answer(fault.status(), Body::Whole(body), Outcome::Fault(fault))
    }
}

fn answer(status: u16, body: Body, outcome: Outcome) -> Answer {
    Answer {
        status,
        body,
        media: Media::Xml,
        file: None,
        is_plain: false,
        gzip: Gzip::Documented,
        retry_after_s: None,
        caller: None,
        outcome,
    }
}

/// The rest of a long list. Each piece has a snapshot of its own, so a slow reader holds no transaction open, and a
/// caller who loses the right reads no further.
pub struct Pieces {
    core: Arc<Core>,
    admitted: Admitted,
    /// None: the document is finished.
    document: Option<Document>,
}

impl Iterator for Pieces {
    type Item = Result<Vec<u8>, Error>;

    /// Gives the bytes written so far, and reads the next piece of the list into the document.
    fn next(&mut self) -> Option<Self::Item> {
        let mut document = self.document.take()?;
        let mut written = document.take();
        // A reader who takes nothing holds it for a minute.
        written.shrink_to_fit();
        match self.read() {
            Err(error) => Some(Err(error)),
            Ok(list) => {
                list.items.iter().for_each(|item| document.element(item));
                match list.next {
                    Some(after) => {
                        self.admitted.call.after = after;
                        self.admitted.call.passed = list.passed;
                        self.document = Some(document);
                        Some(Ok(written))
                    }
                    None => Some(Ok([written, document.finish()].concat())),
                }
            }
        }
    }
}

impl Pieces {
    fn read(&mut self) -> Result<List, Error> {
        let Run::Read(run) = self.admitted.call.method.run else {
            return Err(StoreError::Internal.into());
        };
        let admitted = &mut self.admitted;
        let read = self.core.store.read(|tx| {
            admitted.renew(tx)?;
            run(tx, &admitted.call)
        });
        match read? {
            Reply::List(list) => Ok(list),
            Reply::Elements(_) | Reply::Text(_) => Err(StoreError::Internal.into()),
        }
    }
}
