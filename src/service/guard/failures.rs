//! Failed sign-ins for the action log. They are counted in memory, because guessing must not make the server write, and
//! written when the hour or the server ends.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use serde_json::json;

use crate::ambient::rfc3339;
use crate::service::action::Action;
use crate::service::guard::access::SYSTEM;
use crate::store::row::Id;
use crate::store::tables::action_log::{self, Entry, Through};
use crate::store::tables::users;
use crate::store::{Store, StoreError, WriteTx};

/// The most rows of the action log for one hour's failures: one for each address (of IPv6 a /64) and name, the last of
/// them for all others together.
pub const MAX_ROWS: usize = 1000;
/// Stands for all unknown names. They may be passwords typed into the wrong field, so none of them is kept. No username
/// has a space.
pub const UNKNOWN: &str = "(unknown names)";
/// Stands for the names and addresses that found no room.
pub const OTHERS: &str = "(all others)";

/// Counts failures until they are written. The whole server has one of these.
#[derive(Default)]
pub struct Failures {
    counts: Mutex<Counts>,
}

#[derive(Debug, Clone, Default)]
struct Counts {
    by_key: HashMap<Key, Count>,
    others: Option<Count>,
}

/// The address, and the user; none: a name that nobody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key(Option<IpNet>, Option<Id>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    times: u64,
    first_ms: i64,
    last_ms: i64,
}

impl Failures {
    /// Counts a refused name or password.
    pub fn note(&self, store: &Store, now_ms: i64, address: Option<IpAddr>, username: &str) {
        // A name that cannot be looked up counts as unknown.
        let found = store.read(|tx| users::find_by_username(tx, username));
        let user_id = found.ok().flatten().map(|(user, _)| user.id);
        self.add(Key(address.map(network), user_id), Count::once(now_ms));
    }

    fn add(&self, key: Key, count: Count) {
        self.lock().add(key, count);
    }

    fn take(&self) -> Counts {
        std::mem::take(&mut *self.lock())
    }

    fn give_back(&self, counts: Counts) {
        let mut now = self.lock();
        for (key, count) in counts.by_key {
            now.add(key, count);
        }
        if let Some(count) = counts.others {
            now.add_to_others(count);
        }
    }

    // The counts are consistent between two statements, so a poisoned lock is safe to use.
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn add(&mut self, key: Key, count: Count) {
        if let Some(known) = self.by_key.get_mut(&key) {
            known.merge(count);
            return;
        }
        if self.by_key.len() < MAX_ROWS - 1 {
            self.by_key.insert(key, count);
            return;
        }
        // Unknown names cost a guesser nothing, so they make room for a known one.
        let unknown = self.by_key.keys().find(|known| known.1.is_none()).copied();
        match (key.1, unknown) {
            (Some(_), Some(unknown)) => {
                if let Some(gone) = self.by_key.remove(&unknown) {
                    self.add_to_others(gone);
                }
                self.by_key.insert(key, count);
            }
            _ => self.add_to_others(count),
        }
    }

    fn add_to_others(&mut self, count: Count) {
        match &mut self.others {
            Some(others) => others.merge(count),
            None => self.others = Some(count),
        }
    }

    fn is_empty(&self) -> bool {
        self.by_key.is_empty() && self.others.is_none()
    }
}

impl Count {
    fn once(now_ms: i64) -> Self {
        Self {
            times: 1,
            first_ms: now_ms,
            last_ms: now_ms,
        }
    }

    fn merge(&mut self, other: Self) {
        self.times = self.times.saturating_add(other.times);
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
    }
}

/// Writes the counts into the action log, and gives the number of rows. Counts that cannot be written are kept for the
/// next time.
pub async fn write(store: &Store, failures: &Failures) -> Result<usize, StoreError> {
    let counts = failures.take();
    if counts.is_empty() {
        return Ok(0);
    }
    let taken = counts.clone();
    let written = store.write(move |tx| insert(tx, &taken)).await;
    if written.is_err() {
        failures.give_back(counts);
    }
    written
}

fn insert(tx: &WriteTx<'_>, counts: &Counts) -> Result<usize, StoreError> {
    let now_ms = tx.now_ms();
    let mut known: Vec<_> = counts.by_key.iter().collect();
    known.sort_by_key(|(_, count)| (count.first_ms, count.last_ms));
    for (Key(network, user_id), count) in &known {
        let username = match user_id {
            Some(id) => users::find(tx, *id)?.map(|user| user.username),
            None => None,
        };
        let username = username.as_deref().unwrap_or(UNKNOWN);
        let address = network.as_ref().map(shown);
        action_log::insert(tx, &entry(now_ms, address, *user_id, username, **count))?;
    }
    if let Some(count) = counts.others {
        action_log::insert(tx, &entry(now_ms, None, None, OTHERS, count))?;
    }
    Ok(known.len() + usize::from(counts.others.is_some()))
}

/// What counts as one address: an IPv6 customer has a whole /64, and `::ffff:192.0.2.1` is 192.0.2.1.
fn network(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V6(ip) => IpNet::new(ip.into(), 64)
            .expect("64 bits are in an IPv6 address")
            .trunc(),
        v4 => v4.into(),
    }
}

/// An IPv4 address alone, and an IPv6 network.
fn shown(network: &IpNet) -> String {
    match network {
        IpNet::V4(one) => one.addr().to_string(),
        IpNet::V6(block) => block.to_string(),
    }
}

fn entry(
    now_ms: i64,
    address: Option<String>,
    object_id: Option<Id>,
    username: &str,
    count: Count,
) -> Entry {
    let after = json!({
        "username": username,
        "count": count.times,
        "first": rfc3339(count.first_ms),
        "last": rfc3339(count.last_ms),
    });
    Entry {
        at_ms: now_ms,
        actor_id: None,
        actor: SYSTEM.into(),
        through: Through::System,
        address,
        request_id: None,
        action: Action::SessionFailed.as_str().into(),
        object_id,
        before: None,
        after: Some(after.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32, user_id: Option<Id>) -> Key {
        Key(Some(network(IpAddr::from(number.to_be_bytes()))), user_id)
    }

    fn rows(failures: &Failures) -> (usize, Option<u64>) {
        let counts = failures.lock();
        (counts.by_key.len(), counts.others.map(|count| count.times))
    }

    #[test]
    fn an_hour_has_a_limited_number_of_rows() {
        let failures = Failures::default();
        for number in 1..MAX_ROWS as u32 {
            failures.add(key(number, None), Count::once(0));
        }
        assert_eq!(rows(&failures), (MAX_ROWS - 1, None));
        failures.add(key(1, None), Count::once(0));
        assert_eq!(rows(&failures), (MAX_ROWS - 1, None));
        for number in 0..3 {
            failures.add(key(1_000_000 + number, None), Count::once(0));
        }
        assert_eq!(rows(&failures), (MAX_ROWS - 1, Some(3)));
        // A known user finds room. The unknown name that made room counts among the others.
        failures.add(key(2_000_000, Some(7)), Count::once(0));
        assert_eq!(rows(&failures).0, MAX_ROWS - 1);
        assert!(rows(&failures).1 >= Some(4));
        assert!(
            failures
                .lock()
                .by_key
                .contains_key(&key(2_000_000, Some(7)))
        );
    }

    #[test]
    fn what_could_not_be_written_is_added_to_what_came_since() {
        let failures = Failures::default();
        failures.add(key(1, Some(2)), Count::once(5));
        let taken = failures.take();
        assert_eq!(rows(&failures), (0, None));
        failures.add(key(1, Some(2)), Count::once(9));
        failures.give_back(taken);
        let both = Count {
            times: 2,
            first_ms: 5,
            last_ms: 9,
        };
        assert_eq!(failures.lock().by_key[&key(1, Some(2))], both);
    }
}
