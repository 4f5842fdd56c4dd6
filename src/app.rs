//! A running server: the core that all doors share, and what only a server has.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::Mutex;

use crate::ambient::Ambient;
use crate::aside::{Aside, OneEach};
use crate::housekeeping::{BackupPlan, Backups};
use crate::metrics::{Metrics, Seen};
use crate::service::core::Core;
use crate::service::installation;
use crate::store::{Store, StoreError};
use crate::telemetry;

/// How long the database may take to read and to write before the server counts as not ready.
pub const READY_TIMEOUT: Duration = Duration::from_secs(3);
/// How long that answer is kept, so that frequent questions do not sync the disk as often.
pub const READY_FOR_MS: i64 = 1000;

/// The most peers that get a warning for not being trusted proxies. The number of such peers is unbounded.
pub const MAX_WARNED: usize = 16;

/// One running linebook.
pub struct App {
    /// The core that all doors share.
    pub core: Arc<Core>,
    /// Work that would hold up a worker.
    pub aside: Aside,
    /// The users who are having a hash explained.
    pub explanations: OneEach,
    /// The backups that it makes by itself.
    pub backups: Arc<Backups>,
    /// The counts.
    pub metrics: Metrics,
    /// Proxies whose word about the caller counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Peers that were warned about.
    warned: std::sync::Mutex<BTreeSet<IpAddr>>,
    /// Whether it listens with TLS.
    pub has_tls: bool,
    /// Whether the metrics are on the address of the API.
    pub has_public_metrics: bool,
    /// The time and the result of the last try to read and write.
    readiness: Mutex<Option<(i64, Result<(), StoreError>)>>,
}

impl App {
    /// A linebook over an open database.
    pub fn new(store: Store, ambient: Arc<Ambient>) -> Self {
        let metrics = Metrics::new(ambient.now_ms(), store.batch_sizes());
        Self {
            core: Arc::new(Core::new(store, ambient)),
            aside: Aside::default(),
            explanations: OneEach::default(),
            backups: Arc::default(),
            metrics,
            trusted_proxies: Vec::new(),
            warned: std::sync::Mutex::default(),
            has_tls: false,
            has_public_metrics: false,
            readiness: Mutex::default(),
        }
    }

    /// Whether an address belongs to a trusted proxy.
    pub fn trusts(&self, address: &IpAddr) -> bool {
        let mut trusted = self.trusted_proxies.iter();
        trusted.any(|network| network.contains(address))
    }

    /// Whether to warn about a peer: it is new, and the limit is not reached.
    pub fn warns_of(&self, peer: IpAddr) -> bool {
        let warned = self.warned.lock();
        let mut warned = warned.unwrap_or_else(PoisonError::into_inner);
        warned.len() < MAX_WARNED && warned.insert(peer)
    }

    /// Makes it take backups by this plan.
    pub fn with_backups(self, plan: Option<BackupPlan>) -> Self {
        let backups = Arc::new(Backups::new(plan));
        Self { backups, ..self }
    }

    /// Everything that is counted, as text.
    pub fn metrics(&self) -> String {
        let core = &self.core;
        self.metrics.text(&Seen {
            store: core.store.activity(),
            throttled: core.throttle.refused(),
            address_refusals: core.address_refusals.load(Ordering::Relaxed),
            passwords_remembered: core.verifier.remembered_count(),
            passwords_waiting: core.verifier.waiting(),
            passwords_turned_away: core.verifier.turned_away(),
            pages_waiting: self.aside.waiting(),
            backup_age: self.backups.age(core.ambient.now_ms()),
            lost_lines: telemetry::lost_lines(),
        })
    }

    /// Whether calls that read and calls that write can be answered: both are tried, with as much as a large call writes.
    pub async fn check_ready(&self) -> Result<(), StoreError> {
        let mut last = self.readiness.lock().await;
        let now_ms = self.core.ambient.now_ms();
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
        let Core { store, ambient, .. } = &*self.core;
        store.read(installation::is_demo)?;
        let filler = ambient.noise(installation::TOUCHED_BYTES);
        let written = store.write(move |tx| installation::touch(tx, &filler));
        match tokio::time::timeout(READY_TIMEOUT, written).await {
            Ok(written) => written,
            Err(_) => Err(StoreError::Overloaded),
        }
    }
}
