//! What a method takes: the parameters of an entry, as constants.

use super::parameters::Parameters;
use crate::service::{Rule, Thing};

/// A parameter.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it means, and what its absence does.
    pub doc: &'static str,
    /// Whether a call without it is refused.
    pub need: Need,
    /// What it names when it names a thing by something other than an id.
    named: Option<Thing>,
    /// A blank value counts as sent.
    pub counts_blank: bool,
    /// It may also follow the method's name in the path.
    pub is_in_path: bool,
}

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The number of such a thing: 1 to 18 digits.
    Id(Thing),
    /// Digits, at most so many.
    Digits(usize),
    /// A text of at most so many characters.
    Text(usize),
    /// One of these words, in any letter case.
    OneOf(&'static [&'static str]),
}

/// Whether a call without a parameter is refused.
#[derive(Debug, Clone, Copy)]
pub enum Need {
    /// It is taken without.
    Optional,
    /// It is refused, with this rule; none: as what nobody has, where the method's own rules come to it.
    Required(Option<Rule>),
    /// It is refused, unless one of these is sent.
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
            counts_blank: false,
            is_in_path: false,
        }
    }

    /// A call without it is refused.
    pub const fn required(mut self) -> Self {
        self.need = Need::Required(None);
        self
    }

    /// A call without it is refused with this rule.
    pub const fn required_or(mut self, rule: Rule) -> Self {
        self.need = Need::Required(Some(rule));
        self
    }

    /// A call without it is refused, unless one of these is sent.
    pub const fn unless(mut self, others: &'static [Parameter]) -> Self {
        self.need = Need::Unless(others);
        self
    }

    /// It names a thing: by its number, or its name.
    pub const fn names(mut self, thing: Thing) -> Self {
        self.named = Some(thing);
        self
    }

    /// A blank value counts as sent.
    pub const fn even_blank(mut self) -> Self {
        self.counts_blank = true;
        self
    }

    /// It may also follow the method's name in the path.
    pub const fn in_path(mut self) -> Self {
        self.is_in_path = true;
        self
    }

    /// The kind of thing that it names, by whatever.
    pub const fn thing(&self) -> Option<Thing> {
        match self.kind {
            Kind::Id(thing) => Some(thing),
            _ => self.named,
        }
    }

    /// A call without it is refused, whatever else is sent.
    pub const fn is_required(&self) -> bool {
        matches!(self.need, Need::Required(_))
    }

    /// Those of which any can stand for it.
    pub fn others(&self) -> impl Iterator<Item = &'static Self> + use<> {
        let others = match self.need {
            Need::Unless(others) => others,
            Need::Optional | Need::Required(_) => &[],
        };
        others.iter()
    }

    /// A call without it is refused, and these parameters are without it.
    pub fn is_lacking(&self, sent: &Parameters) -> bool {
        let lacks = |one: &Self| one.value(sent).is_none();
        match self.need {
            Need::Optional => false,
            Need::Required(_) => lacks(self),
            Need::Unless(_) => lacks(self) && self.others().all(lacks),
        }
    }

    /// What was sent as this parameter.
    pub fn value<'a>(&self, sent: &'a Parameters) -> Option<&'a str> {
        match self.counts_blank {
            true => sent.raw(self.name),
            false => sent.get(self.name),
        }
    }
}
