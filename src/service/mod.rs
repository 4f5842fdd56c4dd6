//! (3) The rules. Knows no HTTP, no XML and no SQL text; the API, the command line and the pages all come here.

pub mod access;
pub mod callers;
pub mod clis;
pub mod clock;
pub mod devices;
pub mod dids;
mod error;
pub mod failures;
pub mod groups;
pub mod installation;
pub mod keys;
pub mod line;
pub mod lists;
pub mod log;
pub mod named;
pub mod network;
pub mod overview;
pub mod passwords;
pub mod providers;
pub mod sessions;
pub mod settings;
pub mod setup;
pub mod text;
pub mod throttle;
pub mod users;
pub mod verifier;

pub use error::*;
