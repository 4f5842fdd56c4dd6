//! A call, as a door hands it in.

use std::net::IpAddr;

use super::fault::Fault;
use super::method::Method;
use super::parameters::Parameters;

/// A call, as it came in.
pub struct Request {
    /// The method that its path names.
    pub method: &'static Method,
    /// The HTTP verb.
    pub verb: Verb,
    /// The parameters, or why they could not be read.
    pub parameters: Result<Parameters, Fault>,
    /// From where.
    pub address: Option<IpAddr>,
    /// Ties the reply, the log line and the action log together.
    pub request_id: String,
    /// When it had come in whole, in milliseconds since 1970-01-01 UTC: limits and ends are measured by it.
    pub now_ms: i64,
    /// The token of the session of the pages in which it is sent; it does nothing once that session has ended.
    pub session: Option<String>,
}

/// The HTTP verbs that make a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// The documented one.
    Post,
    /// Allowed by a setting.
    Get,
    /// Never allowed.
    Other,
}
