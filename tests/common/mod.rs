//! What the test binaries share: a demo world on disk, requests and their signatures, answers and what is true of all
//! of them.

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
pub mod rights;
pub mod server;
pub mod sha1;
pub mod socket;
pub mod world;

pub use answer::Answer;
pub use fixture::Fixture;
pub use request::{Call, Request};
pub use server::Server;
pub use world::World;

/// The methods' names, read from the fixture files. A test that loops over these does not shrink with the table.
pub fn methods() -> Vec<&'static str> {
    let names = fixture::methods().into_iter();
    names.map(|fixture| &*fixture.name.leak()).collect()
}
