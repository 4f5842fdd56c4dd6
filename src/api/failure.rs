//! Why a call ends before it is answered with a success.

use super::fault::Fault;
use crate::service::{AccessError, Error, Refusal, Rule};
use crate::store::StoreError;

/// Why a call ends early.
pub(super) enum Failure {
    Fault(Fault),
    Refused(Refusal),
    /// The caller's address is not on the owner's allow-list. The answer is that of an unknown name.
    Elsewhere,
    /// The caller's password was changed meanwhile, and verifying it takes argon2's time.
    PasswordMoved,
    Store(StoreError),
}

impl From<Failure> for Error {
    /// For a list under way, which has no answer of its own any more.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => Self::Refused(refusal),
            Failure::Store(error) => Self::Store(error),
            Failure::Elsewhere => AccessError::UnknownCaller.into(),
            Failure::PasswordMoved => AccessError::WrongPassword.into(),
            Failure::Fault(_) => StoreError::Internal.into(),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal)
                if refusal.rule == Rule::Access(AccessError::TooManyGuesses) =>
            {
                Self::Fault(Fault::TooManyFailures)
            }
            Error::Refused(refusal) => Self::Refused(refusal),
            Error::Store(error) => Self::Store(error),
        }
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        Error::from(error).into()
    }
}
