package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"gatehouse/model"
)

// chargeAttempt decides everything in one statement, so that however many ask at
// once none passes that the rule does not let pass. A lane that lies in the future
// by more than its rule can have put it there was left by a clock that was set
// back, and begins anew.
const (
	chargeAttempt = `INSERT INTO attempts (lane, user_id, failures, total, at, blocked_until, forget_at)
		VALUES ($1, $2, 1, 1, $3, $4, $5)
		ON CONFLICT (lane) DO UPDATE SET failures = ` + failuresThen + `, total = attempts.total + 1,
		at = CASE WHEN ` + untilTheEnd + ` AND NOT (` + beginsAnew + `) THEN attempts.at ELSE excluded.at END,
		blocked_until = CASE WHEN ` + failuresThen + ` <= ` + free + ` THEN NULL
			WHEN ` + untilTheEnd + ` AND ` + beginsAnew + ` THEN excluded.at + ` + within + `
			WHEN ` + untilTheEnd + ` THEN attempts.at + ` + within + `
			WHEN ` + failuresThen + ` - ` + free + ` > 20 OR ` + doubled + ` > ` + longest + ` THEN excluded.at + ` + longest + `
			ELSE excluded.at + ` + doubled + ` END,
		forget_at = CASE WHEN ` + untilTheEnd + ` AND NOT (` + beginsAnew + `) THEN attempts.forget_at ELSE excluded.forget_at END
		WHERE attempts.blocked_until IS NULL OR attempts.blocked_until <= $3 OR attempts.blocked_until > ` + beyond + `
		RETURNING ` + tallyColumns

	beginsAnew   = `(attempts.at <= ` + past + ` OR attempts.at > ` + future + `)`
	failuresThen = `(CASE WHEN ` + beginsAnew + ` THEN 1 ELSE attempts.failures + 1 END)`
	untilTheEnd  = first + ` = 0`
	doubled      = `(` + first + ` << CAST(` + failuresThen + ` - ` + free + ` - 1 AS INTEGER))`

	free    = `CAST($6 AS BIGINT)`
	first   = `CAST($7 AS BIGINT)`
	longest = `CAST($8 AS BIGINT)`
	within  = `CAST($9 AS BIGINT)`
	past    = `CAST($10 AS BIGINT)`
	future  = `CAST($11 AS BIGINT)`
	beyond  = `CAST($12 AS BIGINT)`

	tallyColumns = `lane, failures, total, at, blocked_until`
	tally        = `SELECT ` + tallyColumns + ` FROM attempts WHERE lane = $1`
	// tallies is one row, whatever is found, because to read rows takes longer than to
	// find them.
	tallies = `SELECT
		COALESCE(MAX(CASE WHEN lane = $1 THEN failures END), 0), COALESCE(MAX(CASE WHEN lane = $1 THEN total END), 0),
		MAX(CASE WHEN lane = $1 THEN at END), MAX(CASE WHEN lane = $1 THEN blocked_until END),
		COALESCE(MAX(CASE WHEN lane = $2 THEN failures END), 0), COALESCE(MAX(CASE WHEN lane = $2 THEN total END), 0),
		MAX(CASE WHEN lane = $2 THEN at END), MAX(CASE WHEN lane = $2 THEN blocked_until END),
		COALESCE(MAX(CASE WHEN lane = $3 THEN failures END), 0), COALESCE(MAX(CASE WHEN lane = $3 THEN total END), 0),
		MAX(CASE WHEN lane = $3 THEN at END), MAX(CASE WHEN lane = $3 THEN blocked_until END)
		FROM attempts WHERE lane IN ($1, $2, $3)`

	returnAttempt = `UPDATE attempts SET failures = CASE WHEN failures > 0 THEN failures - 1 ELSE 0 END,
		total = CASE WHEN total > 0 THEN total - 1 ELSE 0 END, blocked_until = NULL WHERE lane = $1`
	clearLane    = `DELETE FROM attempts WHERE lane = $1`
	clearLanesOf = `DELETE FROM attempts WHERE user_id = $1`
	talliesOf    = `SELECT ` + tallyColumns + ` FROM attempts WHERE user_id = $1`
	liftLanesOf  = `UPDATE attempts SET failures = 0, blocked_until = NULL WHERE user_id = $1`

	oldAttempts          = `SELECT lane FROM attempts WHERE forget_at < $1 LIMIT $2`
	forgetAttempts       = `DELETE FROM attempts WHERE lane IN (` + oldAttempts + `)`
	forgetAttemptsBeside = `DELETE FROM attempts WHERE lane IN (` + oldAttempts + passLocked + `)`
)

func scanTally(t *model.Tally) []any {
	return []any{(*digest)(&t.Key), &t.Failures, &t.Total, (*moment)(&t.At), (*moment)(&t.BlockedUntil)}
}

// ChargeAttempt counts one attempt, or nothing where the lane is blocked.
func (r *records) ChargeAttempt(ctx context.Context, attempt model.Attempt) (now model.Tally, charged bool, err error) {
	if attempt.Lane.Key == (model.Digest{}) {
		return now, false, r.trouble("charge attempt", errors.New("the lane has no key"))
	}
	args := chargeArguments(attempt)
	err = r.write(ctx, "charge attempt", func(q Runner) error {
		// Where writers run side by side, the lane may go while we look at it.
		for range 2 {
			err := undo(ctx, q, func() error { return row(ctx, q, chargeAttempt, args, scanTally(&now)...) })
			if charged = err == nil; charged {
				return nil
			}
			if !errors.Is(err, model.ErrNotFound) {
				if r.engine.Fault(err) == FaultForeignKey {
					return model.ErrNotFound
				}
				return err
			}
			if err := row(ctx, q, tally, args[:1], scanTally(&now)...); !errors.Is(err, model.ErrNotFound) {
				return err
			}
		}
		return errors.New("the lane is neither there nor not there")
	})
	return now, charged && err == nil, err
}

func chargeArguments(a model.Attempt) []any {
	var blocked, forget time.Time
	if a.Rule.Free < 1 {
		blocked = a.Now.Add(max(a.Rule.FirstDelay, 0))
		if a.Rule.FirstDelay == 0 {
			blocked = a.Now.Add(a.Rule.Within)
		}
	}
	if a.Rule.Keep > 0 {
		forget = a.Now.Add(a.Rule.Keep)
	}
	return []any{a.Lane.Key[:], bytesOf(a.Lane.UserID), micros(a.Now), micros(blocked), micros(forget), int64(a.Rule.Free),
		a.Rule.FirstDelay.Microseconds(), a.Rule.LongestDelay.Microseconds(), a.Rule.Within.Microseconds(),
		a.Now.Add(-a.Rule.Within).UnixMicro(), a.Now.Add(a.Rule.Within).UnixMicro(), a.Now.Add(2 * a.Rule.LongestBlock()).UnixMicro()}
}

// Tallies returns how lanes stand, in the order of the keys.
func (r *records) Tallies(ctx context.Context, keys [3]model.Digest) (found [3]model.Tally, err error) {
	args := []any{digestBytes(keys[0]), digestBytes(keys[1]), digestBytes(keys[2])}
	into := slices.Concat(scanTally(&found[0])[1:], scanTally(&found[1])[1:], scanTally(&found[2])[1:])
	err = r.read(ctx, "tallies", func(q Runner) error { return row(ctx, q, tallies, args, into...) })
	for i := range found {
		if !found[i].At.IsZero() {
			found[i].Key = keys[i]
		}
	}
	return found, err
}

// ReturnAttempt takes one attempt back, and with it the delay that it brought.
func (r *records) ReturnAttempt(ctx context.Context, lane model.Digest) error {
	return r.write(ctx, "return attempt", func(q Runner) error {
		_, err := exec(ctx, q, returnAttempt, lane[:])
		return err
	})
}

// ClearLane forgets all attempts of a lane.
func (r *records) ClearLane(ctx context.Context, lane model.Digest) error {
	return r.write(ctx, "clear lane", func(q Runner) error {
		_, err := exec(ctx, q, clearLane, lane[:])
		return err
	})
}

// TalliesOf returns how the lanes of a user stand.
func (r *records) TalliesOf(ctx context.Context, id model.UserID) (found []model.Tally, err error) {
	err = r.read(ctx, "tallies of user", func(q Runner) error {
		found = nil
		return each(ctx, q, talliesOf, []any{id[:]}, func(rows *sql.Rows) error {
			var t model.Tally
			err := rows.Scan(scanTally(&t)...)
			found = append(found, t)
			return err
		})
	})
	return found, err
}

// LiftLanesOf blocks nobody any more in the lanes of a user.
func (r *records) LiftLanesOf(ctx context.Context, id model.UserID) error {
	return r.write(ctx, "lift lanes", func(q Runner) error {
		_, err := exec(ctx, q, liftLanesOf, id[:])
		return err
	})
}

// ClearLanesOf forgets all attempts of all lanes of a user.
func (r *records) ClearLanesOf(ctx context.Context, id model.UserID) error {
	return r.write(ctx, "clear lanes", func(q Runner) error {
		_, err := exec(ctx, q, clearLanesOf, id[:])
		return err
	})
}

// ForgetAttempts removes the lanes of which nothing counts any more.
func (r *records) ForgetAttempts(ctx context.Context, before time.Time) (int, error) {
	query := forgetAttempts
	if r.dialect.LocksRows {
		query = forgetAttemptsBeside
	}
	return r.forget(ctx, "forget attempts", query, before)
}
