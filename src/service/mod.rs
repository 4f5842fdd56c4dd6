//! (3) The rules. Knows no HTTP, no XML and no SQL text; the API, the command line and the pages all come here.

pub mod access;
pub mod clis;
pub mod devices;
pub mod dids;
mod error;
pub mod log;
pub mod providers;
pub mod setup;
pub mod text;
pub mod verifier;

pub use error::*;
