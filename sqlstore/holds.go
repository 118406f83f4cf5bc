package sqlstore

import (
	"context"

	"gatehouse/model"
)

// Where writers run side by side, the row of the user is locked as DeleteUser and
// ChangePassword lock it, and first, so that none waits for the other in a ring.
const (
	holdUser    = `SELECT 1 FROM users WHERE id = $1 AND password_version = $2 AND disabled_at IS NULL`
	holdSession = `SELECT 1 FROM sessions WHERE user_id = $1 AND id = $2 AND ` + notOverAt3

	lockHeldUser    = holdUser + ` FOR UPDATE`
	lockHeldSession = holdSession + ` FOR UPDATE`
)

// HoldAccount makes sure that what was checked still holds until the
// transaction ends.
func (r *records) HoldAccount(ctx context.Context, hold model.Hold) error {
	user, session := holdUser, holdSession
	if r.dialect.LocksRows {
		user, session = lockHeldUser, lockHeldSession
	}
	return r.write(ctx, "hold account", func(q Runner) error {
		var one int
		if err := row(ctx, q, user, []any{hold.UserID[:], hold.PasswordVersion}, &one); err != nil || hold.SessionID.IsZero() {
			return err
		}
		return row(ctx, q, session, []any{hold.UserID[:], hold.SessionID[:], micros(hold.Now)}, &one)
	})
}
