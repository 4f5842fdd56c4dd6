//! linebook: the documented HTTP API of the MOR billing system, in one binary over one SQLite file.

pub mod ambient;
pub mod cli;
pub mod config;
pub mod service;
pub mod store;
