//! What one running linebook holds: the database, the clock and dice, the verified passwords, what is counted, the
//! backups.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::Mutex;

use crate::ambient::Ambient;
use crate::aside::{Aside, OneEach};
use crate::housekeeping::{self, BackupPlan};
use crate::metrics::Metrics;
use crate::service::guard::callers::Callers;
use crate::service::guard::failures::Failures;
use crate::service::guard::throttle::Throttle;
use crate::service::guard::verifier::Verifier;
use crate::service::installation;
use crate::service::overview::Backups;
use crate::store::{Store, StoreError};

/// How long the database may take to read and to write before the server counts as not ready.
pub const READY_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an answer to that question holds, so that whoever asks often does not make the disk sync as often.
pub const READY_FOR_MS: i64 = 1000;

/// Peers that are warned about because they are no trusted proxies; there may be no end of them.
pub const MAX_WARNED: usize = 16;

/// One running linebook.
pub struct App {
    /// The database.
    pub store: Store,
    /// The clock and the dice. Shared by itself, so that a queued write does not hold the store that runs it.
    pub ambient: Arc<Ambient>,
    /// The callers of late.
    pub callers: Callers,
    /// Work that would hold up a worker.
    pub aside: Aside,
    /// Who is having a hash explained.
    pub explanations: OneEach,
    /// Verified passwords.
    pub verifier: Verifier,
    /// The backups that it makes by itself.
    pub backups: Option<BackupPlan>,
    /// What its housekeeping has done.
    pub housekeeping: housekeeping::State,
    /// Failed authentications.
    pub throttle: Throttle,
    /// Failed sign-ins that the action log will have.
    pub failures: Failures,
    /// What is counted.
    pub metrics: Metrics,
    /// Proxies that say truly for whom they call.
    pub trusted_proxies: Vec<IpNet>,
    /// Peers that were warned about.
    warned: std::sync::Mutex<BTreeSet<IpAddr>>,
    /// It listens with TLS.
    pub has_tls: bool,
    /// Whether the metrics are on the address of the API.
    pub has_public_metrics: bool,
    /// When it was last tried whether the database can read and write, and whether it could.
    readiness: Mutex<Option<(i64, Result<(), StoreError>)>>,
}

impl App {
    /// A linebook over an open database.
    pub fn new(store: Store, ambient: Arc<Ambient>) -> Self {
        store.date_by(&ambient);
        Self {
            callers: Callers::default(),
            aside: Aside::default(),
            explanations: OneEach::default(),
            verifier: Verifier::new(&ambient),
            throttle: Throttle::default(),
            failures: Failures::default(),
            metrics: Metrics::new(ambient.now_ms(), store.batch_sizes()),
            trusted_proxies: Vec::new(),
            warned: std::sync::Mutex::default(),
            has_tls: false,
            has_public_metrics: false,
            readiness: Mutex::default(),
            store,
            ambient,
            backups: None,
            housekeeping: housekeeping::State::default(),
        }
    }

    /// Whether an address is one of a proxy that says truly for whom it calls.
    pub fn trusts(&self, address: &IpAddr) -> bool {
        let mut trusted = self.trusted_proxies.iter();
        trusted.any(|network| network.contains(address))
    }

    /// Whether a peer was not warned about before, and still may be.
    pub fn warns_of(&self, peer: IpAddr) -> bool {
        let warned = self.warned.lock();
        let mut warned = warned.unwrap_or_else(PoisonError::into_inner);
        warned.len() < MAX_WARNED && warned.insert(peer)
    }

    /// The same, making backups.
    pub fn with_backups(self, backups: Option<BackupPlan>) -> Self {
        Self { backups, ..self }
    }

    /// How old the last good backup is that the server made by itself; none: there is none, or the clock
    /// was set back since, so that its age is not known.
    pub fn backup_age(&self) -> Option<Duration> {
        let at_ms = self.housekeeping.last_backup_ms()?;
        let age_ms = self.ambient.now_ms().saturating_sub(at_ms);
        u64::try_from(age_ms).ok().map(Duration::from_millis)
    }

    /// What is known of backups, for the overview.
    pub fn known_backups(&self) -> Backups {
        let every = self.backups.as_ref().map(|plan| plan.every);
        Backups {
            every_ms: every.map(|every| i64::try_from(every.as_millis()).unwrap_or(i64::MAX)),
            last_ms: self.housekeeping.last_backup_ms(),
        }
    }

    /// Whether calls that read and calls that write can be answered: both are tried, with as much as a large call writes.
    pub async fn check_ready(&self) -> Result<(), StoreError> {
        let mut last = self.readiness.lock().await;
        let now_ms = self.ambient.now_ms();
        match &*last {
            Some((at_ms, known)) if (*at_ms..at_ms + READY_FOR_MS).contains(&now_ms) => {
                known.clone()
            }
            _ => {
                let tried = self.try_store().await;
                *last = Some((now_ms, tried.clone()));
                tried
            }
        }
    }

    async fn try_store(&self) -> Result<(), StoreError> {
        self.store.read(installation::is_demo)?;
        let filler = self.ambient.noise(installation::TOUCHED_BYTES);
        let written = self.store.write(move |tx| installation::touch(tx, &filler));
        match tokio::time::timeout(READY_TIMEOUT, written).await {
            Ok(written) => written,
            Err(_) => Err(StoreError::Overloaded),
        }
    }
}
