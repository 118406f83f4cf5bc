package sqlstore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"gatehouse/model"
)

const (
	// minStatusBits is where the indexes of the status list begin: 2^17 entries,
	// a list of 16 KiB before compression.
	minStatusBits = 17
	// maxStatusBits is where they end: as many sessions as anybody can keep.
	maxStatusBits = 40
	// statusTries is how many taken indexes in a row mean that the range is
	// filling up. With eight tries it grows when roughly a fifth is taken, and
	// not by a single coincidence.
	statusTries = 8
)

// sessionColumns are what scanSession reads.
const sessionColumns = `sessions.id, sessions.user_id, sessions.token_digest, sessions.counter, sessions.stepped_at,
	sessions.status_index, sessions.authenticated_at, sessions.created_at, sessions.last_used_at,
	sessions.idle_expires_at, sessions.expires_at, sessions.address, sessions.user_agent, sessions.request_id`

func scanSession(s *model.Session) []any {
	return []any{(*id)(&s.ID), (*id)(&s.UserID), (*digest)(&s.TokenDigest), &s.Counter, (*moment)(&s.SteppedAt),
		&s.StatusIndex, (*moment)(&s.AuthenticatedAt), (*moment)(&s.CreatedAt), (*moment)(&s.LastUsedAt),
		(*moment)(&s.IdleExpiresAt), (*moment)(&s.ExpiresAt),
		(*addressOf)(&s.Client.Address), wordOf(&s.Client.UserAgent), wordOf(&s.Client.RequestID)}
}

// presenceColumns are what scanPresence reads: who is there, and in the same
// look how the signing keys stand. The id of the user is in the session.
const presenceColumns = sessionColumns + `, ` + userRestColumns + `, ` + keysVersion

func scanPresence(p *model.Presence) []any {
	return slices.Concat(scanSession(&p.Session), scanUserRest(&p.User), []any{(*int64)(&p.Keys)})
}

const (
	openSession = `INSERT INTO sessions (id, user_id, token_digest, counter, stepped_at, status_index, authenticated_at,
		created_at, last_used_at, idle_expires_at, expires_at, address, user_agent, request_id, sweep_at)
		SELECT $1, users.id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
		FROM users WHERE users.id = $2 AND users.password_version = $16 AND users.disabled_at IS NULL
		ON CONFLICT (status_index) DO NOTHING RETURNING status_index`
	mayOpenSession = `SELECT 1 FROM users WHERE users.id = $1 AND users.password_version = $2 AND users.disabled_at IS NULL`
	// lockMayOpenSession holds the user as it is until the session is there, so
	// that a change of the password waits, or is seen. Logins of one user wait
	// for each other too, so that each counts the sessions of those before it.
	lockMayOpenSession = mayOpenSession + ` FOR NO KEY UPDATE`
	sessionKept        = `UPDATE sessions SET counter = counter WHERE id = $1`
)

// OpenSession adds a session and gives it an entry of the status list that no
// other session has. The index is random, so that indexes next to each other say
// nothing about logins next to each other.
func (r *records) OpenSession(ctx context.Context, s model.Session, passwordVersion int64) (index int64, err error) {
	if s.ID.IsZero() {
		return 0, r.trouble("open session", errors.New("the session has no id"))
	}
	args := []any{s.ID[:], s.UserID[:], digestBytes(s.TokenDigest), s.Counter, micros(s.SteppedAt), nil,
		micros(s.AuthenticatedAt), micros(s.CreatedAt), micros(s.LastUsedAt), micros(s.IdleExpiresAt), micros(s.ExpiresAt),
		address(s.Client.Address), raw(s.Client.UserAgent), raw(s.Client.RequestID), micros(firstOf(s.IdleExpiresAt, s.ExpiresAt)), passwordVersion}
	const indexArg = 5
	may := []any{s.UserID[:], passwordVersion}
	err = r.write(ctx, "open session", func(q Runner) error {
		var one int
		if r.dialect.LocksRows {
			if err := row(ctx, q, lockMayOpenSession, may, &one); err != nil {
				return err
			}
		}
		for bits := r.statusBits.Load(); bits <= maxStatusBits; bits++ {
			for range statusTries {
				args[indexArg] = randomBits(bits)
				err := row(ctx, q, openSession, args, &index)
				if err == nil {
					r.growStatusBits(bits)
					prove(q, sessionKept, s.ID[:])
					return nil
				}
				if !errors.Is(err, model.ErrNotFound) {
					return err
				}
				if err := row(ctx, q, mayOpenSession, may, &one); err != nil {
					return err
				}
			}
		}
		return errors.New("the status list is full")
	})
	if err != nil {
		return 0, err
	}
	return index, nil
}

func firstOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// growStatusBits remembers the range that had room. It never shrinks.
func (r *records) growStatusBits(bits int32) {
	for old := r.statusBits.Load(); old < bits; old = r.statusBits.Load() {
		if r.statusBits.CompareAndSwap(old, bits) {
			return
		}
	}
}

func randomBits(bits int32) int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails; it ends the program instead
	return int64(binary.BigEndian.Uint64(b[:]) >> (64 - bits))
}

// A session is alive while it is not over (not ended, and neither of its ends has
// passed) and its user may enter: exists and is not disabled. Every statement
// that decides by it holds these conditions, so that each decides in one step.
const (
	notEnded   = `sessions.ended_at IS NULL`
	notOverAt2 = notEnded + ` AND sessions.idle_expires_at > $2 AND sessions.expires_at > $2`
	notOverAt3 = notEnded + ` AND sessions.idle_expires_at > $3 AND sessions.expires_at > $3`

	userMayEnter      = `EXISTS (SELECT 1 FROM users WHERE users.id = sessions.user_id AND users.disabled_at IS NULL)`
	whoseUserMayEnter = `FROM sessions JOIN users ON users.id = sessions.user_id AND users.disabled_at IS NULL`
)

// A look-up asks the same at any time, so that an engine can tell that the
// answer is still the same, and leaves the ends to lookUp.
const (
	presence = `SELECT ` + presenceColumns + `
		` + whoseUserMayEnter + ` WHERE sessions.id = $1 AND ` + notEnded
	presenceByToken = `SELECT ` + presenceColumns + `
		` + whoseUserMayEnter + ` WHERE sessions.token_digest = $1 AND ` + notEnded
)

// Presence returns a live session and its user.
func (r *records) Presence(ctx context.Context, id model.SessionID, now time.Time) (model.Presence, error) {
	return r.lookUp(ctx, "presence", presence, id[:], now)
}

// PresenceByToken returns the live session with this session token and its user.
func (r *records) PresenceByToken(ctx context.Context, digest model.Digest, now time.Time) (model.Presence, error) {
	return r.lookUp(ctx, "presence by token", presenceByToken, digestBytes(digest), now)
}

// lookUp finds a session that was not ended, and refuses it when one of its ends
// has passed: to the microsecond, as the database would.
func (r *records) lookUp(ctx context.Context, what, query string, key any, now time.Time) (p model.Presence, err error) {
	err = r.read(ctx, what, func(q Runner) error {
		if err := row(ctx, q, query, []any{key}, scanPresence(&p)...); err != nil {
			return err
		}
		at := now.UnixMicro()
		if now.IsZero() || p.Session.IdleExpiresAt.UnixMicro() <= at || p.Session.ExpiresAt.UnixMicro() <= at {
			return model.ErrNotFound
		}
		return nil
	})
	if err != nil {
		return model.Presence{}, err
	}
	p.User.ID = p.Session.UserID
	return p, nil
}

// stepSession decides everything in one statement. The first branch is the
// step, the second the parent presented again: it finds the counter already
// moved on by one, not longer ago than the window. A clock that was set back
// makes no window longer: a step that lies in the future by more than the window
// is not retried. A session that has a session token has no refresh token. The
// retry writes too, so that an answer is only given for what is durable. What it
// left is read in the same transaction.
const (
	stepSession = `UPDATE sessions SET counter = CAST($2 AS BIGINT) + 1,
		stepped_at = CASE WHEN counter = $2 THEN $3 ELSE stepped_at END,
		paced_until = CASE WHEN counter <> $2 THEN paced_until
			WHEN paced_until > $3 AND paced_until <= $9 THEN paced_until + CAST($10 AS BIGINT)
			ELSE $3 + CAST($10 AS BIGINT) END,
		last_used_at = $3, idle_expires_at = $7
		WHERE ` + mayStep + ` AND (counter <> $2 OR ` + inPace + `)`
	mayStep = `id = $1 AND ` + notOverAt3 + `
		AND (counter = $2 OR counter = $2 + 1 AND stepped_at > $4 AND stepped_at < $5)
		AND token_digest IS NULL AND created_at < $6
		AND ` + userMayEnter
	// inPace lets a session be so far ahead of the clock and no further. One that is
	// further ahead than steps can have brought it was left by a clock that was set
	// back.
	inPace = `(paced_until IS NULL OR paced_until <= $8 OR paced_until > $9)`
	// tooFast tells who may step when time has passed from who may not at all.
	tooFast        = `SELECT paced_until FROM sessions WHERE ` + mayStep
	stepKept       = `UPDATE sessions SET counter = counter WHERE id = $1 AND counter = $2`
	steppedSession = `SELECT sessions.sweep_at, ` + presenceColumns + ` ` + whoseUserMayEnter + ` WHERE sessions.id = $1`
)

// StepSession moves a live session on by one, or answers its parent again.
func (r *records) StepSession(ctx context.Context, step model.Step) (p model.Presence, err error) {
	args := stepArguments(step)
	err = r.write(ctx, "step session", func(q Runner) error {
		if stepped, err := exec(ctx, q, stepSession, args...); err != nil {
			return err
		} else if stepped == 0 {
			return refusedStep(ctx, q, step, args)
		}
		var sweep time.Time
		into := append([]any{(*moment)(&sweep)}, scanPresence(&p)...)
		if err := row(ctx, q, steppedSession, args[:1], into...); err != nil {
			return err
		}
		p.User.ID = p.Session.UserID
		// Within a window all who present one counter get the same answer.
		if step.RetryWindow > 0 {
			prove(q, stepKept, step.SessionID[:], step.Counter+1)
		}
		return sweepBy(ctx, q, step.SessionID, sweep, step.IdleExpiresAt)
	})
	if err != nil {
		return model.Presence{}, err
	}
	return p, nil
}

func stepArguments(step model.Step) []any {
	const never = int64(math.MaxInt64)
	args := []any{step.SessionID[:], step.Counter, micros(step.Now),
		micros(step.Now.Add(-step.RetryWindow)), micros(step.Now.Add(step.RetryWindow)), never,
		micros(step.IdleExpiresAt), never, never, step.Pace.Interval.Microseconds()}
	if !step.BegunBefore.IsZero() {
		args[5] = micros(step.BegunBefore)
	}
	if step.Pace != (model.Pace{}) {
		args[7] = step.Now.Add(step.Pace.Burst - step.Pace.Interval).UnixMicro()
		args[8] = step.Now.Add(step.Pace.Burst).UnixMicro()
	}
	return args
}

// refusedStep is why a step was not made. The second look may find that somebody
// else has made it meanwhile: then the retry window says the same as before.
func refusedStep(ctx context.Context, q Runner, step model.Step, args []any) error {
	if step.Pace == (model.Pace{}) {
		return model.ErrNotFound
	}
	var until time.Time
	if err := row(ctx, q, tooFast, args[:6], (*moment)(&until)); err != nil {
		return err
	}
	wait := until.Add(step.Pace.Interval).Sub(step.Now.Add(step.Pace.Burst))
	return model.ErrTooManyAttempts.After(max(wait, time.Microsecond))
}

const (
	useSession = `UPDATE sessions SET last_used_at = $2, idle_expires_at = $3
		WHERE id = $1 AND ` + notOverAt2 + ` AND ` + userMayEnter + `
		RETURNING sweep_at`
	renewToken = `UPDATE sessions SET token_digest = $2
		WHERE token_digest = $1 AND ` + notOverAt3 + ` AND ` + userMayEnter
)

// UseSession moves the idle end of a live session.
func (r *records) UseSession(ctx context.Context, id model.SessionID, now, idleExpiresAt time.Time) error {
	err := r.write(ctx, "use session", func(q Runner) error {
		var sweep time.Time
		if err := row(ctx, q, useSession, []any{id[:], micros(now), micros(idleExpiresAt)}, (*moment)(&sweep)); err != nil {
			return err
		}
		return sweepBy(ctx, q, id, sweep, idleExpiresAt)
	})
	if isRefusal(err) {
		return nil
	}
	return err
}

// sweepBy makes sure that the session is looked at when it runs idle. Only an
// idle end that moved back needs it, after the operator made it shorter.
func sweepBy(ctx context.Context, q Runner, id model.SessionID, sweep, idleEnd time.Time) error {
	if !idleEnd.Before(sweep) {
		return nil
	}
	_, err := exec(ctx, q, earlierSweep, id[:], micros(idleEnd))
	return err
}

// RenewToken replaces the session token of a live session.
func (r *records) RenewToken(ctx context.Context, old, new model.Digest, now time.Time) error {
	if new == (model.Digest{}) {
		return r.trouble("renew token", errors.New("the new session token has no digest"))
	}
	return r.write(ctx, "renew token", func(q Runner) error {
		changed, err := exec(ctx, q, renewToken, digestBytes(old), new[:], micros(now))
		if err == nil && changed == 0 {
			return model.ErrNotFound
		}
		return err
	})
}
