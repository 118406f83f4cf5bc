-- Events are sealed into a chain after they were written: each one then has a
-- position and a MAC. A column is written once, but for the salt, which goes with
-- the address, the user agent and the request id when the user is deleted.
ALTER TABLE events
  ADD COLUMN position   BIGINT CHECK (position > 0),
  ADD COLUMN mac        BYTEA CHECK (octet_length(mac) = 32),
  ADD COLUMN commitment BYTEA CHECK (octet_length(commitment) = 32),
  ADD COLUMN salt       BYTEA CHECK (octet_length(salt) = 16),
  ADD CHECK ((mac IS NULL) = (position IS NULL) AND (commitment IS NULL) = (position IS NULL)),
  ADD CHECK (salt IS NULL OR position IS NOT NULL);

CREATE UNIQUE INDEX events_position ON events (position) WHERE position IS NOT NULL;
CREATE INDEX events_unsealed ON events (id) WHERE position IS NULL;

-- What is said of the whole chain: where it begins and where it ends.
CREATE TABLE event_chain (
  one    BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
  record BYTEA  NOT NULL
);

INSERT INTO event_chain (one, record) VALUES (1, '');
