package gatehouse

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"gatehouse/model"
)

// PasswordChange is a new password from somebody who is logged in.
type PasswordChange struct {
	UserID    model.UserID
	SessionID model.SessionID // the session that stays; the zero id keeps none
	Current   model.Password
	New       model.Password
}

// ChangePass checks the current password and sets the new one with a salt of
// its own. Every other session is ended and every code of the user is void.
// Refusals: ErrWrongPassword, ErrTooManyAttempts, and the others only after the right password:
// ErrPasswordTooShort, ErrPasswordTooLong, ErrPasswordBlocked, ErrSamePassword,
// ErrBadRequest; ErrOverloaded, ErrUnavailable; ErrInvalidToken when the user is
// gone.
func (a *Auth) ChangePass(ctx context.Context, in PasswordChange) error {
	account, right, err := a.prove(ctx, confirmation{userID: in.UserID, session: in.SessionID, password: in.Current, member: "current_password"})
	if err != nil {
		return err
	}
	defer right.finish(ctx)
	err = a.changeTo(ctx, in, proven{account, right})
	var refusal *model.Error
	if errors.As(err, &refusal) { // of the new password; the current one was right
		return cmp.Or(right.clearAlone(ctx), err)
	}
	return err
}

// ChangePassInBrowser is ChangePass for a page, and returns what the browser keeps
// to be known at its next login, as that of a login: those of before are worthless
// now. It is empty where the user could not be read any more.
func (a *Auth) ChangePassInBrowser(ctx context.Context, in PasswordChange) (model.DeviceToken, error) {
	if err := a.ChangePass(ctx, in); err != nil {
		return "", err
	}
	return a.deviceOf(ctx, in.UserID), nil
}

// changeTo is ChangePass after the right password.
func (a *Auth) changeTo(ctx context.Context, in PasswordChange, account proven) error {
	password, err := a.newPassword(choice{password: in.New, member: "new_password", names: namesOf(account.User)})
	if err != nil {
		return err
	}
	// The current password was just proven, so comparing with it is comparing
	// with what is stored.
	current, err := in.Current.Canonical()
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(current, password) == 1 {
		return model.ErrSamePassword.With("new_password", "Choose a password that differs from the current one.")
	}
	if err := a.refuseBreached(ctx, password, "new_password", in.UserID); err != nil {
		return err
	}
	hash, err := a.hashes.hash(ctx, password)
	if err != nil {
		return hashTrouble(err)
	}
	now := a.now()
	err = a.tx(ctx, func(tx model.Records) error {
		hold := model.Hold{UserID: in.UserID, PasswordVersion: account.PasswordVersion, SessionID: in.SessionID, Now: now}
		if err := tx.HoldAccount(ctx, hold); err != nil {
			return err
		}
		if err := tx.ChangePassword(ctx, in.UserID, account.PasswordVersion, hash, now); err != nil {
			return err
		}
		if err := account.attempt.clear(ctx, tx); err != nil {
			return err
		}
		if err := a.cutOff(ctx, tx, cut{userID: in.UserID, keep: in.SessionID, name: model.EventPasswordChange}); err != nil {
			return err
		}
		return a.notify(ctx, tx, notice{kind: mailPasswordChanged, user: account.User})
	})
	if errors.Is(err, model.ErrNotFound) {
		// The password was changed, the session ended, or the user disabled or
		// deleted, while the current password was being checked.
		return model.ErrWrongPassword.With("current_password", "Something changed meanwhile. Log in again.")
	}
	if err != nil {
		return fmt.Errorf("gatehouse: change password: %w", err)
	}
	account.attempt.cleared()
	return nil
}

// cut says whose way in ends, which session stays, and why.
type cut struct {
	userID model.UserID
	keep   model.SessionID // the zero id keeps none
	name   model.EventName
}

// cutOff is the one place that ends every other way in: sessions with their
// tokens, and codes. Each new password and each disabled user comes through
// here.
func (a *Auth) cutOff(ctx context.Context, tx model.Records, c cut) error {
	if _, err := a.endSessions(ctx, tx, c.userID, c.keep); err != nil {
		return err
	}
	if err := tx.DropCodes(ctx, c.userID); err != nil {
		return err
	}
	return tx.Record(ctx, a.event(ctx, c.name, c.userID, c.keep))
}
