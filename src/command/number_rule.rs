//! What `device rule add` and `provider rule add` both take.

use crate::service::number_rules::NewNumberRule;

/// How a rule rewrites numbers
#[derive(Debug, clap::Args)]
pub struct NumberRule {
    /// What people call the rule
    name: String,
    /// Take this off the beginning of a number
    #[arg(long, default_value = "")]
    cut: String,
    /// Put this there
    #[arg(long, default_value = "")]
    add: String,
    /// The shortest number that it is for, in digits [default: 1]
    #[arg(long, value_name = "N")]
    min: Option<String>,
    /// The longest one [default: 100]
    #[arg(long, value_name = "N")]
    max: Option<String>,
    /// Rewrite the caller's number (src) or the called one (dst) [default: dst]
    #[arg(long = "for", value_name = "NUMBER")]
    applies_to: Option<String>,
    /// Rewrite the caller's name, too
    #[arg(long)]
    with_name: bool,
}

impl NumberRule {
    /// The rule to add.
    pub fn sent(self) -> NewNumberRule {
        NewNumberRule {
            name: self.name,
            cut: self.cut,
            prefix: self.add,
            min_length: self.min,
            max_length: self.max,
            applies_to: self.applies_to,
            changes_name: self.with_name.then(|| "1".into()),
        }
    }
}
