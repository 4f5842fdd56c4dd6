//! The kinds of things that a call, a form or a refusal can name.

/// A kind of thing of which several can exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Thing {
    /// A user of any type.
    User,
    /// A device.
    Device,
    /// A device that takes faxes.
    FaxDevice,
    /// What happens to the calls of a device.
    Callflow,
    /// How the numbers of a device's calls are rewritten.
    DeviceRule,
    /// A group of a user's devices.
    DeviceGroup,
    /// A carrier that DIDs come from.
    Provider,
    /// A rule of a provider.
    ProviderRule,
    /// A DID.
    Did,
    /// A calling number or domain.
    Cli,
    /// A voice menu.
    Ivr,
    /// A dial plan, which can answer a DID instead of a device.
    Dialplan,
    /// A time period of dial plans.
    TimePeriod,
    /// A record of a phonebook.
    PhonebookRecord,
    /// Where a DID takes one of its callers.
    Quickforward,
    /// A place that devices are in. There is one, and every device is in it.
    Location,
    /// An address that faxes are sent to.
    FaxEmail,
    /// A secret key.
    Key,
    /// A block on an allow-list.
    Network,
    /// A session of the web pages.
    Session,
    /// A setting.
    Setting,
}

impl Thing {
    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Device => "device",
            Self::FaxDevice => "fax device",
            Self::Callflow => "call flow",
            Self::DeviceRule => "device rule",
            Self::DeviceGroup => "device group",
            Self::Provider => "provider",
            Self::ProviderRule => "provider rule",
            Self::Did => "DID",
            Self::Cli => "CLI",
            Self::Ivr => "IVR",
            Self::Dialplan => "dial plan",
            Self::TimePeriod => "time period",
            Self::PhonebookRecord => "phonebook record",
            Self::Quickforward => "quickforward",
            Self::Location => "location",
            Self::FaxEmail => "fax address",
            Self::Key => "key",
            Self::Network => "block",
            Self::Session => "session",
            Self::Setting => "setting",
        }
    }

    /// The parameter, and the form's field, that names one.
    pub const fn field(self) -> Option<&'static str> {
        match self {
            Self::User => Some("user_id"),
            Self::Device => Some("device_id"),
            Self::FaxDevice => Some("fax_device"),
            Self::DeviceRule => Some("device_rule_id"),
            Self::DeviceGroup => Some("devicegroup_id"),
            Self::Provider => Some("provider_id"),
            Self::ProviderRule => Some("provider_rule_id"),
            Self::Did => Some("did"),
            Self::Cli => Some("cli_number"),
            Self::Ivr => Some("ivr_id"),
            Self::Dialplan => Some("dialplan_id"),
            Self::TimePeriod => Some("ivr_time_period_id"),
            Self::PhonebookRecord => Some("phonebook_id"),
            Self::Network => Some("network"),
            Self::Location => Some("location_id"),
            Self::FaxEmail => Some("fax_email_add"),
            Self::Callflow | Self::Quickforward | Self::Key | Self::Session | Self::Setting => None,
        }
    }
}
