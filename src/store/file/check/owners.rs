//! What holds of the installation, of users, and of what belongs to an owner: providers, groups, dial plans, settings.

use crate::store::file::check::invariant::Check;

/// The invariants.
pub const CHECKS: &[Check] = &[
    Check {
        name: "installation and settings have one row each",
        sql: "
SELECT format('%s rows in installation, %s in settings', installations, settings)
FROM (
  SELECT
    (SELECT count(*) FROM installation) AS installations,
    (SELECT count(*) FROM settings) AS settings
)
WHERE installations <> 1
   OR settings <> 1",
    },
    Check {
        name: "owners are admin or resellers",
        sql: "
SELECT format('user %s owns %s', owner_id, thing)
FROM (
  SELECT owner_id, 'user ' || id AS thing FROM users
  UNION ALL SELECT owner_id, 'provider ' || id FROM providers
  UNION ALL SELECT owner_id, 'DID ' || did FROM dids
  UNION ALL SELECT owner_id, 'IVR ' || id FROM ivrs
  UNION ALL SELECT owner_id, 'dial plan ' || id FROM dialplans
  UNION ALL SELECT owner_id, 'time period ' || id FROM ivr_time_periods
  UNION ALL SELECT owner_id, 'settings' FROM owner_settings
  UNION ALL SELECT owner_id, 'allowed network ' || network FROM allowed_networks
) AS owned
WHERE NOT EXISTS (
  SELECT 1
  FROM users
  WHERE users.id = owned.owner_id
    AND type IN ('admin', 'reseller')
)",
    },
    Check {
        name: "only callers have keys and permissions",
        sql: "
SELECT format('user %s of type %s has %s', users.id, type, thing)
FROM (
  SELECT user_id, 'key ' || id AS thing FROM api_keys
  UNION ALL SELECT user_id, permission FROM permissions
)
-- In this order: the users are looked up.
CROSS JOIN users ON users.id = user_id
WHERE type = 'user'",
    },
    Check {
        name: "usernames are unique",
        sql: "
SELECT format('%s users are named %s', count(*), username)
FROM users
GROUP BY username
HAVING count(*) > 1",
    },
    Check {
        name: "an owner's providers have names of their own",
        sql: "
SELECT format('%s providers of owner %s are named %s', count(*), owner_id, name)
FROM providers
WHERE hidden_ms IS NULL
GROUP BY owner_id, name
HAVING count(*) > 1",
    },
    Check {
        name: "a group's owner is its user's scope",
        sql: "
SELECT format('group %s of user %s has owner %s', device_groups.id, users.id, coalesce(device_groups.owner_id, 'none'))
FROM device_groups
-- In this order: the users are looked up.
CROSS JOIN users ON users.id = device_groups.user_id
WHERE device_groups.owner_id IS NOT iif(users.type IN ('admin', 'reseller'), users.id, users.owner_id)",
    },
    Check {
        name: "every user has exactly one primary group",
        sql: "
SELECT format('user %s has %s', users.id, count(device_groups.id))
FROM users
LEFT JOIN device_groups
  ON device_groups.user_id = users.id
  AND is_primary = 1
GROUP BY users.id
HAVING count(device_groups.id) <> 1",
    },
    Check {
        name: "a dial plan's periods are its owner's",
        sql: "
SELECT format('dial plan %s of owner %s is for period %s of owner %s', plan_id, plan_owner, id, owner_id)
FROM (
  SELECT id AS plan_id, owner_id AS plan_owner, time_period1_id AS period_id FROM dialplans WHERE hidden_ms IS NULL
  UNION ALL SELECT id, owner_id, time_period2_id FROM dialplans WHERE hidden_ms IS NULL
  UNION ALL SELECT id, owner_id, time_period3_id FROM dialplans WHERE hidden_ms IS NULL
) AS plans
-- In this order: the periods are looked up.
CROSS JOIN ivr_time_periods ON id = period_id
WHERE owner_id <> plan_owner
   OR hidden_ms IS NOT NULL",
    },
    Check {
        name: "an owner whose calls need no hash has an allow-list, or passwords are required",
        sql: "
SELECT format('owner %s', owner_id)
FROM owner_settings
WHERE hash_check = 'off'
  AND (SELECT require_password FROM settings) <> 'always'
  AND owner_id NOT IN (
    SELECT owner_id
    FROM allowed_networks
  )",
    },
    Check {
        name: "the next extension is not below the first",
        sql: "
SELECT format('%s is below %s', next_extension, first_extension)
FROM settings, installation
WHERE next_extension < first_extension",
    },
];
