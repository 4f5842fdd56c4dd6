//! What holds in every sound database, as a list of checks: SQLite's own, the schema, and linebook's invariants.
//!
//! Constraints of the schema guarantee most of them. They are checked all the same: a disk, a hand-written statement or
//! a defect may have got past a constraint, and a backup is good only when nothing has.

use rusqlite::Connection;

use crate::store::file::check_values::{MAX_EXAMPLES, VALUE_CHECKS};
use crate::store::file::schema::SCHEMA;
use crate::store::file::shape;
use crate::store::{StoreError, Violation};

/// One invariant.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// What should hold.
    pub name: &'static str,
    /// Selects one text for each row that breaks it.
    pub sql: &'static str,
}

/// SQLite's own checks, which fit a database of any release.
pub const FILE_CHECKS: &[Check] = &[
    Check {
        name: "SQLite finds the file intact",
        sql: "
SELECT integrity_check
FROM pragma_integrity_check
WHERE integrity_check <> 'ok'",
    },
    Check {
        name: "every reference leads to a row",
        sql: "
SELECT format('row %s of %s refers to a row of %s that is not there', rowid, \"table\", parent)
FROM pragma_foreign_key_check",
    },
];

/// The product's invariants.
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
        name: "a reserved, active or closed DID has a user, any other has none",
        sql: "
SELECT format('DID %s is %s, user %s', did, status, coalesce(user_id, 'none'))
FROM dids
WHERE (user_id IS NOT NULL) <> (status IN ('reserved', 'active', 'closed'))",
    },
    Check {
        name: "an active DID is on one device or dial plan, any other on none",
        sql: "
SELECT format('DID %s is %s, device %s, dial plan %s', did, status, coalesce(device_id, 'none'), coalesce(dialplan_id, 'none'))
FROM dids
WHERE (device_id IS NOT NULL) + (dialplan_id IS NOT NULL) <> (status = 'active')",
    },
    Check {
        name: "a DID has a closing time if and only if it is closed",
        sql: "
SELECT format('DID %s is %s', did, status)
FROM dids
WHERE (closed_ms IS NOT NULL) <> (status = 'closed')",
    },
    Check {
        name: "a DID's device is its user's",
        sql: "
SELECT format('DID %s of user %s is on device %s of user %s', did, coalesce(dids.user_id, 'none'), devices.id, devices.user_id)
FROM dids
JOIN devices ON devices.id = dids.device_id
WHERE dids.user_id IS NOT devices.user_id",
    },
    Check {
        name: "a DID's user is in the DID's scope",
        sql: "
SELECT format('DID %s of owner %s is user %s''s', did, dids.owner_id, users.id)
FROM dids
JOIN users ON users.id = dids.user_id
WHERE dids.owner_id <> iif(users.type IN ('admin', 'reseller'), users.id, users.owner_id)",
    },
    Check {
        name: "a DID's dial plan is in the DID's scope",
        sql: "
SELECT format('DID %s of owner %s is on dial plan %s of owner %s', did, dids.owner_id, dialplans.id, dialplans.owner_id)
FROM dids
JOIN dialplans ON dialplans.id = dids.dialplan_id
WHERE dids.owner_id <> dialplans.owner_id",
    },
    Check {
        name: "a lent DID is admin's, in a reseller's scope, and not terminated",
        sql: "
SELECT format('DID %s is %s, of owner %s, lent by %s', did, status, owner_id, lent_by_id)
FROM dids
WHERE lent_by_id IS NOT NULL
  AND (lent_by_id <> 0 OR owner_id = 0 OR status = 'terminated')",
    },
    Check {
        name: "a DID stops answering after it begins",
        sql: "
SELECT format('DID %s', did)
FROM dids
WHERE active_till_ms <= active_from_ms",
    },
    Check {
        // They may have been given new ones since.
        name: "a freed DID has nothing of its last user's details",
        sql: "
SELECT format('DID %s is %s', did, status)
FROM dids
WHERE status IN ('free', 'terminated')
  AND (
    call_limit <> 0
    OR grace_time_s <> 0
    OR active_from_ms IS NOT NULL
    OR active_till_ms IS NOT NULL
    OR custom_sip_header <> ''
    OR reseller_comment <> ''
  )
  AND NOT EXISTS (
    SELECT 1
    FROM action_log
    WHERE object_id = dids.id
      AND action = 'did.details'
      AND action_log.id > (
        SELECT coalesce(max(freed.id), 0)
        FROM action_log AS freed
        WHERE freed.object_id = dids.id
          AND (
            freed.action = 'did.free'
            OR freed.action = 'did.unreserve'
            OR freed.action = 'did.take_back'
            OR freed.action = 'did.terminate'
          )
      )
  )",
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
        name: "DIDs are unique",
        sql: "
SELECT format('DID %s stands %s times', did, count(*))
FROM dids
GROUP BY did
HAVING count(*) > 1",
    },
    Check {
        name: "PINs are unique",
        sql: "
SELECT format('devices %s have one PIN', group_concat(id))
FROM devices
WHERE pin IS NOT NULL
GROUP BY pin
HAVING count(*) > 1",
    },
    Check {
        name: "extensions are unique",
        sql: "
SELECT format('devices %s have extension %s', group_concat(id), extension)
FROM devices
WHERE hidden_ms IS NULL
GROUP BY extension
HAVING count(*) > 1",
    },
    Check {
        name: "device usernames are unique",
        sql: "
SELECT format('devices %s are named %s', group_concat(id), username)
FROM devices
WHERE hidden_ms IS NULL
GROUP BY username
HAVING count(*) > 1",
    },
    Check {
        name: "no two devices are known by one address and port",
        sql: "
SELECT format('devices %s are at %s port %s', group_concat(id), ipaddr, port)
FROM devices
WHERE ip_auth = 1
  AND hostname = ''
  AND hidden_ms IS NULL
GROUP BY ipaddr, port
HAVING count(*) > 1",
    },
    Check {
        name: "a device that is known by its address has one",
        sql: "
SELECT format('device %s', id)
FROM devices
WHERE ip_auth = 1
  AND hostname = ''
  AND ipaddr = '0.0.0.0'",
    },
    Check {
        name: "CLI numbers are unique",
        sql: "
SELECT format('CLIs %s have number %s', group_concat(id), number)
FROM clis
WHERE number IS NOT NULL
GROUP BY number
HAVING count(*) > 1",
    },
    Check {
        name: "CLI domains are unique",
        sql: "
SELECT format('CLIs %s have domain %s', group_concat(id), domain)
FROM clis
WHERE domain IS NOT NULL
GROUP BY domain
HAVING count(*) > 1",
    },
    Check {
        name: "every device is in a group of its user",
        sql: "
SELECT format('device %s of user %s is in group %s', devices.id, devices.user_id, device_group_id)
FROM devices
LEFT JOIN device_groups ON device_groups.id = device_group_id
WHERE device_groups.user_id IS NOT devices.user_id",
    },
    Check {
        name: "a device's owner is its user's scope",
        sql: "
SELECT format('device %s of user %s has owner %s', devices.id, users.id, coalesce(devices.owner_id, 'none'))
FROM devices
-- In this order, here and below: what is looked up has its id.
CROSS JOIN users ON users.id = devices.user_id
WHERE devices.owner_id IS NOT iif(users.type IN ('admin', 'reseller'), users.id, users.owner_id)",
    },
    Check {
        name: "a group's owner is its user's scope",
        sql: "
SELECT format('group %s of user %s has owner %s', device_groups.id, users.id, coalesce(device_groups.owner_id, 'none'))
FROM device_groups
CROSS JOIN users ON users.id = device_groups.user_id
WHERE device_groups.owner_id IS NOT iif(users.type IN ('admin', 'reseller'), users.id, users.owner_id)",
    },
    Check {
        name: "a CLI's user and owner are its device's",
        sql: "
SELECT format('CLI %s has user %s, owner %s', clis.id, coalesce(clis.user_id, 'none'), coalesce(clis.owner_id, 'none'))
FROM clis
CROSS JOIN devices ON devices.id = clis.device_id
WHERE clis.user_id IS NOT devices.user_id
   OR clis.owner_id IS NOT devices.owner_id",
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
        name: "a removed device has no PIN",
        sql: "
SELECT format('device %s', id)
FROM devices
WHERE hidden_ms IS NOT NULL
  AND pin IS NOT NULL",
    },
    Check {
        name: "no DID is on a removed device",
        sql: "
SELECT format('DID %s is on device %s', did, devices.id)
FROM dids
JOIN devices ON devices.id = dids.device_id
WHERE hidden_ms IS NOT NULL",
    },
    Check {
        name: "no CLI is on a removed device",
        sql: "
SELECT format('CLI %s is on device %s', clis.id, devices.id)
FROM clis
JOIN devices ON devices.id = clis.device_id
WHERE hidden_ms IS NOT NULL",
    },
    Check {
        name: "a removed device has no options and no fax addresses",
        sql: "
SELECT format('device %s has %s', device_id, thing)
FROM (
  SELECT device_id, 'option ' || name AS thing FROM device_options
  UNION ALL SELECT device_id, email FROM fax_emails
) AS kept
-- In this order: the devices are looked up.
CROSS JOIN devices ON devices.id = device_id
WHERE hidden_ms IS NOT NULL",
    },
    Check {
        name: "a removed device has no call flow and no rules",
        sql: "
SELECT format('%s of device %s', thing, devices.id)
FROM (
  SELECT device_id, 'call flow' AS thing FROM callflows
  UNION ALL SELECT device_id, 'rule ' || id FROM device_rules
  UNION ALL SELECT target_id, 'target of a call flow' FROM callflows WHERE target_id IS NOT NULL
) AS hanging
CROSS JOIN devices ON devices.id = hanging.device_id
WHERE hidden_ms IS NOT NULL",
    },
    Check {
        name: "a call flow leads to a device of the same owner, for faxes to a fax device",
        sql: "
SELECT format('device %s of owner %s leads to device %s of owner %s', device.id, device.owner_id, target.id, target.owner_id)
FROM callflows
CROSS JOIN devices AS device ON device.id = callflows.device_id
CROSS JOIN devices AS target ON target.id = callflows.target_id
CROSS JOIN users AS user ON user.id = device.user_id
CROSS JOIN users AS other ON other.id = target.user_id
WHERE (target.owner_id NOT IN (device.owner_id, user.owner_id) AND other.owner_id NOT IN (device.owner_id, user.owner_id))
   OR (action = 'fax_detect' AND target.type <> 'FAX')",
    },
    Check {
        name: "a call flow shows the number of a DID on its device",
        sql: "
SELECT format('device %s shows DID %s', callflows.device_id, did)
FROM callflows
CROSS JOIN dids ON dids.id = callflows.did_id
WHERE dids.device_id IS NOT callflows.device_id",
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
CROSS JOIN ivr_time_periods ON id = period_id
WHERE owner_id <> plan_owner
   OR hidden_ms IS NOT NULL",
    },
    Check {
        name: "a DID takes its callers somewhere only on a dial plan for quickforwards",
        sql: "
SELECT format('DID %s takes user %s to %s', did, quickforwards.user_id, forward_to)
FROM quickforwards
CROSS JOIN dids ON dids.id = did_id
LEFT JOIN dialplans ON dialplans.id = dialplan_id
WHERE kind IS NOT 'quickforwards'",
    },
    Check {
        // A reseller's own device is reached by the reseller and by admin.
        name: "a CLI's IVR is of an owner who reaches its device",
        sql: "
SELECT format('CLI %s of user %s goes to IVR %s of owner %s', clis.id, users.id, ivrs.id, ivrs.owner_id)
FROM clis
JOIN ivrs ON ivrs.id = clis.ivr_id
JOIN devices ON devices.id = clis.device_id
JOIN users ON users.id = devices.user_id
WHERE ivrs.owner_id NOT IN (users.id, users.owner_id)",
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
    Check {
        name: "every creation is in the action log",
        sql: "
SELECT action || ' ' || id
FROM (
  SELECT 'user.create' AS action, id, created_ms FROM users
  UNION ALL SELECT 'key.add', id, created_ms FROM api_keys
  UNION ALL SELECT 'provider.create', id, created_ms FROM providers
  UNION ALL SELECT 'provider_rule.create', id, created_ms FROM provider_rules
  -- A primary group comes with its user.
  UNION ALL SELECT 'group.create', id, created_ms FROM device_groups WHERE is_primary = 0
  UNION ALL SELECT 'device.create', id, created_ms FROM devices
  UNION ALL SELECT 'dialplan.create', id, created_ms FROM dialplans
  UNION ALL SELECT 'did.create', id, created_ms FROM dids
  UNION ALL SELECT 'ivr.create', id, created_ms FROM ivrs
  UNION ALL SELECT 'cli.create', id, created_ms FROM clis
  UNION ALL SELECT 'device_rule.create', id, created_ms FROM device_rules
  UNION ALL SELECT 'time_period.create', id, created_ms FROM ivr_time_periods
  UNION ALL SELECT 'phonebook.create', id, created_ms FROM phonebook_records
) AS made
WHERE NOT EXISTS (
    SELECT 1
    FROM action_log
    WHERE object_id = made.id
      AND action_log.action = made.action
  )
  -- The demo world's own rows were there from its first moment.
  AND NOT EXISTS (
    SELECT 1
    FROM installation
    WHERE is_demo = 1
      AND installation.created_ms = made.created_ms
  )",
    },
    Check {
        name: "every creation in the action log is there",
        sql: "
SELECT action || ' ' || object_id
FROM action_log
WHERE (action = 'user.create' AND object_id NOT IN (SELECT id FROM users))
   OR (action = 'key.add' AND object_id NOT IN (SELECT id FROM api_keys))
   OR (action = 'provider.create' AND object_id NOT IN (SELECT id FROM providers))
   OR (action = 'group.create' AND object_id NOT IN (SELECT id FROM device_groups))
   OR (action = 'device.create' AND object_id NOT IN (SELECT id FROM devices))
   OR (action = 'dialplan.create' AND object_id NOT IN (SELECT id FROM dialplans))
   OR (action = 'time_period.create' AND object_id NOT IN (SELECT id FROM ivr_time_periods))
   OR (action = 'phonebook.create' AND object_id NOT IN (SELECT id FROM phonebook_records))
   OR (action = 'ivr.create' AND object_id NOT IN (SELECT id FROM ivrs))
   OR (
     action = 'did.create'
     AND object_id NOT IN (SELECT id FROM dids)
     AND NOT EXISTS (
       SELECT 1
       FROM action_log AS gone
       WHERE gone.object_id = action_log.object_id
         AND gone.action = 'did.delete'
     )
   )
   OR (
     action = 'provider_rule.create'
     AND object_id NOT IN (SELECT id FROM provider_rules)
     AND NOT EXISTS (
       SELECT 1
       FROM action_log AS gone
       WHERE gone.object_id = action_log.object_id
         AND gone.action = 'provider_rule.delete'
     )
   )
   OR (
     action = 'cli.create'
     AND object_id NOT IN (SELECT id FROM clis)
     AND NOT EXISTS (
       SELECT 1
       FROM action_log AS gone
       WHERE gone.object_id = action_log.object_id
         AND gone.action = 'cli.delete'
     )
   )",
    },
    Check {
        // Milliseconds: 0 is the beginning of 1970, the other number the end of the year 9999.
        name: "every time is between 1970 and 9999",
        sql: "
SELECT format('%s %s has %s', thing, id, ms)
FROM (
  SELECT 'installation' AS thing, id, created_ms AS ms FROM installation
  UNION ALL SELECT 'installation', id, clock_ms FROM installation
  UNION ALL SELECT 'installation', id, leap_ms FROM installation
  UNION ALL SELECT 'user', id, created_ms FROM users
  UNION ALL SELECT 'key', id, created_ms FROM api_keys
  UNION ALL SELECT 'key', id, revoked_ms FROM api_keys
  UNION ALL SELECT 'provider', id, created_ms FROM providers
  UNION ALL SELECT 'provider', id, hidden_ms FROM providers
  UNION ALL SELECT 'provider rule', id, created_ms FROM provider_rules
  UNION ALL SELECT 'group', id, created_ms FROM device_groups
  UNION ALL SELECT 'group', id, hidden_ms FROM device_groups
  UNION ALL SELECT 'device', id, created_ms FROM devices
  UNION ALL SELECT 'device', id, blocked_ms FROM devices
  UNION ALL SELECT 'device', id, hidden_ms FROM devices
  UNION ALL SELECT 'dial plan', id, created_ms FROM dialplans
  UNION ALL SELECT 'dial plan', id, hidden_ms FROM dialplans
  UNION ALL SELECT 'DID', did, created_ms FROM dids
  UNION ALL SELECT 'DID', did, closed_ms FROM dids
  UNION ALL SELECT 'DID', did, reserved_ms FROM dids
  UNION ALL SELECT 'DID', did, active_from_ms FROM dids
  UNION ALL SELECT 'DID', did, active_till_ms FROM dids
  UNION ALL SELECT 'IVR', id, created_ms FROM ivrs
  UNION ALL SELECT 'IVR', id, hidden_ms FROM ivrs
  UNION ALL SELECT 'CLI', id, created_ms FROM clis
  UNION ALL SELECT 'CLI', id, updated_ms FROM clis
  UNION ALL SELECT 'device rule', id, created_ms FROM device_rules
  UNION ALL SELECT 'time period', id, created_ms FROM ivr_time_periods
  UNION ALL SELECT 'time period', id, hidden_ms FROM ivr_time_periods
  UNION ALL SELECT 'phonebook record', id, created_ms FROM phonebook_records
  UNION ALL SELECT 'log entry', id, at_ms FROM action_log
  UNION ALL SELECT 'session of user', user_id, created_ms FROM sessions
  UNION ALL SELECT 'session of user', user_id, seen_ms FROM sessions
  UNION ALL SELECT 'password link of user', user_id, expires_ms FROM password_links
) AS times
WHERE ms NOT BETWEEN 0 AND 253402300799999",
    },
];

/// The name of the check that compares the schema with linebook's, object by object.
pub const SHAPE: &str = "the schema is linebook's own";

/// How many checks [`check()`] runs.
pub const COUNT: usize = FILE_CHECKS.len() + 1 + CHECKS.len() + VALUE_CHECKS.len();

/// Runs every check. Each is one statement and so one snapshot, so a database in use is held only as long as the
/// longest of them takes.
pub fn check(connection: &Connection) -> Result<Vec<Violation>, StoreError> {
    let mut violations = run(connection, FILE_CHECKS.iter())?;
    violations.extend(check_shape(connection, &[SCHEMA])?);
    violations.extend(run(connection, CHECKS.iter())?);
    for check in VALUE_CHECKS {
        violations.extend(violation(check.name, check.examples(connection))?);
    }
    Ok(violations)
}

/// Checks the schema only.
pub fn check_shape(
    connection: &Connection,
    schema: &[&str],
) -> Result<Option<Violation>, StoreError> {
    violation(SHAPE, shape::differences(connection, schema))
}

fn run<'a>(
    connection: &Connection,
    checks: impl Iterator<Item = &'a Check>,
) -> Result<Vec<Violation>, StoreError> {
    let mut violations = Vec::new();
    for check in checks {
        violations.extend(violation(check.name, examples(connection, check.sql))?);
    }
    Ok(violations)
}

/// The violation that a check has found, if any.
fn violation(
    name: &'static str,
    found: Result<Vec<String>, StoreError>,
) -> Result<Option<Violation>, StoreError> {
    let mut examples = match found {
        Err(StoreError::Busy) => return Err(StoreError::Busy),
        // Damage can stop a check; then that is its finding.
        Err(error) => vec![format!("it cannot be told, {error}")],
        Ok(examples) => examples,
    };
    let has_more = examples.len() > MAX_EXAMPLES;
    examples.truncate(MAX_EXAMPLES);
    Ok((!examples.is_empty()).then_some(Violation {
        name,
        examples,
        has_more,
    }))
}

fn examples(connection: &Connection, sql: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map([], |row| row.get(0))?;
    Ok(found.take(MAX_EXAMPLES + 1).collect::<Result<_, _>>()?)
}
