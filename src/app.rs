//! What one running linebook holds: the database, the clock and dice, the verified passwords, the backups.

use std::sync::Arc;
use std::time::Duration;

use crate::ambient::Ambient;
use crate::housekeeping::{self, BackupPlan};
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
    /// The backups that it makes by itself.
    pub backups: Option<BackupPlan>,
    /// What its housekeeping has done.
    pub housekeeping: housekeeping::State,
}

impl App {
    /// A linebook over an open database.
    pub fn new(store: Store, ambient: Arc<Ambient>) -> Self {
        Self {
            verifier: Verifier::new(&ambient),
            store,
            ambient,
            backups: None,
            housekeeping: housekeeping::State::default(),
        }
    }

    /// The same, making backups.
    pub fn with_backups(self, backups: Option<BackupPlan>) -> Self {
        Self { backups, ..self }
    }

    /// How old the last good backup is that the server made by itself; none: there is none.
    pub fn backup_age(&self) -> Option<Duration> {
        let at_ms = self.housekeeping.last_backup_ms()?;
        let age_ms = self.ambient.now_ms().saturating_sub(at_ms);
        Some(Duration::from_millis(age_ms.max(0) as u64))
    }
}
