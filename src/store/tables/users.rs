//! The tables `users` and `permissions`.

use rusqlite::named_params;
use serde::Serialize;

use crate::store::row::{Cursor, Id, Range, Values, row, select, text_enum};
use crate::store::{ReadTx, StoreError, WriteTx};

/// The system owner's id.
pub const ADMIN: Id = 0;

text_enum! {
    /// The kind of a user.
    UserType {
        /// The system owner: exactly one, id 0.
        Admin = "admin",
        /// Owns users, devices and DIDs of their own.
        Reseller = "reseller",
        /// Acts for admin, within the accountant's permissions.
        Accountant = "accountant",
        /// Acts for admin, within the manager's permissions, but never on DIDs.
        Manager = "manager",
        /// Has devices; calls nothing.
        User = "user",
    }
}

text_enum! {
    /// What accountants, managers and resellers may be allowed beyond their type.
    Permission {
        /// Create and list devices, add CLIs.
        ManageDevices = "manage_devices",
        /// Create and assign DIDs.
        ManageDids = "manage_dids",
        /// Set a device's caller ID.
        ManageCallerId = "manage_callerid",
    }
}

row! {
    /// A user, without the password.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct User from users {
        /// The number in the API (`user_id`).
        id: Id,
        /// The username (`u`).
        username: String,
        /// The kind of user.
        #[serde(rename = "type")]
        user_type: UserType = type,
        /// The owner of the user.
        owner_id: Id,
        /// A blocked user cannot call.
        blocked: bool,
    }
}

const FIND: &str = select!(User, "WHERE id = :id");

/// The user with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<User>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, User::read)
}

const FIND_BY_USERNAME: &str = select!(User + password, "WHERE username = :username");

/// The user with this username, and their argon2 string.
pub fn find_by_username(
    tx: &ReadTx<'_>,
    username: &str,
) -> Result<Option<(User, Option<String>)>, StoreError> {
    tx.find(
        FIND_BY_USERNAME,
        named_params! { ":username": username },
        |row| {
            let mut values = Values::of(row);
            Ok((User::take(&mut values)?, values.take()?))
        },
    )
}

const FIND_USERNAME_BY_DEVICE: &str = "
SELECT u.username
FROM devices AS d
JOIN users AS u ON u.id = d.user_id
WHERE d.username = :device
  AND d.hidden_ms IS NULL";

/// The username of the user who has the device with this username, unless the device is hidden.
pub fn find_username_by_device(
    tx: &ReadTx<'_>,
    device: &str,
) -> Result<Option<String>, StoreError> {
    tx.find(
        FIND_USERNAME_BY_DEVICE,
        named_params! { ":device": device },
        |row| row.get(0),
    )
}

const LIST: &str = select!(
    User,
    "WHERE id > :after
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` users with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<User>, StoreError> {
    tx.list(
        LIST,
        named_params! { ":after": after, ":limit": limit },
        User::read,
    )
}

const LIST_OWNERS: &str = "
SELECT id
FROM users INDEXED BY users_of_owner
WHERE owner_id = 0
  AND type IN ('admin', 'reseller')
ORDER BY id";

/// Everyone who has a scope: admin and the resellers, who are admin's, in id order.
pub fn list_owners(tx: &ReadTx<'_>) -> Result<Vec<Id>, StoreError> {
    tx.list(LIST_OWNERS, named_params! {}, |row| row.get(0))
}

/// A user to be added.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Admin's id is [`ADMIN`]; everyone else gets the next free one.
    pub id: Option<Id>,
    /// Unique.
    pub username: String,
    /// The kind of user.
    pub user_type: UserType,
    /// Whose user.
    pub owner_id: Id,
    /// An argon2 string.
    pub password: Option<String>,
}

const INSERT: &str = "
INSERT INTO users (
  id,
  username,
  type,
  owner_id,
  password,
  created_ms
) VALUES (
  :id,
  :username,
  :type,
  :owner_id,
  :password,
  :now_ms
)";

/// Adds a user, and gives their id.
pub fn insert(tx: &WriteTx<'_>, new: &NewUser, now_ms: i64) -> Result<Id, StoreError> {
    tx.insert(
        INSERT,
        named_params! {
            ":id": new.id,
            ":username": new.username,
            ":type": new.user_type,
            ":owner_id": new.owner_id,
            ":password": new.password,
            ":now_ms": now_ms,
        },
    )
}

const UPDATE_PASSWORD: &str = "
UPDATE users
SET password = :password
WHERE id = :id";

/// Sets a user's argon2 string.
pub fn update_password(tx: &WriteTx<'_>, id: Id, password: &str) -> Result<(), StoreError> {
    tx.execute(
        UPDATE_PASSWORD,
        named_params! { ":id": id, ":password": password },
    )?;
    Ok(())
}

const UPDATE_BLOCKED: &str = "
UPDATE users
SET blocked = :blocked
WHERE id = :id";

/// Takes a user's access away, or gives it back.
pub fn update_blocked(tx: &WriteTx<'_>, id: Id, blocked: bool) -> Result<(), StoreError> {
    tx.execute(
        UPDATE_BLOCKED,
        named_params! { ":id": id, ":blocked": blocked },
    )?;
    Ok(())
}

const PERMISSIONS: &str = "
SELECT permission
FROM permissions
WHERE user_id = :user_id
ORDER BY permission";

/// A user's permissions.
pub fn permissions(tx: &ReadTx<'_>, user_id: Id) -> Result<Vec<Permission>, StoreError> {
    tx.list(PERMISSIONS, named_params! { ":user_id": user_id }, |row| {
        row.get(0)
    })
}

const INSERT_PERMISSION: &str = "
INSERT INTO permissions (
  user_id,
  permission
) VALUES (
  :user_id,
  :permission
)
ON CONFLICT DO NOTHING";

const DELETE_PERMISSION: &str = "
DELETE FROM permissions
WHERE user_id = :user_id
  AND permission = :permission";

/// Gives a permission, or takes it away. Doing so twice is allowed.
pub fn update_permission(
    tx: &WriteTx<'_>,
    user_id: Id,
    permission: Permission,
    allowed: bool,
) -> Result<(), StoreError> {
    let sql = if allowed {
        INSERT_PERMISSION
    } else {
        DELETE_PERMISSION
    };
    tx.execute(
        sql,
        named_params! { ":user_id": user_id, ":permission": permission },
    )?;
    Ok(())
}

// Where a collation is named, SQLite does not use a comparison of rows as the start of a range, so the start is stated
// twice.
const WALK: &str = select!(
    User,
    "  INDEXED BY users_by_name
WHERE owner_id = :owner_id
  AND username COLLATE NOCASE >= :after
  AND (username COLLATE NOCASE, id) > (:after, :id)
  AND username COLLATE NOCASE < :until
ORDER BY username COLLATE NOCASE, id
LIMIT :limit"
);

/// Up to `limit` users of an owner whose names begin with `start` in any letter case (ASCII), after the one at `after`, by
/// name.
pub fn walk(
    tx: &ReadTx<'_>,
    owner_id: Id,
    start: &str,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Vec<User>, StoreError> {
    let range = Range::new(start, after);
    tx.list(
        WALK,
        named_params! {
            ":owner_id": owner_id,
            ":after": range.after,
            ":id": range.id,
            ":until": range.until,
            ":limit": limit,
        },
        User::read,
    )
}

const WALK_NEWEST: &str = select!(
    User,
    "  INDEXED BY users_of_owner
WHERE owner_id = :owner_id
  AND id < :id
ORDER BY id DESC
LIMIT :limit"
);

/// Up to `limit` users of an owner, after the one at `after`, the newest first.
pub fn walk_newest(
    tx: &ReadTx<'_>,
    owner_id: Id,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Vec<User>, StoreError> {
    let id = after.map_or(Id::MAX, |after| after.id);
    tx.list(
        WALK_NEWEST,
        named_params! { ":owner_id": owner_id, ":id": id, ":limit": limit },
        User::read,
    )
}

const COUNT: &str = "
SELECT count(*)
FROM (
  SELECT 1
  FROM users INDEXED BY users_of_owner
  WHERE owner_id = :owner_id
  LIMIT :limit
) AS counted";

/// How many users an owner has, counted up to `limit`.
pub fn count(tx: &ReadTx<'_>, owner_id: Id, limit: u32) -> Result<u32, StoreError> {
    tx.get(
        COUNT,
        named_params! { ":owner_id": owner_id, ":limit": limit },
        |row| row.get(0),
    )
}

const FIND_PASSWORD: &str = "
SELECT password
FROM users
WHERE id = :id";

/// A user's argon2 string.
pub fn find_password(tx: &ReadTx<'_>, id: Id) -> Result<Option<String>, StoreError> {
    let found = tx.find(FIND_PASSWORD, named_params! { ":id": id }, |row| row.get(0))?;
    Ok(found.flatten())
}
