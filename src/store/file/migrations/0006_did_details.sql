-- A DID keeps how it is used: its details, and whose it is while a reseller has it.
ALTER TABLE dids ADD COLUMN lent_by_id INTEGER REFERENCES users (id) CHECK (lent_by_id <> owner_id);
ALTER TABLE dids ADD COLUMN call_limit INTEGER NOT NULL DEFAULT 0 CHECK (call_limit BETWEEN 0 AND 1000000);
ALTER TABLE dids ADD COLUMN grace_time_s INTEGER NOT NULL DEFAULT 0 CHECK (grace_time_s BETWEEN 0 AND 86400);
ALTER TABLE dids ADD COLUMN language TEXT NOT NULL DEFAULT ''
    CHECK (language = '' OR (length(language) = 2 AND language NOT GLOB '*[^a-z]*'));
ALTER TABLE dids ADD COLUMN tone_zone TEXT NOT NULL DEFAULT '' CHECK (length(tone_zone) <= 2);
ALTER TABLE dids ADD COLUMN active_from_ms INTEGER;
ALTER TABLE dids ADD COLUMN active_till_ms INTEGER CHECK (active_till_ms > active_from_ms);
ALTER TABLE dids ADD COLUMN custom_sip_header TEXT NOT NULL DEFAULT '' CHECK (length(custom_sip_header) <= 255);
ALTER TABLE dids ADD COLUMN comment TEXT NOT NULL DEFAULT '' CHECK (length(comment) <= 255);
ALTER TABLE dids ADD COLUMN reseller_comment TEXT NOT NULL DEFAULT '' CHECK (length(reseller_comment) <= 255);
CREATE INDEX dids_lent ON dids (lent_by_id, did) WHERE lent_by_id IS NOT NULL;
-- By number, as a device's.
DROP INDEX dids_on_dialplan;
CREATE INDEX dids_on_dialplan ON dids (dialplan_id, did) WHERE dialplan_id IS NOT NULL;
CREATE INDEX dids_free_of_provider ON dids (owner_id, provider_id, did) WHERE status = 'free';

-- So far, only a reservation moved a DID into a reseller's scope, and nothing moved it back.
UPDATE dids
SET lent_by_id = 0
WHERE owner_id <> 0
  AND EXISTS (
    SELECT 1
    FROM action_log
    WHERE object_id = dids.id
      AND action = 'did.reserve'
      AND json_extract(before, '$.owner_id') = 0
  );
