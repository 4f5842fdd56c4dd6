//! The table of all methods, sorted by name: one word here gives the module, the entry and its fixture file.

use super::method::Method;

macro_rules! methods {
    ($($name:ident)*) => {
        $(mod $name;)*

        /// Every method.
        pub static METHODS: &[&Method] = &[$(&Method {
            fixture: include_str!(concat!("../../../fixtures/", stringify!($name), ".http")),
            ..$name::METHOD
        }),*];
    };
}

methods! {
    cli_add
    cli_delete
    cli_info_get
    device_callflow_get
    device_callflow_update
    device_clis_get
    device_create
    device_delete
    device_details_get
    device_rule_create
    device_rule_delete
    device_rules_get
    device_update
    devices_get
    did_close
    did_create
    did_delete
    did_details_update
    did_device_assign
    did_device_unassign
    did_make_free
    did_subscription_stop
    did_terminate
    did_trunk_device_assign
    dids_get
    ivr_dial_plan_update
    ivr_time_period_update
    phonebook_edit
    phonebook_record_create
    phonebooks_get
    provider_create
    provider_delete
    provider_rule_create
    provider_rule_delete
    provider_rules_get
    provider_update
    providers_get
    quickforwards_did_delete
    quickforwards_did_update
    quickforwards_dids_get
}

/// The method of this name, or with this alias.
pub fn find(name: &str) -> Option<&'static Method> {
    route(METHODS, &[name]).map(|(method, _)| method)
}

/// The method that a path names, out of `methods`, and the parameter in its second segment. The path begins with the
/// method's name.
pub fn route<'a>(
    methods: &[&'static Method],
    path: &[&'a str],
) -> Option<(&'static Method, Option<(&'static str, &'a str)>)> {
    let (name, rest) = path.split_first()?;
    let mut methods = methods.iter().copied();
    let method = methods.find(|method| method.name == *name || method.aliases.contains(name))?;
    match rest {
        [] => Some((method, None)),
        [value] => {
            let parameter = method.path_parameter()?;
            Some((method, Some((parameter.name, value))))
        }
        _ => None,
    }
}
