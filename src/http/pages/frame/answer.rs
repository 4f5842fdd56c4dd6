//! What a page is answered with, or why it is not, and in which words.

use maud::Markup;

use crate::api::fault::Fault;
use crate::api::method::Method;
use crate::http::pages::frame::export::Export;
use crate::service::{
    AccessError, CliError, DeviceError, DidError, Error, Refusal, Rule, SetupError, UserError,
};
use crate::store::StoreError;

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
pub fn is_forbidden(refusal: &Refusal) -> bool {
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
