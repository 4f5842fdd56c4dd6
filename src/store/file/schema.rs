//! The schema of this release, and the steps that carry an older file to it.

/// The schema of a new file.
pub const SCHEMA: &str = include_str!("../../../schema.sql");
/// Marks a file as linebook's in the SQLite header ("line" in ASCII).
pub const APPLICATION_ID: i32 = 0x6c69_6e65;

/// The numbered steps: entry N brings a file of version N to version N + 1. The first one makes version 1 out of an
/// empty file. A step never changes: it has made files, and these are compared with what it makes.
pub const STEPS: &[&str] = &[
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_dialect_classic.sql"),
    include_str!("migrations/0003_devices.sql"),
    include_str!("migrations/0004_clis_updated_ms.sql"),
    include_str!("migrations/0005_callflows.sql"),
    include_str!("migrations/0006_did_details.sql"),
    include_str!("migrations/0007_providers.sql"),
    include_str!("migrations/0008_action_log_of_actor.sql"),
    include_str!("migrations/0009_dialplan_periods.sql"),
    include_str!("migrations/0010_quickforwards.sql"),
    include_str!("migrations/0011_phonebooks.sql"),
    include_str!("migrations/0012_devices_without_trigger.sql"),
];

/// The versions that earlier releases have written. A database of each is in `fixtures/databases`.
pub const RELEASED: &[usize] = &[1, 2];

/// The version that this release reads and writes.
pub const VERSION: usize = STEPS.len();
