package gatehouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse/model"
)

// The verbs of this file are for the operator, who stands outside the doors:
// they ask for no password, and no door offers them.

// FindUser returns the user with this username, email or id. Refusal:
// ErrNotFound.
func (a *Auth) FindUser(ctx context.Context, text string) (model.User, error) {
	if id, err := model.ParseID[model.User](strings.ToLower(text)); err == nil {
		return a.store.User(ctx, id)
	}
	account, err := a.findAccount(ctx, text)
	if err != nil {
		return model.User{}, err
	}
	if account == nil {
		return model.User{}, model.ErrNotFound
	}
	return account.User, nil
}

// Users returns at most limit users whose id follows after, in the order of
// their ids. The zero id begins.
func (a *Auth) Users(ctx context.Context, after model.UserID, limit int) ([]model.User, error) {
	accounts, err := a.store.Accounts(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: users: %w", err)
	}
	users := make([]model.User, len(accounts))
	for i, account := range accounts {
		users[i] = account.User
	}
	return users, nil
}

// InviteUser adds a user without a password, and returns a code with which to
// set one within 24 hours (InviteCodeTTL). Until then no password is right. Refusals: those of
// RegisterUser about names.
func (a *Auth) InviteUser(ctx context.Context, in Registration) (model.User, model.Code, error) {
	user, err := a.newUser(in)
	if err != nil {
		return model.User{}, "", err
	}
	var code model.Code
	err = a.addUser(ctx, user, "", func(tx model.Records) (err error) {
		code, err = a.issueCode(ctx, tx, user.ID, InviteCodeTTL)
		return err
	})
	if err != nil {
		return model.User{}, "", err
	}
	return user, code, nil
}

// IssueResetCode returns a code with which the user sets a new password within
// 30 minutes. Older codes of the user are void; the password and the sessions
// stay until the code is used. Refusals: ErrNotFound, ErrUserDisabled.
func (a *Auth) IssueResetCode(ctx context.Context, id model.UserID) (model.Code, error) {
	var code model.Code
	err := a.store.Tx(ctx, func(tx model.Records) error {
		user, err := tx.User(ctx, id)
		if err != nil {
			return err
		}
		if user.Disabled() {
			return model.ErrUserDisabled
		}
		code, err = a.issueCode(ctx, tx, id, ResetCodeTTL)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("gatehouse: issue code: %w", err)
	}
	return code, nil
}

// DisableUser keeps the user out, ends every session and voids every code. It
// keeps everything else. Refusal: ErrNotFound.
func (a *Auth) DisableUser(ctx context.Context, id model.UserID) error {
	now := a.now()
	err := a.tx(ctx, func(tx model.Records) error {
		user, err := tx.User(ctx, id)
		if err != nil {
			return err
		}
		if err := tx.SetDisabled(ctx, id, now, now); err != nil {
			return err
		}
		if err := a.cutOff(ctx, tx, cut{userID: id, name: model.EventUserDisabled}); err != nil || user.Disabled() {
			return err
		}
		return a.notify(ctx, tx, notice{kind: mailUserDisabled, user: user})
	})
	if err != nil && !errors.Is(err, model.ErrNotFound) {
		return fmt.Errorf("gatehouse: disable user: %w", err)
	}
	return err
}

// EnableUser lets the user in again, also one who is slowed down: wrong passwords
// begin anew with four that are free. How many there were since the last right one
// still counts, so a password that is used up stays so (see Attempts). Sessions that
// were ended stay ended. Refusal: ErrNotFound.
func (a *Auth) EnableUser(ctx context.Context, id model.UserID) error {
	now := a.now()
	err := a.store.Tx(ctx, func(tx model.Records) error {
		if err := tx.SetDisabled(ctx, id, time.Time{}, now); err != nil {
			return err
		}
		if err := tx.LiftLanesOf(ctx, id); err != nil {
			return err
		}
		return tx.Record(ctx, a.event(ctx, model.EventUserEnabled, id, model.SessionID{}))
	})
	if err != nil && !errors.Is(err, model.ErrNotFound) {
		return fmt.Errorf("gatehouse: enable user: %w", err)
	}
	return err
}
