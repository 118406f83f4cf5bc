package sqlstore

import (
	"context"
	"time"

	"gatehouse/model"
)

// One code per user and purpose is a constraint of the table, so a newer one
// takes the place of the older one in a single statement.
const (
	issueCode = `INSERT INTO codes (digest, purpose, user_id, created_at, expires_at)
		SELECT $1, $2, users.id, $4, $5 FROM users WHERE users.id = $3
		ON CONFLICT (user_id, purpose) DO UPDATE
		SET digest = excluded.digest, created_at = excluded.created_at, expires_at = excluded.expires_at`
	spendCode = `DELETE FROM codes WHERE digest = $1 AND purpose = $2 RETURNING user_id, expires_at`
	codeAlive = `SELECT user_id FROM codes WHERE digest = $1 AND purpose = $2 AND expires_at > $3`
	dropCodes = `DELETE FROM codes WHERE user_id = $1`

	oldCodes          = `SELECT digest FROM codes WHERE expires_at < $1 LIMIT $2`
	forgetCodes       = `DELETE FROM codes WHERE digest IN (` + oldCodes + `)`
	forgetCodesBeside = `DELETE FROM codes WHERE digest IN (` + oldCodes + passLocked + `)`
)

// IssueCode adds a code in place of any older one of the same user and purpose.
func (r *records) IssueCode(ctx context.Context, code model.CodeRecord) error {
	return r.write(ctx, "issue code", func(q Runner) error {
		var added int64
		err := undo(ctx, q, func() (err error) {
			added, err = exec(ctx, q, issueCode, code.Digest[:], string(code.Purpose), code.UserID[:],
				micros(code.CreatedAt), micros(code.ExpiresAt))
			return err
		})
		if err != nil && r.engine.Fault(err) == FaultForeignKey || err == nil && added == 0 {
			return model.ErrNotFound
		}
		return err
	})
}

// SpendCode removes the code and returns whose it was.
func (r *records) SpendCode(ctx context.Context, digest model.Digest, purpose model.CodePurpose, now time.Time) (model.UserID, error) {
	var owner model.UserID
	var expires time.Time
	err := r.write(ctx, "spend code", func(q Runner) error {
		return row(ctx, q, spendCode, []any{digest[:], string(purpose)}, (*id)(&owner), (*moment)(&expires))
	})
	if err != nil {
		return model.UserID{}, err
	}
	// Refused only here: inside, the refusal would undo the removal.
	if !expires.After(now) {
		return model.UserID{}, model.ErrNotFound
	}
	return owner, nil
}

// CodeAlive reports whether SpendCode would succeed.
func (r *records) CodeAlive(ctx context.Context, digest model.Digest, purpose model.CodePurpose, now time.Time) (bool, error) {
	var owner model.UserID
	err := r.read(ctx, "code alive", func(q Runner) error {
		return row(ctx, q, codeAlive, []any{digest[:], string(purpose), micros(now)}, (*id)(&owner))
	})
	if isRefusal(err) {
		return false, nil
	}
	return err == nil, err
}

// DropCodes removes all codes of a user.
func (r *records) DropCodes(ctx context.Context, id model.UserID) error {
	return r.write(ctx, "drop codes", func(q Runner) error {
		_, err := exec(ctx, q, dropCodes, id[:])
		return err
	})
}

// ForgetCodes removes the codes that expired before the given time.
func (r *records) ForgetCodes(ctx context.Context, before time.Time) (int, error) {
	query := forgetCodes
	if r.dialect.LocksRows {
		query = forgetCodesBeside
	}
	return r.forget(ctx, "forget codes", query, before)
}
