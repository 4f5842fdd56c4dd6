//! A call, as a door passes it on.

use std::net::IpAddr;

use super::fault::Fault;
use super::method::Method;
use super::parameters::Parameters;

/// A call, as it came in.
pub struct Request {
    /// The method in its path.
    pub method: &'static Method,
    /// The HTTP verb.
    pub verb: Verb,
    /// The parameters, or why they could not be read.
    pub parameters: Result<Parameters, Fault>,
    /// The address it comes from.
    pub address: Option<IpAddr>,
    /// Ties the reply, the log line and the action log together.
    pub request_id: String,
    /// When all of it had come, in milliseconds since 1970-01-01 UTC. Limits and ends are measured by this.
    pub now_ms: i64,
    /// The token of the web pages' session that sends it. It does nothing once that session has ended.
    pub session: Option<String>,
}

/// The HTTP verbs that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// The documented one.
    Post,
    /// Allowed by a setting.
    Get,
    /// Never allowed.
    Other,
}
