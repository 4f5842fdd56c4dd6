-- The whole current schema. A new file is made from this text; an older file reaches the same shape through the
-- numbered steps in src/store/file/migrations, and a test proves that the two meet.
--
-- Times are milliseconds since 1970-01-01 UTC (columns ending in _ms). Booleans are 0 or 1.
-- The rules live in src/service. The constraints here are the net below them: no two callers, no bug and no hand-written
-- SQL can bring the file into a state that the rules forbid.

-- Facts about this file as a whole: exactly one row.
CREATE TABLE installation (
  id             INTEGER PRIMARY KEY CHECK (id = 1),
  -- The mark of the demo world: its password and keys are public, so it is served on loopback only.
  is_demo        INTEGER NOT NULL CHECK (is_demo IN (0, 1)),
  created_ms     INTEGER NOT NULL,
  -- Every number from settings.first_extension up to here (exclusive) has been handed out as an extension, or was taken
  -- when its turn came. So finding a free one is one look-up, and no number is handed out twice.
  next_extension INTEGER NOT NULL CHECK (next_extension >= 1),
  -- Raised by each change of who may call, and how: see the triggers after api_keys.
  access_version INTEGER NOT NULL DEFAULT 0,
  -- The newest time that the server has acted on, noted every hour.
  clock_ms       INTEGER NOT NULL DEFAULT 0,
  -- When the server noticed that the clock had leapt. NULL: the clock is trusted.
  leap_ms        INTEGER
) STRICT;

-- `/health/ready` writes this, as much as a large call does: a disk with room for one database page may lack room for
-- twenty. At most one row, of meaningless bytes.
CREATE TABLE readiness (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  filler BLOB NOT NULL
) STRICT;

-- The switches of the API that hold for everyone: exactly one row.
CREATE TABLE settings (
  id                  INTEGER PRIMARY KEY CHECK (id = 1),
  allow_api           INTEGER NOT NULL DEFAULT 1 CHECK (allow_api IN (0, 1)),
  allow_get           INTEGER NOT NULL DEFAULT 0 CHECK (allow_get IN (0, 1)),
  gzip                TEXT NOT NULL DEFAULT 'documented' CHECK (gzip IN ('documented', 'negotiated')),
  require_password    TEXT NOT NULL DEFAULT 'documented' CHECK (require_password IN ('documented', 'always', 'never')),
  shared_admin_key    INTEGER NOT NULL DEFAULT 1 CHECK (shared_admin_key IN (0, 1)),
  -- Blank: SIP.
  default_device_type TEXT NOT NULL DEFAULT ''
    CHECK (default_device_type IN ('', 'SIP', 'IAX2', 'FAX', 'Virtual', 'H323', 'ZAP', 'Skype')),
  first_extension     INTEGER NOT NULL DEFAULT 1001 CHECK (first_extension BETWEEN 1 AND 999999999),
  did_closed_days     INTEGER NOT NULL DEFAULT 90 CHECK (did_closed_days BETWEEN 1 AND 3650)
) STRICT;

-- Everyone who can call or own something. Users are never deleted, because the action log points here; `blocked` takes
-- their access away.
CREATE TABLE users (
  -- 0 is admin, the system owner.
  id         INTEGER PRIMARY KEY CHECK (id >= 0),
  username   TEXT NOT NULL UNIQUE CHECK (length(username) BETWEEN 1 AND 80),
  type       TEXT NOT NULL CHECK (type IN ('admin', 'reseller', 'accountant', 'manager', 'user')),
  -- The user's owner: admin or a reseller. Admin is their own owner.
  owner_id   INTEGER NOT NULL REFERENCES users (id),
  -- argon2id as a PHC string. NULL: no password verifies.
  password   TEXT,
  blocked    INTEGER NOT NULL DEFAULT 0 CHECK (blocked IN (0, 1)),
  created_ms INTEGER NOT NULL,
  -- The DIDs that the user may send to a number of their own: digits, with `,` and `|` between alternatives, `%` for any
  -- digits and `[..]` for one of several. Blank: none.
  quickforwards TEXT NOT NULL DEFAULT '' CHECK (length(quickforwards) <= 255 AND quickforwards NOT GLOB '*[^]0-9,|%[]*'),
  CHECK ((type = 'admin') = (id = 0)),
  -- Only plain users can belong to a reseller.
  CHECK (type = 'user' OR owner_id = 0)
) STRICT;
CREATE INDEX users_of_owner ON users (owner_id);
CREATE INDEX users_by_name ON users (owner_id, username COLLATE NOCASE);

-- What accountants, managers and resellers may do beyond their type. No row: no permission.
CREATE TABLE permissions (
  user_id    INTEGER NOT NULL REFERENCES users (id),
  permission TEXT NOT NULL CHECK (permission IN ('manage_devices', 'manage_dids', 'manage_callerid')),
  PRIMARY KEY (user_id, permission)
) STRICT, WITHOUT ROWID;

-- How an owner's API calls are checked and answered. No row: the defaults below.
CREATE TABLE owner_settings (
  owner_id   INTEGER PRIMARY KEY REFERENCES users (id),
  hash_check TEXT NOT NULL DEFAULT 'documented' CHECK (hash_check IN ('strict', 'documented', 'lenient', 'off')),
  dialect    TEXT NOT NULL DEFAULT 'classic' CHECK (dialect IN ('classic', 'current'))
) STRICT;

-- The addresses from which an owner's API may be called. No row for an owner: from anywhere.
CREATE TABLE allowed_networks (
  owner_id INTEGER NOT NULL REFERENCES users (id),
  -- An address block in CIDR form, with zero host bits.
  network  TEXT NOT NULL CHECK (length(network) BETWEEN 3 AND 49),
  PRIMARY KEY (owner_id, network)
) STRICT, WITHOUT ROWID;

-- Secret keys that sign API calls. Several may be active at once, so that a key can be rotated without an outage.
CREATE TABLE api_keys (
  id         INTEGER PRIMARY KEY,
  user_id    INTEGER NOT NULL REFERENCES users (id),
  -- It has to be readable: the hash of a call is computed with it.
  secret     TEXT NOT NULL CHECK (length(secret) BETWEEN 6 AND 128),
  created_ms INTEGER NOT NULL,
  revoked_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX api_keys_active ON api_keys (user_id, secret) WHERE revoked_ms IS NULL;

-- The server may remember who may call, and how, while installation.access_version stays the same: any change of a row
-- about that raises it. A new user does not: the server never remembers that a name is unknown.
CREATE TRIGGER settings_insert AFTER INSERT ON settings
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER settings_update AFTER UPDATE ON settings
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER settings_delete AFTER DELETE ON settings
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER users_update AFTER UPDATE ON users
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER users_delete AFTER DELETE ON users
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER permissions_insert AFTER INSERT ON permissions
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER permissions_update AFTER UPDATE ON permissions
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER permissions_delete AFTER DELETE ON permissions
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER owner_settings_insert AFTER INSERT ON owner_settings
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER owner_settings_update AFTER UPDATE ON owner_settings
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER owner_settings_delete AFTER DELETE ON owner_settings
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER allowed_networks_insert AFTER INSERT ON allowed_networks
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER allowed_networks_update AFTER UPDATE ON allowed_networks
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER allowed_networks_delete AFTER DELETE ON allowed_networks
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER api_keys_insert AFTER INSERT ON api_keys
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER api_keys_update AFTER UPDATE ON api_keys
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER api_keys_delete AFTER DELETE ON api_keys
BEGIN UPDATE installation SET access_version = access_version + 1; END;

-- The carriers that DIDs come from, and that calls go out through.
CREATE TABLE providers (
  id               INTEGER PRIMARY KEY,
  owner_id         INTEGER NOT NULL REFERENCES users (id),
  -- Unique among the owner's: see the index.
  name             TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  -- 1: resellers may use it, too.
  common_use       INTEGER NOT NULL DEFAULT 0 CHECK (common_use IN (0, 1)),
  created_ms       INTEGER NOT NULL,
  -- Hidden, never deleted: the action log points here.
  hidden_ms        INTEGER,
  tech             TEXT NOT NULL DEFAULT 'SIP' CHECK (tech IN ('dahdi', 'SIP', 'IAX2', 'H323')),
  -- 0: no calls go through it.
  active           INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  network_type     TEXT NOT NULL DEFAULT 'ip'
    CHECK (network_type IN ('hostname', 'ip', 'dynamic')),
  -- The host name or address that calls are sent to.
  server_ip        TEXT NOT NULL DEFAULT '' CHECK (length(server_ip) <= 253),
  -- The address that its calls come from.
  ipaddr           TEXT NOT NULL DEFAULT '' CHECK (length(ipaddr) <= 45),
  port             INTEGER NOT NULL DEFAULT 5060 CHECK (port BETWEEN 0 AND 65535),
  -- 1: the PBX registers there. A dynamic provider registers here instead, and has no address of its own.
  register         INTEGER NOT NULL DEFAULT 0 CHECK (register IN (0, 1))
    CHECK (network_type <> 'dynamic' OR (server_ip = 'dynamic' AND ipaddr = '' AND port = 0 AND register = 0)),
  login            TEXT NOT NULL DEFAULT '' CHECK (length(login) <= 80),
  -- It has to be readable, because the PBX needs it.
  password         TEXT NOT NULL DEFAULT '' CHECK (length(password) <= 80),
  fromuser         TEXT NOT NULL DEFAULT '' CHECK (length(fromuser) <= 80),
  fromdomain       TEXT NOT NULL DEFAULT '' CHECK (length(fromdomain) <= 255),
  -- Blank: as the PBX has it.
  dtmfmode         TEXT NOT NULL DEFAULT ''
    CHECK (dtmfmode IN ('', 'inband', 'info', 'rfc2833', 'auto')),
  -- Seconds: how long it may ring, and how long a call may last. 0: without end.
  timeout_s        INTEGER NOT NULL DEFAULT 60 CHECK (timeout_s BETWEEN 30 AND 86400),
  max_timeout_s    INTEGER NOT NULL DEFAULT 0 CHECK (max_timeout_s BETWEEN 0 AND 86400),
  -- Calls at once. 0: no limit.
  call_limit       INTEGER NOT NULL DEFAULT 0 CHECK (call_limit BETWEEN 0 AND 1000000),
  -- An amount in units of 10^-8.
  balance_limit_e8 INTEGER NOT NULL DEFAULT 0,
  -- The caller ID of calls through it. Blank: the caller's own.
  cid_name         TEXT NOT NULL DEFAULT '' CHECK (length(cid_name) <= 80),
  cid_number       TEXT NOT NULL DEFAULT ''
    CHECK (length(cid_number) <= 20 AND cid_number NOT GLOB '*[^0-9]*'),
  -- Numbers of MOR's servers, kept as they were sent. One machine has no use for them.
  server_ids       TEXT NOT NULL DEFAULT '' CHECK (length(server_ids) <= 255)
) STRICT;
CREATE INDEX providers_of_owner ON providers (owner_id);
CREATE UNIQUE INDEX providers_named ON providers (owner_id, name) WHERE hidden_ms IS NULL;
CREATE INDEX providers_for_common_use ON providers (common_use) WHERE common_use = 1 AND hidden_ms IS NULL;

-- How numbers change in calls through a provider.
CREATE TABLE provider_rules (
  id           INTEGER PRIMARY KEY,
  provider_id  INTEGER NOT NULL REFERENCES providers (id),
  name         TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  -- Numbers that begin with `cut` lose it, and get `prefix` instead.
  cut          TEXT NOT NULL CHECK (length(cut) <= 60),
  prefix       TEXT NOT NULL CHECK (length(prefix) <= 60),
  -- The lengths of the numbers that it is for.
  min_length   INTEGER NOT NULL DEFAULT 1,
  max_length   INTEGER NOT NULL DEFAULT 100 CHECK (max_length <= 100),
  -- The number that is called, or the caller's.
  applies_to   TEXT NOT NULL DEFAULT 'dst' CHECK (applies_to IN ('dst', 'src')),
  -- Added behind a number that is called.
  suffix       TEXT NOT NULL DEFAULT '' CHECK (length(suffix) <= 60),
  enabled      INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  -- Whether the P-Asserted-Identity is set, and the caller's name changed, too.
  sets_pai     INTEGER NOT NULL DEFAULT 0 CHECK (sets_pai IN (0, 1)),
  changes_name INTEGER NOT NULL DEFAULT 0 CHECK (changes_name IN (0, 1)),
  created_ms   INTEGER NOT NULL,
  CHECK (cut <> '' OR prefix <> ''),
  CHECK (min_length BETWEEN 1 AND max_length),
  CHECK (applies_to = 'dst' OR suffix = '')
) STRICT;
CREATE INDEX provider_rules_of_provider ON provider_rules (provider_id);

-- A user's devices are sorted into groups; every user has exactly one primary group.
CREATE TABLE device_groups (
  id         INTEGER PRIMARY KEY,
  user_id    INTEGER NOT NULL REFERENCES users (id),
  name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  is_primary INTEGER NOT NULL DEFAULT 0 CHECK (is_primary IN (0, 1)),
  created_ms INTEGER NOT NULL,
  hidden_ms  INTEGER,
  -- The scope it is in, kept here so that a scope's groups can be listed. The trigger below fills it in.
  owner_id   INTEGER REFERENCES users (id),
  -- Devices refer to this, so that a device cannot be in another user's group.
  UNIQUE (user_id, id)
) STRICT;
CREATE UNIQUE INDEX device_groups_primary ON device_groups (user_id) WHERE is_primary = 1;
CREATE INDEX device_groups_of_owner ON device_groups (owner_id) WHERE hidden_ms IS NULL;
CREATE TRIGGER device_groups_have_an_owner AFTER INSERT ON device_groups WHEN NEW.owner_id IS NULL
BEGIN
  UPDATE device_groups
  SET owner_id = (SELECT iif(type IN ('admin', 'reseller'), id, owner_id) FROM users WHERE id = NEW.user_id)
  WHERE id = NEW.id;
END;

-- Phones, gateways and trunks. Rows are never deleted, because calls and the action log point here. A blocked device keeps
-- everything and can be unblocked; a removed one (hidden_ms) is gone for good and has given everything back.
CREATE TABLE devices (
  id              INTEGER PRIMARY KEY,
  user_id         INTEGER NOT NULL REFERENCES users (id),
  device_group_id INTEGER NOT NULL,
  -- Compared one by one, here and in other tables that get many rows: for a longer IN list, SQLite makes a temporary
  -- table at each insert.
  type            TEXT NOT NULL
    CHECK (type = 'SIP' OR type = 'IAX2' OR type = 'FAX' OR type = 'Virtual' OR type = 'H323' OR type = 'ZAP'
      OR type = 'Skype'),
  description     TEXT NOT NULL DEFAULT '' CHECK (length(description) <= 255),
  extension       TEXT NOT NULL CHECK (length(extension) BETWEEN 1 AND 20 AND extension NOT GLOB '*[^0-9a-z#*]*'),
  username        TEXT NOT NULL CHECK (length(username) BETWEEN 1 AND 80),
  -- The secret it registers with. It has to be readable, because the PBX needs it.
  secret          TEXT NOT NULL,
  -- NULL: pinless. Compared as text: 7 and 007 are two PINs.
  pin             TEXT UNIQUE CHECK (length(pin) BETWEEN 1 AND 20 AND pin NOT GLOB '*[^0-9]*'),
  caller_id       TEXT NOT NULL DEFAULT '' CHECK (length(caller_id) <= 80),
  -- 0: it registers with username and secret. 1: it is known by its address; both are kept.
  ip_auth         INTEGER NOT NULL DEFAULT 0 CHECK (ip_auth IN (0, 1)),
  -- In canonical form. 0.0.0.0: unknown until it registers.
  ipaddr          TEXT NOT NULL DEFAULT '0.0.0.0',
  -- Instead of the address.
  hostname        TEXT NOT NULL DEFAULT '' CHECK (length(hostname) <= 253 AND (hostname = '' OR ip_auth = 1)),
  port            INTEGER NOT NULL DEFAULT 0 CHECK (port BETWEEN 0 AND 65535),
  is_trunk        INTEGER NOT NULL DEFAULT 0 CHECK (is_trunk IN (0, 1)),
  -- A trunk that also passes on the number of who calls.
  with_ani        INTEGER NOT NULL DEFAULT 0 CHECK (with_ani IN (0, 1) AND with_ani <= is_trunk),
  -- Its own balance, in units of 10^-8. Payments do not touch it.
  balance_e8      INTEGER NOT NULL DEFAULT 0,
  -- Calls up to this long are free of charge.
  grace_s         INTEGER NOT NULL DEFAULT 0 CHECK (grace_s BETWEEN 0 AND 600),
  created_ms      INTEGER NOT NULL,
  -- NULL: not blocked. A blocked device neither calls nor is called.
  blocked_ms      INTEGER,
  hidden_ms       INTEGER,
  -- The scope it is in (its user's owner; admin and resellers are their own), kept here so that a scope's devices can
  -- be listed among a million others. Each insert gives it: a trigger would have SQLite journal every database page that the
  -- new device changes.
  owner_id        INTEGER REFERENCES users (id),
  -- DIDs refer to this, so that a DID cannot be active on another user's device. The id comes first: new devices go to the
  -- end of the index, and not each to another database page.
  UNIQUE (id, user_id),
  FOREIGN KEY (user_id, device_group_id) REFERENCES device_groups (user_id, id),
  -- A removed device gives its PIN back.
  CHECK (hidden_ms IS NULL OR pin IS NULL),
  CHECK (ip_auth = 0 OR hostname <> '' OR ipaddr <> '0.0.0.0')
) STRICT;
-- A user's devices with everything that `devices_get` sends and asks for, so that one leaf is read instead of each
-- device's row. It holds `hidden_ms`, too; without it SQLite would read the devices for that. Groups are looked for here,
-- too: an index of their own would cost each new device one more database page.
CREATE INDEX devices_of_user ON devices (user_id, id, type, ipaddr, port, device_group_id, blocked_ms, hidden_ms)
  WHERE hidden_ms IS NULL;
-- The orders and the filters of the web page of devices: each list is a walk along one of these. The newest first are
-- seven walks, one per type, side by side.
CREATE INDEX devices_by_type ON devices (owner_id, type) WHERE hidden_ms IS NULL;
CREATE INDEX devices_by_extension ON devices (owner_id, extension) WHERE hidden_ms IS NULL;
CREATE INDEX devices_by_description ON devices (owner_id, description COLLATE NOCASE) WHERE hidden_ms IS NULL;
CREATE INDEX devices_trunks ON devices (owner_id) WHERE is_trunk = 1 AND hidden_ms IS NULL;
CREATE INDEX devices_blocked ON devices (owner_id) WHERE blocked_ms IS NOT NULL AND hidden_ms IS NULL;
-- A removed device's extension and username are free again.
CREATE UNIQUE INDEX devices_extensions ON devices (extension) WHERE hidden_ms IS NULL;
CREATE UNIQUE INDEX devices_usernames ON devices (username) WHERE hidden_ms IS NULL;
-- It is given out again only to who asks for it, so the next number to be given out is none of these.
CREATE INDEX devices_given_back ON devices (extension) WHERE hidden_ms IS NOT NULL;
-- Two devices at one address and port could not be told apart.
CREATE UNIQUE INDEX devices_hosts ON devices (ipaddr, port) WHERE ip_auth = 1 AND hostname = '' AND hidden_ms IS NULL;

-- What tunes a PBX for one device. No row: the option's default, see src/service/device_options.rs.
CREATE TABLE device_options (
  device_id INTEGER NOT NULL REFERENCES devices (id),
  name      TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
  value     TEXT NOT NULL CHECK (length(value) <= 500),
  PRIMARY KEY (device_id, name)
) STRICT, WITHOUT ROWID;

-- Where the faxes that a device receives are sent.
CREATE TABLE fax_emails (
  device_id INTEGER NOT NULL REFERENCES devices (id),
  -- In lower case.
  email     TEXT NOT NULL CHECK (length(email) BETWEEN 3 AND 254 AND email = lower(email)),
  PRIMARY KEY (device_id, email)
) STRICT, WITHOUT ROWID;

-- Parts of the day, the week and the year, for dial plans.
CREATE TABLE ivr_time_periods (
  id                  INTEGER PRIMARY KEY,
  owner_id            INTEGER NOT NULL REFERENCES users (id),
  name                TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  -- Each limit is part of the period.
  start_minute_of_day INTEGER NOT NULL DEFAULT 0 CHECK (start_minute_of_day BETWEEN 0 AND 1439),
  end_minute_of_day   INTEGER NOT NULL DEFAULT 1439 CHECK (end_minute_of_day BETWEEN 0 AND 1439),
  -- 1 is Monday. NULL, here and below: no limit.
  start_weekday       INTEGER CHECK (start_weekday BETWEEN 1 AND 7),
  end_weekday         INTEGER CHECK (end_weekday BETWEEN 1 AND 7),
  start_month         INTEGER CHECK (start_month BETWEEN 1 AND 12),
  end_month           INTEGER CHECK (end_month BETWEEN 1 AND 12),
  start_day           INTEGER CHECK (start_day BETWEEN 1 AND 31),
  end_day             INTEGER CHECK (end_day BETWEEN 1 AND 31),
  created_ms          INTEGER NOT NULL,
  -- Hidden, never deleted: the action log points here.
  hidden_ms           INTEGER
) STRICT;
CREATE INDEX ivr_time_periods_of_owner ON ivr_time_periods (owner_id);

-- Dial plans can answer a call instead of a device.
CREATE TABLE dialplans (
  id         INTEGER PRIMARY KEY,
  owner_id   INTEGER NOT NULL REFERENCES users (id),
  name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  created_ms INTEGER NOT NULL,
  -- Hidden, never deleted: the action log points here.
  hidden_ms  INTEGER,
  -- A voice menu, or DIDs that each user sends to a number of their own.
  kind            TEXT NOT NULL DEFAULT 'ivr' CHECK (kind = 'ivr' OR kind = 'quickforwards'),
  time_period1_id INTEGER REFERENCES ivr_time_periods (id) CHECK (time_period1_id IS NULL OR kind = 'ivr'),
  time_period2_id INTEGER REFERENCES ivr_time_periods (id) CHECK (time_period2_id IS NULL OR kind = 'ivr'),
  time_period3_id INTEGER REFERENCES ivr_time_periods (id) CHECK (time_period3_id IS NULL OR kind = 'ivr')
) STRICT;
CREATE INDEX dialplans_of_owner ON dialplans (owner_id);
CREATE INDEX dialplans_in_period1 ON dialplans (time_period1_id) WHERE time_period1_id IS NOT NULL;
CREATE INDEX dialplans_in_period2 ON dialplans (time_period2_id) WHERE time_period2_id IS NOT NULL;
CREATE INDEX dialplans_in_period3 ON dialplans (time_period3_id) WHERE time_period3_id IS NOT NULL;
CREATE INDEX dialplans_of_quickforwards ON dialplans (owner_id) WHERE kind = 'quickforwards' AND hidden_ms IS NULL;

-- Phone numbers that can be dialled from outside, and the state of each.
CREATE TABLE dids (
  id          INTEGER PRIMARY KEY,
  did         TEXT NOT NULL UNIQUE CHECK (length(did) BETWEEN 1 AND 15 AND did NOT GLOB '*[^0-9]*'),
  provider_id INTEGER NOT NULL REFERENCES providers (id),
  -- The scope it is in: admin's, or a reseller's.
  owner_id    INTEGER NOT NULL REFERENCES users (id),
  status      TEXT NOT NULL
    CHECK (status = 'free' OR status = 'reserved' OR status = 'active' OR status = 'closed' OR status = 'terminated'),
  user_id     INTEGER REFERENCES users (id),
  device_id   INTEGER,
  dialplan_id INTEGER REFERENCES dialplans (id),
  closed_ms   INTEGER,
  -- When it was reserved. A reservation that is never used is worth a warning.
  reserved_ms INTEGER,
  created_ms  INTEGER NOT NULL,
  -- Whose it is while a reseller has it on loan: the scope that it came from. NULL: its own scope's.
  lent_by_id  INTEGER REFERENCES users (id) CHECK (lent_by_id <> owner_id),
  -- Calls at once. 0: any number.
  call_limit  INTEGER NOT NULL DEFAULT 0 CHECK (call_limit BETWEEN 0 AND 1000000),
  -- Calls that are not longer than this cost nothing.
  grace_time_s INTEGER NOT NULL DEFAULT 0 CHECK (grace_time_s BETWEEN 0 AND 86400),
  language    TEXT NOT NULL DEFAULT ''
    CHECK (language = '' OR (length(language) = 2 AND language NOT GLOB '*[^a-z]*')),
  tone_zone   TEXT NOT NULL DEFAULT '' CHECK (length(tone_zone) <= 2),
  -- It answers calls from the first to the second of these times. NULL: without that limit.
  active_from_ms INTEGER,
  active_till_ms INTEGER CHECK (active_till_ms > active_from_ms),
  -- `Name: value`, sent along with its calls.
  custom_sip_header TEXT NOT NULL DEFAULT '' CHECK (length(custom_sip_header) <= 255),
  comment     TEXT NOT NULL DEFAULT '' CHECK (length(comment) <= 255),
  reseller_comment TEXT NOT NULL DEFAULT '' CHECK (length(reseller_comment) <= 255),
  FOREIGN KEY (user_id, device_id) REFERENCES devices (user_id, id),
  -- Each state has exactly the links that belong to it.
  CHECK ((user_id IS NOT NULL) = (status NOT IN ('free', 'terminated'))),
  CHECK ((status = 'active') = ((device_id IS NOT NULL) + (dialplan_id IS NOT NULL) = 1)),
  CHECK (status = 'active' OR (device_id IS NULL AND dialplan_id IS NULL)),
  CHECK ((closed_ms IS NOT NULL) = (status = 'closed'))
) STRICT;
CREATE INDEX dids_of_owner ON dids (owner_id, did);
CREATE INDEX dids_by_status ON dids (owner_id, status, did);
CREATE INDEX dids_of_user ON dids (user_id, did) WHERE user_id IS NOT NULL;
CREATE INDEX dids_of_provider ON dids (provider_id, owner_id, did);
CREATE INDEX dids_reserved ON dids (owner_id, reserved_ms) WHERE reserved_ms IS NOT NULL;
CREATE INDEX dids_on_device ON dids (device_id, did) WHERE device_id IS NOT NULL;
CREATE INDEX dids_on_dialplan ON dids (dialplan_id, did) WHERE dialplan_id IS NOT NULL;
CREATE INDEX dids_for_quickforwards ON dids (dialplan_id) WHERE dialplan_id IS NOT NULL;
-- The server frees closed DIDs after did_closed_days.
CREATE INDEX dids_closed ON dids (closed_ms) WHERE closed_ms IS NOT NULL;
CREATE INDEX dids_lent ON dids (lent_by_id, did) WHERE lent_by_id IS NOT NULL;
-- A provider's free stock, by number.
CREATE INDEX dids_free_of_provider ON dids (owner_id, provider_id, did) WHERE status = 'free';

-- Where a DID on a dial plan of that kind takes a user who calls it.
CREATE TABLE quickforwards (
  user_id     INTEGER NOT NULL REFERENCES users (id),
  did_id      INTEGER NOT NULL REFERENCES dids (id),
  forward_to  TEXT NOT NULL DEFAULT '' CHECK (length(forward_to) <= 20 AND forward_to NOT GLOB '*[^0-9]*'),
  description TEXT NOT NULL DEFAULT '' CHECK (length(description) <= 255),
  PRIMARY KEY (user_id, did_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX quickforwards_of_did ON quickforwards (did_id);

-- What happens to a call for a device: before it rings, and when it is not answered, busy or failed. No row: nothing.
CREATE TABLE callflows (
  device_id      INTEGER NOT NULL REFERENCES devices (id),
  state          TEXT NOT NULL
    CHECK (state = 'before_call' OR state = 'no_answer' OR state = 'busy' OR state = 'failed'),
  action         TEXT NOT NULL
    CHECK (action = 'forward' OR action = 'fax_detect' OR action = 'voicemail'),
  -- The device that a forward rings, or that takes a fax.
  target_id      INTEGER REFERENCES devices (id),
  -- The number that a forward dials instead.
  number         TEXT CHECK (length(number) BETWEEN 1 AND 20 AND number NOT GLOB '*[^0-9]*'),
  -- The caller ID that a forwarded call shows: as it came, the device's, a DID's, or a text.
  caller_id_from TEXT NOT NULL DEFAULT 'source'
    CHECK (caller_id_from = 'source' OR caller_id_from = 'device' OR caller_id_from = 'did' OR caller_id_from = 'custom'),
  did_id         INTEGER REFERENCES dids (id),
  caller_id      TEXT NOT NULL DEFAULT '' CHECK (length(caller_id) <= 80),
  PRIMARY KEY (device_id, state),
  CHECK (action <> 'fax_detect' OR state = 'before_call'),
  CHECK ((target_id IS NOT NULL) + (number IS NOT NULL) = (action <> 'voicemail')),
  CHECK (number IS NULL OR action = 'forward'),
  CHECK ((did_id IS NOT NULL) = (caller_id_from = 'did')),
  CHECK (target_id <> device_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX callflows_to_device ON callflows (target_id) WHERE target_id IS NOT NULL;
CREATE INDEX callflows_with_did ON callflows (did_id) WHERE did_id IS NOT NULL;

-- How the numbers of calls that reach a device through a DID are rewritten.
CREATE TABLE device_rules (
  id           INTEGER PRIMARY KEY,
  device_id    INTEGER NOT NULL REFERENCES devices (id),
  name         TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  -- What is taken off the beginning of a number, and what is put there instead.
  cut          TEXT NOT NULL CHECK (length(cut) <= 60),
  prefix       TEXT NOT NULL CHECK (length(prefix) <= 60),
  -- The numbers that it is for, by their length.
  min_length   INTEGER NOT NULL CHECK (min_length BETWEEN 1 AND 100),
  max_length   INTEGER NOT NULL CHECK (max_length BETWEEN min_length AND 100),
  -- The caller's number, or the called one.
  applies_to   TEXT NOT NULL CHECK (applies_to = 'src' OR applies_to = 'dst'),
  -- 1: the caller's name is rewritten, too.
  changes_name INTEGER NOT NULL CHECK (changes_name IN (0, 1)),
  created_ms   INTEGER NOT NULL,
  CHECK (cut <> '' OR prefix <> '')
) STRICT;
CREATE INDEX device_rules_on_device ON device_rules (device_id, id);

-- The voice menus that a CLI can name.
CREATE TABLE ivrs (
  id         INTEGER PRIMARY KEY,
  owner_id   INTEGER NOT NULL REFERENCES users (id),
  name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  created_ms INTEGER NOT NULL,
  -- Hidden, never deleted: the action log points here.
  hidden_ms  INTEGER
) STRICT;
CREATE INDEX ivrs_of_owner ON ivrs (owner_id);

-- Calling numbers (or domains) that identify a device.
CREATE TABLE clis (
  id          INTEGER PRIMARY KEY,
  device_id   INTEGER NOT NULL REFERENCES devices (id),
  number      TEXT UNIQUE CHECK (length(number) BETWEEN 1 AND 20 AND number NOT GLOB '*[^0-9]*'),
  -- In lower case.
  domain      TEXT UNIQUE CHECK (length(domain) BETWEEN 1 AND 253 AND domain = lower(domain)),
  description TEXT NOT NULL DEFAULT '' CHECK (length(description) <= 255),
  comment     TEXT NOT NULL DEFAULT '' CHECK (length(comment) <= 255),
  banned      INTEGER NOT NULL DEFAULT 0 CHECK (banned IN (0, 1)),
  ivr_id      INTEGER REFERENCES ivrs (id),
  created_ms  INTEGER NOT NULL,
  -- Its device's user and scope, which never change. The trigger below fills them in.
  user_id     INTEGER REFERENCES users (id),
  owner_id    INTEGER REFERENCES users (id),
  -- NULL: never changed.
  updated_ms  INTEGER,
  CHECK (number IS NOT NULL OR domain IS NOT NULL)
) STRICT;
CREATE INDEX clis_on_device ON clis (device_id);
CREATE INDEX clis_of_owner ON clis (owner_id);
CREATE INDEX clis_by_number ON clis (owner_id, number);
CREATE INDEX clis_by_domain ON clis (owner_id, domain);
CREATE INDEX clis_of_user ON clis (user_id);
CREATE TRIGGER clis_have_an_owner AFTER INSERT ON clis WHEN NEW.owner_id IS NULL
BEGIN
  UPDATE clis
  SET
    user_id = (SELECT user_id FROM devices WHERE id = NEW.device_id),
    owner_id = (SELECT owner_id FROM devices WHERE id = NEW.device_id)
  WHERE id = NEW.id;
END;
CREATE INDEX clis_with_ivr ON clis (ivr_id) WHERE ivr_id IS NOT NULL;

-- The records of each user's phonebook. Those of user 0 are for everyone; a user's own come first.
CREATE TABLE phonebook_records (
  id         INTEGER PRIMARY KEY,
  user_id    INTEGER NOT NULL REFERENCES users (id),
  name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  number     TEXT NOT NULL CHECK (length(number) BETWEEN 1 AND 20 AND number NOT GLOB '*[^0-9]*'),
  speeddial  TEXT NOT NULL CHECK (length(speeddial) BETWEEN 2 AND 20 AND speeddial NOT GLOB '*[^0-9]*'),
  created_ms INTEGER NOT NULL,
  UNIQUE (user_id, speeddial)
) STRICT;
CREATE INDEX phonebook_records_of_user ON phonebook_records (user_id);
CREATE INDEX phonebook_records_by_speeddial ON phonebook_records (speeddial);

-- Who changed what. Rows are written in the transaction of the change, never changed afterwards, and hold no secret.
CREATE TABLE action_log (
  id          INTEGER PRIMARY KEY,
  at_ms       INTEGER NOT NULL,
  -- NULL: nobody in the database (the server itself, or the operator on the command line).
  actor_id    INTEGER REFERENCES users (id),
  -- The actor's username, or `operator` or `system`.
  actor       TEXT NOT NULL,
  through     TEXT NOT NULL CHECK (through = 'api' OR through = 'cli' OR through = 'pages' OR through = 'system'),
  -- The remote address of an API call or a web page.
  address     TEXT,
  -- Ties an API call to its log line.
  request_id  TEXT,
  -- `device.create`, `did.reserve`, ...
  action      TEXT NOT NULL,
  object_id   INTEGER,
  -- JSON objects of the fields that changed.
  before      TEXT CHECK (before IS NULL OR json_valid(before)),
  after       TEXT CHECK (after IS NULL OR json_valid(after))
) STRICT;
-- Admin, who makes most of the entries, reads the whole log.
CREATE INDEX action_log_of_actor ON action_log (actor_id) WHERE actor_id > 0;
CREATE INDEX action_log_of_object ON action_log (object_id) WHERE object_id IS NOT NULL;
CREATE TRIGGER action_log_is_not_updated BEFORE UPDATE ON action_log
BEGIN SELECT RAISE(ABORT, 'the action log is not changed'); END;
CREATE TRIGGER action_log_is_not_deleted BEFORE DELETE ON action_log
BEGIN SELECT RAISE(ABORT, 'the action log is not changed'); END;

-- Who is signed in to the web pages. A new password or a block ends their sessions.
CREATE TABLE sessions (
  -- BLAKE2b-256 of the cookie: nobody can sign in with what is in this file.
  token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
  user_id    INTEGER NOT NULL REFERENCES users (id),
  created_ms INTEGER NOT NULL,
  -- When it was last used, to within a few minutes.
  seen_ms    INTEGER NOT NULL,
  -- The address of that last use, shown to its user.
  address    TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_user ON sessions (user_id, created_ms);
-- The server removes expired rows, here and below.
CREATE INDEX sessions_by_use ON sessions (seen_ms);

-- Links with which a user sets their password, once. `init` makes one for admin.
CREATE TABLE password_links (
  token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
  user_id    INTEGER NOT NULL REFERENCES users (id),
  expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX password_links_of_user ON password_links (user_id);
CREATE INDEX password_links_by_end ON password_links (expires_ms);
