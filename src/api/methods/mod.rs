//! The table of all methods, sorted by name: one word here gives the module and the entry.

use super::method::Method;

macro_rules! methods {
    ($($name:ident)*) => {
        $(mod $name;)*

        /// Every method.
        pub static METHODS: &[&Method] = &[$(&$name::METHOD),*];
    };
}

methods! {
    cli_add
    device_create
    devices_get
    did_create
    did_trunk_device_assign
}

/// The method of this name, or with this alias.
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS
        .iter()
        .copied()
        .find(|method| method.name == name || method.aliases.contains(&name))
}
