//! What one running linebook holds: the database, the clock and dice, the verified passwords.

use std::sync::Arc;

use crate::ambient::Ambient;
use crate::service::verifier::Verifier;
use crate::store::Store;

/// One running linebook.
pub struct App {
    /// The database.
    pub store: Store,
    /// The clock and the dice. Shared by itself, so that a queued write does not hold the store that runs it.
    pub ambient: Arc<Ambient>,
    /// Verified passwords.
    pub verifier: Verifier,
}

impl App {
    /// A linebook over an open database.
    pub fn new(store: Store, ambient: Arc<Ambient>) -> Self {
        Self {
            verifier: Verifier::new(&ambient),
            store,
            ambient,
        }
    }
}
