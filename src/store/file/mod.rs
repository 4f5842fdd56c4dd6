//! How the database lives as a file: who may open it, how it gets its name, how it is copied, checked and put back.

pub mod backup;
pub mod check;
pub(in crate::store) mod copy;
pub(in crate::store) mod draft;
pub mod folder;
pub mod migrate;
pub(in crate::store) mod name;
pub(in crate::store) mod note;
pub mod readiness;
pub mod schema;
pub(in crate::store) mod shape;
pub(in crate::store) mod watch;
