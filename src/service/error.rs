//! Every way a rule can refuse, one enum per area.
//!
//! A refusal is a value, not a sentence: the API gives each method's own text to it, the command line and the pages show
//! the text that stands here. `detail` carries what a text may name: a username, a parameter, a reason.

use std::fmt;

use crate::store::StoreError;

/// Why a service did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// A rule said no; nothing has changed.
    Refused(Refusal),
    /// The store could not; nothing has changed, or (a fault in the commit itself) it is not known.
    Store(StoreError),
}

/// A rule's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which rule.
    pub rule: Rule,
    /// What its text names.
    pub detail: Option<String>,
}

impl From<AccessError> for Refusal {
    fn from(error: AccessError) -> Self {
        Self {
            rule: error.into(),
            detail: None,
        }
    }
}

/// A rule, by its area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// Who may call at all.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Users, their groups and keys.
    #[error(transparent)]
    User(#[from] UserError),
    /// Devices.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// DIDs and their life cycle.
    #[error(transparent)]
    Did(#[from] DidError),
    /// CLIs.
    #[error(transparent)]
    Cli(#[from] CliError),
    /// Settings, providers, IVRs, dial plans.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// The switch `allow_api` is off.
    #[error("the API is switched off")]
    ApiDisabled,
    /// The switch `allow_get` is off.
    #[error("GET requests are switched off")]
    GetDisabled,
    /// No such user, a blocked one, or a call from an address that is not on the owner's list.
    #[error("unknown caller")]
    UnknownCaller,
    /// No accepted order of the parameters, with no active key, gives this hash.
    #[error("incorrect hash")]
    IncorrectHash,
    /// The password is wrong, or required and missing.
    #[error("wrong password")]
    WrongPassword,
    /// So many passwords are being guessed from there that this one is not looked at.
    #[error("too many failed authentications, try again later")]
    TooManyGuesses,
    /// A link to set a password that was used, is too old, or was never made.
    #[error("the link was used already, or is too old")]
    LinkInvalid,
    /// The session of the pages in which somebody acts has ended, or they were blocked.
    #[error("the session has ended: sign in again")]
    SignedOut,
    /// Users of this type may not.
    #[error("users of this type may not do this")]
    WrongType,
    /// Users of this type may with a permission that this one lacks.
    #[error("the permission for this is missing")]
    NotPermitted,
}

/// Users, device groups, keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The parameter that names the user was not sent.
    #[error("no user was named")]
    Missing,
    /// No such user, or not the caller's own.
    #[error("user was not found")]
    NotFound,
    /// Usernames are unique.
    #[error("the username is already used")]
    UsernameTaken,
    /// Not 1 to 80 visible characters.
    #[error(
        "a username has 1 to 80 characters, all of them visible: no space, no control, nothing that hides or turns text"
    )]
    UsernameInvalid,
    /// The action log would name this user as it names the operator or the server itself.
    #[error("the action log needs this name for who is no user")]
    UsernameReserved,
    /// Not 8 to 128 characters.
    #[error("a password has 8 to 128 characters, none of them a control character")]
    PasswordInvalid,
    /// There is one admin, made by `init`; the owner is not admin or a reseller; or only plain users have owners.
    #[error("the type and the owner do not go together")]
    OwnerInvalid,
    /// Admin cannot be blocked.
    #[error("admin cannot be blocked")]
    AdminNotBlocked,
    /// Whoever blocks himself could not undo it.
    #[error("nobody can block themselves")]
    SelfNotBlocked,
    /// Through the pages, one's own password needs the one until now.
    #[error("one's own password is changed on the account page, which asks for the one until now")]
    OwnPassword,
    /// It ended by itself, or was ended before.
    #[error("the session has ended already")]
    SessionNotFound,
    /// The two passwords that were typed differ.
    #[error("the two passwords are not the same")]
    PasswordsDiffer,
    /// This type of user has no use for the permission.
    #[error("this user's type does not take that permission")]
    PermissionInvalid,
    /// Not 6 to 128 visible characters, or one this user already has.
    #[error("the key cannot be used")]
    KeyInvalid,
    /// No such active key.
    #[error("key was not found")]
    KeyNotFound,
    /// A user of this type signs with his owner's keys.
    #[error("only admin, resellers, accountants and managers have keys")]
    KeyNotForType,
    /// More active keys than a call could be checked against.
    #[error("too many active keys: revoke one first")]
    TooManyKeys,
}

/// Devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Not one of the seven types.
    #[error("device type invalid")]
    TypeInvalid,
    /// No such group, or not of this user.
    #[error("device group invalid")]
    GroupInvalid,
    /// The PIN holds something other than digits.
    #[error("PIN must be numeric")]
    PinNotNumeric,
    /// PINs are unique over all devices.
    #[error("PIN is already used")]
    PinUsed,
    /// The caller may not set a caller ID.
    #[error("the permission to manage caller IDs is missing")]
    CallerIdNotPermitted,
    /// Anything else; `detail` says what.
    #[error("device was not created")]
    NotCreated,
    /// No such device, or not the caller's own.
    #[error("device was not found")]
    NotFound,
    /// It still has DIDs or CLIs.
    #[error("device is in use")]
    InUse,
    /// What `detail` says does not fit into a device.
    #[error("device was not changed")]
    NotChanged,
}

/// DIDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DidError {
    /// No such provider.
    #[error("provider was not found")]
    ProviderNotFound,
    /// There, but neither the caller's own nor marked common use.
    #[error("provider belongs to someone else")]
    ProviderNotPermitted,
    /// Not 1 to 15 digits.
    #[error("a DID has 1 to 15 digits")]
    NumberInvalid,
    /// DIDs are unique.
    #[error("DID already exists")]
    Exists,
    /// Anything else that stops a DID's making.
    #[error("DID was not created")]
    NotCreated,
    /// No such device.
    #[error("device was not found")]
    DeviceNotFound,
    /// No such DID.
    #[error("DID was not found")]
    NotFound,
    /// The device is there, but not the caller's own.
    #[error("device belongs to someone else")]
    DeviceNotPermitted,
    /// The DID is there, but in another scope or reserved for another user than the device's.
    #[error("DID belongs to someone else")]
    NotPermitted,
    /// A terminated DID cannot be used.
    #[error("DID is terminated")]
    Terminated,
    /// It is on a device, on a dial plan, or closed.
    #[error("DID is not free")]
    NotFree,
    /// It must be reserved for a user first.
    #[error("DID must be reserved for a user")]
    NotReserved,
    /// Only a trunk can take it.
    #[error("device is not a trunk")]
    NotTrunk,
    /// Anything else that stops an assignment.
    #[error("DID was not assigned")]
    NotAssigned,
    /// A range that ends before it begins, is too long, or whose ends have different lengths; `detail` says which.
    #[error("the range is not one")]
    RangeInvalid,
    /// The step does not start from the DID's state; `detail` says which does.
    #[error("the DID's state does not allow this")]
    WrongState,
    /// It is closed.
    #[error("DID is closed already")]
    AlreadyClosed,
    /// It is on a dial plan, and not on a device.
    #[error("DID is on a dial plan")]
    OnDialplan,
    /// It is on nothing.
    #[error("DID is not on a device")]
    NotOnDevice,
    /// The user it should be reserved for is not there or not the caller's own.
    #[error("user was not found")]
    UserNotFound,
    /// The dial plan is not there or not the caller's own.
    #[error("dial plan was not found")]
    DialplanNotFound,
}

/// CLIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CliError {
    /// The parameter that names the device was not sent.
    #[error("no device was named")]
    DeviceMissing,
    /// No such device, or not the caller's own.
    #[error("device was not found")]
    DeviceNotFound,
    /// Neither number nor domain was sent.
    #[error("a CLI needs a number or a domain")]
    NumberMissing,
    /// The number holds something other than digits.
    #[error("CLI must be numeric")]
    NotNumeric,
    /// It exists, on a device of the user that `detail` names.
    #[error("CLI already exists, on a device of")]
    TakenBy,
    /// It exists, on a device of someone whom the caller may not see.
    #[error("CLI already exists, on another device")]
    TakenByAnother,
    /// No such IVR, or not the caller's own.
    #[error("IVR was not found")]
    IvrNotFound,
    /// Neither 0 nor 1.
    #[error("banned must be 0 or 1")]
    BannedInvalid,
    /// Not a host name.
    #[error("CLI domain is invalid")]
    DomainInvalid,
    /// The text that `detail` names is over its limit.
    #[error("too long")]
    TooLong,
    /// No such CLI, or not the caller's own.
    #[error("CLI was not found")]
    NotFound,
    /// Nobody whose CLIs were asked for has any.
    #[error("there are no CLIs")]
    NoneFound,
}

/// Settings, providers, device groups, IVRs, dial plans: what the operator sets up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Not 1 to 255 characters, or a control character in it.
    #[error("a name has 1 to 255 characters, none of them a control character")]
    NameInvalid,
    /// The owner must be admin or a reseller.
    #[error("the owner must be admin or a reseller")]
    OwnerInvalid,
    /// No such provider, group, IVR or dial plan, or not the caller's own.
    #[error("it was not found")]
    NotFound,
    /// Something still refers to it; `detail` says what.
    #[error("it is in use")]
    InUse,
    /// Only admin offers a provider to everyone.
    #[error("only admin can mark a provider for common use")]
    CommonUseNotPermitted,
    /// No setting has this name.
    #[error("there is no such setting")]
    SettingUnknown,
    /// The setting does not take this value.
    #[error("the setting does not take this value")]
    SettingInvalid,
    /// `hash_check` off needs an IP allow-list, or `require_password` always.
    #[error(
        "hash_check can be off only for an owner with an IP allow-list, or while require_password is always"
    )]
    HashCheckNeeded,
    /// The same for whoever may not know what `require_password` is.
    #[error("hash_check can be off only with an IP allow-list")]
    AllowListNeeded,
    /// Not an address or a CIDR block, or a block that holds almost every address.
    #[error("not an IP address or a CIDR block of /8 or narrower")]
    NetworkInvalid,
    /// It cannot be taken off the allow-list.
    #[error("the block is not on the allow-list")]
    NetworkNotFound,
    /// More blocks than a call could be compared with.
    #[error("too many blocks on the allow-list: take one off, or allow a larger block")]
    TooManyNetworks,
}

impl Rule {
    /// This rule's no, with what its text names.
    pub fn with(self, detail: impl Into<String>) -> Error {
        Error::Refused(Refusal {
            rule: self,
            detail: Some(detail.into()),
        })
    }
}

impl<R: Into<Rule>> From<R> for Error {
    fn from(rule: R) -> Self {
        Self::Refused(Refusal {
            rule: rule.into(),
            detail: None,
        })
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => write!(f, "{}: {detail}", self.rule),
            None => write!(f, "{}", self.rule),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}
