//! What holds of the action log beside the rows that it tells of, and of every time.

use crate::store::file::check::invariant::Check;

/// The invariants.
pub const CHECKS: &[Check] = &[
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
