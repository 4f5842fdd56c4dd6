//! What the tables `device_rules` and `provider_rules` have in common.

use crate::store::row::text_enum;

text_enum! {
    /// The number that a rule rewrites.
    AppliesTo {
        /// The called one.
        Destination = "dst",
        /// The caller's.
        Source = "src",
    }
}
