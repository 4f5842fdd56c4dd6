//! Who is let in: accounts and what they may, passwords and how they wait, what failed and how often.

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
