package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/model"
)

// Deletion is the wish of a user to be forgotten.
type Deletion struct {
	UserID   model.UserID
	Password model.Password
}

// DeleteUser checks the password and removes the user and everything that is
// theirs for good: credentials, sessions and codes; events keep the id only.
// The id is never given out again. Refusals: ErrWrongPassword,
// ErrPasswordTooLong, ErrBadRequest, ErrOverloaded, ErrInvalidToken when the
// user is gone already.
func (a *Auth) DeleteUser(ctx context.Context, in Deletion) error {
	if _, err := a.confirm(ctx, in.UserID, in.Password, "password"); err != nil {
		return err
	}
	if err := a.EraseUser(ctx, in.UserID); err != nil {
		return gone(err)
	}
	return nil
}

// EraseUser is DeleteUser for the operator, who needs no password. Refusal:
// ErrNotFound.
func (a *Auth) EraseUser(ctx context.Context, id model.UserID) error {
	err := a.store.Tx(ctx, func(tx model.Records) error {
		// The event is about somebody who is gone, so it holds the id alone.
		if err := tx.DeleteUser(ctx, id, a.now()); err != nil {
			return err
		}
		return tx.Record(ctx, model.Event{At: a.now(), Name: model.EventUserDeleted, UserID: id})
	})
	if err != nil && !errors.Is(err, model.ErrNotFound) {
		return fmt.Errorf("gatehouse: delete user: %w", err)
	}
	return err
}
