//! What holds of devices and of what hangs on them: groups, CLIs, options, rules, call flows.

use crate::store::file::check::invariant::Check;

/// The invariants.
pub const CHECKS: &[Check] = &[
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
        name: "a CLI's user and owner are its device's",
        sql: "
SELECT format('CLI %s has user %s, owner %s', clis.id, coalesce(clis.user_id, 'none'), coalesce(clis.owner_id, 'none'))
FROM clis
CROSS JOIN devices ON devices.id = clis.device_id
WHERE clis.user_id IS NOT devices.user_id
   OR clis.owner_id IS NOT devices.owner_id",
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
];
