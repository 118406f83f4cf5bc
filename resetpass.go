package gatehouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatehouse/model"
)

// PasswordReset is a new password from somebody who holds a code.
type PasswordReset struct {
	// Code is that of the link, or the digits of the mail together with Request.
	Code    model.Code
	Request model.RequestSecret // what the browser keeps of its request, if any
	New     model.Password
}

// ResetPass spends a code and sets the new password with a salt of its own. All
// sessions of the user are ended, and nobody is logged in. A code that was mailed
// also proves the mailbox. A refusal of the password does not cost the code, but
// digits that were typed cost one of their tries. Refusals:
// ErrInvalidOrExpiredCode,
// ErrPasswordTooShort, ErrPasswordTooLong, ErrPasswordBlocked, ErrBadRequest,
// ErrTooManyAttempts, ErrOverloaded, ErrUserDisabled, ErrUnavailable.
func (a *Auth) ResetPass(ctx context.Context, in PasswordReset) error {
	_, err := a.reset(ctx, in)
	return err
}

// ResetPassInBrowser is ResetPass for a page, and returns what the browser keeps to
// be known at its next login: those of before are worthless now. It is empty where
// the user could not be read any more; the password is reset all the same.
func (a *Auth) ResetPassInBrowser(ctx context.Context, in PasswordReset) (model.DeviceToken, error) {
	user, err := a.reset(ctx, in)
	if err != nil {
		return "", err
	}
	return a.deviceOf(ctx, user.ID), nil
}

func (a *Auth) reset(ctx context.Context, in PasswordReset) (user model.User, err error) {
	password, err := a.newPassword(choice{password: in.New, member: "new_password"})
	if err != nil {
		return user, err
	}
	if err := a.crowded(ctx); err != nil {
		return user, err
	}
	// A wrong code is refused before the hash is paid for; the code is spent
	// below, where only one can.
	code, err := a.present(ctx, in.Code, in.Request, model.PurposeReset)
	if err != nil {
		return user, err
	}
	if err := a.refuseBreached(ctx, password, "new_password", model.UserID{}); err != nil {
		return user, err
	}
	hash, err := a.hashes.hash(ctx, password)
	if err != nil {
		return user, hashTrouble(err)
	}
	err = a.tx(ctx, func(tx model.Records) (err error) {
		user, err = a.resetPassword(ctx, tx, resetting{code: code.Digest, owner: code.UserID, password: password, hash: hash})
		return err
	})
	switch {
	case errors.Is(err, model.ErrNotFound):
		return user, model.ErrInvalidOrExpiredCode
	case err != nil:
		return user, fmt.Errorf("gatehouse: reset password: %w", err)
	}
	return user, nil
}

// resetting is a reset that was checked as far as one can without the code.
type resetting struct {
	code     model.Digest
	owner    model.UserID
	password []byte
	hash     model.PasswordHash
}

func (a *Auth) resetPassword(ctx context.Context, tx model.Records, in resetting) (user model.User, err error) {
	now := a.now()
	// The user first, as everywhere, so that none waits for the other in a ring. Where
	// the code was spent meanwhile, all of it is undone.
	user, err = tx.ResetPassword(ctx, in.owner, in.hash, now)
	if err != nil {
		return user, err
	}
	code, err := tx.SpendCode(ctx, in.code, model.PurposeReset, now)
	if err != nil {
		return user, err
	}
	if code.UserID != in.owner {
		return user, model.ErrNotFound
	}
	if user.Disabled() {
		return user, model.ErrUserDisabled
	}
	// Only the code says whose names they are. What is refused here is
	// undone, so the code stays good.
	if err := a.refuseNames(in.password, "new_password", namesOf(user)); err != nil {
		return user, err
	}
	if code.Email != "" {
		// Whoever reads the mail of an address that was the user's once is not the user.
		if user, err = tx.VerifyEmail(ctx, user.ID, code.Email, now); err != nil {
			return user, err
		}
		if err := tx.ClearLane(ctx, a.digitsLane(code.Email).Key); err != nil {
			return user, err
		}
	}
	// This alone makes good what too many wrong passwords have done.
	if err := tx.ClearLanesOf(ctx, user.ID); err != nil {
		return user, err
	}
	if err := a.cutOff(ctx, tx, cut{userID: user.ID, name: model.EventPasswordReset}); err != nil {
		return user, err
	}
	return user, a.notify(ctx, tx, notice{kind: mailPasswordReset, user: user})
}

// CodeAlive reports whether the code of a link would set a new password, and
// changes nothing.
func (a *Auth) CodeAlive(ctx context.Context, code model.Code) (bool, error) {
	_, err := a.store.LiveCode(ctx, model.DigestOf(code), model.PurposeReset, a.now())
	if err != nil && !errors.Is(err, model.ErrNotFound) {
		return false, fmt.Errorf("gatehouse: code: %w", err)
	}
	return err == nil, nil
}

// issueCode makes a code that is handed over. Older codes of the user for the
// same purpose are void.
func (a *Auth) issueCode(ctx context.Context, tx model.Records, id model.UserID, ttl time.Duration) (model.Code, error) {
	code, record := a.newCode(model.PurposeReset, ttl)
	record.UserID = id
	return code, a.keepCode(ctx, tx, record)
}
