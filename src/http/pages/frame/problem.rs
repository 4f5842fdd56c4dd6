//! Turns a refusal into the problem of a form: beside the field that it names, in the words of the API.

use crate::api::methods;
use crate::http::pages::frame::answer::{Trouble, refusal, words};
use crate::http::pages::frame::parts::Problem;
use crate::service::{Error, Rule, Thing};

/// The problem of a form that does the work of a method, in that method's words; blank: no method does this work.
pub fn problem(error: Error, method: &str) -> Result<Problem, Trouble> {
    let refusal = refusal(error)?;
    let field = refusal.rule.field().unwrap_or_default();
    Ok(Some((field, words(&refusal, methods::find(method)))))
}

/// The problem of a form on the page of one thing. If the thing is missing or not theirs, the form is not to blame.
pub fn problem_on_page(of: Thing, error: Error, method: &str) -> Result<Problem, Trouble> {
    match error {
        Error::Refused(refusal) if refusal.rule == Rule::NotFound(of) => Err(Trouble::NotFound),
        error => problem(error, method),
    }
}
