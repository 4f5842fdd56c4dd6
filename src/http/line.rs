//! The one author of a request's log line; a call is counted with it.

use std::net::IpAddr;
use std::time::Duration;

use crate::api::answer::Outcome;
use crate::api::method::Method;
use crate::app::App;
use crate::metrics::NO_METHOD;

/// A request that was answered.
pub struct Answered<'a> {
    /// Ties the reply, the log line and the action log together.
    pub request_id: &'a str,
    /// The address it came from.
    pub address: Option<IpAddr>,
    /// The HTTP status.
    pub status: u16,
    /// The time from its head to the first byte of its answer.
    pub took: Duration,
}

impl Answered<'_> {
    /// Logs and counts a call of a method, with its caller if known.
    pub fn call(&self, app: &App, method: &Method, caller: Option<&str>, outcome: Outcome) {
        self.write(app, Some(method), Some(caller.unwrap_or("-")), outcome);
    }

    /// Logs a request that calls no method. Its path is not in the line, because it may hold anything.
    pub fn fault(&self, app: &App, outcome: Outcome) {
        self.write(app, None, None, outcome);
    }

    fn write(&self, app: &App, method: Option<&Method>, caller: Option<&str>, outcome: Outcome) {
        app.metrics.request(method, outcome, self.took);
        tracing::info!(
            request_id = %self.request_id,
            method = method.map_or(NO_METHOD, |method| method.name),
            caller,
            address = self.address.map(tracing::field::display),
            outcome = outcome.label(),
            status = self.status,
            duration_us = self.took.as_micros() as u64,
            "call"
        );
    }

    /// Logs a web page, by the name of its route.
    pub fn page(&self, name: &str, verb: &str) {
        tracing::info!(
            request_id = %self.request_id,
            page = name,
            verb = %verb,
            status = self.status,
            duration_us = self.took.as_micros() as u64,
            "page"
        );
    }
}
