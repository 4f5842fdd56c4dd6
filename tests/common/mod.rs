//! What the test binaries share: a demo world on disk, requests and their signatures, answers and what all of them
//! have in common.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test binary uses its own part"
)]

pub mod answer;
pub mod fixture;
pub mod hidden;
pub mod moment;
pub mod request;
pub mod server;
pub mod sha1;
pub mod socket;
pub mod world;

pub use answer::Answer;
pub use fixture::Fixture;
pub use request::{Call, Request};
pub use server::Server;
pub use world::World;

/// The methods' names in the order of the table, written out: a test that loops over them must not shrink with it.
pub const METHODS: [&str; 5] = [
    "cli_add",
    "device_create",
    "devices_get",
    "did_create",
    "did_trunk_device_assign",
];
