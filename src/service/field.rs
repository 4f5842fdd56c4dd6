//! The fields of calls and forms that a refusal can name, and the values that each of them takes.

/// A value that somebody sends. The API's parameter and the form's field have its name, so that a form marks the field
/// that a refusal names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// A user.
    UserId,
    /// A device.
    DeviceId,
    /// The owner of a new thing: admin or a reseller.
    Owner,
    /// A username.
    Username,
    /// The type of a user.
    UserType,
    /// A new password.
    NewPassword,
    /// A new password once more.
    Again,
    /// A permission beyond the user's type.
    Permission,
    /// A secret key.
    Key,
    /// The user whose calls a new key signs.
    KeyUser,
    /// The type of a device.
    DeviceType,
    /// A PIN.
    Pin,
    /// The caller ID of a device's calls.
    CallerId,
    /// The description of a device.
    Description,
    /// The moment of a call at which something happens.
    FlowState,
    /// What happens then.
    FlowAction,
    /// The device that a forward rings.
    ForwardTo,
    /// The number that a forward dials.
    ExternalNumber,
    /// The caller ID of forwarded calls.
    Custom,
    /// What a device rule cuts off a number.
    Cut,
    /// What it adds to the number.
    Prefix,
    /// The shortest number that it is for.
    MinLength,
    /// The longest one.
    MaxLength,
    /// Whether it is for the caller's number or the called one.
    AppliesTo,
    /// Whether it rewrites the caller's name, too.
    ChangesName,
    /// The first hour of a time period.
    StartHour,
    /// The last hour.
    EndHour,
    /// The minute of the first hour.
    StartMinute,
    /// The minute of the last hour.
    EndMinute,
    /// The first day of the week.
    StartWeekday,
    /// The last day of the week.
    EndWeekday,
    /// The first month.
    StartMonth,
    /// The last month.
    EndMonth,
    /// The first day of the month.
    StartDay,
    /// The last day of the month.
    EndDay,
    /// The first time period of a dial plan.
    TimePeriod1,
    /// The second.
    TimePeriod2,
    /// The third.
    TimePeriod3,
    /// What a dial plan does with a call.
    DialplanKind,
    /// The number of a phonebook's record.
    Number,
    /// The digits that dial it.
    Speeddial,
    /// The number to which a DID takes a caller.
    ForwardNumber,
    /// The pattern of the DIDs that a user may forward.
    Quickforwards,
    /// The number of a DID, or the first of a range.
    Did,
    /// The last number of a range.
    Last,
    /// The number of a CLI.
    CliNumber,
    /// The host name of a CLI.
    CliDomain,
    /// The description of a CLI.
    CliDescription,
    /// The comment of a CLI.
    Comment,
    /// Whether calls from a CLI are refused.
    Banned,
    /// The name of a provider, device group, IVR or dial plan.
    Name,
    /// How many calls at once a DID or a provider takes.
    CallLimit,
    /// From when on a DID answers calls.
    ActiveFrom,
    /// Until when a DID answers calls.
    ActiveTill,
    /// How short a call has to be to cost nothing.
    GraceTime,
    /// The language of a DID.
    Language,
    /// The tone zone of a DID.
    ToneZone,
    /// The SIP header that a DID sends along.
    CustomSipHeader,
    /// What a reseller notes on a DID.
    ResellerComment,
    /// An action for everything that a list finds.
    Action,
    /// Whether everyone may add DIDs to a provider.
    CommonUse,
    /// A tariff.
    TariffId,
    /// How calls are sent to a provider.
    Tech,
    /// Numbers of MOR's servers.
    ServerIds,
    /// Whether calls go through a provider.
    Active,
    /// Whether the PBX registers at a provider.
    Register,
    /// How pressed keys are sent.
    Dtmfmode,
    /// A location.
    LocationId,
    /// Seconds that it may ring.
    Timeout,
    /// Seconds that a call may last.
    MaxTimeout,
    /// The balance at which calls end.
    BalanceLimit,
    /// The name that the PBX signs in with.
    Login,
    /// The password that the PBX signs in with.
    Password,
    /// The caller's name in calls through a provider.
    CidName,
    /// The caller's number in calls through a provider.
    CidNumber,
    /// How a provider is reached.
    NetworkType,
    /// The host that calls are sent to.
    ServerIp,
    /// The address that calls come from.
    Ipaddr,
    /// A port.
    Port,
    /// The domain in the From header.
    Fromdomain,
    /// The user in the From header.
    Fromuser,
    /// Whether the P-Asserted-Identity is set.
    SetsPai,
    /// What numbers get behind them.
    Suffix,
    /// An address or a block on an allow-list.
    Network,
    /// What the parameter of this name says of a device.
    OfDevice(&'static str),
    /// The setting of this name.
    Setting(&'static str),
}

impl Field {
    /// The name of the parameter and of the form's field.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserId | Self::KeyUser => "user_id",
            Self::DeviceId => "device_id",
            Self::Owner => "owner",
            Self::Username => "username",
            Self::UserType | Self::DeviceType => "type",
            Self::NewPassword => "new_password",
            Self::Again => "again",
            Self::Permission => "permission",
            Self::Key => "key",
            Self::Pin => "pin",
            Self::CallerId => "caller_id",
            Self::Description => "description",
            Self::FlowState => "state",
            Self::FlowAction => "callflow_action",
            Self::ForwardTo => "forward_to_device",
            Self::ExternalNumber => "external_number",
            Self::Custom => "custom",
            Self::Cut => "cut",
            Self::Prefix => "add",
            Self::MinLength => "minlen",
            Self::MaxLength => "maxlen",
            Self::AppliesTo => "pr_type",
            Self::ChangesName => "change_callerid_name",
            Self::StartHour => "start_hour",
            Self::EndHour => "end_hour",
            Self::StartMinute => "start_minute",
            Self::EndMinute => "end_minute",
            Self::StartWeekday => "start_weekday",
            Self::EndWeekday => "end_weekday",
            Self::StartMonth => "start_month",
            Self::EndMonth => "end_month",
            Self::StartDay => "start_day",
            Self::EndDay => "end_day",
            Self::TimePeriod1 => "time_period1",
            Self::TimePeriod2 => "time_period2",
            Self::TimePeriod3 => "time_period3",
            Self::DialplanKind => "kind",
            Self::Number => "number",
            Self::Speeddial => "speeddial",
            Self::ForwardNumber => "forward_to",
            Self::Quickforwards => "quickforwards",
            Self::Did => "did",
            Self::Last => "last",
            Self::CliNumber => "cli_number",
            Self::CliDomain => "cli_domain",
            Self::CliDescription => "cli_description",
            Self::Comment => "comment",
            Self::Banned => "banned",
            Self::Name => "name",
            Self::CallLimit => "call_limit",
            Self::ActiveFrom => "active_from",
            Self::ActiveTill => "active_till",
            Self::GraceTime => "grace_time",
            Self::Language => "language",
            Self::ToneZone => "tone_zone",
            Self::CustomSipHeader => "custom_sip_header",
            Self::ResellerComment => "reseller_comment",
            Self::Action => "action",
            Self::CommonUse => "common_use",
            Self::TariffId => "tariff_id",
            Self::Tech => "tech",
            Self::ServerIds => "server_ids",
            Self::Active => "active",
            Self::Register => "register",
            Self::Dtmfmode => "dtmfmode",
            Self::LocationId => "location_id",
            Self::Timeout => "timeout",
            Self::MaxTimeout => "max_timeout",
            Self::BalanceLimit => "balance_limit",
            Self::Login => "login",
            Self::Password => "password",
            Self::CidName => "cid_name",
            Self::CidNumber => "cid_number",
            Self::NetworkType => "network_type",
            Self::ServerIp => "server_ip",
            Self::Ipaddr => "ipaddr",
            Self::Port => "port",
            Self::Fromdomain => "fromdomain",
            Self::Fromuser => "fromuser",
            Self::SetsPai => "set_pai",
            Self::Suffix => "suffix",
            Self::Network => "network",
            Self::OfDevice(name) | Self::Setting(name) => name,
        }
    }

    /// The text about a value that it does not take.
    pub(super) const fn takes(self) -> &'static str {
        match self {
            Self::UserId => "a user is named by an ID",
            Self::DeviceId => "a device is named by an ID",
            Self::Owner => "the owner must be admin or a reseller",
            Self::Username => {
                "a username has 1 to 80 characters, all of them visible: no space, no control, nothing that hides or turns text"
            }
            Self::UserType => "the type and the owner do not go together",
            Self::NewPassword => {
                "a password has 8 to 128 characters, none of them a control character"
            }
            Self::Again => "the two passwords are not the same",
            Self::Permission => "this user's type does not take that permission",
            Self::Key => "the key cannot be used",
            Self::KeyUser => "only admin, resellers, accountants and managers have keys",
            Self::DeviceType => "device type invalid",
            Self::Pin => "PIN must be numeric",
            Self::CallerId => "a caller ID is NUMBER, Name <NUMBER> or \"Name\" <NUMBER>",
            Self::Description => "a description is any text",
            Self::FlowState => "the state is before_call, no_answer, busy or failed",
            Self::FlowAction => {
                "the action is empty, forward or voicemail; before the call also fax_detect"
            }
            Self::ForwardTo => "a device cannot be forwarded to itself",
            Self::ExternalNumber => "a forward needs a device, or a number of 1 to 20 digits",
            Self::Custom => "a caller ID has no control character",
            Self::Cut | Self::Prefix => {
                "what a rule cuts off or adds has up to 60 visible characters; in a provider's rule, digits"
            }
            Self::MinLength => "the shortest length is 1 to 100",
            Self::MaxLength => "the longest length is 1 to 100, and not below the shortest",
            Self::AppliesTo => "a rule is for src or dst",
            Self::ChangesName => "change_callerid_name must be 0 or 1",
            Self::StartHour => "start_hour must be 0 to 23",
            Self::EndHour => "end_hour must be 0 to 23",
            Self::StartMinute => "start_minute must be 0 to 59",
            Self::EndMinute => "end_minute must be 0 to 59",
            Self::StartWeekday | Self::EndWeekday => {
                "a day of the week is mon, tue, wed, thu, fri, sat or sun"
            }
            Self::StartMonth | Self::EndMonth => "a month is 1 to 12",
            Self::StartDay | Self::EndDay => "a day is 1 to 31",
            Self::TimePeriod1 | Self::TimePeriod2 | Self::TimePeriod3 => {
                "the time period was not found"
            }
            Self::DialplanKind => "a dial plan is for ivr or quickforwards",
            Self::Number => "a number has digits only",
            Self::Speeddial => "a speed dial has digits only",
            Self::ForwardNumber => "a number has 1 to 20 digits",
            Self::Quickforwards => {
                "a pattern has digits, , or | between alternatives, % for any digits, and [..] for one of several"
            }
            Self::Did => "a DID has 1 to 15 digits",
            Self::Last => "the range is not one",
            Self::CliNumber => "CLI must be numeric",
            Self::CliDomain => "CLI domain is invalid",
            Self::CliDescription => "a description is any text",
            Self::Comment => "a comment is any text",
            Self::Banned => "banned must be 0 or 1",
            Self::Name => "a name has 1 to 255 characters, none of them a control character",
            Self::CallLimit => "a call limit is 0 (none) to 1000000",
            Self::ActiveFrom => "a time is between 1970 and 2100",
            Self::ActiveTill => "the end is between 1970 and 2100, and after the beginning",
            Self::GraceTime => "a grace time is 0 to 86400 seconds",
            Self::Language => "a language is two letters",
            Self::ToneZone => "a tone zone is two letters",
            Self::CustomSipHeader => "a SIP header is Name: value, without control characters",
            Self::ResellerComment => "a comment is any text",
            Self::Action => "this is none of the actions",
            Self::CommonUse => "common use is on or off",
            Self::TariffId => "no tariff exists yet",
            Self::Tech => "dahdi, SIP, IAX2 or H323",
            Self::ServerIds => "numbers with commas between them: 1,3,4",
            Self::Active => "0 or 1",
            Self::Register => "0 or 1",
            Self::Dtmfmode => "inband, info, rfc2833 or auto",
            Self::LocationId => "1 is the only location",
            Self::Timeout => "30 to 86400 seconds",
            Self::MaxTimeout => "0 to 86400 seconds",
            Self::BalanceLimit => "an amount like 35.5 or -20",
            Self::Login => "a login has up to 80 characters, and is neither anonymous nor unknown",
            Self::Password => {
                "a password has up to 80 characters, and is neither anonymous nor unknown"
            }
            Self::CidName => "a name has up to 80 characters, none of them a control character",
            Self::CidNumber => "a number has up to 20 digits",
            Self::NetworkType => "hostname, ip or dynamic",
            Self::ServerIp => "a host name or an IP address",
            Self::Ipaddr => "an IP address",
            Self::Port => "1 to 65535",
            Self::Fromdomain => {
                "a domain has up to 255 characters, none of them a control character"
            }
            Self::Fromuser => "a user has up to 80 characters, none of them a control character",
            Self::SetsPai => "0 or 1",
            Self::Suffix => "up to 60 digits, for called numbers only",
            Self::Network => "not an IP address or a CIDR block of /8 or narrower",
            Self::OfDevice(_) => "the device does not take this value",
            Self::Setting(_) => "the setting does not take this value",
        }
    }
}
