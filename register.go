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

	// Request is what the browser keeps of this request, if one asks; for
	// RequestRegistration.
	Request model.RequestSecret

	// Roles are granted by the program that registers the user. No door takes
	// them from a request.
	Roles []string
}

// RegisterUser checks the input, hashes the password with a salt of its own and
// adds the user. It does not log in. The hash is computed before the names are
// looked up, so that a taken name takes as long as a free one. With a Mailer, an
// email gets a mail to prove it; strangers then come in by RequestRegistration,
// which does not tell who has which email. Refusals:
// ErrUsernameInvalid, ErrUsernameReserved, ErrUsernameTaken, ErrEmailInvalid,
// ErrEmailTaken, ErrPasswordTooShort, ErrPasswordTooLong, ErrPasswordBlocked,
// ErrBadRequest, ErrTooManyAttempts, ErrOverloaded, ErrUnavailable; all that is wrong
// with the form of the input is named at once.
func (a *Auth) RegisterUser(ctx context.Context, in Registration) (model.User, error) {
	user, hash, err := a.checkRegistration(ctx, in)
	if err != nil {
		return model.User{}, err
	}
	if err := a.addUser(ctx, user, hash, func(tx model.Records) error { return a.askToVerify(ctx, tx, verifying{user: user}) }); err != nil {
		return model.User{}, err
	}
	return user, nil
}

// checkRegistration returns the user to be added, with the hash of the password.
func (a *Auth) checkRegistration(ctx context.Context, in Registration) (model.User, model.PasswordHash, error) {
	user, formErr := a.newUser(in)
	names := append(namesOf(user), in.Username, in.Email) // as they are kept, and as they were typed
	password, passwordErr := a.newPassword(choice{password: in.Password, member: "password", names: names})
	if err := model.Together(formErr, passwordErr); err != nil {
		return model.User{}, "", err
	}
	if err := a.crowded(ctx); err != nil {
		return model.User{}, "", err
	}
	if err := a.allowSource(ctx, limitRegistrations); err != nil {
		return model.User{}, "", err
	}
	if err := a.refuseBreached(ctx, password, "password", user.ID); err != nil {
		return model.User{}, "", err
	}
	hash, err := a.hashes.hash(ctx, password)
	if err != nil {
		return model.User{}, "", hashTrouble(err)
	}
	return user, hash, nil
}

// newUser makes the user of a registration, with a fresh id.
func (a *Auth) newUser(in Registration) (model.User, error) {
	now := a.now()
	user := model.User{ID: model.NewID[model.User](), CreatedAt: now, UpdatedAt: now}
	if err := nameUser(&user, in.Username, in.Email, in.Roles); err != nil {
		return model.User{}, err
	}
	return user, nil
}

// nameUser gives a user its names in their canonical spelling, at least one of
// them, and its roles. Every way to add a user comes through here.
func nameUser(user *model.User, username, email string, roles []string) error {
	var usernameErr, emailErr, roleErr error
	if username == "" && email == "" {
		usernameErr = model.ErrUsernameInvalid.With("username", "Choose a username, or give an email.")
	}
	if username != "" {
		user.Username, usernameErr = model.ParseUsername(username)
	}
	if email != "" {
		user.Email, emailErr = model.ParseEmail(email)
	}
	for _, role := range roles {
		if roleErr = model.CheckRole(role); roleErr != nil {
			break
		}
	}
	user.Roles = roles
	return model.Together(usernameErr, emailErr, roleErr)
}

// addUser adds the user, and does with it what else has to be done, if
// anything.
func (a *Auth) addUser(ctx context.Context, user model.User, hash model.PasswordHash, also func(model.Records) error) error {
	err := a.tx(ctx, func(tx model.Records) error {
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
