//! The answer to a request for a web page, or why there is none, and in which words.

use maud::Markup;

use crate::api::fault::Fault;
use crate::api::method::Method;
use crate::http::pages::frame::export::Export;
use crate::service::{AccessError, Error, Refusal, Rule, Thing};
use crate::store::StoreError;

/// An answer to a request for a web page.
pub enum Answer {
    /// A page.
    Page(u16, Box<Markup>),
    /// A page that keeps the visitor's token, for the form in it.
    Form(u16, Box<Markup>),
    /// A redirect after an action.
    SeeOther(String),
    /// A redirect after signing in with this token.
    SignedIn(String, String),
    /// A redirect after signing out.
    SignedOut(String),
    /// A list as a CSV file.
    Csv(Box<Export>),
    /// A file that never changes under its name.
    Asset(&'static str, &'static [u8]),
}

/// Why a request gets no page.
pub enum Trouble {
    /// The thing does not exist, or is not theirs.
    NotFound,
    /// The page exists, but not for this verb.
    WrongVerb,
    /// The form was not made for them.
    WrongForm,
    /// Their session ended while the request was on its way.
    SignedOut,
    /// A rule refused, and the page has no better place to say so.
    Refused(Refusal),
    /// The request cannot be read.
    Fault(Fault),
    /// The store failed.
    Store(StoreError),
}

impl Trouble {
    /// The seconds after which another try may be worthwhile.
    pub fn retry_after_s(&self) -> Option<u32> {
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
                // None of these has a page of its own.
                Rule::NotFound(Thing::Network | Thing::Session | Thing::Setting) => {
                    Self::Refused(refusal)
                }
                Rule::NotFound(_) => Self::NotFound,
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

/// A refusal, for a page that shows it beside its field. Faults of the store and too many guesses are troubles of
/// another kind, and someone without the right is shown no form at all.
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

/// Whether it is about who they are, and not about what they sent.
pub fn is_forbidden(refusal: &Refusal) -> bool {
    matches!(
        refusal.rule,
        Rule::Access(AccessError::WrongType | AccessError::NotPermitted)
    )
}

/// The text of a refusal: the words of the API's method if it has any, otherwise the rule's own. Where the method gives a
/// reason apart from its words, the reason alone.
pub fn words(refusal: &Refusal, method: Option<&Method>) -> String {
    let said = method.and_then(|method| method.say(refusal));
    let text = match said {
        Some((text, message)) => message.unwrap_or(text),
        None => refusal.to_string(),
    };
    capital(&text)
}

/// A sentence; what begins with a name keeps it.
pub fn capital(text: &str) -> String {
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    match text.split(' ').next() {
        Some(word) if word.contains('_') => text.into(),
        _ => first.to_uppercase() + rest,
    }
}
