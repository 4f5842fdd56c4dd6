-- The dialect `pages` is called `classic`: the word has too many other meanings. SQLite changes no CHECK in place, so the
-- table is made anew, with the triggers that go with it. Nothing is renamed: SQLite would write the new name in quotes.

CREATE TABLE owner_settings_before (
  owner_id   INTEGER PRIMARY KEY,
  hash_check TEXT NOT NULL,
  dialect    TEXT NOT NULL
) STRICT;
INSERT INTO owner_settings_before (
  owner_id,
  hash_check,
  dialect
)
SELECT
  owner_id,
  hash_check,
  dialect
FROM owner_settings;
DROP TABLE owner_settings;

CREATE TABLE owner_settings (
  owner_id   INTEGER PRIMARY KEY REFERENCES users (id),
  hash_check TEXT NOT NULL DEFAULT 'documented' CHECK (hash_check IN ('strict', 'documented', 'lenient', 'off')),
  dialect    TEXT NOT NULL DEFAULT 'classic' CHECK (dialect IN ('classic', 'current'))
) STRICT;
INSERT INTO owner_settings (
  owner_id,
  hash_check,
  dialect
)
SELECT
  owner_id,
  hash_check,
  CASE dialect
    WHEN 'pages' THEN 'classic'
    ELSE dialect
  END
FROM owner_settings_before;
DROP TABLE owner_settings_before;

CREATE TRIGGER owner_settings_insert AFTER INSERT ON owner_settings
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER owner_settings_update AFTER UPDATE ON owner_settings
BEGIN UPDATE installation SET access_version = access_version + 1; END;
CREATE TRIGGER owner_settings_delete AFTER DELETE ON owner_settings
BEGIN UPDATE installation SET access_version = access_version + 1; END;

-- What was remembered of callers names the old word.
UPDATE installation
SET access_version = access_version + 1;
