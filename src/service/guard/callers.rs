//! Who calls, remembered for as long as the database says that it holds: to identify a caller takes seven statements, and
//! most calls are by the same few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::service::Error;
use crate::service::guard::access::{Caller, find_caller};
use crate::store::tables::installation;
use crate::store::tables::settings::{self, Settings};
use crate::store::{ReadTx, StoreError};

/// Callers that are remembered; one more makes room by forgetting all.
pub const MAX_REMEMBERED: usize = 1_000;

/// How long anything is remembered, also while the database says that it holds: nothing that goes past its triggers stays
/// unseen for longer.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(60);

/// The callers of late; one for the whole server.
#[derive(Default)]
pub struct Callers(Mutex<Remembered>);

/// What the database said when its `access_version` was this one.
#[derive(Default)]
struct Remembered {
    version: i64,
    since_ms: i64,
    settings: Option<Arc<Settings>>,
    by_name: HashMap<String, Arc<Caller>>,
}

/// What holds for every call on a snapshot.
pub struct Current {
    /// The snapshot's `access_version`.
    pub version: i64,
    now_ms: i64,
    /// The switches of the API.
    pub settings: Arc<Settings>,
}

impl Callers {
    /// What holds for every call on this snapshot.
    pub fn current(&self, tx: &ReadTx<'_>, now_ms: i64) -> Result<Current, StoreError> {
        let version = installation::access_version(tx)?;
        let remembered = self.at(version, now_ms).and_then(|it| it.settings.clone());
        let settings = match remembered {
            Some(settings) => settings,
            None => {
                let settings = Arc::new(settings::get(tx)?);
                if let Some(mut remembered) = self.at(version, now_ms) {
                    remembered.settings = Some(settings.clone());
                }
                settings
            }
        };
        Ok(Current {
            version,
            now_ms,
            settings,
        })
    }

    /// What [`find_caller`] finds on this snapshot. Only what is there is remembered: names that nobody has are endless.
    pub fn find(
        &self,
        tx: &ReadTx<'_>,
        current: &Current,
        username: &str,
    ) -> Result<Arc<Caller>, Error> {
        let remembered = self.at(current.version, current.now_ms);
        if let Some(caller) = remembered.and_then(|it| it.by_name.get(username).cloned()) {
            return Ok(caller);
        }
        let caller = Arc::new(find_caller(tx, &current.settings, username)?);
        if let Some(mut remembered) = self.at(current.version, current.now_ms) {
            if remembered.by_name.len() >= MAX_REMEMBERED {
                remembered.by_name.clear();
            }
            let name = caller.user.username.clone();
            remembered.by_name.insert(name, caller.clone());
        }
        Ok(caller)
    }

    /// What is remembered of this version; a newer one makes all that was remembered void, and so does its age. None: a
    /// snapshot that is older than what others have seen meanwhile.
    fn at(&self, version: i64, now_ms: i64) -> Option<MutexGuard<'_, Remembered>> {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age_ms = now_ms - remembered.since_ms;
        // A clock that was set back makes it void, too.
        let is_fresh = (0..REMEMBERED_FOR.as_millis() as i64).contains(&age_ms);
        if remembered.version < version || !is_fresh {
            *remembered = Remembered {
                version: remembered.version.max(version),
                since_ms: now_ms,
                ..Remembered::default()
            };
        }
        (remembered.version == version).then_some(remembered)
    }
}
