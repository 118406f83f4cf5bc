package sqlstore

import (
	"context"
	"time"

	"gatehouse/model"
)

const (
	verifyEmail = `UPDATE users SET email_verified_at = coalesce(email_verified_at, $3), updated_at = $3
		WHERE id = $1 AND email = $2 RETURNING ` + userColumns
	changeEmail = `UPDATE users SET email = $2, email_verified_at = $3, updated_at = $3 WHERE id = $1 RETURNING ` + userColumns
)

// VerifyEmail notes that the user has proven this mailbox.
func (r *records) VerifyEmail(ctx context.Context, id model.UserID, email model.Email, at time.Time) (user model.User, err error) {
	err = r.write(ctx, "verify email", func(q Runner) error {
		return row(ctx, q, verifyEmail, []any{id[:], string(email), micros(at)}, scanUser(&user)...)
	})
	return user, notText(err)
}

// ChangeEmail gives the user another email, which was proven.
func (r *records) ChangeEmail(ctx context.Context, id model.UserID, email model.Email, at time.Time) (user model.User, err error) {
	err = r.write(ctx, "change email", func(q Runner) error {
		err := undo(ctx, q, func() error {
			return row(ctx, q, changeEmail, []any{id[:], string(email), micros(at)}, scanUser(&user)...)
		})
		if err != nil && !isRefusal(err) && r.engine.Fault(err) == FaultUnique {
			return model.ErrEmailTaken
		}
		return err
	})
	return user, err
}
