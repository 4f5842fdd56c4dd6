//! Every way a rule can refuse: a few words that take a field or a thing, and two special cases: who is let in, and the
//! state of a DID.
//!
//! A refusal is a value. The API gives it each method's own text; the command line and the web pages show the text from
//! here. `detail` carries what a text may name: a username, a number, a reason. Nobody parses it.

use std::fmt;

use super::{Field, Thing};
use crate::store::StoreError;

/// Why a rule did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// A rule refused, and nothing has changed.
    Refused(Refusal),
    /// The store failed. Nothing has changed, or (after a fault in the commit itself) nobody knows.
    Store(StoreError),
}

/// The refusal of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The rule.
    pub rule: Rule,
    /// The detail that its text names.
    pub detail: Option<String>,
}

/// A rule: what is wrong, with which field or thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The field was not sent.
    Missing(Field),
    /// The field does not take this value.
    Invalid(Field),
    /// The text is over its limit.
    TooLong(Field),
    /// The text is too short.
    TooShort(Field),
    /// Something else has this value; `detail` says what or whose, where the caller may see it.
    Taken(Field),
    /// Something that the caller may not see has this value.
    TakenByAnother(Field),
    /// The server needs this value for itself.
    Reserved(Field),
    /// The caller may do the rest, but may not set this.
    NotPermitted(Field),
    /// The thing does not exist, or is not the caller's own.
    NotFound(Thing),
    /// The list that was asked for is empty.
    NoneFound(Thing),
    /// The thing exists, but the caller may not use it.
    Foreign(Thing),
    /// Something still refers to it; `detail` says what.
    InUse(Thing),
    /// They are not those that were looked at before.
    Moved(Thing),
    /// The limit for such things is reached.
    TooMany(Thing),
    /// More hangs on the thing than one change takes off.
    HasTooMany(Thing),
    /// The state of a DID does not allow it.
    Did(DidError),
    /// The actor may not do this.
    Access(AccessError),
    /// Anything else stopped it; `detail` says what.
    Failed,
}

/// Who is let in, and who may let others in.
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
    /// Too many passwords are being guessed from the address, so this one is not looked at.
    #[error("too many failed authentications, try again later")]
    TooManyGuesses,
    /// The link to set a password was used, is too old, or was never made.
    #[error("the link was used already, or is too old")]
    LinkInvalid,
    /// The web session has ended, or its user was blocked.
    #[error("the session has ended: sign in again")]
    SignedOut,
    /// Users of this type may not do this.
    #[error("users of this type may not do this")]
    WrongType,
    /// Users of this type may do this with a permission that this one lacks.
    #[error("the permission for this is missing")]
    NotPermitted,
    /// Admin cannot be blocked.
    #[error("admin cannot be blocked")]
    AdminNotBlocked,
    /// Users who block themselves could not undo it.
    #[error("nobody can block themselves")]
    SelfNotBlocked,
    /// On the web pages, changing one's own password needs the old one.
    #[error("one's own password is changed on the account page, which asks for the one until now")]
    OwnPassword,
    /// `hash_check` off needs an IP allow-list, or `require_password` always.
    #[error(
        "hash_check can be off only for an owner with an IP allow-list, or while require_password is always"
    )]
    HashCheckNeeded,
    /// `hash_check` off needs an IP allow-list, for callers who may not know `require_password`.
    #[error("hash_check can be off only with an IP allow-list")]
    AllowListNeeded,
}

/// Steps that the state of a DID, or of the device for it, does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DidError {
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
    /// It is closed.
    #[error("DID is closed already")]
    AlreadyClosed,
    /// It is on a dial plan, and not on a device.
    #[error("DID is on a dial plan")]
    OnDialplan,
    /// It is on neither a device nor a dial plan.
    #[error("DID is not on a device")]
    NotOnDevice,
    /// It is on neither a device nor a dial plan already.
    #[error("DID is on no device already")]
    AlreadyFree,
    /// It is admin's stock in a reseller's scope: nobody ends it.
    #[error("DID is lent, and has to be taken back first")]
    Lent,
    /// It is not terminated, so it is not deleted.
    #[error("only a terminated DID can be deleted")]
    NotTerminated,
    /// The step does not start from the DID's state; `detail` says which does.
    #[error("the DID's state does not allow this")]
    WrongState,
}

impl Rule {
    /// The refusal of this rule, with the detail that its text names.
    pub fn with(self, detail: impl Into<String>) -> Error {
        Error::Refused(Refusal {
            rule: self,
            detail: Some(detail.into()),
        })
    }

    /// The name of the field that is wrong, in a call and in a form; none: no field is to blame.
    pub const fn field(self) -> Option<&'static str> {
        match self {
            Self::Missing(field)
            | Self::Invalid(field)
            | Self::TooLong(field)
            | Self::TooShort(field)
            | Self::Taken(field)
            | Self::TakenByAnother(field)
            | Self::Reserved(field)
            | Self::NotPermitted(field) => Some(field.name()),
            // The form or the call is for a new one.
            Self::TooMany(Thing::DeviceRule | Thing::ProviderRule | Thing::Dialplan) => None,
            Self::NotFound(thing) | Self::Foreign(thing) | Self::TooMany(thing) => thing.field(),
            Self::Access(AccessError::HashCheckNeeded | AccessError::AllowListNeeded) => {
                Some("hash_check")
            }
            Self::NoneFound(_)
            | Self::HasTooMany(_)
            | Self::Moved(_)
            | Self::InUse(_)
            | Self::Did(_)
            | Self::Access(_)
            | Self::Failed => None,
        }
    }
}

impl From<AccessError> for Rule {
    fn from(error: AccessError) -> Self {
        Self::Access(error)
    }
}

impl From<DidError> for Rule {
    fn from(error: DidError) -> Self {
        Self::Did(error)
    }
}

impl From<AccessError> for Refusal {
    fn from(error: AccessError) -> Self {
        Self {
            rule: error.into(),
            detail: None,
        }
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

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(Field::UserId) => f.write_str("no user was named"),
            Self::Missing(Field::DeviceId) => f.write_str("no device was named"),
            Self::Missing(Field::Name) => f.write_str("a name is missing"),
            Self::Missing(Field::CliNumber) => f.write_str("a CLI needs a number or a domain"),
            Self::Missing(Field::Cut) => {
                f.write_str("a rule cuts something off a number, or adds something to it")
            }
            Self::Missing(field) => write!(f, "{} was not sent", field.name()),
            Self::Invalid(field) => f.write_str(field.takes()),
            Self::TooLong(field) => write!(f, "{} is too long", field.name()),
            Self::TooShort(field) => write!(f, "{} is too short", field.name()),
            Self::Taken(Field::Username) => f.write_str("the username is already used"),
            Self::Taken(Field::Did) => f.write_str("DID already exists"),
            Self::Taken(Field::Pin) => f.write_str("PIN is already used"),
            Self::Taken(Field::CliNumber | Field::CliDomain) => {
                f.write_str("CLI already exists, on a device of")
            }
            Self::Taken(field) => write!(f, "{} is already used", field.name()),
            Self::TakenByAnother(Field::CliNumber | Field::CliDomain) => {
                f.write_str("CLI already exists, on another device")
            }
            Self::TakenByAnother(field) => write!(f, "{} is already used", field.name()),
            Self::Reserved(Field::Username) => {
                f.write_str("the action log needs this name for who is no user")
            }
            Self::Reserved(field) => write!(f, "the server itself needs this {}", field.name()),
            Self::NotPermitted(Field::CallerId) => {
                f.write_str("the permission to manage caller IDs is missing")
            }
            Self::NotPermitted(Field::CommonUse) => {
                f.write_str("only admin can mark a provider for common use")
            }
            Self::NotPermitted(field) => write!(f, "{} is not yours to set", field.name()),
            Self::NotFound(Thing::Network) => f.write_str("the block is not on the allow-list"),
            Self::NotFound(Thing::Session) => f.write_str("the session has ended already"),
            Self::NotFound(Thing::Setting) => f.write_str("there is no such setting"),
            Self::NotFound(thing) => write!(f, "{} was not found", thing.name()),
            Self::NoneFound(thing) => write!(f, "there are no {}s", thing.name()),
            Self::Moved(thing) => write!(
                f,
                "the {}s are not those of the preview any more: look at it again",
                thing.name()
            ),
            Self::Foreign(thing) => write!(f, "{} belongs to someone else", thing.name()),
            Self::InUse(Thing::Callflow) => {
                f.write_str("other devices forward calls to it: change their call flows first")
            }
            Self::InUse(Thing::FaxDevice) => {
                f.write_str("it takes faxes for other devices: change their call flows first")
            }
            Self::InUse(thing) => write!(f, "{} is in use", thing.name()),
            Self::TooMany(Thing::Key) => f.write_str("too many active keys: revoke one first"),
            Self::TooMany(Thing::Network) => f.write_str(
                "too many blocks on the allow-list: take one off, or allow a larger block",
            ),
            Self::TooMany(Thing::FaxEmail) => f.write_str("the device has too many fax addresses"),
            Self::TooMany(thing) => write!(f, "there are too many {}s", thing.name()),
            Self::HasTooMany(thing) => write!(f, "too much hangs on the {}", thing.name()),
            Self::Did(error) => error.fmt(f),
            Self::Access(error) => error.fmt(f),
            Self::Failed => f.write_str("anything else stopped it"),
        }
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
