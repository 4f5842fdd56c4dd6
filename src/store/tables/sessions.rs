//! The tables `sessions` and `password_links`: who is signed in to the web pages, and who may set their password with a
//! link.

use rusqlite::named_params;

use crate::store::row::{Id, row, select};
use crate::store::{ReadTx, StoreError, WriteTx};

/// A hash of a random token; the token itself is only in the browser.
pub type TokenHash = [u8; 32];

row! {
    /// Someone who is signed in.
    #[derive(Debug, Clone, Copy)]
    pub struct Session from sessions {
        /// Who.
        user_id: Id,
        /// When they signed in, in milliseconds since 1970-01-01 UTC.
        created_ms: i64,
        /// When they were last seen, to within a few minutes.
        seen_ms: i64,
    }
}

const FIND: &str = select!(Session, "WHERE token_hash = :token_hash");

/// The session of this token.
pub fn find(tx: &ReadTx<'_>, token_hash: &TokenHash) -> Result<Option<Session>, StoreError> {
    tx.find(
        FIND,
        named_params! { ":token_hash": token_hash },
        Session::read,
    )
}

const INSERT: &str = "
INSERT INTO sessions (
  token_hash,
  user_id,
  created_ms,
  seen_ms,
  address
) VALUES (
  :token_hash,
  :user_id,
  :now_ms,
  :now_ms,
  :address
)";

/// Adds a session, begun from `address`.
pub fn insert(
    tx: &WriteTx<'_>,
    token_hash: &TokenHash,
    user_id: Id,
    address: Option<&str>,
    now_ms: i64,
) -> Result<(), StoreError> {
    tx.execute(
        INSERT,
        named_params! {
            ":token_hash": token_hash,
            ":user_id": user_id,
            ":address": address,
            ":now_ms": now_ms,
        },
    )?;
    Ok(())
}

const UPDATE_SEEN: &str = "
UPDATE sessions
SET
  seen_ms = :now_ms,
  address = :address
WHERE token_hash = :token_hash";

/// Notes that a session was used, and from where.
pub fn update_seen(
    tx: &WriteTx<'_>,
    token_hash: &TokenHash,
    address: Option<&str>,
    now_ms: i64,
) -> Result<(), StoreError> {
    tx.execute(
        UPDATE_SEEN,
        named_params! { ":token_hash": token_hash, ":address": address, ":now_ms": now_ms },
    )?;
    Ok(())
}

row! {
    /// A session, for its user to see.
    #[derive(Debug, Clone)]
    pub struct Listed from sessions {
        /// The hash of its token.
        token_hash: TokenHash,
        /// When they signed in, in milliseconds since 1970-01-01 UTC.
        created_ms: i64,
        /// When it was last used, to within a few minutes.
        seen_ms: i64,
        /// The address of that last use, if it is known.
        address: Option<String>,
    }
}

const LIST_OF_USER: &str = select!(
    Listed,
    "  INDEXED BY sessions_of_user
WHERE user_id = :user_id
ORDER BY created_ms DESC
LIMIT :limit"
);

/// The newest `limit` sessions of a user, newest first, expired ones among them.
pub fn list_of_user(tx: &ReadTx<'_>, user_id: Id, limit: u32) -> Result<Vec<Listed>, StoreError> {
    tx.list(
        LIST_OF_USER,
        named_params! { ":user_id": user_id, ":limit": limit },
        Listed::read,
    )
}

const DELETE: &str = "
DELETE FROM sessions
WHERE token_hash = :token_hash";

/// Ends one session.
pub fn delete(tx: &WriteTx<'_>, token_hash: &TokenHash) -> Result<(), StoreError> {
    tx.execute(DELETE, named_params! { ":token_hash": token_hash })?;
    Ok(())
}

const DELETE_OF_USER: &str = "
DELETE FROM sessions
WHERE user_id = :user_id";

/// Ends all sessions of a user.
pub fn delete_of_user(tx: &WriteTx<'_>, user_id: Id) -> Result<(), StoreError> {
    tx.execute(DELETE_OF_USER, named_params! { ":user_id": user_id })?;
    Ok(())
}

const DELETE_STALE: &str = "
DELETE FROM sessions
WHERE user_id = :user_id
  AND (
    created_ms <= :created_until_ms
    OR seen_ms <= :seen_until_ms
    OR created_ms > :ahead_ms
    OR created_ms < (
      SELECT created_ms
      FROM sessions
      WHERE user_id = :user_id
      ORDER BY created_ms DESC
      LIMIT 1 OFFSET :keep
    )
  )";

/// Ends a user's sessions that have expired, those that began after `ahead_ms`, and of the others all but the newest
/// `keep + 1`.
pub fn delete_stale(
    tx: &WriteTx<'_>,
    user_id: Id,
    created_until_ms: i64,
    seen_until_ms: i64,
    ahead_ms: i64,
    keep: u32,
) -> Result<(), StoreError> {
    tx.execute(
        DELETE_STALE,
        named_params! {
            ":user_id": user_id,
            ":created_until_ms": created_until_ms,
            ":seen_until_ms": seen_until_ms,
            ":ahead_ms": ahead_ms,
            ":keep": keep,
        },
    )?;
    Ok(())
}

const DELETE_EXPIRED: &str = "
DELETE FROM sessions
WHERE token_hash IN (
  SELECT token_hash
  FROM sessions INDEXED BY sessions_by_use
  WHERE seen_ms <= :seen_until_ms
  LIMIT :limit
)";

/// Removes up to `limit` sessions of any user that were last used at `seen_until_ms` or before, and gives their number.
pub fn delete_expired(
    tx: &WriteTx<'_>,
    seen_until_ms: i64,
    limit: u32,
) -> Result<usize, StoreError> {
    tx.execute(
        DELETE_EXPIRED,
        named_params! { ":seen_until_ms": seen_until_ms, ":limit": limit },
    )
}

const DELETE_AHEAD: &str = "
DELETE FROM sessions
WHERE token_hash IN (
  SELECT token_hash
  FROM sessions INDEXED BY sessions_by_use
  WHERE seen_ms > :ahead_ms
  LIMIT :limit
)";

/// Removes up to `limit` sessions of any user that were last used after `ahead_ms`, and gives their number.
pub fn delete_ahead(tx: &WriteTx<'_>, ahead_ms: i64, limit: u32) -> Result<usize, StoreError> {
    tx.execute(
        DELETE_AHEAD,
        named_params! { ":ahead_ms": ahead_ms, ":limit": limit },
    )
}

const FIND_LINK: &str = "
SELECT user_id
FROM password_links
WHERE token_hash = :token_hash
  AND expires_ms > :now_ms
  AND expires_ms <= :until_ms";

/// The user whose password the link of this token sets, if it expires after `now_ms` and not after `until_ms`.
pub fn find_link(
    tx: &ReadTx<'_>,
    token_hash: &TokenHash,
    now_ms: i64,
    until_ms: i64,
) -> Result<Option<Id>, StoreError> {
    tx.find(
        FIND_LINK,
        named_params! { ":token_hash": token_hash, ":now_ms": now_ms, ":until_ms": until_ms },
        |row| row.get(0),
    )
}

const INSERT_LINK: &str = "
INSERT INTO password_links (
  token_hash,
  user_id,
  expires_ms
) VALUES (
  :token_hash,
  :user_id,
  :expires_ms
)";

/// Adds a link.
pub fn insert_link(
    tx: &WriteTx<'_>,
    token_hash: &TokenHash,
    user_id: Id,
    expires_ms: i64,
) -> Result<(), StoreError> {
    tx.execute(
        INSERT_LINK,
        named_params! {
            ":token_hash": token_hash,
            ":user_id": user_id,
            ":expires_ms": expires_ms,
        },
    )?;
    Ok(())
}

const DELETE_LINKS: &str = "
DELETE FROM password_links
WHERE user_id = :user_id";

/// Ends all links of a user.
pub fn delete_links(tx: &WriteTx<'_>, user_id: Id) -> Result<(), StoreError> {
    tx.execute(DELETE_LINKS, named_params! { ":user_id": user_id })?;
    Ok(())
}

const DELETE_EXPIRED_LINKS: &str = "
DELETE FROM password_links
WHERE token_hash IN (
  SELECT token_hash
  FROM password_links INDEXED BY password_links_by_end
  WHERE expires_ms <= :now_ms
  LIMIT :limit
)";

/// Removes up to `limit` expired links of any user, and gives their number.
pub fn delete_expired_links(
    tx: &WriteTx<'_>,
    now_ms: i64,
    limit: u32,
) -> Result<usize, StoreError> {
    tx.execute(
        DELETE_EXPIRED_LINKS,
        named_params! { ":now_ms": now_ms, ":limit": limit },
    )
}

const DELETE_ALL: &str = "
DELETE FROM sessions";

const DELETE_ALL_LINKS: &str = "
DELETE FROM password_links";

/// Ends every session and every link of every user, and gives the number of each.
pub fn delete_everyones(tx: &WriteTx<'_>) -> Result<(usize, usize), StoreError> {
    Ok((
        tx.execute(DELETE_ALL, [])?,
        tx.execute(DELETE_ALL_LINKS, [])?,
    ))
}
