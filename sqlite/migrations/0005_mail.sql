-- What is mailed: codes know the address they prove and the browser that asked,
-- and a request that named nobody is kept like any other, under nobody's name.
-- SQLite cannot take a NOT NULL away, so the table is made anew; its rows live a
-- day at most.

CREATE TABLE codes_next (
  digest           BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
  purpose          TEXT    NOT NULL CHECK (purpose <> ''),
  user_id          BLOB    REFERENCES users (id) ON DELETE CASCADE,
  email            TEXT    CHECK (email <> ''),
  session_id       BLOB    CHECK (length(session_id) = 16),
  created_at       INTEGER NOT NULL,
  expires_at       INTEGER NOT NULL,
  request_digest   BLOB    CHECK (length(request_digest) = 32),
  typed_digest     BLOB    CHECK (length(typed_digest) = 32),
  typed_expires_at INTEGER,
  typed_tries      INTEGER NOT NULL DEFAULT 0 CHECK (typed_tries >= 0),
  UNIQUE (user_id, purpose)
) STRICT, WITHOUT ROWID;

INSERT INTO codes_next (digest, purpose, user_id, created_at, expires_at)
  SELECT digest, purpose, user_id, created_at, expires_at FROM codes;
DROP TABLE codes;
ALTER TABLE codes_next RENAME TO codes;

CREATE INDEX codes_expiry ON codes (expires_at);
CREATE INDEX codes_request ON codes (request_digest) WHERE request_digest IS NOT NULL;

-- Mails that wait. sealed is recipient and content under the master key, since a
-- copy of the database must not hold a link that works.
CREATE TABLE outbox (
  id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  user_id     BLOB    REFERENCES users (id) ON DELETE CASCADE,
  kind        TEXT    NOT NULL CHECK (kind <> ''),
  sealed      BLOB    NOT NULL CHECK (length(sealed) > 0),
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  next_try_at INTEGER NOT NULL,
  tries       INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_next ON outbox (next_try_at);
CREATE INDEX outbox_created ON outbox (created_at);
CREATE INDEX outbox_user ON outbox (user_id) WHERE user_id IS NOT NULL;
