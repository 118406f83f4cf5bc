package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/model"
)

// Deletion is the wish of a user to be forgotten.
type Deletion struct {
	UserID    model.UserID
	SessionID model.SessionID // the session that asks; the zero id when none does
	Password  model.Password
}

// DeleteUser checks the password and removes the user and everything that is
// theirs for good: credentials, sessions and codes; events keep the id only.
// The id is never given out again. Refusals: ErrWrongPassword, ErrTooManyAttempts,
// ErrPasswordTooLong, ErrBadRequest, ErrOverloaded; ErrUnavailable where the pepper
// of the hash is not configured; ErrInvalidToken when the user is gone, or the
// session or the password was ended meanwhile.
func (a *Auth) DeleteUser(ctx context.Context, in Deletion) error {
	account, right, err := a.prove(ctx, confirmation{userID: in.UserID, session: in.SessionID, password: in.Password, member: "password"})
	if err != nil {
		return err
	}
	defer right.finish(ctx)
	hold := model.Hold{UserID: in.UserID, PasswordVersion: account.PasswordVersion, SessionID: in.SessionID, Now: a.now()}
	err = a.eraseUser(ctx, in.UserID, func(tx model.Records) error { return tx.HoldAccount(ctx, hold) })
	if err != nil {
		return orInvalidToken(err)
	}
	right.cleared() // it went with the user
	return nil
}

// EraseUser is DeleteUser for the operator, who needs no password. Refusal:
// ErrNotFound.
func (a *Auth) EraseUser(ctx context.Context, id model.UserID) error {
	return a.eraseUser(ctx, id, func(model.Records) error { return nil })
}

// eraseUser removes the user if what has to hold still does.
func (a *Auth) eraseUser(ctx context.Context, id model.UserID, holds func(model.Records) error) error {
	err := a.tx(ctx, func(tx model.Records) error {
		if err := holds(tx); err != nil {
			return err
		}
		user, err := tx.User(ctx, id)
		if err != nil {
			return err
		}
		// The event is about somebody who is gone, so it holds the id alone.
		if err := tx.DeleteUser(ctx, id, a.now()); err != nil {
			return err
		}
		if err := tx.Record(ctx, model.Event{At: a.now(), Name: model.EventUserDeleted, UserID: id}); err != nil {
			return err
		}
		return a.notify(ctx, tx, notice{kind: mailUserDeleted, user: user, stays: true})
	})
	if err != nil && !errors.Is(err, model.ErrNotFound) {
		return fmt.Errorf("gatehouse: delete user: %w", err)
	}
	return err
}
