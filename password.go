package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/argon2id"
	"gatehouse/model"
)

// typedPassword returns the bytes to check of a password that somebody claims
// to know. Ill-formed or over-long text is refused before any hash.
func typedPassword(password model.Password, member string) ([]byte, error) {
	canonical, err := password.Canonical()
	return canonical, named(err, member)
}

// checkPassword is the one place where a password is checked against an
// account. A nil account costs the same as a wrong password. It reports whether
// the password is right, and hashes it anew when a new hash would be made
// otherwise: at another price, by us, under the current pepper. Refusal beside
// those of the engine: ErrUnavailable where a pepper is missing.
func (a *Auth) checkPassword(ctx context.Context, account *model.Account, password []byte) (bool, error) {
	if account == nil || account.PasswordHash == "" || len(password) == 0 {
		return false, hashTrouble(a.hashes.verifyAbsent(ctx, password))
	}
	found, err := a.hashes.verify(ctx, password, account.PasswordHash)
	switch {
	case errors.Is(err, errHashRejected):
		return false, a.recordFailure(ctx, model.EventHashRejected, account.User.ID)
	case errors.Is(err, errPepperMissing):
		return false, a.pepperMissing(ctx, account.User.ID, err)
	case err != nil || !found.match:
		return false, hashTrouble(err)
	}
	if found.outdated {
		if err := a.rehash(ctx, account, password); err != nil {
			a.log.WarnContext(ctx, "password not hashed anew", "user_id", account.User.ID.String(), "error", err)
		}
	}
	return true, nil
}

// rehash replaces the hash of a password that was just proven right, unless
// another login or a change was faster. That it fails denies nobody.
func (a *Auth) rehash(ctx context.Context, account *model.Account, password []byte) error {
	hash, err := a.hashes.hash(ctx, password)
	if err != nil {
		return err
	}
	done, err := a.store.RehashPassword(ctx, account.User.ID, account.PasswordHash, hash)
	if err != nil || !done {
		return err
	}
	return a.store.Record(ctx, a.event(ctx, model.EventPasswordRehash, account.User.ID, model.SessionID{}))
}

// pepperMissing is what becomes of a login whose hash cannot be checked until the
// operator gives back a key. Nobody is told that the password was wrong.
func (a *Auth) pepperMissing(ctx context.Context, id model.UserID, cause error) error {
	a.log.ErrorContext(ctx, "password not checked", "user_id", id.String(), "error", cause)
	if err := a.recordFailure(ctx, model.EventHashRejected, id); err != nil {
		return err
	}
	return model.ErrUnavailable
}

// ConfirmPassword checks the password of a user who is already logged in.
// Refusals: ErrWrongPassword, ErrPasswordTooLong, ErrBadRequest, ErrOverloaded;
// ErrUnavailable where the pepper of the hash is not configured; ErrInvalidToken
// when the user is gone.
func (a *Auth) ConfirmPassword(ctx context.Context, id model.UserID, password model.Password) error {
	_, err := a.confirm(ctx, id, password, "password")
	return err
}

// confirm is ConfirmPassword for a member of another name, and returns the
// account as it was when the password was right.
func (a *Auth) confirm(ctx context.Context, id model.UserID, password model.Password, member string) (model.Account, error) {
	typed, err := typedPassword(password, member)
	if err != nil {
		return model.Account{}, err
	}
	account, err := a.store.Account(ctx, id)
	if err != nil {
		return model.Account{}, orInvalidToken(err)
	}
	right, err := a.checkPassword(ctx, &account, typed)
	if err != nil {
		return model.Account{}, err
	}
	if !right {
		if err := a.recordFailure(ctx, model.EventPasswordFail, id); err != nil {
			return model.Account{}, err
		}
		return model.Account{}, model.ErrWrongPassword.With(member, "Type the password you log in with.")
	}
	return account, nil
}

// recordFailure is the one place where a failed proof is recorded, before it is
// answered. It does not end with the request: who hangs up after a guess must
// not make the guess unseen.
func (a *Auth) recordFailure(ctx context.Context, name model.EventName, id model.UserID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordPatience)
	defer cancel()
	if err := a.store.Record(ctx, a.event(ctx, name, id, model.SessionID{})); err != nil {
		return fmt.Errorf("gatehouse: record: %w", err)
	}
	return nil
}

// hashTrouble turns what the hashing engine says into a refusal or trouble.
func hashTrouble(err error) error {
	var overloaded *argon2id.Overloaded
	switch {
	case err == nil:
		return nil
	case errors.As(err, &overloaded):
		return model.ErrOverloaded.After(overloaded.RetryAfter)
	default:
		return fmt.Errorf("gatehouse: hash: %w", err)
	}
}

// named gives a refusal about "password" the name the member really has.
func named(err error, member string) error {
	var refusal *model.Error
	if errors.As(err, &refusal) {
		return refusal.Rename("password", member)
	}
	return err
}
