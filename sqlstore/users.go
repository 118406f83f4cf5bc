package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"gatehouse/model"
)

// userColumns are what scanUser reads.
const userColumns = `users.id, users.disabled_at, ` + userRestColumns

func scanUser(u *model.User) []any {
	return append([]any{(*id)(&u.ID), (*moment)(&u.DisabledAt)}, scanUserRest(u)...)
}

// userRestColumns are what scanUserRest reads: all of a user but what the session
// says, and that the user is not disabled. Reading a column takes longer than finding the row.
const userRestColumns = `users.username, users.email, users.email_verified_at, users.roles, users.created_at, users.updated_at`

func scanUserRest(u *model.User) []any {
	return []any{wordOf(&u.Username), wordOf(&u.Email), (*moment)(&u.EmailVerifiedAt), (*roleList)(&u.Roles),
		(*moment)(&u.CreatedAt), (*moment)(&u.UpdatedAt)}
}

// The skeleton is kept beside the username so that the database refuses
// look-alikes by itself, whoever comes first.
const (
	createUser = `INSERT INTO users (id, username, username_skeleton, email, email_verified_at, roles,
		disabled_at, created_at, updated_at, password_hash, password_version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1) ON CONFLICT DO NOTHING`
	userKept = `UPDATE users SET password_version = password_version WHERE id = $1`
	takenBy  = `SELECT
		EXISTS (SELECT 1 FROM users WHERE username = $1 OR username_skeleton = $2),
		EXISTS (SELECT 1 FROM users WHERE email = $3)`
	userByID      = `SELECT ` + userColumns + ` FROM users WHERE users.id = $1`
	accountsAfter = `SELECT ` + accountColumns + ` FROM users WHERE users.id > $1 ORDER BY users.id LIMIT $2`
	renameUser    = `UPDATE users SET username = $2, username_skeleton = $3, updated_at = $4 WHERE id = $1 RETURNING ` + userColumns
	setDisabled   = `UPDATE users SET disabled_at = $2, updated_at = $3 WHERE id = $1`
)

// CreateUser adds a user. Where both are taken, the username is named.
func (r *records) CreateUser(ctx context.Context, user model.User, hash model.PasswordHash) error {
	roles, err := roles(user.Roles)
	if err != nil {
		return r.trouble("create user", err)
	}
	return r.write(ctx, "create user", func(q Runner) error {
		// Where writers run side by side, who has the name may go while we ask.
		for range 2 {
			added, err := exec(ctx, q, createUser, user.ID[:], text(user.Username), text(user.Username.Skeleton()), text(user.Email),
				micros(user.EmailVerifiedAt), roles, micros(user.DisabledAt), micros(user.CreatedAt), micros(user.UpdatedAt), string(hash))
			if err != nil {
				return err
			}
			if added == 1 {
				prove(q, userKept, user.ID[:])
				return nil
			}
			var username, email bool
			if err := row(ctx, q, takenBy, []any{text(user.Username), text(user.Username.Skeleton()), text(user.Email)},
				&username, &email); err != nil {
				return err
			}
			switch {
			case username:
				return model.ErrUsernameTaken
			case email:
				return model.ErrEmailTaken
			}
		}
		return errors.New("another user has this id")
	})
}

// User returns the user.
func (r *records) User(ctx context.Context, id model.UserID) (user model.User, err error) {
	err = r.read(ctx, "user", func(q Runner) error {
		return row(ctx, q, userByID, []any{id[:]}, scanUser(&user)...)
	})
	return user, err
}

// Accounts returns users with their hashes, in the order of their ids.
func (r *records) Accounts(ctx context.Context, after model.UserID, limit int) (accounts []model.Account, err error) {
	if limit <= 0 {
		return nil, ctx.Err()
	}
	err = r.read(ctx, "accounts", func(q Runner) error {
		return each(ctx, q, accountsAfter, []any{after[:], limit}, func(rows *sql.Rows) error {
			var account model.Account
			if err := rows.Scan(scanAccount(&account)...); err != nil {
				return err
			}
			accounts = append(accounts, account)
			return nil
		})
	})
	return accounts, err
}

// RenameUser changes the username.
func (r *records) RenameUser(ctx context.Context, id model.UserID, username model.Username, at time.Time) (user model.User, err error) {
	if username == "" {
		return user, r.trouble("rename user", errors.New("the new username is empty"))
	}
	err = r.write(ctx, "rename user", func(q Runner) error {
		err := undo(ctx, q, func() error {
			return row(ctx, q, renameUser, []any{id[:], string(username), username.Skeleton(), micros(at)}, scanUser(&user)...)
		})
		if err != nil && !isRefusal(err) && r.engine.Fault(err) == FaultUnique {
			return model.ErrUsernameTaken
		}
		return err
	})
	return user, err
}

// SetDisabled keeps the user out or lets the user in again.
func (r *records) SetDisabled(ctx context.Context, id model.UserID, at, now time.Time) error {
	return r.write(ctx, "disable user", func(q Runner) error {
		changed, err := exec(ctx, q, setDisabled, id[:], micros(at), micros(now))
		if err == nil && changed == 0 {
			return model.ErrNotFound
		}
		return err
	})
}

// lockUser comes first, because it holds the row where writers run side by
// side: nobody opens a session or gets a code while the user is being removed.
const (
	lockUser     = `UPDATE users SET updated_at = $2 WHERE id = $1`
	emptySession = `UPDATE sessions SET user_id = NULL, token_digest = NULL, address = NULL, user_agent = NULL, request_id = NULL,
		ended_at = CASE WHEN ended_at IS NULL THEN $2 ELSE ended_at END,
		sweep_at = CASE WHEN sweep_at < $2 THEN sweep_at ELSE $2 END WHERE user_id = $1`
	emptyEvents = `UPDATE events SET address = NULL, user_agent = NULL, request_id = NULL, salt = NULL WHERE user_id = $1`
	deleteUser  = `DELETE FROM users WHERE id = $1`
)

// DeleteUser removes the user and all that refers to the user.
func (r *records) DeleteUser(ctx context.Context, id model.UserID, now time.Time) error {
	return r.writeAll(ctx, "delete user", func(q Runner) error {
		found, err := exec(ctx, q, lockUser, id[:], micros(now))
		if err != nil {
			return err
		}
		if found == 0 {
			return model.ErrNotFound
		}
		if _, err := exec(ctx, q, emptySession, id[:], micros(now)); err != nil {
			return err
		}
		if r.dialect.LocksRows {
			if err := lockRows(ctx, q, lockEventsOf, id[:]); err != nil {
				return err
			}
		}
		for _, query := range [...]string{dropCodes, dropMails, emptyEvents, deleteUser} {
			if _, err := exec(ctx, q, query, id[:]); err != nil {
				return err
			}
		}
		if eraser, ok := q.(Eraser); ok {
			eraser.Erased()
		}
		return nil
	})
}
