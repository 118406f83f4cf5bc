package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/model"
)

// RenameUser gives the user another username; the id stays. Refusals:
// ErrUsernameInvalid, ErrUsernameReserved, ErrUsernameTaken, ErrTooManyAttempts,
// ErrInvalidToken when the user is gone.
func (a *Auth) RenameUser(ctx context.Context, id model.UserID, username string) (model.User, error) {
	canonical, err := model.ParseUsername(username)
	if err != nil {
		return model.User{}, err
	}
	if err := a.allowUser(ctx, limitRenames, id); err != nil {
		return model.User{}, orInvalidToken(err)
	}
	var user model.User
	err = a.tx(ctx, func(tx model.Records) (err error) {
		if user, err = tx.RenameUser(ctx, id, canonical, a.now()); err != nil {
			return err
		}
		if err := tx.Record(ctx, a.event(ctx, model.EventUsernameChanged, id, model.SessionID{})); err != nil {
			return err
		}
		return a.notify(ctx, tx, notice{kind: mailUsernameChanged, user: user})
	})
	switch {
	case errors.Is(err, model.ErrNotFound):
		return model.User{}, model.ErrInvalidToken
	case errors.Is(err, model.ErrUsernameTaken):
		return model.User{}, usernameTaken()
	case err != nil:
		return model.User{}, fmt.Errorf("gatehouse: rename user: %w", err)
	}
	return user, nil
}

func usernameTaken() error {
	return model.ErrUsernameTaken.With("username", "Choose another username; this one, or one that looks like it, is taken.")
}
