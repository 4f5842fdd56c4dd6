//! The web pages through the real pipeline: rights, forms, escaping, lists, CSV files, sessions.

#![allow(clippy::unwrap_used, missing_docs)]

mod access;
mod acting;
mod bulk;
mod escaping;
mod forms;
#[path = "../fuzz/html.rs"]
mod html;
mod lists;
mod marks;
#[path = "../common/moment.rs"]
mod moment;
mod overview;
mod providers;
#[allow(dead_code, reason = "each test binary uses its own part")]
#[path = "../common/rights.rs"]
mod rights;
mod session;
mod world;
