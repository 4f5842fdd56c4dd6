//! What holds of DIDs: who has them, what they are on, and what they keep.

use crate::store::file::check::invariant::Check;

/// The invariants.
pub const CHECKS: &[Check] = &[
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
        name: "DIDs are unique",
        sql: "
SELECT format('DID %s stands %s times', did, count(*))
FROM dids
GROUP BY did
HAVING count(*) > 1",
    },
    Check {
        name: "a DID takes its callers somewhere only on a dial plan for quickforwards",
        sql: "
SELECT format('DID %s takes user %s to %s', did, quickforwards.user_id, forward_to)
FROM quickforwards
-- In this order: the DIDs are looked up.
CROSS JOIN dids ON dids.id = did_id
LEFT JOIN dialplans ON dialplans.id = dialplan_id
WHERE kind IS NOT 'quickforwards'",
    },
];
