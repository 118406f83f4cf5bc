package gatehouse

import (
	"cmp"
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

// checkPassword is the one place where a password is checked against an account,
// and where the check is charged. A nil account costs the same as a wrong password.
// It returns the attempt when the password is right, for the caller to clear and
// to finish, and hashes the password anew when a new hash would be made otherwise:
// at another price, by us, under the current pepper. Refusals beside that of the
// claim: ErrTooManyAttempts, ErrOverloaded, ErrUnavailable where a pepper is missing.
func (a *Auth) checkPassword(ctx context.Context, who claim, password []byte) (right *attempt, err error) {
	t, err := a.beginAttempt(ctx, who)
	if errors.Is(err, model.ErrNotFound) { // deleted since the look-up
		who.account = nil
		t, err = a.beginAttempt(ctx, who)
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if right == nil {
			t.leave()
		}
	}()
	found, err := a.evaluate(ctx, who, t.disabled(), password)
	switch {
	case errors.Is(err, errHashRejected):
		return nil, cmp.Or(t.fail(ctx, who, model.EventHashRejected, who.event), who.refusal)
	case errors.Is(err, errPepperMissing):
		t.giveBack(ctx)
		return nil, a.pepperMissing(ctx, who.userID(), err)
	case err != nil:
		t.giveBack(ctx)
		return nil, hashTrouble(err)
	case !found.match:
		return nil, cmp.Or(t.fail(ctx, who, who.event), who.refusal)
	}
	if found.outdated {
		if err := a.rehash(ctx, who.account, password); err != nil {
			a.log.WarnContext(ctx, "password not hashed anew", "user_id", who.userID().String(), "error", err)
		}
	}
	return t, nil
}

// evaluate compares a password with that of the account, or with nothing at the
// same price: where there is no account, or none whose password is still good for
// anything.
func (a *Auth) evaluate(ctx context.Context, who claim, disabled bool, password []byte) (hashVerdict, error) {
	if who.account == nil || who.account.PasswordHash == "" || len(password) == 0 || disabled {
		return hashVerdict{}, a.hashes.verifyAbsent(ctx, password)
	}
	return a.hashes.verify(ctx, password, who.account.PasswordHash)
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
	if err := a.recordAlone(ctx, model.EventHashRejected, id); err != nil {
		return err
	}
	return model.ErrUnavailable
}

// ConfirmPassword checks the password of a user who is already logged in.
// Refusals: ErrWrongPassword, ErrTooManyAttempts, ErrPasswordTooLong,
// ErrBadRequest, ErrOverloaded; ErrUnavailable where the pepper of the hash is not
// configured; ErrInvalidToken when the user is gone.
func (a *Auth) ConfirmPassword(ctx context.Context, id model.UserID, password model.Password) error {
	_, err := a.confirm(ctx, confirmation{userID: id, password: password, member: "password"})
	return err
}

// confirmation is the password of somebody who is logged in, and the member that
// held it.
type confirmation struct {
	userID   model.UserID
	session  model.SessionID
	password model.Password
	member   string
}

// confirm is ConfirmPassword for a member of any name, and returns the account as
// it was when the password was right.
func (a *Auth) confirm(ctx context.Context, in confirmation) (model.Account, error) {
	account, right, err := a.prove(ctx, in)
	if err != nil {
		return model.Account{}, err
	}
	defer right.finish(ctx)
	return account, right.clearAlone(ctx)
}

// prove is confirm for who does more with the right password: the attempt is the
// caller's to clear, and to finish.
func (a *Auth) prove(ctx context.Context, in confirmation) (model.Account, *attempt, error) {
	typed, err := typedPassword(in.password, in.member)
	if err != nil {
		return model.Account{}, nil, err
	}
	if err := a.crowded(ctx); err != nil {
		return model.Account{}, nil, err
	}
	account, err := a.store.Account(ctx, in.userID)
	if err != nil {
		return model.Account{}, nil, orInvalidToken(err)
	}
	right, err := a.checkPassword(ctx, claim{
		account: &account, session: in.session, event: model.EventPasswordFail,
		refusal: model.ErrWrongPassword.With(in.member, "This is not your password. Type the one you log in with."),
	}, typed)
	return account, right, err
}

// recordAlone records what belongs to no change, before it is answered. It does not
// end with the request: who hangs up must not make unseen what was done.
func (a *Auth) recordAlone(ctx context.Context, name model.EventName, id model.UserID) error {
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
