//! What the doors share: the database, the clock and the dice, known callers, and failures.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::ambient::Ambient;
use crate::service::guard::callers::Callers;
use crate::service::guard::failures::Failures;
use crate::service::guard::throttle::Throttle;
use crate::service::guard::verifier::Verifier;
use crate::store::Store;

/// Everything that is needed to let somebody in and to do what they ask.
pub struct Core {
    /// The database.
    pub store: Store,
    /// The clock and the dice. They are shared separately, so that a queued write does not hold the store that runs it.
    pub ambient: Arc<Ambient>,
    /// Recent callers.
    pub callers: Callers,
    /// Verified passwords.
    pub verifier: Verifier,
    /// Failed authentications.
    pub throttle: Throttle,
    /// Failed sign-ins that wait for the action log.
    pub failures: Failures,
    /// Calls from addresses that are not on the owner's allow-list, since the start.
    pub address_refusals: AtomicU64,
}

impl Core {
    /// Makes the core of an open database, whose writes it dates by its clock.
    pub fn new(store: Store, ambient: Arc<Ambient>) -> Self {
        store.date_by(&ambient);
        Self {
            callers: Callers::default(),
            verifier: Verifier::new(&ambient),
            throttle: Throttle::default(),
            failures: Failures::default(),
            address_refusals: AtomicU64::new(0),
            store,
            ambient,
        }
    }
}
