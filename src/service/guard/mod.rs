//! Who is let in: accounts and their rights, passwords and how they wait, failures and how often they came.

pub mod access;
pub mod attempt;
pub mod callers;
mod counts;
pub mod failures;
pub mod line;
pub mod network;
pub mod passwords;
mod recent;
pub mod throttle;
pub mod verifier;
