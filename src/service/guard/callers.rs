//! Callers, and what their calls are checked with. They are remembered while the database says that nothing has
//! changed: identifying a caller takes seven statements, and a few callers make most calls.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;

use crate::service::guard::access::{Actor, Right, scope_of};
use crate::service::guard::recent::Recent;
use crate::service::{AccessError, Error};
use crate::store::row::Id;
use crate::store::tables::settings::{self, HashCheck, OwnerSettings, Settings};
use crate::store::tables::users::{self, ADMIN, Permission, User, UserType};
use crate::store::tables::{api_keys, installation};
use crate::store::{ReadTx, StoreError};

/// Callers that are remembered. One more makes room by forgetting the one who called longest ago.
pub const MAX_REMEMBERED: NonZeroUsize = NonZeroUsize::new(1_000).expect("it is not zero");

/// How long anything is remembered, even while the database reports no change. A change that goes past its triggers
/// stays unseen no longer than this.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(60);

/// Recent callers. The whole server has one of these.
#[derive(Default)]
pub struct Callers(Mutex<Remembered>);

/// What the database said at this `access_version`.
struct Remembered {
    version: i64,
    since_ms: i64,
    settings: Option<Arc<Settings>>,
    by_name: Recent<String, Arc<Caller>>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            version: 0,
            since_ms: 0,
            settings: None,
            by_name: Recent::new(MAX_REMEMBERED),
        }
    }
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

    /// What [`find_caller`] finds on this snapshot. Only callers that exist are remembered, because the number of
    /// unknown names is unbounded.
    pub fn find(
        &self,
        tx: &ReadTx<'_>,
        current: &Current,
        username: &str,
    ) -> Result<Arc<Caller>, Error> {
        let remembered = self.at(current.version, current.now_ms);
        if let Some(caller) = remembered.and_then(|mut it| it.by_name.get(username).cloned()) {
            return Ok(caller);
        }
        let caller = Arc::new(find_caller(tx, &current.settings, username)?);
        if let Some(mut remembered) = self.at(current.version, current.now_ms) {
            let name = caller.user.username.clone();
            remembered.by_name.put(name, caller.clone());
        }
        Ok(caller)
    }

    /// The memory of this version. A newer version or its age empties it. None: the snapshot is older than the version
    /// that others have seen meanwhile.
    fn at(&self, version: i64, now_ms: i64) -> Option<MutexGuard<'_, Remembered>> {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age_ms = now_ms - remembered.since_ms;
        // A clock that was set back empties it, too.
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

/// The user in whose name a call comes, before anything has proved it.
pub struct Caller {
    /// The user.
    pub user: User,
    /// The argon2 string of their password.
    pub password: Option<String>,
    /// Their permissions beyond their type.
    pub permissions: Vec<Permission>,
    /// The owner they act for.
    pub owner_id: Id,
    /// How that owner's calls are checked and answered.
    pub owner_settings: OwnerSettings,
    /// The active keys that may have signed their call.
    pub keys: Vec<String>,
    /// The owner's IP allow-list.
    networks: Vec<String>,
}

impl Caller {
    /// Refuses a call from an address that is not on the owner's allow-list, as if the caller's name were unknown.
    pub fn check_address(&self, address: Option<IpAddr>) -> Result<(), Error> {
        if is_allowed(&self.networks, address) {
            return Ok(());
        }
        tracing::warn!(
            caller = self.user.username,
            address = address.map(tracing::field::display),
            "a call from an address that is not on the owner's allow-list"
        );
        Err(AccessError::UnknownCaller.into())
    }
}

/// Finds the user named `username`. A blocked user is as unknown as a name that nobody has.
pub fn find_caller(tx: &ReadTx<'_>, settings: &Settings, username: &str) -> Result<Caller, Error> {
    let Some((user, password)) = users::find_by_username(tx, username)? else {
        return Err(AccessError::UnknownCaller.into());
    };
    if user.blocked {
        return Err(AccessError::UnknownCaller.into());
    }
    let owner_id = scope_of(&user);
    Ok(Caller {
        permissions: users::permissions(tx, user.id)?,
        owner_settings: settings::get_owner(tx, owner_id)?,
        keys: keys(tx, settings, &user, owner_id)?,
        networks: settings::networks(tx, owner_id)?,
        owner_id,
        user,
        password,
    })
}

/// The system owner's username.
pub fn admin(tx: &ReadTx<'_>) -> Result<Option<String>, StoreError> {
    Ok(users::find(tx, ADMIN)?.map(|admin| admin.username))
}

/// The username of the user who has the device with this username.
pub fn user_of_device(tx: &ReadTx<'_>, device: &str) -> Result<Option<String>, StoreError> {
    users::find_username_by_device(tx, device)
}

/// How someone's calls are signed: the keys, and how strictly hashes are checked.
pub struct Signers {
    /// The active keys. The first one signs in examples.
    pub keys: Vec<String>,
    /// Which orders are accepted.
    pub check: HashCheck,
}

/// How the calls of the user named `username` are signed, if the actor may know: their own scope's keys, and nobody
/// else's.
pub fn signers(tx: &ReadTx<'_>, by: &Actor, username: &str) -> Result<Option<Signers>, Error> {
    by.require(Right::ManageApi)?;
    let settings = settings::get(tx)?;
    match find_caller(tx, &settings, username) {
        Ok(caller) if by.owns(caller.owner_id) => Ok(Some(Signers {
            keys: caller.keys,
            check: caller.owner_settings.hash_check,
        })),
        Ok(_) | Err(Error::Refused(_)) => Ok(None),
        Err(Error::Store(error)) => Err(error.into()),
    }
}

/// An accountant or manager signs with their own keys, and with admin's while `shared_admin_key` is on; everyone else
/// with their owner's.
fn keys(
    tx: &ReadTx<'_>,
    settings: &Settings,
    user: &User,
    owner_id: Id,
) -> Result<Vec<String>, StoreError> {
    let has_own = matches!(user.user_type, UserType::Accountant | UserType::Manager);
    let mut keys = Vec::new();
    if has_own {
        keys = api_keys::list_active(tx, user.id)?;
    }
    if !has_own || settings.shared_admin_key {
        keys.extend(api_keys::list_active(tx, owner_id)?);
    }
    Ok(keys.into_iter().map(|key| key.secret).collect())
}

/// Whether `address` is on an allow-list; an empty list allows every address.
fn is_allowed(networks: &[String], address: Option<IpAddr>) -> bool {
    // ::ffff:192.0.2.1 is 192.0.2.1 seen through a dual-stack socket.
    let address = address.map(|address| address.to_canonical());
    networks.is_empty()
        || address.is_some_and(|address| {
            networks
                .iter()
                .filter_map(|network| network.parse::<IpNet>().ok())
                .any(|network| network.contains(&address))
        })
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    fn check(networks: &[&str], address: &str) -> bool {
        let networks: Vec<String> = networks.iter().map(|network| (*network).into()).collect();
        is_allowed(&networks, address.parse().ok())
    }

    #[test]
    fn an_allow_list_holds_its_blocks_and_nothing_else() {
        assert!(check(&[], "203.0.113.9"));
        assert!(check(&["192.0.2.0/24"], "192.0.2.255"));
        assert!(!check(&["192.0.2.0/24"], "192.0.3.0"));
        assert!(check(&["192.0.2.0/24"], "::ffff:192.0.2.1"));
        assert!(check(&["10.0.0.0/8", "2001:db8::/32"], "2001:db8::1"));
        assert!(!check(&["10.0.0.0/8", "2001:db8::/32"], "2001:db9::1"));
        assert!(!check(&["10.0.0.0/8"], "not an address"));
    }
}
