-- Dial plans are of a kind, and those that are voice menus are for up to three time periods.

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

ALTER TABLE dialplans ADD COLUMN
  -- A voice menu, or DIDs that each user sends to a number of their own.
  kind            TEXT NOT NULL DEFAULT 'ivr' CHECK (kind = 'ivr' OR kind = 'quickforwards');
ALTER TABLE dialplans ADD COLUMN
  time_period1_id INTEGER REFERENCES ivr_time_periods (id) CHECK (time_period1_id IS NULL OR kind = 'ivr');
ALTER TABLE dialplans ADD COLUMN
  time_period2_id INTEGER REFERENCES ivr_time_periods (id) CHECK (time_period2_id IS NULL OR kind = 'ivr');
ALTER TABLE dialplans ADD COLUMN
  time_period3_id INTEGER REFERENCES ivr_time_periods (id) CHECK (time_period3_id IS NULL OR kind = 'ivr');
CREATE INDEX dialplans_in_period1 ON dialplans (time_period1_id) WHERE time_period1_id IS NOT NULL;
CREATE INDEX dialplans_in_period2 ON dialplans (time_period2_id) WHERE time_period2_id IS NOT NULL;
CREATE INDEX dialplans_in_period3 ON dialplans (time_period3_id) WHERE time_period3_id IS NOT NULL;
CREATE INDEX dialplans_of_quickforwards ON dialplans (owner_id) WHERE kind = 'quickforwards' AND hidden_ms IS NULL;
