package gatehouse

import (
	"context"
	"errors"

	"gatehouse/model"
)

// Rehearsal is an import that keeps nothing. It remembers what it let through,
// about 300 bytes for each user, so that two users of one import who get in each
// other's way are found too. It is for one goroutine.
type Rehearsal struct {
	auth *Auth
	ids  map[model.UserID]model.Digest
	// What the store would refuse a second time: how usernames look, and emails.
	looks  map[string]struct{}
	emails map[model.Email]struct{}
}

// RehearseImport begins a rehearsal.
func (a *Auth) RehearseImport() *Rehearsal {
	return &Rehearsal{
		auth: a, ids: map[model.UserID]model.Digest{},
		looks: map[string]struct{}{}, emails: map[model.Email]struct{}{},
	}
}

// errRehearsed undoes the transaction of a rehearsal.
var errRehearsed = errors.New("gatehouse: only rehearsed")

// ImportAccount answers as Auth.ImportAccount would after everything that was
// rehearsed before. The store does the same work and undoes it.
func (r *Rehearsal) ImportAccount(ctx context.Context, in Import) (added bool, err error) {
	account, err := in.account(r.auth.hashes)
	if err != nil {
		return false, err
	}
	if in.Wrap {
		if account.PasswordHash, err = r.auth.keptHash(ctx, account); err != nil {
			return false, err
		}
	}
	if before, known := r.ids[account.User.ID]; known {
		if before != fingerprint(account) {
			return false, idTaken()
		}
		return false, nil
	}
	err = r.auth.store.Tx(ctx, func(tx model.Records) (err error) {
		if added, err = r.auth.takeIn(ctx, tx, account); err != nil {
			return err
		}
		return errRehearsed
	})
	if !errors.Is(err, errRehearsed) {
		return false, importRefusal(err)
	}
	if !added {
		return false, nil
	}
	if err := r.claim(account); err != nil {
		return false, importRefusal(err)
	}
	return true, nil
}

// claim keeps the names for the user, as the store would have. Refusals:
// ErrUsernameTaken, ErrEmailTaken.
func (r *Rehearsal) claim(account model.Account) error {
	look, email := account.User.Username.Skeleton(), account.User.Email
	if _, taken := r.looks[look]; taken && look != "" {
		return model.ErrUsernameTaken
	}
	if _, taken := r.emails[email]; taken && email != "" {
		return model.ErrEmailTaken
	}
	r.looks[look], r.emails[email] = struct{}{}, struct{}{}
	r.ids[account.User.ID] = fingerprint(account)
	return nil
}
