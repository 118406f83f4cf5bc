-- Events are sealed into a chain after they were written: each one then has a
-- position and a MAC. A column is written once, but for the salt, which goes with
-- the address, the user agent and the request id when the user is deleted.
ALTER TABLE events ADD COLUMN position INTEGER CHECK (position > 0);
ALTER TABLE events ADD COLUMN mac BLOB CHECK (length(mac) = 32 AND (mac IS NULL) = (position IS NULL));
ALTER TABLE events ADD COLUMN commitment BLOB CHECK (length(commitment) = 32 AND (commitment IS NULL) = (position IS NULL));
ALTER TABLE events ADD COLUMN salt BLOB CHECK (salt IS NULL OR length(salt) = 16 AND position IS NOT NULL);

CREATE UNIQUE INDEX events_position ON events (position) WHERE position IS NOT NULL;
CREATE INDEX events_unsealed ON events (id) WHERE position IS NULL;

-- What is said of the whole chain: where it begins and where it ends.
CREATE TABLE event_chain (
  one    INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  record BLOB    NOT NULL
) STRICT;

INSERT INTO event_chain (one, record) VALUES (1, x'');
