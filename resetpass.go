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
// sessions of the user are ended, and nobody is logged in. The form of the
// password is checked first, so that a refusal does not cost the code.
// Refusals: ErrInvalidOrExpiredCode, ErrPasswordTooShort, ErrPasswordTooLong,
// ErrBadRequest, ErrOverloaded, ErrUserDisabled.
func (a *Auth) ResetPass(ctx context.Context, in PasswordReset) error {
	password, err := a.newPassword(in.New, "new_password")
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
	hash, err := a.hashes.Hash(ctx, password)
	if err != nil {
		return hashTrouble(err)
	}
	now := a.now()
	err = a.store.Tx(ctx, func(tx model.Records) error {
		id, err := tx.SpendCode(ctx, model.DigestOf(in.Code), model.PurposeReset, now)
		if err != nil {
			return err
		}
		user, err := tx.ResetPassword(ctx, id, model.PasswordHash(hash), now)
		if err != nil {
			return err
		}
		if user.Disabled() {
			return model.ErrUserDisabled
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
