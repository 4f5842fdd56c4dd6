-- What happens to a device's call at each moment, and how the numbers of its calls are rewritten.

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
