package gatehouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gatehouse/model"
)

// RefreshJWT spends a refresh token and returns its successor with a new access
// token. Each token is good once (RFC 9700 section 4.14.2); the immediate parent
// of the one in force gets the identical successor for 10 seconds more, so that
// two tabs and lost answers do no harm, and anything older ends the session.
// A forged token is refused before the store is asked. The user is looked at
// anew: who is disabled or deleted gets nothing. Refusals: ErrInvalidToken;
// ErrTooManyAttempts, which spends nothing.
func (a *Auth) RefreshJWT(ctx context.Context, token model.RefreshToken) (Grant, error) {
	held, ok := a.parseRefreshToken(token)
	if !ok {
		return Grant{}, model.ErrInvalidToken
	}
	now := a.now()
	step := model.Step{SessionID: held.session, Counter: held.counter, Now: now, RetryWindow: a.retryWindow(), IdleExpiresAt: now.Add(refreshIdle), BegunBefore: held.begunBefore, Pace: a.cfg.Limits.Refreshes.pace()}
	early, err := a.signEarly(ctx, held.session)
	if err != nil {
		return Grant{}, err
	}
	who, err := a.store.StepSession(ctx, step)
	switch {
	case errors.Is(err, model.ErrNotFound):
		return Grant{}, a.refuseRefresh(ctx, held)
	case errors.Is(err, model.ErrTooManyAttempts):
		return Grant{}, err // nothing was spent, and the session goes on
	}
	if err != nil {
		return Grant{}, fmt.Errorf("gatehouse: refresh: %w", err)
	}
	a.noteStep()
	if early.fits(who) {
		return early.AccessGrant.with(who, held.key), nil
	}
	return a.grant(ctx, who, held.key)
}

// retryWindow is how long after a step its parent gets the same answer again. While
// the clock is behind, nobody can say how long ago a step was.
func (a *Auth) retryWindow() time.Duration {
	if a.cfg.StrictRefresh || a.clock.behind() > 0 {
		return 0
	}
	return refreshWindow
}

// signedEarly is an access token that was signed before the refresh token is
// spent, and for whom.
type signedEarly struct {
	AccessGrant
	who model.Presence
}

// fits reports whether the token says what is still true.
func (s signedEarly) fits(who model.Presence) bool {
	return s.AccessToken != "" && s.who.Keys == who.Keys && s.who.User.ID == who.User.ID && slices.Equal(s.who.User.Roles, who.User.Roles)
}

// signEarly signs before the step where a Signer has the key: one that fails
// must not cost the session its refresh token. Other keys do not fail, and the
// zero value is returned.
func (a *Auth) signEarly(ctx context.Context, id model.SessionID) (signedEarly, error) {
	if ring := a.keys.Load(); len(ring.keys) == 0 || !ring.signer(a.now()).elsewhere {
		return signedEarly{}, nil
	}
	who, err := a.store.Presence(ctx, id, a.now())
	if errors.Is(err, model.ErrNotFound) {
		return signedEarly{}, nil // the step finds out why
	}
	if err != nil {
		return signedEarly{}, fmt.Errorf("gatehouse: refresh: %w", err)
	}
	access, err := a.accessToken(ctx, who)
	return signedEarly{access, who}, err
}

// refuseRefresh ends the session of a token that we made but that is not in
// force: it was spent before, so two parties hold tokens of one session and one
// of them should not. It is ended also when the caller has hung up. A session
// that is not alive has nothing to end, and one that never was given the token
// has lost nothing by it.
func (a *Auth) refuseRefresh(ctx context.Context, held presented) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordPatience)
	defer cancel()
	id, now := held.session, a.now()
	who, err := a.store.Presence(ctx, id, now)
	if errors.Is(err, model.ErrNotFound) {
		return model.ErrInvalidToken
	}
	if err != nil {
		return fmt.Errorf("gatehouse: refresh: %w", err)
	}
	if !held.of(who.Session) {
		return model.ErrInvalidToken
	}
	err = a.tx(ctx, func(tx model.Records) error {
		if err := tx.EndSession(ctx, who.User.ID, id, now); err != nil {
			return err
		}
		if err := tx.Record(ctx, a.event(ctx, model.EventTokenReuse, who.User.ID, id)); err != nil {
			return err
		}
		return a.notify(ctx, tx, notice{kind: mailTokenReuse, user: who.User, where: true})
	})
	if err != nil && !errors.Is(err, model.ErrNotFound) {
		return fmt.Errorf("gatehouse: end session after reuse: %w", err)
	}
	return model.ErrInvalidToken
}
