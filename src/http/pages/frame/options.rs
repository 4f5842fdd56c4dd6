//! The options of a device as its pages show them.

use maud::{Markup, html};

use crate::service::device_options::Options;

/// A web address without what may be a key.
pub fn shown(address: &str) -> String {
    match address.split_once('?') {
        Some((address, _)) => format!("{address}?…"),
        None => address.into(),
    }
}

/// The options that differ from the defaults.
pub fn own(options: &Options) -> Markup {
    html! {
        @if options.own().next().is_none() { p.none { "Every option has its default." } }
        ul.plain {
            @for (option, value) in options.own() {
                li { code { (option.name) } " " (if option.is_secret { shown(value) } else { value.to_owned() }) }
            }
        }
    }
}
