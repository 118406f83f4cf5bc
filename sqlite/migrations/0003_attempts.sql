-- A lane is what attempts are counted under, by a digest that tells nobody whose it
-- is. One with a user goes with the user. forget_at is when nothing of it counts any
-- more; where there is none it counts as long as the user is there.
CREATE TABLE attempts (
  lane          BLOB    NOT NULL PRIMARY KEY CHECK (length(lane) = 32),
  user_id       BLOB    REFERENCES users (id) ON DELETE CASCADE,
  failures      INTEGER NOT NULL CHECK (failures >= 0),
  total         INTEGER NOT NULL CHECK (total >= 0),
  at            INTEGER NOT NULL,
  blocked_until INTEGER,
  forget_at     INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX attempts_user ON attempts (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX attempts_forget ON attempts (forget_at) WHERE forget_at IS NOT NULL;

-- How far ahead of the clock a session is with its steps.
ALTER TABLE sessions ADD COLUMN paced_until INTEGER;
