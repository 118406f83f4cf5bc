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
	Code model.Code
	New  model.Password
}

// ResetPass spends a code and sets the new password with a salt of its own. All
// sessions of the user are ended, and nobody is logged in. A refusal of the
// password does not cost the code. Refusals: ErrInvalidOrExpiredCode,
// ErrPasswordTooShort, ErrPasswordTooLong, ErrPasswordBlocked, ErrBadRequest,
// ErrOverloaded, ErrUserDisabled, ErrUnavailable.
func (a *Auth) ResetPass(ctx context.Context, in PasswordReset) error {
	password, err := a.newPassword(choice{password: in.New, member: "new_password"})
	if err != nil {
		return err
	}
	// A wrong code is refused before the hash is paid for; the code is spent
	// below, where only one can.
	alive, err := a.CodeAlive(ctx, in.Code)
	if err != nil {
		return err
	}
	if !alive {
		return model.ErrInvalidOrExpiredCode
	}
	if err := a.refuseBreached(ctx, password, "new_password", model.UserID{}); err != nil {
		return err
	}
	hash, err := a.hashes.hash(ctx, password)
	if err != nil {
		return hashTrouble(err)
	}
	now := a.now()
	err = a.store.Tx(ctx, func(tx model.Records) error {
		id, err := tx.SpendCode(ctx, model.DigestOf(in.Code), model.PurposeReset, now)
		if err != nil {
			return err
		}
		user, err := tx.ResetPassword(ctx, id, hash, now)
		if err != nil {
			return err
		}
		if user.Disabled() {
			return model.ErrUserDisabled
		}
		// Only the code says whose names they are. What is refused here is
		// undone, so the code stays good.
		if err := a.refuseNames(password, "new_password", namesOf(user)); err != nil {
			return err
		}
		return a.cutOff(ctx, tx, cut{userID: id, name: model.EventPasswordReset})
	})
	switch {
	case errors.Is(err, model.ErrNotFound):
		return model.ErrInvalidOrExpiredCode
	case err != nil:
		return fmt.Errorf("gatehouse: reset password: %w", err)
	}
	return nil
}

// CodeAlive reports whether a code would be accepted, and changes nothing.
func (a *Auth) CodeAlive(ctx context.Context, code model.Code) (bool, error) {
	alive, err := a.store.CodeAlive(ctx, model.DigestOf(code), model.PurposeReset, a.now())
	if err != nil {
		return false, fmt.Errorf("gatehouse: code: %w", err)
	}
	return alive, nil
}

// issueCode is the one place where a code is made. Older codes of the user for
// the same purpose are void.
func (a *Auth) issueCode(ctx context.Context, tx model.Records, id model.UserID, ttl time.Duration) (model.Code, error) {
	code := newSecret[model.Code]("ghc_")
	now := a.now()
	record := model.CodeRecord{
		Digest: model.DigestOf(code), Purpose: model.PurposeReset, UserID: id,
		CreatedAt: now, ExpiresAt: now.Add(ttl),
	}
	if err := tx.IssueCode(ctx, record); err != nil {
		return "", err
	}
	return code, tx.Record(ctx, a.event(ctx, model.EventCodeIssued, id, model.SessionID{}))
}
