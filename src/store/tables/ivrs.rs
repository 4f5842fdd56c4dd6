//! The table `ivrs`: the voice menus that a CLI can name.

use crate::store::row::select;
use crate::store::tables::named::Table;

/// Its statements.
pub static IVRS: Table = Table {
    find: FIND,
    find_name: FIND_NAME,
    list: LIST,
    walk: WALK,
    insert: INSERT,
    update: UPDATE,
    hide: HIDE,
};

const FIND: &str = select!(
    Named from ivrs,
    "WHERE id = :id
  AND hidden_ms IS NULL"
);

const FIND_NAME: &str = "
SELECT name
FROM ivrs
WHERE id = :id";

const LIST: &str = select!(
    Named from ivrs,
    "WHERE id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

const WALK: &str = select!(
    Named from ivrs,
    "  INDEXED BY ivrs_of_owner
WHERE owner_id = :owner_id
  AND id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

const INSERT: &str = "
INSERT INTO ivrs (
  owner_id,
  name,
  created_ms
) VALUES (
  :owner_id,
  :name,
  :now_ms
)";

const UPDATE: &str = "
UPDATE ivrs
SET name = :name
WHERE id = :id";

const HIDE: &str = "
UPDATE ivrs
SET hidden_ms = :now_ms
WHERE id = :id";
