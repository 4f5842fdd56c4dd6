//! One file per table: its row, and the statements that find, list, insert and change it.

pub mod action_log;
pub mod api_keys;
pub mod clis;
pub mod device_groups;
pub mod devices;
pub mod dialplans;
pub mod dids;
pub mod installation;
pub mod ivrs;
pub mod named;
pub mod providers;
pub mod sessions;
pub mod settings;
pub mod users;
