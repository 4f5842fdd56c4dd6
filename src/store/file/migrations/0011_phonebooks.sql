-- Names, numbers and speed dials.

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
