package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/model"
)

// LogoutUser ends a session: its session token, its refresh token and, wherever the
// store is asked, its access tokens are dead at once. A session that is gone
// already is no error.
func (a *Auth) LogoutUser(ctx context.Context, userID model.UserID, id model.SessionID) error {
	err := a.EndSession(ctx, userID, id)
	if errors.Is(err, model.ErrNotFound) {
		return nil
	}
	return err
}

// Sessions returns the live sessions of a user, the newest first.
func (a *Auth) Sessions(ctx context.Context, userID model.UserID) ([]model.Session, error) {
	sessions, err := a.store.SessionsOf(ctx, userID, a.now())
	if err != nil {
		return nil, fmt.Errorf("gatehouse: sessions: %w", err)
	}
	return sessions, nil
}

// EndSession ends one session of the user. Refusal: ErrNotFound, also for a
// session of somebody else.
func (a *Auth) EndSession(ctx context.Context, userID model.UserID, id model.SessionID) error {
	err := a.store.Tx(ctx, func(tx model.Records) error {
		if err := tx.EndSession(ctx, userID, id, a.now()); err != nil {
			return err
		}
		return tx.Record(ctx, a.event(ctx, model.EventSessionEnded, userID, id))
	})
	if err != nil {
		return fmt.Errorf("gatehouse: end session: %w", err)
	}
	return nil
}

// EndOtherSessions ends all sessions of the user but the one to keep, and
// reports how many. The zero id keeps none.
func (a *Auth) EndOtherSessions(ctx context.Context, userID model.UserID, keep model.SessionID) (int, error) {
	var ended int
	err := a.store.Tx(ctx, func(tx model.Records) (err error) {
		ended, err = a.endSessions(ctx, tx, userID, keep)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("gatehouse: end sessions: %w", err)
	}
	return ended, nil
}

// endSessions is EndOtherSessions inside a transaction that does more.
func (a *Auth) endSessions(ctx context.Context, tx model.Records, userID model.UserID, keep model.SessionID) (int, error) {
	ended, err := tx.EndSessions(ctx, userID, keep, a.now())
	if err != nil || ended == 0 {
		return ended, err
	}
	return ended, tx.Record(ctx, a.event(ctx, model.EventSessionsEnded, userID, keep))
}

// RenewSession gives a session a new session token; the old one is dead.
// It is due whenever what the session may do has changed, such as after a
// change of password. Refusal: ErrInvalidToken.
func (a *Auth) RenewSession(ctx context.Context, token model.SessionToken) (model.SessionToken, error) {
	fresh := newSecret[model.SessionToken]("")
	if err := a.store.RenewToken(ctx, model.DigestOf(token), model.DigestOf(fresh), a.now()); err != nil {
		return "", orInvalidToken(err)
	}
	a.noteStep()
	return fresh, nil
}

// Fresh reports whether the password was proven within the last 5 minutes, as
// sensitive acts ask for.
func (a *Auth) Fresh(session model.Session) bool {
	age := a.now().Sub(session.AuthenticatedAt)
	return age >= 0 && age <= freshness
}
