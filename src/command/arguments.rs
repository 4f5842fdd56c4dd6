//! Arguments that several verbs take: ids, words, a part of a list, `--owner`.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::command::fault::naming;
use crate::service::guard::access::Actor;
use crate::service::installation::ADMIN_USERNAME;
use crate::service::{self, Field, Refusal, Rule, users};
use crate::store::ReadTx;
use crate::store::row::Id;
use crate::store::tables::users::ADMIN;

/// The most rows that a list prints.
pub const MAX_ROWS: u32 = 100_000;
/// Rows that a list prints by default.
pub const DEFAULT_ROWS: u32 = 1000;

/// A part of a list.
#[derive(Debug, clap::Args)]
pub struct Window {
    /// Print this many rows at most
    #[arg(long, value_name = "N", default_value_t = DEFAULT_ROWS, value_parser = row_count())]
    pub limit: u32,

    /// Print only rows with ids above this one
    #[arg(long, value_name = "ID", value_parser = id())]
    after: Option<Id>,
}

impl Window {
    /// The id after which the store starts. Admin's id is 0.
    pub fn after(&self) -> Id {
        self.after.unwrap_or(-1)
    }

    /// The number of rows to ask the store for: one more than printed, to know whether more exist.
    pub fn fetch(&self) -> u32 {
        self.limit + 1
    }
}

pub fn row_count() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=i64::from(MAX_ROWS))
}

/// An id on the command line.
pub fn id() -> clap::builder::RangedI64ValueParser<Id> {
    clap::value_parser!(Id).range(0..)
}

/// A text that says something. A script whose variable is not set would give a filter that finds everything.
pub fn filled(text: &str) -> Result<String, String> {
    match text.trim().is_empty() {
        true => Err("it is blank, which would leave nothing out".into()),
        false => Ok(text.into()),
    }
}

/// One of the words of an enumeration, listed in the help.
pub fn one_of<T>(words: impl IntoIterator<Item = T>) -> impl TypedValueParser<Value = T>
where
    T: std::str::FromStr<Err = String> + std::fmt::Display + Clone + Send + Sync + 'static,
{
    let words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    PossibleValuesParser::new(words).try_map(|word| word.parse::<T>())
}

/// `--owner`.
#[derive(Debug, clap::Args)]
pub struct Owner {
    /// Whose it is: admin or a reseller, by id or username [default: admin]
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
}

impl Owner {
    /// The id of the named user, or admin's.
    pub fn id(&self, tx: &ReadTx<'_>, by: &Actor) -> Result<Id, service::Error> {
        match &self.owner {
            Some(name) => Ok(users::get_named(tx, by, name)?.id),
            None => Ok(ADMIN),
        }
    }

    /// A refusal to make `made` for this owner. It names the one of the two that it is about.
    pub fn naming(&self, error: service::Error, made: &str) -> service::Error {
        let is_owner = matches!(
            &error,
            service::Error::Refused(Refusal {
                rule: Rule::Invalid(Field::Owner | Field::UserType),
                ..
            })
        );
        match is_owner {
            true => naming(error, self.owner.as_deref().unwrap_or(ADMIN_USERNAME)),
            false => naming(error, made),
        }
    }
}
