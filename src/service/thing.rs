//! The kinds of things that an id can name.

/// A kind of thing that has an id and an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Thing {
    /// A user of any type.
    User,
    /// A device.
    Device,
    /// A group of a user's devices.
    DeviceGroup,
    /// A carrier that DIDs come from.
    Provider,
    /// A DID.
    Did,
    /// A calling number or domain.
    Cli,
    /// A voice menu.
    Ivr,
    /// A dial plan, which can answer a DID instead of a device.
    Dialplan,
}

impl Thing {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::User,
        Self::Device,
        Self::DeviceGroup,
        Self::Provider,
        Self::Did,
        Self::Cli,
        Self::Ivr,
        Self::Dialplan,
    ];

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Device => "device",
            Self::DeviceGroup => "device group",
            Self::Provider => "provider",
            Self::Did => "DID",
            Self::Cli => "CLI",
            Self::Ivr => "IVR",
            Self::Dialplan => "dial plan",
        }
    }
}
