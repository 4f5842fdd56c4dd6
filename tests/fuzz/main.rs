//! Fuzzing: made-up requests to the real binary over real sockets. Independent readers of HTTP and of XML judge the
//! answers.
//!
//! Every run prints its seed. `LINEBOOK_FUZZ_SEED=N` repeats a run, `LINEBOOK_FUZZ_CASE=N` only one case of it, and
//! `LINEBOOK_FUZZ=N` sets the number of requests altogether.

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
