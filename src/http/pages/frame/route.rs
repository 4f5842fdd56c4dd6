//! A page or an action: its address, who is let through, and its handler.

use futures_util::future::BoxFuture;

use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::visit::Visit;

/// Its verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A page: it changes nothing.
    Get,
    /// An action: its form carries a token.
    Post,
}

/// Who is let through to a handler. The rules decide what they may see and do there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Anyone.
    Anyone,
    /// Users who are signed in. Others are asked to sign in.
    SignedIn,
}

/// The handler. It runs on a thread that has time for it.
pub type Handler = fn(Visit) -> BoxFuture<'static, Result<Answer, Trouble>>;

/// A page or an action.
pub struct Route {
    /// Its verb.
    pub verb: Verb,
    /// Its path; `{id}` is digits, `{name}` one word.
    pub path: &'static str,
    /// Who is let through.
    pub who: Who,
    /// The handler.
    pub handler: Handler,
}
