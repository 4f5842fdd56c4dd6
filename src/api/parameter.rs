//! The parameters of a method's entry, as constants.

use super::parameters::Parameters;
use crate::service::{Rule, Thing};

/// A parameter.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: Kind,
    /// Its meaning, and the effect of its absence.
    pub doc: &'static str,
    /// Whether a call needs it.
    pub need: Need,
    /// The thing that it names by something other than an id.
    named: Option<Thing>,
    /// A word that it takes as well.
    pub also: Option<&'static str>,
    /// Whether a blank value counts as sent.
    pub counts_blank: bool,
    /// Whether it may also follow the method's name in the path.
    pub is_in_path: bool,
}

/// The kind of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The id of such a thing: 1 to 18 digits.
    Id(Thing),
    /// Digits, at most this many.
    Digits(usize),
    /// A text of at most this many characters.
    Text(usize),
    /// A whole number, from the first to the second.
    Number(u64, u64),
    /// One of these words, in any letter case.
    OneOf(&'static [&'static str]),
}

/// Whether a call needs a parameter.
#[derive(Debug, Clone, Copy)]
pub enum Need {
    /// A call without it is accepted.
    Optional,
    /// A call without it is refused with this rule; none: the value counts as unknown, and the method's own rules
    /// refuse it in their order.
    Required(Option<Rule>),
    /// It is required, unless one of these is sent.
    Unless(&'static [Parameter]),
}

/// The id of a thing.
pub const fn id(name: &'static str, of: Thing, doc: &'static str) -> Parameter {
    Parameter::new(name, Kind::Id(of), doc)
}

/// Digits, at most `limit` of them.
pub const fn digits(name: &'static str, limit: usize, doc: &'static str) -> Parameter {
    Parameter::new(name, Kind::Digits(limit), doc)
}

/// A text of at most `limit` characters.
pub const fn text(name: &'static str, limit: usize, doc: &'static str) -> Parameter {
    Parameter::new(name, Kind::Text(limit), doc)
}

/// A whole number from `least` to `most`.
pub const fn number(name: &'static str, least: u64, most: u64, doc: &'static str) -> Parameter {
    Parameter::new(name, Kind::Number(least, most), doc)
}

/// One of `words`, in any letter case.
pub const fn one_of(
    name: &'static str,
    words: &'static [&'static str],
    doc: &'static str,
) -> Parameter {
    Parameter::new(name, Kind::OneOf(words), doc)
}

impl Parameter {
    const fn new(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            doc,
            need: Need::Optional,
            named: None,
            also: None,
            counts_blank: false,
            is_in_path: false,
        }
    }

    /// Makes it required.
    pub const fn required(mut self) -> Self {
        self.need = Need::Required(None);
        self
    }

    /// Makes it required: a call without it is refused with this rule.
    pub const fn required_or(mut self, rule: Rule) -> Self {
        self.need = Need::Required(Some(rule));
        self
    }

    /// Makes it required, unless one of these is sent.
    pub const fn unless(mut self, others: &'static [Parameter]) -> Self {
        self.need = Need::Unless(others);
        self
    }

    /// Makes it name a thing by its number or name.
    pub const fn names(mut self, thing: Thing) -> Self {
        self.named = Some(thing);
        self
    }

    /// Lets it also take this word.
    pub const fn or(mut self, word: &'static str) -> Self {
        self.also = Some(word);
        self
    }

    /// Makes a blank value count as sent.
    pub const fn even_blank(mut self) -> Self {
        self.counts_blank = true;
        self
    }

    /// Lets it also follow the method's name in the path.
    pub const fn in_path(mut self) -> Self {
        self.is_in_path = true;
        self
    }

    /// The kind of thing that it names, by id or otherwise.
    pub const fn thing(&self) -> Option<Thing> {
        match self.kind {
            Kind::Id(thing) => Some(thing),
            _ => self.named,
        }
    }

    /// Whether a call without it is always refused.
    pub const fn is_required(&self) -> bool {
        matches!(self.need, Need::Required(_))
    }

    /// The parameters that can each stand for it.
    pub fn others(&self) -> impl Iterator<Item = &'static Self> + use<> {
        let others = match self.need {
            Need::Unless(others) => others,
            Need::Optional | Need::Required(_) => &[],
        };
        others.iter()
    }

    /// Whether these parameters lack it, so that the call is refused.
    pub fn is_lacking(&self, sent: &Parameters) -> bool {
        let lacks = |one: &Self| one.value(sent).is_none();
        match self.need {
            Need::Optional => false,
            Need::Required(_) => lacks(self),
            Need::Unless(_) => lacks(self) && self.others().all(lacks),
        }
    }

    /// The sent value of this parameter.
    pub fn value<'a>(&self, sent: &'a Parameters) -> Option<&'a str> {
        match self.counts_blank {
            true => sent.raw(self.name),
            false => sent.get(self.name),
        }
    }
}
