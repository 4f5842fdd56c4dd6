//! The frame: every area of the web pages is built from it. The areas import the frame, never each other.

pub(in crate::http) mod answer;
pub(in crate::http) mod assets;
pub(in crate::http) mod change;
pub(in crate::http) mod choices;
pub(in crate::http) mod cookies;
pub(in crate::http) mod did_form;
pub(in crate::http) mod export;
pub(in crate::http) mod filters;
pub(in crate::http) mod layout;
pub(in crate::http) mod list;
pub(in crate::http) mod named_form;
pub(in crate::http) mod options;
pub(in crate::http) mod parts;
pub(in crate::http) mod password;
pub(in crate::http) mod problem;
pub(in crate::http) mod route;
pub(in crate::http) mod rule_form;
pub(in crate::http) mod send;
pub(in crate::http) mod visit;
