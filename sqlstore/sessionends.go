package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"gatehouse/model"
)

// Ending asks only for the session's own half of being alive: sessions of a
// disabled user are ended too, or enabling the user would revive them.
const (
	sessionsOf = `SELECT ` + sessionColumns + `
		` + whoseUserMayEnter + ` WHERE sessions.user_id = $1 AND ` + notOverAt2 + `
		ORDER BY sessions.created_at DESC, sessions.id DESC`
	endSession = `UPDATE sessions SET ended_at = $3, sweep_at = CASE WHEN sweep_at < $3 THEN sweep_at ELSE $3 END
		WHERE id = $2 AND user_id = $1 AND ` + notOverAt3
	endSessions = `UPDATE sessions SET ended_at = $3, sweep_at = CASE WHEN sweep_at < $3 THEN sweep_at ELSE $3 END
		WHERE user_id = $1 AND id <> $2 AND ` + notOverAt3
	endOldestSessions = `UPDATE sessions SET ended_at = $3, sweep_at = CASE WHEN sweep_at < $3 THEN sweep_at ELSE $3 END
		WHERE ended_at IS NULL AND id IN (
		SELECT id FROM sessions
		WHERE user_id = $1 AND ` + notOverAt3 + `
		ORDER BY created_at DESC, id DESC LIMIT 9223372036854775807 OFFSET $2)`
	endedIndexes = `SELECT status_index FROM sessions WHERE ended_at IS NOT NULL ORDER BY status_index`
	statusBound  = `SELECT coalesce(max(status_index), -1) + 1 FROM sessions`
)

// SessionsOf returns the live sessions of a user, the newest first.
func (r *records) SessionsOf(ctx context.Context, user model.UserID, now time.Time) (sessions []model.Session, err error) {
	err = r.read(ctx, "sessions", func(q Runner) error {
		return each(ctx, q, sessionsOf, []any{user[:], micros(now)}, func(rows *sql.Rows) error {
			var s model.Session
			if err := rows.Scan(scanSession(&s)...); err != nil {
				return err
			}
			sessions = append(sessions, s)
			return nil
		})
	})
	return sessions, err
}

// EndSession ends one live session of the user.
func (r *records) EndSession(ctx context.Context, user model.UserID, id model.SessionID, now time.Time) error {
	return r.write(ctx, "end session", func(q Runner) error {
		ended, err := exec(ctx, q, endSession, user[:], id[:], micros(now))
		if err == nil && ended == 0 {
			return model.ErrNotFound
		}
		return err
	})
}

// EndSessions ends all live sessions of a user but the one to keep.
func (r *records) EndSessions(ctx context.Context, user model.UserID, keep model.SessionID, now time.Time) (int, error) {
	return r.end(ctx, "end sessions", endSessions, user[:], keep[:], micros(now))
}

// EndOldestSessions ends the oldest live sessions of a user so that at most
// limit are left.
func (r *records) EndOldestSessions(ctx context.Context, user model.UserID, limit int, now time.Time) (int, error) {
	return r.end(ctx, "end oldest sessions", endOldestSessions, user[:], max(limit, 0), micros(now))
}

func (r *records) end(ctx context.Context, what, query string, args ...any) (ended int, err error) {
	err = r.write(ctx, what, func(q Runner) error {
		n, err := exec(ctx, q, query, args...)
		ended = int(n)
		return err
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}

// EndedIndexes returns the status index of every session that was ended.
func (r *records) EndedIndexes(ctx context.Context) (indexes []int64, err error) {
	err = r.read(ctx, "ended sessions", func(q Runner) error {
		return each(ctx, q, endedIndexes, nil, func(rows *sql.Rows) error {
			var index int64
			if err := rows.Scan(&index); err != nil {
				return err
			}
			indexes = append(indexes, index)
			return nil
		})
	})
	return indexes, err
}

// StatusBound returns a number above every status index that is taken.
func (r *records) StatusBound(ctx context.Context) (bound int64, err error) {
	err = r.read(ctx, "status bound", func(q Runner) error {
		return row(ctx, q, statusBound, nil, &bound)
	})
	return bound, err
}

// Sweeping looks at the sessions whose sweep_at has passed: those that are still
// alive are put off until their ends as they are now, the others are removed.
const (
	dueSessions = `SELECT id FROM sessions WHERE sweep_at < $1 ORDER BY sweep_at LIMIT $2`
	putOffDue   = `UPDATE sessions SET sweep_at = CASE WHEN idle_expires_at < expires_at THEN idle_expires_at ELSE expires_at END
		WHERE ended_at IS NULL AND idle_expires_at >= $1 AND expires_at >= $1 AND id IN (`
	forgetDue = `DELETE FROM sessions WHERE (ended_at < $1 OR idle_expires_at < $1 OR expires_at < $1) AND id IN (`

	putOffSweep          = putOffDue + dueSessions + `)`
	putOffSweepBeside    = putOffDue + dueSessions + passLocked + `)`
	forgetSessions       = forgetDue + dueSessions + `)`
	forgetSessionsBeside = forgetDue + dueSessions + passLocked + `)`

	// earlierSweep keeps sweep_at from being later than a new idle end.
	earlierSweep = `UPDATE sessions SET sweep_at = $2 WHERE id = $1 AND sweep_at > $2`
)

// ForgetSessions removes the sessions that were over before the given time.
func (r *records) ForgetSessions(ctx context.Context, before time.Time) (total int, err error) {
	steps := [...]string{putOffSweep, forgetSessions}
	if r.dialect.LocksRows {
		steps = [...]string{putOffSweepBeside, forgetSessionsBeside}
	}
	for {
		var changed [len(steps)]int64
		err := r.writeAll(ctx, "forget sessions", func(q Runner) (err error) {
			for i, query := range steps {
				if changed[i], err = exec(ctx, q, query, micros(before), forgetAtOnce); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return total, err
		}
		putOff, gone := changed[0], changed[1]
		total += int(gone)
		if putOff == 0 && gone == 0 {
			return total, nil
		}
	}
}
