//! Everything that the action log tells apart: the kind of thing, and what was done to it. A new action is one line
//! here, and [`super::log::record`] takes nothing else. Older rows may hold words that are no longer written.

/// The actions, area by area, with their stored and shown words.
macro_rules! actions {
    ($($(#[$doc:meta])* $area:ident = $area_word:literal { $($action:ident = $verb:literal,)+ })+) => {
        /// The kind of thing that something is done to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Area { $($(#[$doc])* $area,)+ }

        impl Area {
            /// Every area.
            pub const ALL: &'static [Self] = &[$(Self::$area,)+];

            /// The first word of its actions.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$area => $area_word,)+ }
            }

            /// The area of an action in a row of the log; none: the action is no longer written.
            pub fn of(action: &str) -> Option<Self> {
                let word = action.split('.').next()?;
                Self::ALL.iter().copied().find(|area| area.as_str() == word)
            }
        }

        /// An action.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "each is its two words")]
        pub enum Action { $($($action,)+)+ }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$($(Self::$action,)+)+];

            /// The kind of thing.
            pub const fn area(self) -> Area {
                match self { $($(Self::$action => Area::$area,)+)+ }
            }

            /// What is done to it.
            pub const fn verb(self) -> &'static str {
                match self { $($(Self::$action => $verb,)+)+ }
            }

            /// The stored text: the area, a point, the verb.
            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$action => concat!($area_word, ".", $verb),)+)+ }
            }
        }
    };
}

actions! {
    /// What happens to the calls of a device. The number is the device's.
    Callflow = "callflow" {
        CallflowUpdate = "update",
    }
    /// Calling numbers and domains.
    Cli = "cli" {
        CliCreate = "create",
        CliUpdate = "update",
        CliDelete = "delete",
    }
    /// The machine's clock.
    Clock = "clock" {
        ClockAccept = "accept",
    }
    /// Phones, gateways and trunks.
    Device = "device" {
        DeviceCreate = "create",
        DeviceUpdate = "update",
        DeviceTrunk = "trunk",
        DeviceHide = "hide",
        DeviceBlock = "block",
        DeviceUnblock = "unblock",
        DeviceNewSecret = "new_secret",
        DeviceShowSecret = "show_secret",
        DeviceShowPin = "show_pin",
    }
    /// How the numbers of a device's calls are rewritten.
    DeviceRule = "device_rule" {
        DeviceRuleCreate = "create",
        DeviceRuleDelete = "delete",
    }
    /// Dial plans.
    Dialplan = "dialplan" {
        DialplanCreate = "create",
        DialplanUpdate = "update",
        DialplanHide = "hide",
    }
    /// DIDs.
    Did = "did" {
        DidCreate = "create",
        DidReserve = "reserve",
        DidUnreserve = "unreserve",
        DidAssign = "assign",
        DidUnassign = "unassign",
        DidClose = "close",
        DidFree = "free",
        DidTerminate = "terminate",
        DidTakeBack = "take_back",
        DidDetails = "details",
        DidDelete = "delete",
    }
    /// Device groups.
    Group = "group" {
        GroupCreate = "create",
        GroupUpdate = "update",
        GroupHide = "hide",
    }
    /// Voice menus.
    Ivr = "ivr" {
        IvrCreate = "create",
        IvrUpdate = "update",
        IvrHide = "hide",
    }
    /// Secret keys.
    Key = "key" {
        KeyAdd = "add",
        KeyRevoke = "revoke",
    }
    /// One owner's settings.
    OwnerSettings = "owner_settings" {
        OwnerSettingsSet = "set",
    }
    /// Phonebooks. The number is the record's.
    Phonebook = "phonebook" {
        PhonebookCreate = "create",
        PhonebookUpdate = "update",
    }
    /// Providers.
    Provider = "provider" {
        ProviderCreate = "create",
        ProviderUpdate = "update",
        ProviderHide = "hide",
    }
    /// Rules of providers.
    ProviderRule = "provider_rule" {
        ProviderRuleCreate = "create",
        ProviderRuleDelete = "delete",
    }
    /// Numbers to which DIDs take their callers. The number is the DID's.
    Quickforward = "quickforward" {
        QuickforwardUpdate = "update",
        QuickforwardDelete = "delete",
    }
    /// Signing in and out in a browser. The number is the user's.
    Session = "session" {
        SessionStart = "start",
        SessionEnd = "end",
        SessionFailed = "failed",
    }
    /// The settings for everyone.
    Settings = "settings" {
        SettingsSet = "set",
    }
    /// Time periods of dial plans.
    TimePeriod = "time_period" {
        TimePeriodCreate = "create",
        TimePeriodUpdate = "update",
        TimePeriodHide = "hide",
    }
    /// Users.
    User = "user" {
        UserCreate = "create",
        UserSetPassword = "set_password",
        UserSetPermission = "set_permission",
        UserSetBlocked = "set_blocked",
        UserSetQuickforwards = "set_quickforwards",
        UserAllowNetwork = "allow_network",
    }
}
