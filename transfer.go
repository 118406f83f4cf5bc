package gatehouse

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"gatehouse/model"
)

// The verbs of this file move users with their hashes from one store to
// another. They are for the operator, like those of operator.go.

// accountPage is how many accounts are read at once.
const accountPage = 500

// ExportAccounts calls yield with every account there is, hash included, in the
// order of the ids, and stops at the first error, which it returns as it is.
// Accounts that are added or removed meanwhile may be missed or given. Sessions,
// codes, events and signing keys are not part of it. What yield is given is as
// secret as the store: who has a hash can guess passwords without asking us.
func (a *Auth) ExportAccounts(ctx context.Context, yield func(model.Account) error) error {
	var after model.UserID
	for {
		accounts, err := a.store.Accounts(ctx, after, accountPage)
		if err != nil {
			return fmt.Errorf("gatehouse: export accounts: %w", err)
		}
		for _, account := range accounts {
			if err := yield(account); err != nil {
				return err
			}
			after = account.User.ID
		}
		if len(accounts) < accountPage {
			return nil
		}
	}
}

// Import is a user of another installation, with the hash. It is held to the
// rules of a registration: where it comes from is not trusted.
type Import struct {
	// ID is kept, so that what is known elsewhere by the sub of a token stays
	// the same person's.
	ID       string
	Username string // "" when there is none, as with Email; one is required
	Email    string

	EmailVerifiedAt time.Time // zero: never
	Roles           []string
	DisabledAt      time.Time // zero: the user may log in
	CreatedAt       time.Time // required, as is UpdatedAt
	UpdatedAt       time.Time

	// PasswordHash is empty when there is no password yet, or a hash as an export
	// has it, or one of another system: Argon2id within the bounds of
	// argon2id.ParseHash, or whatever foreignhash.Parse reads. It is kept in one
	// spelling, and made anew at the first login.
	PasswordHash model.PasswordHash
	// Wrap puts a hash of another system, and Argon2id that is Weak, inside
	// Argon2id before it is kept, so that a thief of the database has Argon2id of
	// ours to guess against from the first day on. It costs one hash. What is ours
	// already stays as it is.
	Wrap bool
}

// Weak reports whether a thief guesses the hash faster than the least that is
// asked of its scheme: that of Argon2id is what HashParams may be, that of others
// stands at foreignhash.Hash.Weak. Without Wrap it is kept so until the first login.
func (in Import) Weak() bool {
	s, err := parseStored(string(in.PasswordHash))
	return err == nil && s.weak()
}

// ImportAccount adds the user with id, times and hash as they are; the same
// password logs in. Times are kept to the microsecond. It reports false and
// changes nothing when the user is here already, exactly so. All of it is one
// transaction with its event. No error holds the hash.
//
// Refusals: ErrUsernameInvalid, ErrUsernameReserved, ErrUsernameTaken,
// ErrEmailInvalid, ErrEmailTaken; ErrBadRequest for the field that is wrong
// otherwise: "id" when it is no id, when somebody else or the same user with
// other data has it, or when its user was deleted here, "password_hash" when
// the hash is not one to compute, or was made with a pepper that is not
// configured here. All that is wrong with the form is named at once.
// ErrOverloaded, with Wrap alone.
func (a *Auth) ImportAccount(ctx context.Context, in Import) (added bool, err error) {
	account, err := in.account(a.hashes)
	if err != nil {
		return false, err
	}
	if in.Wrap {
		if account.PasswordHash, err = a.wrapHash(ctx, account); err != nil {
			return false, err
		}
	}
	err = a.store.Tx(ctx, func(tx model.Records) (err error) {
		added, err = a.takeIn(ctx, tx, account)
		return err
	})
	return added && err == nil, importRefusal(err)
}

// wrapHash returns what is kept of the given hash with Wrap.
func (a *Auth) wrapHash(ctx context.Context, given model.Account) (model.PasswordHash, error) {
	kept, err := a.keptHash(ctx, given)
	if err != nil || kept != given.PasswordHash || kept == "" {
		return kept, err
	}
	wrapped, err := a.hashes.wrap(ctx, kept)
	return wrapped, hashTrouble(err)
}

// keptHash returns the hash that the user has here already where it is the given
// one inside Argon2id, so that the same import can be run again, and otherwise
// the given one.
func (a *Auth) keptHash(ctx context.Context, given model.Account) (model.PasswordHash, error) {
	here, err := a.store.Account(ctx, given.User.ID)
	if errors.Is(err, model.ErrNotFound) {
		return given.PasswordHash, nil
	}
	if err != nil {
		return "", importRefusal(err)
	}
	same, err := a.hashes.wraps(ctx, here.PasswordHash, given.PasswordHash)
	if err != nil {
		return "", hashTrouble(err)
	}
	if same {
		return here.PasswordHash, nil
	}
	return given.PasswordHash, nil
}

// account checks all that can be checked without the store.
func (in Import) account(hashes *passwordHashes) (model.Account, error) {
	id, idErr := model.ParseID[model.User](in.ID)
	if idErr != nil || id.IsZero() {
		idErr = model.ErrBadRequest.With("id", "Write an id as 36 characters, in lower case.")
	}
	user := model.User{
		ID:              id,
		EmailVerifiedAt: in.EmailVerifiedAt, DisabledAt: in.DisabledAt, CreatedAt: in.CreatedAt, UpdatedAt: in.UpdatedAt,
	}
	nameErr := nameUser(&user, in.Username, in.Email, in.Roles)
	hash, hashErr := in.hash(hashes)
	err := model.Together(idErr, nameErr, in.checkTimes(), hashErr)
	return model.Account{User: user, PasswordHash: hash}, err
}

// hash returns what is kept. What must never be computed is not even kept.
func (in Import) hash(hashes *passwordHashes) (model.PasswordHash, error) {
	if in.PasswordHash == "" {
		return "", nil
	}
	hash, err := hashes.accept(in.PasswordHash)
	switch {
	case errors.Is(err, errPepperMissing):
		return "", model.ErrBadRequest.With("password_hash", "It was made with a pepper that is not configured here.")
	case err != nil:
		return "", model.ErrBadRequest.With("password_hash", "Give a hash that is read here, with a salt and within the limits: "+
			"Argon2id, Argon2i, bcrypt, scrypt, PBKDF2, SHA-crypt, md5-crypt or phpass.")
	}
	return hash, nil
}

// checkTimes wants times that every engine keeps and RFC 3339 can write.
func (in Import) checkTimes() error {
	var wrong []error
	for _, t := range [...]struct {
		field    string
		at       time.Time
		required bool
	}{
		{"email_verified_at", in.EmailVerifiedAt, false}, {"disabled_at", in.DisabledAt, false},
		{"created_at", in.CreatedAt, true}, {"updated_at", in.UpdatedAt, true},
	} {
		never := t.at.IsZero() && !t.required
		if year := t.at.UTC().Year(); !never && (year < 1970 || year > 9999) {
			wrong = append(wrong, model.ErrBadRequest.With(t.field, "Give a time from 1970 to 9999."))
		}
	}
	if in.Email == "" && !in.EmailVerifiedAt.IsZero() {
		wrong = append(wrong, model.ErrBadRequest.With("email_verified_at", "Leave it out where there is no email."))
	}
	return model.Together(wrong...)
}

// takeIn adds the account unless it is there, and reports whether it did.
func (a *Auth) takeIn(ctx context.Context, tx model.Records, account model.Account) (added bool, err error) {
	id := account.User.ID
	here, err := tx.Account(ctx, id)
	switch {
	case err == nil && fingerprint(here) == fingerprint(account):
		return false, nil
	case err == nil:
		return false, idTaken()
	case !errors.Is(err, model.ErrNotFound):
		return false, err
	}
	// Who was deleted here does not come back with an old file.
	events, err := tx.EventsOf(ctx, id, exportedEvents)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(events, func(e model.Event) bool { return e.Name == model.EventUserDeleted }) {
		return false, model.ErrBadRequest.With("id", "The user with this id was deleted here. An id is never given out again.")
	}
	if err := tx.CreateUser(ctx, account.User, account.PasswordHash); err != nil {
		return false, err
	}
	return true, tx.Record(ctx, a.event(ctx, model.EventUserImported, id, model.SessionID{}))
}

// fingerprint is equal for accounts that are equal in everything that an export
// holds, times to the microsecond as they are kept.
func fingerprint(account model.Account) model.Digest {
	u := account.User
	return sha256.Sum256(fmt.Appendf(nil, "%s %q %q %d %q %d %d %d %q", u.ID, string(u.Username), string(u.Email),
		u.EmailVerifiedAt.UnixMicro(), u.Roles, u.DisabledAt.UnixMicro(), u.CreatedAt.UnixMicro(), u.UpdatedAt.UnixMicro(),
		string(account.PasswordHash)))
}

func idTaken() error {
	return model.ErrBadRequest.With("id", "A user with this id is here already, with other data.")
}

// importRefusal says which member of an import met the refusal of the store.
func importRefusal(err error) error {
	var refusal *model.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, model.ErrUsernameTaken):
		return model.ErrUsernameTaken.With("username", "Another user has this username, or one that looks like it.")
	case errors.Is(err, model.ErrEmailTaken):
		return model.ErrEmailTaken.With("email", "Another user has this email.")
	case errors.As(err, &refusal):
		return err
	}
	return fmt.Errorf("gatehouse: import account: %w", err)
}
