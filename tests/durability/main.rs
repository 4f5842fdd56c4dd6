//! Nothing acknowledged is lost: the real server is killed, traced, cut off from its disk, backed up and restored.
//!
//! `LINEBOOK_SLOW=1` runs the full sizes. A test that needs a missing privilege says so and passes.

mod backup;
mod check;
mod checkpoint;
mod clock;
mod crash;
mod disk;
mod gone;
mod server;
mod start;
mod stop;
mod trace;
