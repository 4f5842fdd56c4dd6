//! What every area of the pages is built from. The areas import the frame, never each other.

pub(in crate::http) mod assets;
pub(in crate::http) mod cookies;
pub(in crate::http) mod layout;
pub(in crate::http) mod list;
pub(in crate::http) mod named_form;
pub(in crate::http) mod parts;
pub(in crate::http) mod visit;
