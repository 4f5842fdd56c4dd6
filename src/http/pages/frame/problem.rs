//! How a refusal becomes the problem of a form: beside the field whose name it bears, in the words of the API.

use crate::api::methods;
use crate::http::pages::frame::answer::{Trouble, refusal, words};
use crate::http::pages::frame::parts::Problem;
use crate::service::{Error, Rule, Thing};

/// The problem of a form that does what a method of the API does, in that method's words; blank: what no method does.
pub fn problem(error: Error, method: &str) -> Result<Problem, Trouble> {
    let refusal = refusal(error)?;
    let field = refusal.rule.field().unwrap_or_default();
    Ok(Some((field, words(&refusal, methods::find(method)))))
}

/// The same on the page of one thing. That it is not there, or not theirs, is no problem of its form.
pub fn problem_on_page(of: Thing, error: Error, method: &str) -> Result<Problem, Trouble> {
    match error {
        Error::Refused(refusal) if refusal.rule == Rule::NotFound(of) => Err(Trouble::NotFound),
        error => problem(error, method),
    }
}
