-- Identifiers are 16 random bytes, times are microseconds since 1970 in UTC,
-- digests are the 32 bytes of a SHA-256. Text is compared byte for byte: every
-- rule about case and Unicode is applied before it comes here.
--
-- What is looked up by its key alone is kept WITHOUT ROWID: one tree, one page.

CREATE TABLE users (
  id                BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  username          TEXT    UNIQUE CHECK (username <> ''),
  username_skeleton TEXT    UNIQUE CHECK (username_skeleton <> ''),
  email             TEXT    UNIQUE CHECK (email <> ''),
  email_verified_at INTEGER,
  roles             TEXT    NOT NULL,
  disabled_at       INTEGER,
  created_at        INTEGER NOT NULL,
  updated_at        INTEGER NOT NULL,
  password_hash     TEXT    NOT NULL,
  password_version  INTEGER NOT NULL CHECK (password_version > 0),
  CHECK (username IS NOT NULL OR email IS NOT NULL),
  CHECK ((username IS NULL) = (username_skeleton IS NULL))
) STRICT, WITHOUT ROWID;

-- A session whose user was deleted stays as a place in the status list until
-- no token can name it: it is ended and holds nothing of anybody.
--
-- sweep_at is when to look whether the session is over: never later than the
-- first of its ends, but often earlier, because the idle end moves with every
-- use and an index that moved with it would make each use cost three pages.
CREATE TABLE sessions (
  id               BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  user_id          BLOB    REFERENCES users (id) ON DELETE RESTRICT,
  token_digest    BLOB    CHECK (length(token_digest) = 32),
  counter          INTEGER NOT NULL CHECK (counter >= 0),
  stepped_at       INTEGER,
  status_index     INTEGER NOT NULL UNIQUE CHECK (status_index >= 0),
  authenticated_at INTEGER NOT NULL,
  created_at       INTEGER NOT NULL,
  last_used_at     INTEGER NOT NULL,
  idle_expires_at  INTEGER NOT NULL,
  expires_at       INTEGER NOT NULL,
  ended_at         INTEGER,
  sweep_at         INTEGER NOT NULL,
  address          TEXT,
  user_agent       BLOB,
  request_id       BLOB,
  CHECK (user_id IS NOT NULL OR (ended_at IS NOT NULL AND token_digest IS NULL
    AND address IS NULL AND user_agent IS NULL AND request_id IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_sweep ON sessions (sweep_at);
CREATE INDEX sessions_ended ON sessions (status_index) WHERE ended_at IS NOT NULL;
CREATE UNIQUE INDEX sessions_token ON sessions (token_digest) WHERE token_digest IS NOT NULL;

CREATE TABLE codes (
  digest     BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
  purpose    TEXT    NOT NULL CHECK (purpose <> ''),
  user_id    BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  UNIQUE (user_id, purpose)
) STRICT, WITHOUT ROWID;

CREATE INDEX codes_expiry ON codes (expires_at);

CREATE TABLE signing_keys (
  algorithm   TEXT    NOT NULL CHECK (algorithm <> ''),
  generation  INTEGER NOT NULL CHECK (generation > 0),
  key_id      TEXT    NOT NULL UNIQUE CHECK (key_id <> ''),
  sealed      BLOB    NOT NULL CHECK (length(sealed) > 0),
  created_at  INTEGER NOT NULL,
  active_from INTEGER NOT NULL,
  PRIMARY KEY (algorithm, generation)
) STRICT, WITHOUT ROWID;

-- Events outlive the users they are about, so they refer to nothing.
CREATE TABLE events (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  at         INTEGER NOT NULL,
  name       TEXT    NOT NULL CHECK (name <> ''),
  user_id    BLOB    CHECK (length(user_id) = 16),
  session_id BLOB    CHECK (length(session_id) = 16),
  address    TEXT,
  user_agent BLOB,
  request_id BLOB
) STRICT;

CREATE INDEX events_user ON events (user_id, at) WHERE user_id IS NOT NULL;
CREATE INDEX events_at ON events (at);
