//! The faults that MOR's manual does not describe: each has an HTTP status, and is XML all the same.

use super::limits::{MAX_BODY, MAX_HEAD, MAX_PARAMETERS, MAX_QUERY};
use crate::service::guard::throttle;
use crate::store::StoreError;

/// A fault of a request or of the server that MOR's manual does not describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Percent-encoding that is cut off or not hexadecimal, or bytes that are not UTF-8.
    BrokenEncoding,
    /// NUL, or a control character that XML 1.0 cannot carry.
    ForbiddenCharacter,
    /// A JSON body that is not one flat object.
    BrokenJson,
    /// A multipart body that is cut, or not what its header says.
    BrokenMultipart,
    /// A body that ended before its announced end.
    BrokenBody,
    /// More parameters than [`MAX_PARAMETERS`].
    TooManyParameters,
    /// The bytes are not HTTP/1.1.
    BrokenRequest,
    /// A request that was not complete within its time.
    SlowRequest,
    /// No method has this name.
    UnknownMethod,
    /// Neither POST nor GET.
    VerbNotAllowed,
    /// Neither GET nor HEAD, where there is only something to read.
    OnlyGet,
    /// A body over [`MAX_BODY`].
    BodyTooLarge,
    /// A query string over [`MAX_QUERY`].
    QueryTooLarge,
    /// A request line and headers over [`MAX_HEAD`].
    HeadTooLarge,
    /// A body of an unknown type.
    UnknownMediaType,
    /// Too many failed authentications from this address.
    TooManyFailures,
    /// A defect of linebook; the log has the details.
    Internal,
    /// Too many requests are waiting, or the server is stopping.
    Overloaded,
    /// The database cannot be read or written now.
    StorageFailed,
}

impl Fault {
    /// Every fault, by status.
    pub const ALL: &'static [Self] = &[
        Self::BrokenEncoding,
        Self::ForbiddenCharacter,
        Self::BrokenJson,
        Self::BrokenMultipart,
        Self::BrokenBody,
        Self::TooManyParameters,
        Self::BrokenRequest,
        Self::SlowRequest,
        Self::UnknownMethod,
        Self::VerbNotAllowed,
        Self::OnlyGet,
        Self::BodyTooLarge,
        Self::QueryTooLarge,
        Self::HeadTooLarge,
        Self::UnknownMediaType,
        Self::TooManyFailures,
        Self::Internal,
        Self::Overloaded,
        Self::StorageFailed,
    ];

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::BrokenEncoding
            | Self::ForbiddenCharacter
            | Self::BrokenJson
            | Self::BrokenMultipart
            | Self::BrokenBody
            | Self::TooManyParameters
            | Self::BrokenRequest
            | Self::SlowRequest => 400,
            Self::UnknownMethod => 404,
            Self::VerbNotAllowed | Self::OnlyGet => 405,
            Self::BodyTooLarge | Self::QueryTooLarge | Self::HeadTooLarge => 413,
            Self::UnknownMediaType => 415,
            Self::TooManyFailures => 429,
            Self::Internal => 500,
            Self::Overloaded | Self::StorageFailed => 503,
        }
    }

    /// The text in `<error>`.
    pub fn text(self) -> String {
        match self {
            Self::BrokenEncoding => "Request is not percent-encoded UTF-8".into(),
            Self::ForbiddenCharacter => "Request holds a character that XML cannot carry".into(),
            Self::BrokenJson => "JSON body is not one flat object".into(),
            Self::BrokenMultipart => "Multipart body is broken".into(),
            Self::BrokenBody => "Body is incomplete".into(),
            Self::TooManyParameters => format!("More than {MAX_PARAMETERS} parameters"),
            Self::BrokenRequest => "Request is not HTTP/1.1".into(),
            Self::SlowRequest => "Request was not complete in time".into(),
            Self::UnknownMethod => "Method was not found".into(),
            Self::OnlyGet => "Only GET is allowed".into(),
            Self::VerbNotAllowed => "Only POST is allowed, and GET where it is switched on".into(),
            Self::BodyTooLarge => format!("Body is larger than {MAX_BODY} bytes"),
            Self::QueryTooLarge => format!("Query string is longer than {MAX_QUERY} bytes"),
            Self::HeadTooLarge => {
                format!("Request line and headers are larger than {MAX_HEAD} bytes")
            }
            Self::UnknownMediaType => {
                "Body must be a form, multipart/form-data or application/json, uncompressed".into()
            }
            Self::TooManyFailures => "Too many failed authentications, try again later".into(),
            Self::Internal => "Internal error".into(),
            Self::Overloaded => "Too many requests are waiting, try again later".into(),
            Self::StorageFailed => "Storage is not available, try again later".into(),
        }
    }

    /// Its name, for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BrokenEncoding => "broken encoding",
            Self::ForbiddenCharacter => "forbidden character",
            Self::BrokenJson => "broken JSON",
            Self::BrokenMultipart => "broken multipart",
            Self::BrokenBody => "broken body",
            Self::TooManyParameters => "too many parameters",
            Self::BrokenRequest => "broken request",
            Self::SlowRequest => "slow request",
            Self::UnknownMethod => "unknown method",
            Self::VerbNotAllowed | Self::OnlyGet => "verb not allowed",
            Self::BodyTooLarge => "body too large",
            Self::QueryTooLarge => "query too large",
            Self::HeadTooLarge => "head too large",
            Self::UnknownMediaType => "unknown media type",
            Self::TooManyFailures => "too many failures",
            Self::Internal => "internal error",
            Self::Overloaded => "overloaded",
            Self::StorageFailed => "storage failed",
        }
    }

    /// The verbs that the path takes, if the verb is the fault.
    pub const fn allow(self) -> Option<&'static str> {
        match self {
            Self::VerbNotAllowed => Some("POST, GET"),
            Self::OnlyGet => Some("GET, HEAD"),
            _ => None,
        }
    }

    /// The seconds after which another try may be worthwhile.
    pub const fn retry_after_s(self) -> Option<u32> {
        match self {
            Self::Overloaded | Self::StorageFailed => Some(1),
            Self::TooManyFailures => Some(throttle::WINDOW.as_secs() as u32),
            _ => None,
        }
    }
}

impl From<&StoreError> for Fault {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Overloaded | StoreError::Stopped => Self::Overloaded,
            StoreError::Internal => Self::Internal,
            _ => Self::StorageFailed,
        }
    }
}
