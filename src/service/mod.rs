//! (3) The rules. They know nothing of HTTP, XML or SQL text. The API, the command line and the web pages all come
//! here.

pub mod action;
pub mod callflows;
pub mod clis;
pub mod clock;
pub mod core;
pub mod device_lists;
pub mod device_rules;
pub mod devices;
pub mod dialplans;
pub mod did_details;
pub mod did_found;
pub mod did_life;
pub mod did_lists;
pub mod did_ranges;
pub mod did_search;
pub mod did_steps;
pub mod dids;
mod error;
mod field;
pub mod groups;
pub mod guard;
pub mod installation;
pub mod keys;
pub mod lists;
pub mod log;
pub mod named;
pub mod number_pattern;
pub mod overview;
pub mod phonebooks;
pub mod provider_details;
pub mod provider_rules;
pub mod providers;
pub mod quickforwards;
pub mod sessions;
pub mod settings;
pub mod text;
mod thing;
pub mod ties;
pub mod time_periods;
pub mod users;

pub use error::*;
pub use field::Field;
pub use thing::Thing;
