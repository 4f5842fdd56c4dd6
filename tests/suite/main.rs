//! The tests that run the real binary against real files.

mod command_line;
