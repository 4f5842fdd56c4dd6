//! What a method is, as data: routing, the hash check, the reference, the OpenAPI file, the console and the generated
//! tests all read this one entry. An entry states only what differs from [`Method::DEFAULT`].

use std::sync::Arc;

pub use super::envelope::{
    Envelope, IN_PAGE, IN_STATUS, IN_STATUS_ALONE, LATER_IN_STATUS, List, Media, PAGE, Passed,
    PerDialect, Place, Reply, STATUS, bare, error_in, page, rooted, status, success,
};
pub use super::parameter::{Kind, Need, Parameter, digits, id, number, one_of, text};
use super::parameters::Parameters;
pub use super::xml::Element;
use crate::ambient::Ambient;
use crate::service::guard::access::Actor;
pub use crate::service::guard::access::Right;
pub use crate::service::{AccessError, Error, Field, Refusal, Rule, Thing};
use crate::store::row::Id;
pub use crate::store::tables::settings::Dialect;
use crate::store::tables::users::{Permission, UserType};
use crate::store::{ReadTx, StoreError, WriteTx};

/// A method of the API.
#[derive(Clone, Copy)]
pub struct Method {
    /// Its name in the path.
    pub name: &'static str,
    /// Older names under which clients call it.
    pub aliases: &'static [&'static str],
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// The title of its part of MOR's manual.
    pub source: &'static str,
    /// Its parameters, beyond `u`, `p`, `hash` and `test`.
    pub parameters: &'static [Parameter],
    /// Who calls, and how they prove it.
    pub who: Who,
    /// MOR's manual requires the caller's password.
    pub needs_password: bool,
    /// The orders in which parameters may be signed. The first one is the manual's.
    pub hashes: &'static [HashOrder],
    /// Where it is accepted without a hash; none: only where `hash_check` is off. A hash that is sent must be right.
    pub unsigned: Option<Unsigned>,
    /// The right that its callers need.
    pub right: Right,
    /// The texts for callers whom it does not let in: see [`denied`].
    pub denied: &'static [ErrorText],
    /// Its other errors, in the order of the checks.
    pub errors: &'static [ErrorText],
    /// The rule that answers a fault of the storage; none: 503.
    pub storage_error: Option<Rule>,
    /// It searches: it reads a list off the workers, and its pieces may be empty.
    pub is_search: bool,
    /// Its XML is sent as a gzipped file.
    pub is_file: bool,
    /// The envelope of its answers.
    pub envelope: PerDialect<Envelope>,
    /// The text of its fixture file, which the table adds.
    pub fixture: &'static str,
    /// What it does.
    pub run: Run,
}

/// Who calls, and how they prove it.
#[derive(Debug, Clone, Copy)]
pub enum Who {
    /// The user that `u` names. The hash proves it, and the password where it is sent or required.
    Signed,
    /// The user that `u` names. The password proves it, whatever the settings say. A hash is checked where the entry
    /// has an order.
    Password,
    /// The owner whose unique hash is sent in this parameter; admin without it. The hash proves it. No user has a
    /// unique hash yet, so nobody is found by one.
    Owner(Parameter),
    /// The user of the device whose username is sent in this parameter. Knowing it is enough. A hash is checked where
    /// the entry has an order.
    Device(Parameter),
}

/// Where a call without any hash is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsigned {
    /// The `hash_check` from which on it is accepted.
    pub level: HashLevel,
    /// The dialect in which it is accepted; none: all.
    pub dialect: Option<Dialect>,
    /// The reason.
    pub why: &'static str,
}

/// An order in which parameters are signed.
#[derive(Debug, PartialEq, Eq)]
pub struct HashOrder {
    /// Their names; the secret key comes last.
    pub parameters: &'static [&'static str],
    /// The `hash_check` from which on it is accepted.
    pub level: HashLevel,
    /// The reason.
    pub why: &'static str,
}

/// The `hash_check` from which on an order is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HashLevel {
    /// Always.
    Strict,
    /// Under `documented` and `lenient`.
    Documented,
    /// Under `lenient` only.
    Lenient,
}

/// A way to refuse, and its text.
#[derive(Debug, Clone, Copy)]
pub struct ErrorText {
    /// The rule that refuses.
    pub rule: Rule,
    /// The text of the answer; `{}` stands for the detail that the rule names, `{name}` for the name of its field.
    pub text: &'static str,
    /// The detail that the rule names goes into a `<message>` after the `<error>`.
    pub has_message: bool,
    /// Its place, if it differs from the method's other errors.
    pub place: Option<Place>,
}

/// The function of a method. Its type says whether it can write.
#[derive(Clone, Copy)]
pub enum Run {
    /// It only reads.
    Read(fn(&ReadTx<'_>, &Call) -> Result<Reply, Error>),
    /// It changes something.
    Write(fn(&WriteTx<'_>, &Call) -> Result<Reply, Error>),
}

/// A call that has passed every check before the method's own.
pub struct Call {
    /// The called method.
    pub method: &'static Method,
    /// The caller.
    pub actor: Actor,
    /// The parameters.
    pub parameters: Parameters,
    /// The dialect of the answer.
    pub dialect: Dialect,
    /// The dice for generated values.
    pub ambient: Arc<Ambient>,
    /// For a list: the id after which it continues; 0 at first.
    pub after: Id,
    /// For a list: what it has passed up to there.
    pub passed: Passed,
}

/// The errors of every method before it looks at the call.
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

/// An order that is always accepted.
pub const fn strict(parameters: &'static [&'static str], why: &'static str) -> HashOrder {
    HashOrder {
        parameters,
        level: HashLevel::Strict,
        why,
    }
}

/// An order that is accepted under `documented` and `lenient`.
pub const fn documented(parameters: &'static [&'static str], why: &'static str) -> HashOrder {
    HashOrder {
        parameters,
        level: HashLevel::Documented,
        why,
    }
}

/// An order that is accepted under `lenient` only.
pub const fn lenient(parameters: &'static [&'static str], why: &'static str) -> HashOrder {
    HashOrder {
        parameters,
        level: HashLevel::Lenient,
        why,
    }
}

/// A way to refuse.
pub const fn refuses(rule: Rule, text: &'static str) -> ErrorText {
    ErrorText {
        rule,
        text,
        has_message: false,
        place: None,
    }
}

/// `NAME is incorrect format` for each of these fields.
pub const fn incorrect<const N: usize>(fields: [Field; N]) -> [ErrorText; N] {
    let mut errors = [refuses(Rule::Failed, "{name} is incorrect format"); N];
    let mut place = 0;
    while place < N {
        errors[place].rule = Rule::Invalid(fields[place]);
        place += 1;
    }
    errors
}

/// `NAME is too long` for each of these fields.
pub const fn too_long<const N: usize>(fields: [Field; N]) -> [ErrorText; N] {
    let mut errors = [refuses(Rule::Failed, "{name} is too long"); N];
    let mut place = 0;
    while place < N {
        errors[place].rule = Rule::TooLong(fields[place]);
        place += 1;
    }
    errors
}

/// The number of errors in several lists: see [`in_order`].
pub const fn count(lists: &[&[ErrorText]]) -> usize {
    let (mut count, mut place) = (0, 0);
    while place < lists.len() {
        count += lists[place].len();
        place += 1;
    }
    count
}

/// One list of errors out of several: see [`in_order`].
pub const fn join<const N: usize>(lists: &[&[ErrorText]]) -> [ErrorText; N] {
    let mut all = [refuses(Rule::Failed, ""); N];
    let (mut next, mut list) = (0, 0);
    while list < lists.len() {
        let mut place = 0;
        while place < lists[list].len() {
            all[next] = lists[list][place];
            next += 1;
            place += 1;
        }
        list += 1;
    }
    all
}

/// The errors of a method that has some for many fields: lists of them, in the order of the checks.
macro_rules! in_order {
    ($($list:expr),+ $(,)?) => {{
        const LISTS: &[&[ErrorText]] = &[$(&$list),+];
        const ALL: [ErrorText; count(LISTS)] = join(LISTS);
        &ALL
    }};
}
pub(crate) use in_order;

/// The texts for callers whom a method does not let in, in the order of the checks: an unknown caller, a wrong hash, a
/// wrong password, a type that may not call, and last a missing permission.
pub const fn denied(text: &'static str, permission: &'static str) -> [ErrorText; 5] {
    [
        refuses(Rule::Access(AccessError::UnknownCaller), text),
        refuses(Rule::Access(AccessError::IncorrectHash), "Incorrect hash"),
        refuses(Rule::Access(AccessError::WrongPassword), text),
        refuses(Rule::Access(AccessError::WrongType), text),
        refuses(Rule::Access(AccessError::NotPermitted), permission),
    ]
}

impl ErrorText {
    /// The text, with the name of its field. `{}` still stands for the detail.
    pub fn named(&self) -> String {
        let name = self.rule.field().unwrap_or_default();
        self.text.replace("{name}", name)
    }

    /// Puts the detail that the rule names into a `<message>` after the `<error>`.
    pub const fn with_message(mut self) -> Self {
        self.has_message = true;
        self
    }

    /// Gives it this place, instead of the place of the method's other errors.
    pub const fn standing(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

impl Method {
    /// The defaults of an entry. Only admin may call it, and its answer is empty.
    pub const DEFAULT: Self = Self {
        name: "",
        aliases: &[],
        summary: "",
        source: "",
        parameters: &[],
        who: Who::Signed,
        needs_password: false,
        hashes: &[],
        unsigned: None,
        right: Right::ManageServer,
        denied: &denied("Access Denied", "Access Denied"),
        errors: &[],
        storage_error: None,
        is_search: false,
        is_file: false,
        envelope: PAGE,
        fixture: "",
        run: Run::Read(|_, _| Err(StoreError::Internal.into())),
    };

    /// Whether it checks hashes at all. A method that must be signed and has no order is closed to everybody.
    pub const fn looks_at_hash(&self) -> bool {
        match self.who {
            Who::Signed | Who::Owner(_) => true,
            Who::Password | Who::Device(_) => !self.hashes.is_empty(),
        }
    }

    /// The manual's order; none: it is not signed.
    pub fn order(&self) -> Option<&'static HashOrder> {
        self.hashes.first()
    }

    /// Whether `u` names the caller.
    pub const fn names_caller(&self) -> bool {
        matches!(self.who, Who::Signed | Who::Password)
    }

    /// Whether MOR's manual asks for the caller's password.
    pub const fn asks_for_password(&self) -> bool {
        self.needs_password || matches!(self.who, Who::Password)
    }

    /// The parameter that may follow its name in the path.
    pub fn path_parameter(&self) -> Option<&'static Parameter> {
        let mut parameters = self.parameters.iter();
        parameters.find(|parameter| parameter.is_in_path)
    }

    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        let mut parameters = self.parameters.iter();
        parameters.find(|parameter| parameter.name == name)
    }

    /// Every error of a call that it looks at, in the order of the checks.
    pub fn errors(&self) -> impl Iterator<Item = &'static ErrorText> + use<> {
        self.denied.iter().chain(self.errors)
    }

    /// This method's error for a rule.
    pub fn error(&self, rule: Rule) -> Option<&'static ErrorText> {
        let mut known = self.errors().chain(COMMON_ERRORS);
        known.find(|error| error.rule == rule)
    }

    /// This method's words for a refusal: the text of `<error>`, and of `<message>` if it has one.
    pub fn say(&self, refusal: &Refusal) -> Option<(String, Option<String>)> {
        let error = self.error(refusal.rule)?;
        let detail = refusal.detail.as_deref().unwrap_or_default();
        let message = error.has_message.then(|| detail.into());
        Some((error.named().replace("{}", detail), message))
    }

    /// Who may call it: types, each with the permission that it needs, if any.
    pub fn callers(&self) -> Vec<(UserType, Option<Permission>)> {
        let types = UserType::ALL.iter().copied();
        let needs = |user_type| Some((user_type, Actor::needs(user_type, self.right)?));
        types.filter_map(needs).collect()
    }
}
