//! `docs` and `openapi`: the reference, made from the table of methods.

use crate::api::methods::METHODS;
use crate::api::{openapi, reference};
use crate::command::output::Report;

/// Print the method reference as Markdown
#[derive(Debug, clap::Args)]
pub struct Docs {}

impl Docs {
    pub(super) fn run(self) -> Report {
        Report::line(reference::markdown(METHODS).trim_end().into())
    }
}

/// Print the API as an OpenAPI 3.1 document
#[derive(Debug, clap::Args)]
pub struct Openapi {}

impl Openapi {
    pub(super) fn run(self) -> Report {
        let document = openapi::document(METHODS);
        Report::new(format!("{document:#}"), &document)
    }
}
