-- DIDs that serve many callers: each user says to which number one takes them.
ALTER TABLE users ADD COLUMN
  -- The DIDs that the user may send to a number of their own: digits, with `,` and `|` between alternatives, `%` for any
  -- digits and `[..]` for one of several. Blank: none.
  quickforwards TEXT NOT NULL DEFAULT '' CHECK (length(quickforwards) <= 255 AND quickforwards NOT GLOB '*[^]0-9,|%[]*');

-- Where a DID on a dial plan of that kind takes a user who calls it.
CREATE TABLE quickforwards (
  user_id     INTEGER NOT NULL REFERENCES users (id),
  did_id      INTEGER NOT NULL REFERENCES dids (id),
  forward_to  TEXT NOT NULL DEFAULT '' CHECK (length(forward_to) <= 20 AND forward_to NOT GLOB '*[^0-9]*'),
  description TEXT NOT NULL DEFAULT '' CHECK (length(description) <= 255),
  PRIMARY KEY (user_id, did_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX quickforwards_of_did ON quickforwards (did_id);

-- The list of them is by id.
CREATE INDEX dids_for_quickforwards ON dids (dialplan_id) WHERE dialplan_id IS NOT NULL;
