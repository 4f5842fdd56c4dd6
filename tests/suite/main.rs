//! The tests that fixture files cannot hold: generated checks, properties, races, real sockets, the command line, the
//! tree itself.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../common/mod.rs"]
mod common;

mod acting;
mod actors;
mod budget;
mod callers;
mod command_line;
mod cookies;
mod docs;
mod failures;
mod flows;
mod framing;
mod imports;
mod inside;
mod life;
mod limits;
mod older;
mod pages;
mod pieces;
mod properties;
mod refusals;
mod rooms;
mod shape;
mod smuggling;
mod socket;
mod store;
mod table;
mod throttle;
mod tidy;
mod tls;
