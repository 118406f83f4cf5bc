package gatehouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatehouse/model"
)

// Who guesses at a password is slowed down: 4 wrong ones in a row are free, then
// the lane is blocked for 30 seconds, and twice as long after each further one, up
// to an hour. After 100 without a right one the password opens nothing until it is
// reset (NIST SP 800-63B-4 section 3.2.2).
const (
	freeFailures   = 4
	firstDelay     = 30 * time.Second
	longestDelay   = time.Hour
	failureMemory  = 24 * time.Hour // after which failures are no longer in a row
	failuresAtMost = 100
)

func ladder(keep time.Duration) model.AttemptRule {
	return model.AttemptRule{Free: freeFailures, FirstDelay: firstDelay, LongestDelay: longestDelay, Within: failureMemory, Keep: keep}
}

// throttle counts who tries, and how often in vain.
type throttle struct {
	lanes    *gates // of users, devices and identifiers of nobody
	sources  *gates
	networks *gates
}

func newThrottle(limits Limits) throttle {
	return throttle{
		lanes:    newGates(freeFailures+1, 1),
		sources:  newGates(limits.SourceFailures.Count, 0),
		networks: newGates(limits.NetworkFailures.Count, 0),
	}
}

// claim is who somebody says to be when a password is checked, and what comes of
// it when the password is wrong.
type claim struct {
	account    *model.Account // nil for nobody
	identifier string         // as it was typed, for nobody
	session    model.SessionID
	event      model.EventName
	refusal    error
}

func (c claim) userID() (id model.UserID) {
	if c.account != nil {
		id = c.account.User.ID
	}
	return id
}

// attempt is one check of a password. It is charged before anything is computed,
// and what it was charged stays unless it is cleared or given back. leave or finish
// must be called once.
type attempt struct {
	auth    *Auth
	lane    model.Lane
	tally   model.Tally // with this attempt
	known   bool        // the client is a device of the user
	pass    *pass
	sources []watched
	outcome attemptOutcome
}

// attemptOutcome is what has become of the charge.
type attemptOutcome uint8

const (
	attemptStays attemptOutcome = iota
	attemptCleared
	attemptReturned
)

// failedBefore returns how often in a row it was tried in vain before.
func (t *attempt) failedBefore() int64 { return t.tally.Failures - 1 }

// disabled reports whether so many have failed that no password is right.
func (t *attempt) disabled() bool { return t.tally.Total > failuresAtMost }

// crowded refuses what would be refused a place to hash, before it costs the
// store anything. Refusal: ErrOverloaded.
func (a *Auth) crowded(ctx context.Context) error { return hashTrouble(a.hashes.engine.Crowded(ctx)) }

// crowdedLater refuses those who would have to wait at a gate before they are
// refused a place to hash.
func (a *Auth) crowdedLater(ctx context.Context) error {
	return hashTrouble(a.hashes.engine.CrowdedLater(ctx))
}

// waitsAnyhow is for checks that hash nothing.
func waitsAnyhow(context.Context) error { return nil }

// beginAttempt charges an attempt, waiting for those under way that it could get
// in the way of. Refusals: ErrTooManyAttempts, whether the password is right or
// not; ErrOverloaded; ErrNotFound when the user is gone.
func (a *Auth) beginAttempt(ctx context.Context, who claim) (*attempt, error) {
	t := &attempt{auth: a, outcome: attemptReturned}
	var rule model.AttemptRule
	t.lane, rule, t.known = a.laneOf(ctx, who)
	busy := a.throttle.lanes.busy(t.lane.Key)
	sources, tally, err := a.enterSources(ctx, t.lane.Key, a.crowdedLater)
	if err != nil {
		return nil, err
	}
	t.sources = sources
	begun := false
	defer func() {
		if !begun { // also when the store panics
			t.leave()
		}
	}()
	// A lane that is blocked is refused before the queue, unless it is blocked by
	// attempts that are under way here and may turn out right.
	if !busy && tally.BlockedFor(rule, a.now()) > 0 {
		if err := a.stillBlocked(ctx, t.lane, rule); err != nil {
			return nil, err
		}
	}
	if t.pass, err = a.throttle.lanes.enter(ctx, t.lane.Key, a.crowdedLater); err != nil {
		return nil, err
	}
	if err := t.charge(ctx, rule); err != nil {
		return nil, err
	}
	begun = true
	return t, nil
}

// stillBlocked looks again at a lane that was blocked: by now an attempt that was
// under way may have turned out right. Refusal: ErrTooManyAttempts, unless there
// are others under way.
func (a *Auth) stillBlocked(ctx context.Context, lane model.Lane, rule model.AttemptRule) error {
	if a.throttle.lanes.busy(lane.Key) {
		return nil
	}
	found, err := a.store.Tallies(ctx, [3]model.Digest{lane.Key})
	if err != nil {
		return fmt.Errorf("gatehouse: attempts: %w", err)
	}
	if rest := found[0].BlockedFor(rule, a.now()); rest > 0 && !a.throttle.lanes.busy(lane.Key) {
		return model.ErrTooManyAttempts.After(rest)
	}
	return nil
}

// charge counts the attempt, in a commit of its own.
func (t *attempt) charge(ctx context.Context, rule model.AttemptRule) error {
	now := t.auth.now()
	tally, charged, err := t.auth.store.ChargeAttempt(ctx, model.Attempt{Lane: t.lane, Rule: rule, Now: now})
	switch {
	case errors.Is(err, model.ErrNotFound):
		return err
	case err != nil:
		return fmt.Errorf("gatehouse: attempt: %w", err)
	case !charged:
		return model.ErrTooManyAttempts.After(max(tally.BlockedFor(rule, now), time.Second))
	}
	t.tally, t.outcome = tally, attemptStays
	t.pass.learn(func(g *gate) {
		if !g.known {
			g.failures = tally.Failures - 1
		}
	})
	return nil
}

// giveBack takes back the charge of an attempt that came to nothing. Where that
// fails it stays.
func (t *attempt) giveBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordPatience)
	defer cancel()
	if err := t.auth.store.ReturnAttempt(ctx, t.lane.Key); err != nil {
		t.auth.log.WarnContext(ctx, "attempt not given back", "error", err)
		return
	}
	t.outcome = attemptReturned
}

// clear forgets, in the transaction of what the right password was for, that
// anybody has failed. cleared says that it was kept.
func (t *attempt) clear(ctx context.Context, tx model.Attempts) error {
	return tx.ClearLane(ctx, t.lane.Key)
}

func (t *attempt) cleared() { t.outcome = attemptCleared }

// clearAlone is clear where nothing else is written, also when the caller has
// hung up.
func (t *attempt) clearAlone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordPatience)
	defer cancel()
	if err := t.clear(ctx, t.auth.store); err != nil {
		return fmt.Errorf("gatehouse: attempt: %w", err)
	}
	t.cleared()
	return nil
}

// fail records a failure with its events and counts it for the sources, in one
// transaction of its own. It does not end with the request: who hangs up after a
// guess must not make the guess unseen.
func (t *attempt) fail(ctx context.Context, who claim, names ...model.EventName) error {
	if !t.tally.BlockedUntil.IsZero() {
		names = append(names, model.EventLoginLock)
	}
	events := make([]model.Event, len(names))
	for i, name := range names {
		events[i] = t.auth.event(ctx, name, who.userID(), who.session)
	}
	return t.auth.countFailure(ctx, t.sources, events)
}

// finish is leave after the right password. Where what it was for has failed, the
// attempt is given back: that was no guess.
func (t *attempt) finish(ctx context.Context) {
	if t.outcome == attemptStays {
		t.giveBack(ctx)
	}
	t.leave()
}

// leave makes room for those who wait.
func (t *attempt) leave() {
	defer leaveSources(t.sources)
	if t.pass == nil {
		return
	}
	defer t.pass.leave()
	switch t.outcome {
	case attemptStays:
		t.pass.learn(func(g *gate) { g.failures++ })
	case attemptCleared:
		t.pass.learn(func(g *gate) { g.failures = 0 })
	case attemptReturned:
	}
}
