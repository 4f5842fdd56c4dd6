-- Providers get their address, their registration and their limits. Their names become unique among an owner's, so the
-- later ones of a name get a number behind it, each with a row in the action log.

INSERT INTO action_log (
  at_ms,
  actor,
  through,
  action,
  object_id,
  before,
  after
)
WITH RECURSIVE
  -- The first of these that is in no name: ` #`, ` ##`, ... What ends with it and an id is like no other name.
  marks (mark) AS (
    SELECT ' #'
    UNION ALL
    SELECT mark || '#'
    FROM marks
    WHERE EXISTS (
      SELECT 1
      FROM providers
      WHERE instr(name, mark) > 0
    )
  ),
  chosen (mark) AS (
    SELECT max(mark)
    FROM marks
  )
SELECT
  CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER),
  'system',
  'system',
  'provider.update',
  id,
  json_object('name', name),
  json_object('name', substr(name, 1, 255 - length(mark || id)) || mark || id)
FROM providers, chosen
WHERE hidden_ms IS NULL
  AND EXISTS (
    SELECT 1
    FROM providers AS earlier
    WHERE earlier.owner_id = providers.owner_id
      AND earlier.name = providers.name
      AND earlier.hidden_ms IS NULL
      AND earlier.id < providers.id
  )
ORDER BY id;

-- The server itself has never changed a provider before.
UPDATE providers
SET name = (
  SELECT json_extract(after, '$.name')
  FROM action_log
  WHERE object_id = providers.id
    AND action = 'provider.update'
    AND through = 'system'
)
WHERE id IN (
  SELECT object_id
  FROM action_log
  WHERE action = 'provider.update'
    AND through = 'system'
);
CREATE UNIQUE INDEX providers_named ON providers (owner_id, name) WHERE hidden_ms IS NULL;
CREATE INDEX providers_for_common_use ON providers (common_use) WHERE common_use = 1 AND hidden_ms IS NULL;

ALTER TABLE providers ADD COLUMN tech TEXT NOT NULL DEFAULT 'SIP' CHECK (tech IN ('dahdi', 'SIP', 'IAX2', 'H323'));
ALTER TABLE providers ADD COLUMN active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1));
ALTER TABLE providers ADD COLUMN network_type TEXT NOT NULL DEFAULT 'ip'
  CHECK (network_type IN ('hostname', 'ip', 'dynamic'));
ALTER TABLE providers ADD COLUMN server_ip TEXT NOT NULL DEFAULT '' CHECK (length(server_ip) <= 253);
ALTER TABLE providers ADD COLUMN ipaddr TEXT NOT NULL DEFAULT '' CHECK (length(ipaddr) <= 45);
ALTER TABLE providers ADD COLUMN port INTEGER NOT NULL DEFAULT 5060 CHECK (port BETWEEN 0 AND 65535);
ALTER TABLE providers ADD COLUMN register INTEGER NOT NULL DEFAULT 0 CHECK (register IN (0, 1))
  CHECK (network_type <> 'dynamic' OR (server_ip = 'dynamic' AND ipaddr = '' AND port = 0 AND register = 0));
ALTER TABLE providers ADD COLUMN login TEXT NOT NULL DEFAULT '' CHECK (length(login) <= 80);
ALTER TABLE providers ADD COLUMN password TEXT NOT NULL DEFAULT '' CHECK (length(password) <= 80);
ALTER TABLE providers ADD COLUMN fromuser TEXT NOT NULL DEFAULT '' CHECK (length(fromuser) <= 80);
ALTER TABLE providers ADD COLUMN fromdomain TEXT NOT NULL DEFAULT '' CHECK (length(fromdomain) <= 255);
ALTER TABLE providers ADD COLUMN dtmfmode TEXT NOT NULL DEFAULT ''
  CHECK (dtmfmode IN ('', 'inband', 'info', 'rfc2833', 'auto'));
ALTER TABLE providers ADD COLUMN timeout_s INTEGER NOT NULL DEFAULT 60 CHECK (timeout_s BETWEEN 30 AND 86400);
ALTER TABLE providers ADD COLUMN max_timeout_s INTEGER NOT NULL DEFAULT 0 CHECK (max_timeout_s BETWEEN 0 AND 86400);
ALTER TABLE providers ADD COLUMN call_limit INTEGER NOT NULL DEFAULT 0 CHECK (call_limit BETWEEN 0 AND 1000000);
ALTER TABLE providers ADD COLUMN balance_limit_e8 INTEGER NOT NULL DEFAULT 0;
ALTER TABLE providers ADD COLUMN cid_name TEXT NOT NULL DEFAULT '' CHECK (length(cid_name) <= 80);
ALTER TABLE providers ADD COLUMN cid_number TEXT NOT NULL DEFAULT ''
  CHECK (length(cid_number) <= 20 AND cid_number NOT GLOB '*[^0-9]*');
ALTER TABLE providers ADD COLUMN server_ids TEXT NOT NULL DEFAULT '' CHECK (length(server_ids) <= 255);

CREATE TABLE provider_rules (
  id           INTEGER PRIMARY KEY,
  provider_id  INTEGER NOT NULL REFERENCES providers (id),
  name         TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  cut          TEXT NOT NULL CHECK (length(cut) <= 60),
  prefix       TEXT NOT NULL CHECK (length(prefix) <= 60),
  min_length   INTEGER NOT NULL DEFAULT 1,
  max_length   INTEGER NOT NULL DEFAULT 100 CHECK (max_length <= 100),
  applies_to   TEXT NOT NULL DEFAULT 'dst' CHECK (applies_to IN ('dst', 'src')),
  suffix       TEXT NOT NULL DEFAULT '' CHECK (length(suffix) <= 60),
  enabled      INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  sets_pai     INTEGER NOT NULL DEFAULT 0 CHECK (sets_pai IN (0, 1)),
  changes_name INTEGER NOT NULL DEFAULT 0 CHECK (changes_name IN (0, 1)),
  created_ms   INTEGER NOT NULL,
  CHECK (cut <> '' OR prefix <> ''),
  CHECK (min_length BETWEEN 1 AND max_length),
  CHECK (applies_to = 'dst' OR suffix = '')
) STRICT;
CREATE INDEX provider_rules_of_provider ON provider_rules (provider_id);
