//! Fuzzing: made-up requests at the real binary over real sockets, judged by a reader of HTTP and a reader of XML that the
//! server has no part in.
//!
//! Every run prints its seed. `LINEBOOK_FUZZ_SEED=N` repeats one, `LINEBOOK_FUZZ_CASE=N` just one case of it,
//! `LINEBOOK_FUZZ=N` says how many requests are made altogether.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

#[path = "../common/mod.rs"]
mod common;

mod api;
mod chunked;
mod client;
mod dice;
mod framing;
mod html;
mod known;
mod learnt;
mod pages;
mod request;
mod run;
mod standard;
mod stream;
mod twists;
mod values;
mod world;
