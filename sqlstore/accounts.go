package sqlstore

import (
	"context"
	"errors"
	"strings"
	"time"

	"gatehouse/model"
)

const (
	accountColumns    = userColumns + `, users.password_hash, users.password_version`
	accountByUsername = `SELECT ` + accountColumns + ` FROM users WHERE users.username = $1`
	accountByEmail    = `SELECT ` + accountColumns + ` FROM users WHERE users.email = $1`
	accountByID       = `SELECT ` + accountColumns + ` FROM users WHERE users.id = $1`

	rehashPassword = `UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2`
	changePassword = `UPDATE users SET password_hash = $3, password_version = password_version + 1, updated_at = $4
		WHERE id = $1 AND password_version = $2`
	passwordKept = `UPDATE users SET password_version = password_version WHERE id = $1 AND password_hash = $2`

	// pepperedFrom speaks the words of the index, or it would not be used.
	pepperedFrom = `SELECT substr(password_hash, 1, 25) FROM users
		WHERE substr(password_hash, 1, 8) = '$pepper$' AND substr(password_hash, 1, 25) >= $1
		ORDER BY substr(password_hash, 1, 25) LIMIT 1`

	resetPassword = `UPDATE users SET password_hash = $2, password_version = password_version + 1, updated_at = $3
		WHERE id = $1 RETURNING ` + userColumns
)

func scanAccount(a *model.Account) []any {
	return append(scanUser(&a.User), wordOf(&a.PasswordHash), &a.PasswordVersion)
}

// notText makes a refusal of what cannot be anybody's name.
func notText(err error) error {
	if errors.Is(err, errNotText) {
		return model.ErrNotFound
	}
	return err
}

// AccountByUsername returns the account with exactly this username.
func (r *records) AccountByUsername(ctx context.Context, username model.Username) (account model.Account, err error) {
	err = r.read(ctx, "account by username", func(q Runner) error {
		return row(ctx, q, accountByUsername, []any{string(username)}, scanAccount(&account)...)
	})
	return account, notText(err)
}

// AccountByEmail returns the account with exactly this email.
func (r *records) AccountByEmail(ctx context.Context, email model.Email) (account model.Account, err error) {
	err = r.read(ctx, "account by email", func(q Runner) error {
		return row(ctx, q, accountByEmail, []any{string(email)}, scanAccount(&account)...)
	})
	return account, notText(err)
}

// Account returns the account of a user.
func (r *records) Account(ctx context.Context, id model.UserID) (account model.Account, err error) {
	err = r.read(ctx, "account", func(q Runner) error {
		return row(ctx, q, accountByID, []any{id[:]}, scanAccount(&account)...)
	})
	return account, err
}

// PepperIDs returns the ids of the peppers that hashes were made with.
func (r *records) PepperIDs(ctx context.Context) (ids []string, err error) {
	const prefix = "$pepper$"
	for from := prefix; len(ids) <= model.MaxPeppers; {
		var begins string
		err := r.read(ctx, "pepper ids", func(q Runner) error {
			return row(ctx, q, pepperedFrom, []any{from}, wordOf(&begins))
		})
		if errors.Is(err, model.ErrNotFound) {
			return ids, nil
		}
		if err != nil {
			return nil, err
		}
		id, _, _ := strings.Cut(strings.TrimPrefix(begins, prefix), "$")
		ids = append(ids, id)
		// The character after the dollar is above all hashes with this id, and below
		// those with an id that begins like it.
		from = prefix + id + "%"
	}
	return ids, nil
}

// RehashPassword replaces the hash of the same password, if it is still old.
func (r *records) RehashPassword(ctx context.Context, id model.UserID, old, new model.PasswordHash) (replaced bool, err error) {
	err = r.write(ctx, "rehash password", func(q Runner) error {
		changed, err := exec(ctx, q, rehashPassword, id[:], string(old), string(new))
		replaced = changed == 1
		return err
	})
	return replaced && err == nil, err
}

// ChangePassword sets a new hash if the version is still the one that was checked.
func (r *records) ChangePassword(ctx context.Context, id model.UserID, version int64, new model.PasswordHash, at time.Time) error {
	return r.write(ctx, "change password", func(q Runner) error {
		changed, err := exec(ctx, q, changePassword, id[:], version, string(new), micros(at))
		if err == nil && changed == 0 {
			return model.ErrNotFound
		}
		if err == nil {
			prove(q, passwordKept, id[:], string(new))
		}
		return err
	})
}

// ResetPassword sets a new hash whatever the version.
func (r *records) ResetPassword(ctx context.Context, id model.UserID, new model.PasswordHash, at time.Time) (user model.User, err error) {
	err = r.write(ctx, "reset password", func(q Runner) error {
		err := row(ctx, q, resetPassword, []any{id[:], string(new), micros(at)}, scanUser(&user)...)
		if err == nil {
			prove(q, passwordKept, id[:], string(new))
		}
		return err
	})
	return user, err
}
