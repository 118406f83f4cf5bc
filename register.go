package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/model"
)

// Registration is what a new user gives. At least one of Username and Email is
// required.
type Registration struct {
	Username string
	Email    string
	Password model.Password

	// Roles are granted by the program that registers the user. No door takes
	// them from a request.
	Roles []string
}

// RegisterUser checks the input, hashes the password with a salt of its own and
// adds the user. It does not log in. The hash is computed before the names are
// looked up, so that a taken name takes as long as a free one. Refusals:
// ErrUsernameInvalid, ErrUsernameReserved, ErrUsernameTaken, ErrEmailInvalid,
// ErrEmailTaken, ErrPasswordTooShort, ErrPasswordTooLong, ErrBadRequest,
// ErrOverloaded; all that is wrong with the form of the input is named at once.
func (a *Auth) RegisterUser(ctx context.Context, in Registration) (model.User, error) {
	user, formErr := a.newUser(in)
	password, passwordErr := a.newPassword(in.Password, "password")
	if err := model.Together(formErr, passwordErr); err != nil {
		return model.User{}, err
	}
	hash, err := a.hashes.Hash(ctx, password)
	if err != nil {
		return model.User{}, hashTrouble(err)
	}
	if err := a.addUser(ctx, user, model.PasswordHash(hash), nil); err != nil {
		return model.User{}, err
	}
	return user, nil
}

// newUser parses the names of a registration into a user with a fresh id.
func (a *Auth) newUser(in Registration) (model.User, error) {
	now := a.now()
	user := model.User{ID: model.NewID[model.User](), Roles: in.Roles, CreatedAt: now, UpdatedAt: now}
	var usernameErr, emailErr, roleErr error
	if in.Username == "" && in.Email == "" {
		return user, model.ErrUsernameInvalid.With("username", "Choose a username, or give an email.")
	}
	if in.Username != "" {
		user.Username, usernameErr = model.ParseUsername(in.Username)
	}
	if in.Email != "" {
		user.Email, emailErr = model.ParseEmail(in.Email)
	}
	for _, role := range in.Roles {
		if roleErr = model.CheckRole(role); roleErr != nil {
			break
		}
	}
	return user, model.Together(usernameErr, emailErr, roleErr)
}

// addUser adds the user, and does with it what else has to be done, if
// anything.
func (a *Auth) addUser(ctx context.Context, user model.User, hash model.PasswordHash, also func(model.Records) error) error {
	err := a.store.Tx(ctx, func(tx model.Records) error {
		if err := tx.CreateUser(ctx, user, hash); err != nil {
			return err
		}
		if err := tx.Record(ctx, a.event(ctx, model.EventUserCreated, user.ID, model.SessionID{})); err != nil {
			return err
		}
		if also == nil {
			return nil
		}
		return also(tx)
	})
	switch {
	case errors.Is(err, model.ErrUsernameTaken):
		return usernameTaken()
	case errors.Is(err, model.ErrEmailTaken):
		return model.ErrEmailTaken.With("email", "Log in with this email, or use another one.")
	case err != nil:
		return fmt.Errorf("gatehouse: add user: %w", err)
	}
	return nil
}
