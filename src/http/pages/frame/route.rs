//! What a page or an action is: its address, who is let through, what answers.

use futures_util::future::BoxFuture;

use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::visit::Visit;

/// How it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A page: it changes nothing.
    Get,
    /// An action: its form carries a token.
    Post,
}

/// Who is let through to a handler. What he may see and do there is the rules' to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Anyone.
    Anyone,
    /// Whoever is signed in; others are asked to.
    SignedIn,
}

/// What answers: on a thread that has time for it.
pub type Handler = fn(Visit) -> BoxFuture<'static, Result<Answer, Trouble>>;

/// A page or an action.
pub struct Route {
    /// How it is asked for.
    pub verb: Verb,
    /// Its path; `{id}` is digits, `{name}` one word.
    pub path: &'static str,
    /// Who is let through.
    pub who: Who,
    /// What answers.
    pub handler: Handler,
}
