//! What the rules of devices and of providers have in common: each rewrites the numbers of calls. They are kept for a
//! PBX, which applies them.

use super::{Error, Field, Rule, text};
use crate::store::tables::number_rules::AppliesTo;

/// The most rules of one device or provider.
pub const MAX_RULES: u32 = 1000;
/// The most characters that a rule cuts off or adds.
pub const MAX_PART: usize = 60;
/// The longest number that a rule can be for, in digits.
pub const MAX_LENGTH: u32 = 100;

/// A rule to add, with its values as they were sent. Blank and none are the same.
#[derive(Debug, Clone, Default)]
pub struct NewNumberRule {
    /// What people call it.
    pub name: String,
    /// What it cuts off the beginning of a number.
    pub cut: String,
    /// What it puts there instead: `add` in the API.
    pub prefix: String,
    /// The shortest number that it is for; none: 1.
    pub min_length: Option<String>,
    /// The longest one; none: [`MAX_LENGTH`].
    pub max_length: Option<String>,
    /// `src` or `dst`; none: `dst`.
    pub applies_to: Option<String>,
    /// Whether it rewrites the caller's name, too: `0` or `1`; none: `0`.
    pub changes_name: Option<String>,
}

impl NewNumberRule {
    /// It has a name and does something, and what it cuts off and adds is right, as far as there is any.
    pub(super) fn check(&self, is_right: impl Fn(&str) -> bool) -> Result<(), Error> {
        if self.name.trim().is_empty() {
            return Err(Rule::Missing(Field::Name).into());
        }
        if self.cut.is_empty() && self.prefix.is_empty() {
            return Err(Rule::Missing(Field::Cut).into());
        }
        text::check_name(&self.name)?;
        for (field, part) in [(Field::Cut, &self.cut), (Field::Prefix, &self.prefix)] {
            if text::is_longer(part, MAX_PART) || !(part.is_empty() || is_right(part)) {
                return Err(Rule::Invalid(field).into());
            }
        }
        Ok(())
    }

    /// The lengths of the shortest and the longest number that it is for.
    pub(super) fn lengths(&self) -> Result<(u32, u32), Error> {
        let min = length(&self.min_length, 1, 1).ok_or(Rule::Invalid(Field::MinLength))?;
        let max = length(&self.max_length, min, MAX_LENGTH);
        Ok((min, max.ok_or(Rule::Invalid(Field::MaxLength))?))
    }

    /// The number that it rewrites.
    pub(super) fn applies_to(&self) -> Result<AppliesTo, Error> {
        let Some(word) = filled(&self.applies_to) else {
            return Ok(AppliesTo::Destination);
        };
        let word = word.to_ascii_lowercase().parse();
        word.map_err(|_| Rule::Invalid(Field::AppliesTo).into())
    }

    /// Whether it rewrites the caller's name, too.
    pub(super) fn changes_name(&self) -> Result<bool, Error> {
        switch(&self.changes_name, Field::ChangesName)
    }
}

/// A length from `least` to [`MAX_LENGTH`].
fn length(sent: &Option<String>, least: u32, default: u32) -> Option<u32> {
    match filled(sent) {
        Some(sent) => text::number(sent, least..=MAX_LENGTH),
        None => Some(default),
    }
}

/// `0`, `1`, or nothing, which is 0.
pub(super) fn switch(sent: &Option<String>, field: Field) -> Result<bool, Error> {
    match filled(sent) {
        None | Some("0") => Ok(false),
        Some("1") => Ok(true),
        Some(_) => Err(Rule::Invalid(field).into()),
    }
}

/// What was sent, unless that is blank.
pub(super) fn filled(sent: &Option<String>) -> Option<&str> {
    sent.as_deref().filter(|sent| !sent.is_empty())
}
