package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/jwt"
)

// Sweep forgets what has expired, seals events and sees to the signing keys: it loads those
// that other processes made, makes the next when it is due and forgets those
// whose time is over. Whoever serves calls it every minute; any number of processes may do so
// at once. It never touches what is alive. A part that fails does not keep the
// others from running.
func (a *Auth) Sweep(ctx context.Context) error {
	a.warnOfClock(ctx)
	now := a.now()
	// A session is remembered until no token can still name it.
	_, sessionsErr := a.store.ForgetSessions(ctx, now.Add(-MaxAccessTTL-2*jwt.Leeway))
	_, codesErr := a.store.ForgetCodes(ctx, now)
	_, attemptsErr := a.store.ForgetAttempts(ctx, now)
	_, sealErr := a.sealEvents(ctx, sweptAtOnce)
	var eventsErr error
	if a.ClockBehind() == 0 {
		// A time that somebody put into the store ages no event.
		eventsErr = a.forgetEvents(ctx)
	}
	if err := errors.Join(sessionsErr, codesErr, attemptsErr, sealErr, eventsErr, a.ensureKeys(ctx)); err != nil {
		return fmt.Errorf("gatehouse: sweep: %w", err)
	}
	return nil
}
