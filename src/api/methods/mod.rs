//! The table of all methods, sorted by name.

mod cli_add;
mod device_create;
mod devices_get;
mod did_create;
mod did_trunk_device_assign;

use super::method::Method;

/// Every method.
pub static METHODS: &[&Method] = &[
    &cli_add::METHOD,
    &device_create::METHOD,
    &devices_get::METHOD,
    &did_create::METHOD,
    &did_trunk_device_assign::METHOD,
];

/// The method of this name, or with this alias.
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS
        .iter()
        .copied()
        .find(|method| method.name == name || method.aliases.contains(&name))
}
