//! One file per table: its row, and the statements that find, list, insert and change it.

// The macros of a row come before the files that select from it.
#[macro_use]
pub mod devices;
#[macro_use]
pub mod dids;
#[macro_use]
pub mod named;

pub mod action_log;
pub mod api_keys;
pub mod callflows;
pub mod clis;
pub mod device_groups;
pub mod device_lists;
pub mod device_options;
pub mod device_rules;
pub mod device_walks;
pub mod dialplans;
pub mod did_search;
pub mod did_walks;
pub mod fax_emails;
pub mod installation;
pub mod ivrs;
pub mod number_rules;
pub mod phonebook_records;
pub mod provider_rules;
pub mod providers;
pub mod quickforwards;
pub mod sessions;
pub mod settings;
pub mod time_periods;
pub mod users;
