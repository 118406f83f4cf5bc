package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/model"
)

// RefreshJWT spends a refresh token and returns its successor with a new access
// token. Each token is good once (RFC 9700 section 4.14.2); the immediate parent
// of the one in force gets the identical successor for 10 seconds more, so that
// two tabs and lost answers do no harm, and anything older ends the session.
// A forged token is refused before the store is asked. The user is looked at
// anew: who is disabled or deleted gets nothing. Refusal: ErrInvalidToken.
func (a *Auth) RefreshJWT(ctx context.Context, token model.RefreshToken) (Grant, error) {
	id, counter, ok := a.parseRefreshToken(token)
	if !ok {
		return Grant{}, model.ErrInvalidToken
	}
	now := a.now()
	step := model.Step{SessionID: id, Counter: counter, Now: now, RetryWindow: refreshWindow, IdleExpiresAt: now.Add(refreshIdle)}
	if a.cfg.StrictRefresh {
		step.RetryWindow = 0
	}
	who, err := a.store.StepSession(ctx, step)
	if errors.Is(err, model.ErrNotFound) {
		return Grant{}, a.refuseRefresh(ctx, id)
	}
	if err != nil {
		return Grant{}, fmt.Errorf("gatehouse: refresh: %w", err)
	}
	return a.grant(ctx, who)
}

// refuseRefresh ends the session of a token that we made but that is not in
// force: it was spent before, so two parties hold tokens of one session and one
// of them should not. A session that is not alive has nothing to end.
func (a *Auth) refuseRefresh(ctx context.Context, id model.SessionID) error {
	now := a.now()
	who, err := a.store.Presence(ctx, id, now)
	if errors.Is(err, model.ErrNotFound) {
		return model.ErrInvalidToken
	}
	if err != nil {
		return fmt.Errorf("gatehouse: refresh: %w", err)
	}
	err = a.store.Tx(ctx, func(tx model.Records) error {
		if err := tx.EndSession(ctx, who.User.ID, id, now); err != nil {
			return err
		}
		return tx.Record(ctx, a.event(ctx, model.EventTokenReuse, who.User.ID, id))
	})
	if err != nil && !errors.Is(err, model.ErrNotFound) {
		return fmt.Errorf("gatehouse: end session after reuse: %w", err)
	}
	return model.ErrInvalidToken
}
