-- Devices: blocked and removed are two states, authentication by address, a balance. A removed device gives its extension
-- and username back, and SQLite changes no UNIQUE and no CHECK in place, so the table is made anew, with everything on it.
-- Nothing is renamed: SQLite would write the new name in quotes.

-- Between DROP and the last row, DIDs and CLIs refer to devices that are not there.
PRAGMA defer_foreign_keys = ON;

CREATE TABLE devices_before (
  id              INTEGER PRIMARY KEY,
  user_id         INTEGER NOT NULL,
  device_group_id INTEGER NOT NULL,
  type            TEXT NOT NULL,
  description     TEXT NOT NULL,
  extension       TEXT NOT NULL,
  username        TEXT NOT NULL,
  secret          TEXT NOT NULL,
  pin             TEXT,
  caller_id       TEXT NOT NULL,
  ipaddr          TEXT NOT NULL,
  port            INTEGER NOT NULL,
  is_trunk        INTEGER NOT NULL,
  created_ms      INTEGER NOT NULL,
  hidden_ms       INTEGER,
  owner_id        INTEGER
) STRICT;
INSERT INTO devices_before (
  id,
  user_id,
  device_group_id,
  type,
  description,
  extension,
  username,
  secret,
  pin,
  caller_id,
  ipaddr,
  port,
  is_trunk,
  created_ms,
  hidden_ms,
  owner_id
)
SELECT
  id,
  user_id,
  device_group_id,
  type,
  description,
  extension,
  username,
  secret,
  pin,
  caller_id,
  ipaddr,
  port,
  is_trunk,
  created_ms,
  hidden_ms,
  owner_id
FROM devices;
DROP TABLE devices;

CREATE TABLE devices (
  id              INTEGER PRIMARY KEY,
  user_id         INTEGER NOT NULL REFERENCES users (id),
  device_group_id INTEGER NOT NULL,
  type            TEXT NOT NULL
    CHECK (type = 'SIP' OR type = 'IAX2' OR type = 'FAX' OR type = 'Virtual' OR type = 'H323' OR type = 'ZAP'
      OR type = 'Skype'),
  description     TEXT NOT NULL DEFAULT '' CHECK (length(description) <= 255),
  extension       TEXT NOT NULL CHECK (length(extension) BETWEEN 1 AND 20 AND extension NOT GLOB '*[^0-9a-z#*]*'),
  username        TEXT NOT NULL CHECK (length(username) BETWEEN 1 AND 80),
  secret          TEXT NOT NULL,
  pin             TEXT UNIQUE CHECK (length(pin) BETWEEN 1 AND 20 AND pin NOT GLOB '*[^0-9]*'),
  caller_id       TEXT NOT NULL DEFAULT '' CHECK (length(caller_id) <= 80),
  ip_auth         INTEGER NOT NULL DEFAULT 0 CHECK (ip_auth IN (0, 1)),
  ipaddr          TEXT NOT NULL DEFAULT '0.0.0.0',
  hostname        TEXT NOT NULL DEFAULT '' CHECK (length(hostname) <= 253 AND (hostname = '' OR ip_auth = 1)),
  port            INTEGER NOT NULL DEFAULT 0 CHECK (port BETWEEN 0 AND 65535),
  is_trunk        INTEGER NOT NULL DEFAULT 0 CHECK (is_trunk IN (0, 1)),
  with_ani        INTEGER NOT NULL DEFAULT 0 CHECK (with_ani IN (0, 1) AND with_ani <= is_trunk),
  balance_e8      INTEGER NOT NULL DEFAULT 0,
  grace_s         INTEGER NOT NULL DEFAULT 0 CHECK (grace_s BETWEEN 0 AND 600),
  created_ms      INTEGER NOT NULL,
  blocked_ms      INTEGER,
  hidden_ms       INTEGER,
  owner_id        INTEGER REFERENCES users (id),
  UNIQUE (id, user_id),
  FOREIGN KEY (user_id, device_group_id) REFERENCES device_groups (user_id, id),
  CHECK (hidden_ms IS NULL OR pin IS NULL),
  CHECK (ip_auth = 0 OR hostname <> '' OR ipaddr <> '0.0.0.0')
) STRICT;
-- In the order of their ids. Nobody's way to log in changes.
INSERT INTO devices (
  id,
  user_id,
  device_group_id,
  type,
  description,
  extension,
  username,
  secret,
  pin,
  caller_id,
  ipaddr,
  port,
  is_trunk,
  created_ms,
  hidden_ms,
  owner_id
)
SELECT
  id,
  user_id,
  device_group_id,
  type,
  description,
  extension,
  username,
  secret,
  pin,
  caller_id,
  ipaddr,
  port,
  is_trunk,
  created_ms,
  hidden_ms,
  owner_id
FROM devices_before;
DROP TABLE devices_before;

CREATE INDEX devices_of_user ON devices (user_id, id, type, ipaddr, port, device_group_id, blocked_ms, hidden_ms)
  WHERE hidden_ms IS NULL;
CREATE INDEX devices_by_type ON devices (owner_id, type) WHERE hidden_ms IS NULL;
CREATE INDEX devices_by_extension ON devices (owner_id, extension) WHERE hidden_ms IS NULL;
CREATE INDEX devices_by_description ON devices (owner_id, description COLLATE NOCASE) WHERE hidden_ms IS NULL;
CREATE INDEX devices_trunks ON devices (owner_id) WHERE is_trunk = 1 AND hidden_ms IS NULL;
CREATE INDEX devices_blocked ON devices (owner_id) WHERE blocked_ms IS NOT NULL AND hidden_ms IS NULL;
CREATE UNIQUE INDEX devices_extensions ON devices (extension) WHERE hidden_ms IS NULL;
CREATE UNIQUE INDEX devices_usernames ON devices (username) WHERE hidden_ms IS NULL;
CREATE INDEX devices_given_back ON devices (extension) WHERE hidden_ms IS NOT NULL;
CREATE UNIQUE INDEX devices_hosts ON devices (ipaddr, port) WHERE ip_auth = 1 AND hostname = '' AND hidden_ms IS NULL;
CREATE TRIGGER devices_have_an_owner AFTER INSERT ON devices WHEN NEW.owner_id IS NULL
BEGIN
  UPDATE devices
  SET owner_id = (SELECT iif(type IN ('admin', 'reseller'), id, owner_id) FROM users WHERE id = NEW.user_id)
  WHERE id = NEW.id;
END;

CREATE TABLE device_options (
  device_id INTEGER NOT NULL REFERENCES devices (id),
  name      TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
  value     TEXT NOT NULL CHECK (length(value) <= 500),
  PRIMARY KEY (device_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE fax_emails (
  device_id INTEGER NOT NULL REFERENCES devices (id),
  email     TEXT NOT NULL CHECK (length(email) BETWEEN 3 AND 254 AND email = lower(email)),
  PRIMARY KEY (device_id, email)
) STRICT, WITHOUT ROWID;
