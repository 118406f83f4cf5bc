-- Identifiers are 16 random bytes, times are microseconds since 1970 in UTC,
-- digests are the 32 bytes of a SHA-256. Text is compared byte for byte, COLLATE
-- "C" whatever the database says: every rule about case and Unicode is applied
-- before it comes here. What a stranger sent need not be text, so it is BYTEA.

CREATE TABLE users (
  id                BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
  username          TEXT   COLLATE "C" UNIQUE CHECK (username <> ''),
  username_skeleton TEXT   COLLATE "C" UNIQUE CHECK (username_skeleton <> ''),
  email             TEXT   COLLATE "C" UNIQUE CHECK (email <> ''),
  email_verified_at BIGINT,
  roles             TEXT   COLLATE "C" NOT NULL,
  disabled_at       BIGINT,
  created_at        BIGINT NOT NULL,
  updated_at        BIGINT NOT NULL,
  password_hash     TEXT   COLLATE "C" NOT NULL,
  password_version  BIGINT NOT NULL CHECK (password_version > 0),
  CHECK (username IS NOT NULL OR email IS NOT NULL),
  CHECK ((username IS NULL) = (username_skeleton IS NULL))
);

-- A session whose user was deleted stays as a place in the status list until
-- no token can name it: it is ended and holds nothing of anybody.
-- sweep_at is when to look whether the session is over: never later than the
-- moment at which it was or will be. It stays where it is while the session is
-- in use, so that a step touches no index; the page keeps room for the new row.
CREATE TABLE sessions (
  id               BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
  user_id          BYTEA  REFERENCES users (id) ON DELETE RESTRICT,
  token_digest    BYTEA  CHECK (octet_length(token_digest) = 32),
  counter          BIGINT NOT NULL CHECK (counter >= 0),
  stepped_at       BIGINT,
  status_index     BIGINT NOT NULL UNIQUE CHECK (status_index >= 0),
  authenticated_at BIGINT NOT NULL,
  created_at       BIGINT NOT NULL,
  last_used_at     BIGINT NOT NULL,
  idle_expires_at  BIGINT NOT NULL,
  expires_at       BIGINT NOT NULL,
  ended_at         BIGINT,
  address          TEXT   COLLATE "C",
  user_agent       BYTEA,
  request_id       BYTEA,
  sweep_at         BIGINT NOT NULL,
  CHECK (user_id IS NOT NULL OR (ended_at IS NOT NULL AND token_digest IS NULL
    AND address IS NULL AND user_agent IS NULL AND request_id IS NULL))
) WITH (fillfactor = 80);

CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_sweep ON sessions (sweep_at);
CREATE INDEX sessions_ended ON sessions (status_index) WHERE ended_at IS NOT NULL;
CREATE UNIQUE INDEX sessions_token ON sessions (token_digest) WHERE token_digest IS NOT NULL;

CREATE TABLE codes (
  digest     BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(digest) = 32),
  purpose    TEXT   COLLATE "C" NOT NULL CHECK (purpose <> ''),
  user_id    BYTEA  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  UNIQUE (user_id, purpose)
);

CREATE INDEX codes_expiry ON codes (expires_at);

CREATE TABLE signing_keys (
  algorithm   TEXT   COLLATE "C" NOT NULL CHECK (algorithm <> ''),
  generation  BIGINT NOT NULL CHECK (generation > 0),
  key_id      TEXT   COLLATE "C" NOT NULL UNIQUE CHECK (key_id <> ''),
  sealed      BYTEA  NOT NULL CHECK (octet_length(sealed) > 0),
  created_at  BIGINT NOT NULL,
  active_from BIGINT NOT NULL,
  PRIMARY KEY (algorithm, generation)
);

-- Events outlive the users they are about, so they refer to nothing.
CREATE TABLE events (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at         BIGINT NOT NULL,
  name       TEXT   COLLATE "C" NOT NULL CHECK (name <> ''),
  user_id    BYTEA  CHECK (octet_length(user_id) = 16),
  session_id BYTEA  CHECK (octet_length(session_id) = 16),
  address    TEXT   COLLATE "C",
  user_agent BYTEA,
  request_id BYTEA
);

CREATE INDEX events_user ON events (user_id, at) WHERE user_id IS NOT NULL;
CREATE INDEX events_at ON events (at);
