//! linebook: the documented HTTP API of the MOR billing system, in one binary over one SQLite file.
//!
//! A request walks through four rooms, and every door opens one way only: [`http`] turns it into parameters, [`api`]
//! finds the method and authenticates the caller, [`service`] holds the rules, [`store`] the rows. The command line
//! goes straight to the rules.

pub mod api;
pub mod command;
pub mod http;
pub mod service;
pub mod store;

pub mod ambient;
pub mod amount;
pub mod app;
pub mod aside;
pub mod config;
pub mod device_options;
pub mod housekeeping;
pub mod metrics;
pub mod telemetry;
