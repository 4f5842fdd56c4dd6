//! Users: their accounts, their permissions, and the addresses from which an owner's API may be called.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use serde_json::json;

use super::lists::{self, Slice};
use super::{AccessError, Error, Field, Rule, Thing, log, settings, text};
use crate::service::action::Action;
use crate::service::guard::access::{self, Actor, OPERATOR, Right, SYSTEM};
use crate::store::row::{Cursor, Id};
use crate::store::tables::action_log::Through;
use crate::store::tables::settings as settings_table;
use crate::store::tables::users::{self, ADMIN, Permission, User, UserType};
use crate::store::tables::{device_groups, sessions};
use crate::store::{ReadTx, StoreError, WriteTx};

/// Longest username, in characters.
pub const MAX_USERNAME: usize = 80;
/// Name of the device group that every user starts with.
pub const PRIMARY_GROUP: &str = "primary";
/// Shortest prefix of a block on an allow-list.
const MIN_PREFIX: u8 = 8;
/// The most blocks on one owner's allow-list: every call is compared with all of them.
pub const MAX_NETWORKS: usize = 256;

/// A user to create.
#[derive(Clone)]
pub struct NewUser {
    /// 1 to [`MAX_USERNAME`] characters, unique.
    pub username: String,
    /// Anything but admin.
    pub user_type: UserType,
    /// Admin; for a plain user also a reseller.
    pub owner_id: Id,
    /// An argon2 string; none: no password verifies.
    pub password_hash: Option<String>,
}

/// Creates a user with a primary device group.
pub fn create(tx: &WriteTx<'_>, by: &Actor, new: NewUser) -> Result<Id, Error> {
    by.require(Right::ManageUsers)?;
    check_username(&new.username)?;
    let has_owner = match new.user_type {
        UserType::Admin => false,
        UserType::Reseller | UserType::Accountant | UserType::Manager => new.owner_id == ADMIN,
        UserType::User => true,
    };
    if !has_owner || !access::is_owner(tx, by, new.owner_id)? {
        return Err(Rule::Invalid(Field::UserType).into());
    }
    insert(tx, by, None, new)
}

/// Adds the row, the primary group and the log entry of a user who meets the rules.
pub(super) fn insert(
    tx: &WriteTx<'_>,
    by: &Actor,
    id: Option<Id>,
    new: NewUser,
) -> Result<Id, Error> {
    let after = json!({
        "username": new.username,
        "type": new.user_type,
        "owner_id": new.owner_id,
    });
    let row = users::NewUser {
        id,
        username: new.username,
        user_type: new.user_type,
        owner_id: new.owner_id,
        password: new.password_hash,
    };
    let id = users::insert(tx, &row, tx.now_ms()).map_err(|error| match error {
        StoreError::Unique => Rule::Taken(Field::Username).with(row.username),
        other => other.into(),
    })?;
    device_groups::insert(tx, id, PRIMARY_GROUP, true, tx.now_ms())?;
    log::record(tx, by, Action::UserCreate, id, None, Some(after))?;
    Ok(id)
}

/// Names in the action log that belong to no user.
const RESERVED: [&str; 2] = [OPERATOR, SYSTEM];

fn check_username(username: &str) -> Result<(), Error> {
    let length = username.chars().count();
    if length == 0 || length > MAX_USERNAME {
        return Err(Rule::Invalid(Field::Username).into());
    }
    // Two names that look the same could be two users, and nobody should take one for the other.
    let is_bad = |c: char| c.is_whitespace() || text::is_hidden(c);
    if let Some(bad) = username.chars().find(|c| is_bad(*c)) {
        let detail = format!("{} is in it", bad.escape_unicode());
        return Err(Rule::Invalid(Field::Username).with(detail));
    }
    let lower = username.to_lowercase();
    if RESERVED.contains(&lower.as_str()) {
        return Err(Rule::Reserved(Field::Username).with(username));
    }
    Ok(())
}

/// The actor's own user with this id.
pub fn get(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<User, Error> {
    by.require(Right::ManageUsers)?;
    get_own(tx, by, id)
}

/// The actor's own user with this id, for a rule that asks for a right of its own.
pub(super) fn get_own(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<User, Error> {
    by.own_user(tx, id)?
        .ok_or_else(|| Rule::NotFound(Thing::User).with(id.to_string()))
}

/// The actor's own user by id or username. Digits are always an id, so that nobody can pass for a user by taking the
/// name `2`.
pub fn get_named(tx: &ReadTx<'_>, by: &Actor, name: &str) -> Result<User, Error> {
    by.require(Right::SeeUsers)?;
    let not_found = || Rule::NotFound(Thing::User).with(name);
    if text::is_digits(name) {
        let id = name.parse().map_err(|_| not_found())?;
        return get_own(tx, by, id);
    }
    let found = users::find_by_username(tx, name)?.map(|(user, _)| user);
    found
        .filter(|user| by.owns_user(user))
        .ok_or_else(not_found)
}

/// Sets a user's password; `hash` is the argon2 string that [`super::passwords::hash`] gives. On the web pages nobody
/// sets their own with it: a session that was left open is not enough, and [`set_own_password`] asks for the old one.
pub fn set_password(tx: &WriteTx<'_>, by: &Actor, user_id: Id, hash: &str) -> Result<(), Error> {
    by.require(Right::ManageUsers)?;
    let user = get_own(tx, by, user_id)?;
    if by.through == Through::Pages && by.user_id == Some(user.id) {
        return Err(Rule::Access(AccessError::OwnPassword).into());
    }
    change_password(tx, by, user.id, hash)
}

/// Changes a user's password, and ends every session and every link of that user.
pub(super) fn change_password(
    tx: &WriteTx<'_>,
    by: &Actor,
    user_id: Id,
    hash: &str,
) -> Result<(), Error> {
    users::update_password(tx, user_id, hash)?;
    sessions::delete_of_user(tx, user_id)?;
    sessions::delete_links(tx, user_id)?;
    log::record(tx, by, Action::UserSetPassword, user_id, None, None)?;
    Ok(())
}

/// The argon2 string of the actor's own password, with which they prove their identity again.
pub fn own_password(tx: &ReadTx<'_>, by: &Actor) -> Result<Option<String>, StoreError> {
    match by.user_id {
        Some(id) => users::find_password(tx, id),
        None => Ok(None),
    }
}

/// Changes the actor's own password, after they have proved that they know the old one.
pub fn set_own_password(tx: &WriteTx<'_>, by: &Actor, hash: &str) -> Result<(), Error> {
    change_password(tx, by, by.user_id.ok_or(Rule::NotFound(Thing::User))?, hash)
}

/// Which users a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The beginning of the name.
    pub start: String,
    /// Of this type.
    pub user_type: Option<UserType>,
    /// Blocked ones, or the others.
    pub blocked: Option<bool>,
    /// The newest first, instead of by name.
    pub is_newest_first: bool,
}

/// A part of the list of users that the actor owns.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<User>, Error> {
    by.require(Right::ManageUsers)?;
    let owner_id = by.owner_id();
    let is_newest = filter.is_newest_first && filter.start.is_empty();
    Ok(lists::walk(
        after,
        limit,
        |after, limit| match is_newest {
            true => users::walk_newest(tx, owner_id, after, limit),
            false => users::walk(tx, owner_id, &filter.start, after, limit),
        },
        |user| Cursor {
            text: if is_newest {
                String::new()
            } else {
                user.username.clone()
            },
            id: user.id,
        },
        |user| {
            by.owns_user(user)
                && filter
                    .user_type
                    .is_none_or(|wanted| wanted == user.user_type)
                && filter.blocked.is_none_or(|wanted| wanted == user.blocked)
        },
    )?)
}

/// The name of a user whose thing the actor may see.
pub fn name_of(tx: &ReadTx<'_>, id: Id) -> Result<String, StoreError> {
    Ok(users::find(tx, id)?.map_or_else(String::new, |user| user.username))
}

/// The actor's own users that a form offers: the first ones by name.
pub fn list_offered(tx: &ReadTx<'_>, by: &Actor) -> Result<Vec<User>, Error> {
    by.require(Right::SeeUsers)?;
    let mut offered = users::walk(tx, by.owner_id(), "", None, lists::MAX_OFFERED)?;
    if by.owner_id() != ADMIN {
        offered.extend(users::find(tx, by.owner_id())?);
    }
    Ok(offered)
}

/// A user's permissions.
pub fn permissions(tx: &ReadTx<'_>, by: &Actor, user: &User) -> Result<Vec<Permission>, Error> {
    by.require(Right::ManageUsers)?;
    Ok(users::permissions(tx, user.id)?)
}

/// A user's IP allow-list, as CIDR blocks; empty: their API may be called from anywhere.
pub fn networks(tx: &ReadTx<'_>, by: &Actor, user: &User) -> Result<Vec<String>, Error> {
    by.require(Right::ManageApi)?;
    Ok(settings_table::networks(tx, user.id)?)
}

/// Gives a reseller, accountant or manager a permission, or takes it away.
pub fn set_permission(
    tx: &WriteTx<'_>,
    by: &Actor,
    user_id: Id,
    permission: Permission,
    allowed: bool,
) -> Result<(), Error> {
    // A reseller could otherwise give themselves what they lack.
    by.require(Right::ManagePermissions)?;
    let user = get_own(tx, by, user_id)?;
    match user.user_type {
        UserType::Reseller | UserType::Accountant | UserType::Manager => {}
        // Admin has all of them, and a plain user has no use for one.
        UserType::Admin | UserType::User => {
            let detail = format!("{} is of type {}", user.username, user.user_type);
            return Err(Rule::Invalid(Field::Permission).with(detail));
        }
    }
    let had = users::permissions(tx, user.id)?.contains(&permission);
    if had == allowed {
        return Ok(());
    }
    users::update_permission(tx, user.id, permission, allowed)?;
    let before = json!({ permission.as_str(): had });
    let after = json!({ permission.as_str(): allowed });
    log::record(
        tx,
        by,
        Action::UserSetPermission,
        user.id,
        Some(before),
        Some(after),
    )?;
    Ok(())
}

/// Takes a user's access away, or gives it back.
pub fn set_blocked(tx: &WriteTx<'_>, by: &Actor, user_id: Id, blocked: bool) -> Result<(), Error> {
    by.require(Right::ManageUsers)?;
    let user = get_own(tx, by, user_id)?;
    if user.user_type == UserType::Admin && blocked {
        return Err(Rule::Access(AccessError::AdminNotBlocked).into());
    }
    if by.user_id == Some(user.id) && blocked {
        return Err(Rule::Access(AccessError::SelfNotBlocked).into());
    }
    if user.blocked == blocked {
        return Ok(());
    }
    users::update_blocked(tx, user.id, blocked)?;
    if blocked {
        sessions::delete_of_user(tx, user.id)?;
        sessions::delete_links(tx, user.id)?;
    }
    let before = json!({ "blocked": user.blocked });
    let after = json!({ "blocked": blocked });
    log::record(
        tx,
        by,
        Action::UserSetBlocked,
        user.id,
        Some(before),
        Some(after),
    )?;
    Ok(())
}

/// Adds an address or CIDR block to an owner's allow-list, or takes it off. Gives the block in its stored form. Taking
/// off a missing block is an error: a slip must not leave an address allowed.
pub fn allow_network(
    tx: &WriteTx<'_>,
    by: &Actor,
    owner_id: Id,
    network: &str,
    allowed: bool,
) -> Result<String, Error> {
    by.require(Right::ManageApi)?;
    access::check_owner(tx, by, owner_id)?;
    let network = normalise(network)?.to_string();
    let before = settings_table::networks(tx, owner_id)?;
    let changed = settings_table::update_network(tx, owner_id, &network, allowed)?;
    if !changed && !allowed {
        return Err(Rule::NotFound(Thing::Network).with(network));
    }
    if !changed {
        return Ok(network);
    }
    if allowed && before.len() >= MAX_NETWORKS {
        let detail = format!("{MAX_NETWORKS} are there");
        return Err(Rule::TooMany(Thing::Network).with(detail));
    }
    settings::check_own_hash_off(tx, by, owner_id)?;
    let was = json!({ &*network: !allowed });
    let is = json!({ &*network: allowed });
    log::record(
        tx,
        by,
        Action::UserAllowNetwork,
        owner_id,
        Some(was),
        Some(is),
    )?;
    Ok(network)
}

/// A block without host bits. IPv4 written as IPv6 becomes IPv4, because that is how callers' addresses are compared.
fn normalise(network: &str) -> Result<IpNet, Error> {
    let invalid = || Rule::Invalid(Field::Network).with(network);
    let block: IpNet = network
        .parse()
        .or_else(|_| network.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| invalid())?;
    let mapped = match block {
        IpNet::V6(block) if block.prefix_len() >= 96 => block
            .addr()
            .to_ipv4_mapped()
            .and_then(|address| Ipv4Net::new(address, block.prefix_len() - 96).ok()),
        _ => None,
    };
    let block = mapped.map_or(block, IpNet::V4).trunc();
    // A list that lets almost everyone in would only look like protection.
    if block.prefix_len() < MIN_PREFIX {
        return Err(invalid());
    }
    Ok(block)
}

/// Up to `limit` of everyone's users with ids above `after`, in id order, for actors who reach everything.
pub fn list_all(tx: &ReadTx<'_>, by: &Actor, after: Id, limit: u32) -> Result<Vec<User>, Error> {
    by.require(Right::ManageUsers)?;
    by.require_everything()?;
    Ok(users::list(tx, after, limit)?)
}

#[cfg(test)]
mod tests {
    use super::{MAX_USERNAME, check_username, normalise};

    #[test]
    fn blocks_are_kept_without_host_bits() {
        let check = |text: &str| normalise(text).map(|block| block.to_string()).ok();
        assert_eq!(check("192.0.2.7/24").as_deref(), Some("192.0.2.0/24"));
        assert_eq!(check("192.0.2.7").as_deref(), Some("192.0.2.7/32"));
        assert_eq!(check("2001:db8::1").as_deref(), Some("2001:db8::1/128"));
        assert_eq!(check("::ffff:192.0.2.7").as_deref(), Some("192.0.2.7/32"));
        assert_eq!(
            check("::ffff:192.0.2.7/120").as_deref(),
            Some("192.0.2.0/24")
        );
        for bad in [
            "",
            "192.0.2",
            "192.0.2.0/33",
            "128.0.0.0/7",
            "::/0",
            "2000::/7",
            "192.0.2.0/",
            "example.com",
            " 192.0.2.1",
        ] {
            assert_eq!(check(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_username_is_visible_and_bounded() {
        assert!(check_username(&"ü".repeat(MAX_USERNAME)).is_ok());
        for bad in [
            "",
            "a b",
            "a\tb",
            "a\0",
            "a\u{a0}b",
            " a",
            "a\u{3000}",
            "ad\u{200b}min",
            "admin\u{200d}",
            "\u{202e}nimda",
            "a\u{2066}b",
            "a\u{ad}",
            "a\u{feff}",
            "\u{3164}",
            "a\u{fe0f}",
            "a\u{34f}",
            "a\u{378}",
            "a\u{e000}",
            "a\u{85}",
            "a\u{2028}",
            "a\u{e0041}",
        ] {
            assert!(check_username(bad).is_err(), "{bad:?}");
        }
        assert!(check_username(&"ü".repeat(MAX_USERNAME + 1)).is_err());
        for good in [
            "a",
            "Žofia",
            "ann@example.com",
            "+37060000000",
            "東京",
            "a\u{301}",
        ] {
            assert!(check_username(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn nobody_is_called_as_the_log_calls_who_is_no_user() {
        for bad in ["operator", "system", "Operator", "SYSTEM", "sYsTeM"] {
            let refused = check_username(bad).unwrap_err().to_string();
            assert!(refused.contains("action log"), "{refused}");
        }
        for good in ["operators", "my-system", "0perator"] {
            assert!(check_username(good).is_ok(), "{good}");
        }
    }
}
