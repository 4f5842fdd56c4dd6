//! The pages, through the real pipeline: who may, forms, escaping, lists, files, sessions.

#![allow(clippy::unwrap_used, missing_docs)]

mod access;
mod escaping;
mod forms;
mod lists;
mod overview;
mod session;
mod world;
