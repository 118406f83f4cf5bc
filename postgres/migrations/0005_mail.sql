-- What is mailed: codes know the address they prove and the browser that asked,
-- and a request that named nobody is kept like any other, under nobody's name.

ALTER TABLE codes
  ALTER COLUMN user_id DROP NOT NULL,
  ADD COLUMN email            TEXT   COLLATE "C" CHECK (email <> ''),
  ADD COLUMN session_id       BYTEA  CHECK (octet_length(session_id) = 16),
  ADD COLUMN request_digest   BYTEA  CHECK (octet_length(request_digest) = 32),
  ADD COLUMN typed_digest     BYTEA  CHECK (octet_length(typed_digest) = 32),
  ADD COLUMN typed_expires_at BIGINT,
  ADD COLUMN typed_tries      BIGINT NOT NULL DEFAULT 0 CHECK (typed_tries >= 0);

CREATE INDEX codes_request ON codes (request_digest) WHERE request_digest IS NOT NULL;

-- Mails that wait. sealed is recipient and content under the master key, since a
-- copy of the database must not hold a link that works.
CREATE TABLE outbox (
  id          BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
  user_id     BYTEA  REFERENCES users (id) ON DELETE CASCADE,
  kind        TEXT   COLLATE "C" NOT NULL CHECK (kind <> ''),
  sealed      BYTEA  NOT NULL CHECK (octet_length(sealed) > 0),
  created_at  BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL,
  next_try_at BIGINT NOT NULL,
  tries       BIGINT NOT NULL DEFAULT 0 CHECK (tries >= 0)
);

CREATE INDEX outbox_next ON outbox (next_try_at);
CREATE INDEX outbox_created ON outbox (created_at);
CREATE INDEX outbox_user ON outbox (user_id) WHERE user_id IS NOT NULL;
