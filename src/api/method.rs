//! What a method is, as data: routing, the hash check, the reference, the OpenAPI file and the generated tests all read
//! this one entry.

use std::sync::Arc;

use super::parameters::Parameters;
use super::xml::Element;
use crate::ambient::Ambient;
use crate::service::guard::access::Actor;
use crate::service::{AccessError, Error, Refusal, Rule};
use crate::store::row::Id;
use crate::store::tables::settings::Dialect;
use crate::store::tables::users::{Permission, UserType};
use crate::store::{ReadTx, WriteTx};

/// A method of the API.
pub struct Method {
    /// Its name in the path.
    pub name: &'static str,
    /// Older names under which clients call it.
    pub aliases: &'static [&'static str],
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// The title of the page that documents it.
    pub source: &'static str,
    /// What it takes, beyond `u`, `p`, `hash` and `test`.
    pub parameters: &'static [Parameter],
    /// Its page requires the caller's password.
    pub needs_password: bool,
    /// The orders in which parameters may be signed; the first one is what documentation prints.
    pub hashes: &'static [HashOrder],
    /// Who may call it; a type that is not here may not.
    pub callers: &'static [CallerRule],
    /// Every way it refuses, in the order in which it checks.
    pub errors: &'static [ErrorText],
    /// What a fault of the storage answers; none: 503.
    pub storage_error: Option<Rule>,
    /// Its XML is sent as a gzipped file.
    pub is_file: bool,
    /// Where `<error>` stands.
    pub error_envelope: PerDialect<ErrorEnvelope>,
    /// A success, as the reference shows it: what is in `<page>`.
    pub reply: PerDialect<&'static str>,
    /// The request that the reference, the demo and the tests show: what is sent beside `u`, `p` and `hash`.
    pub example: &'static [(&'static str, &'static str)],
    /// What it does.
    pub run: Run,
}

/// One value per dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerDialect<T> {
    /// For the five pages.
    pub pages: T,
    /// For their later revisions.
    pub current: T,
}

impl<T: Copy> PerDialect<T> {
    /// The same in both.
    pub const fn same(value: T) -> Self {
        Self {
            pages: value,
            current: value,
        }
    }

    /// The value of one dialect.
    pub fn of(&self, dialect: Dialect) -> T {
        match dialect {
            Dialect::Pages => self.pages,
            Dialect::Current => self.current,
        }
    }
}

/// A parameter.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a call without it is refused.
    pub required: bool,
    /// What it means, and what its absence does.
    pub doc: &'static str,
}

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The number of something: 1 to 18 digits.
    Id,
    /// Digits, at most so many.
    Digits(usize),
    /// A text of at most so many characters.
    Text(usize),
    /// One of these words, in any letter case.
    OneOf(&'static [&'static str]),
}

/// An order in which parameters are signed.
#[derive(Debug, PartialEq, Eq)]
pub struct HashOrder {
    /// Their names; the secret key comes last.
    pub parameters: &'static [&'static str],
    /// From which `hash_check` on it is accepted.
    pub level: HashLevel,
    /// Why it is.
    pub why: &'static str,
}

/// From which `hash_check` on an order is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HashLevel {
    /// Always.
    Strict,
    /// Under `documented` and `lenient`.
    Documented,
    /// Under `lenient` only.
    Lenient,
}

/// A type of user that may call.
pub struct CallerRule {
    /// The type.
    pub user_type: UserType,
    /// The permission he needs for it.
    pub needs: Option<Permission>,
}

/// A way to refuse, and its text.
pub struct ErrorText {
    /// The rule that refuses.
    pub rule: Rule,
    /// What is answered; `{}` is what the rule names.
    pub text: &'static str,
    /// What the rule names goes into a `<message>` after the `<error>`.
    pub has_message: bool,
}

/// Where `<error>` stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorEnvelope {
    /// In `<page>`.
    Page,
    /// In `<page><status>`.
    Status,
}

/// What a method does: its type says whether it can write.
pub enum Run {
    /// It only reads.
    Read(fn(&ReadTx<'_>, &Call) -> Result<Reply, Error>),
    /// It changes something.
    Write(fn(&WriteTx<'_>, &Call) -> Result<Reply, Error>),
}

/// A call that has passed every check before the method's own.
pub struct Call {
    /// Who calls.
    pub actor: Actor,
    /// What he sent.
    pub parameters: Parameters,
    /// Which revision of the pages he is answered in.
    pub dialect: Dialect,
    /// Dice for what is generated.
    pub ambient: Arc<Ambient>,
    /// For a list: the id after which it goes on; 0 at first.
    pub after: Id,
}

/// What a method answers: the content of `<page>`.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// These elements.
    Elements(Vec<Element>),
    /// A list that may be too long for one piece.
    List {
        /// The element around it.
        name: &'static str,
        /// The items of this piece.
        items: Vec<Element>,
        /// The id after which the next piece goes on; none: this is the last.
        next: Option<Id>,
    },
}

/// What every method may answer before it looks at the call.
pub const COMMON_ERRORS: &[ErrorText] = &[
    refuses(
        Rule::Access(AccessError::ApiDisabled),
        "API Requests are disabled",
    ),
    refuses(
        Rule::Access(AccessError::GetDisabled),
        "GET Requests are disabled",
    ),
];

/// An entry of a method's errors.
pub const fn refuses(rule: Rule, text: &'static str) -> ErrorText {
    ErrorText {
        rule,
        text,
        has_message: false,
    }
}

/// An entry of a method's callers.
pub const fn caller(user_type: UserType, needs: Option<Permission>) -> CallerRule {
    CallerRule { user_type, needs }
}

impl Method {
    /// What this method lists for a rule.
    pub fn error(&self, rule: Rule) -> Option<&'static ErrorText> {
        let mut known = COMMON_ERRORS.iter().chain(self.errors);
        known.find(|error| error.rule == rule)
    }

    /// How this method says what a rule refused: the text of `<error>`, and of `<message>` where there is one.
    pub fn say(&self, refusal: &Refusal) -> Option<(String, Option<String>)> {
        let error = self.error(refusal.rule)?;
        let detail = refusal.detail.as_deref().unwrap_or_default();
        let message = error.has_message.then(|| detail.into());
        Some((error.text.replace("{}", detail), message))
    }
}
