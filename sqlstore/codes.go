package sqlstore

import (
	"context"
	"time"

	"gatehouse/model"
)

// One code per user and purpose is a constraint of the table, so a newer one
// takes the place of the older one in a single statement.
const (
	issueCode = `INSERT INTO codes (digest, purpose, user_id, email, session_id, created_at, expires_at,
		request_digest, typed_digest, typed_expires_at, typed_tries)
		SELECT $1, $2, users.id, $4, $5, $6, $7, $8, $9, $10, $11 FROM users WHERE users.id = $3
		ON CONFLICT (user_id, purpose) DO UPDATE
		SET digest = excluded.digest, email = excluded.email, session_id = excluded.session_id,
		created_at = excluded.created_at, expires_at = excluded.expires_at, request_digest = excluded.request_digest,
		typed_digest = excluded.typed_digest, typed_expires_at = excluded.typed_expires_at, typed_tries = excluded.typed_tries`
	issueNobodys = `INSERT INTO codes (digest, purpose, user_id, email, session_id, created_at, expires_at,
		request_digest, typed_digest, typed_expires_at, typed_tries)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	// dropOlder makes room for what giveCode gives.
	dropOlder = `DELETE FROM codes WHERE user_id = $2 AND EXISTS (SELECT 1 FROM codes AS given
		WHERE given.digest = $1 AND given.user_id IS NULL AND given.purpose = codes.purpose AND given.created_at >= codes.created_at)`
	giveCode = `UPDATE codes SET user_id = $2, email = $3 WHERE digest = $1 AND user_id IS NULL
		AND NOT EXISTS (SELECT 1 FROM codes AS newer WHERE newer.user_id = $2 AND newer.purpose = codes.purpose)`
	dropRequest = `DELETE FROM codes WHERE request_digest = $1`
	codeColumns = `digest, purpose, user_id, email, session_id, created_at, expires_at,
		request_digest, typed_digest, typed_expires_at, typed_tries`
	spendCode = `DELETE FROM codes WHERE digest = $1 AND purpose = $2 AND user_id IS NOT NULL RETURNING ` + codeColumns
	liveCode  = `SELECT ` + codeColumns + ` FROM codes
		WHERE digest = $1 AND purpose = $2 AND user_id IS NOT NULL AND expires_at > $3`
	tryCode = `UPDATE codes SET typed_tries = typed_tries - 1
		WHERE request_digest = $1 AND purpose = $2 AND typed_tries > 0 AND typed_expires_at > $3
		RETURNING ` + codeColumns
	dropCodes = `DELETE FROM codes WHERE user_id = $1`

	oldCodes          = `SELECT digest FROM codes WHERE expires_at < $1 LIMIT $2`
	forgetCodes       = `DELETE FROM codes WHERE digest IN (` + oldCodes + `)`
	forgetCodesBeside = `DELETE FROM codes WHERE digest IN (` + oldCodes + passLocked + `)`
)

func scanCode(c *model.CodeRecord) []any {
	return []any{(*digest)(&c.Digest), wordOf(&c.Purpose), (*id)(&c.UserID), wordOf(&c.Email), (*id)(&c.SessionID),
		(*moment)(&c.CreatedAt), (*moment)(&c.ExpiresAt),
		(*digest)(&c.Request), (*digest)(&c.Digits.Digest), (*moment)(&c.Digits.ExpiresAt), &c.Digits.TriesLeft}
}

// IssueCode adds a code in place of any older one of the same user and purpose.
func (r *records) IssueCode(ctx context.Context, code model.CodeRecord) error {
	args := []any{code.Digest[:], string(code.Purpose), bytesOf(code.UserID), text(code.Email), bytesOf(code.SessionID),
		micros(code.CreatedAt), micros(code.ExpiresAt), digestBytes(code.Request),
		digestBytes(code.Digits.Digest), micros(code.Digits.ExpiresAt), code.Digits.TriesLeft}
	query := issueCode
	if code.UserID.IsZero() {
		query = issueNobodys
	}
	return r.writeAll(ctx, "issue code", func(q Runner) error {
		// Where no browser asked there is nothing to replace, at the same price.
		if _, err := exec(ctx, q, dropRequest, code.Request[:]); err != nil {
			return err
		}
		var added int64
		err := undo(ctx, q, func() (err error) {
			added, err = exec(ctx, q, query, args...)
			return err
		})
		if err != nil && r.engine.Fault(err) == FaultForeignKey || err == nil && added == 0 {
			return model.ErrNotFound
		}
		return err
	})
}

// GiveCode gives a code of nobody to a user.
func (r *records) GiveCode(ctx context.Context, digest model.Digest, user model.UserID, email model.Email) error {
	return r.writeAll(ctx, "give code", func(q Runner) error {
		return undo(ctx, q, func() error {
			if _, err := exec(ctx, q, dropOlder, digest[:], user[:]); err != nil {
				return err
			}
			given, err := exec(ctx, q, giveCode, digest[:], user[:], text(email))
			if err != nil && r.engine.Fault(err) == FaultForeignKey || err == nil && given == 0 {
				return model.ErrNotFound // and the older one stays
			}
			return err
		})
	})
}

// SpendCode removes the code and returns it.
func (r *records) SpendCode(ctx context.Context, digest model.Digest, purpose model.CodePurpose, now time.Time) (model.CodeRecord, error) {
	var code model.CodeRecord
	err := r.write(ctx, "spend code", func(q Runner) error {
		return row(ctx, q, spendCode, []any{digest[:], string(purpose)}, scanCode(&code)...)
	})
	if err != nil {
		return model.CodeRecord{}, err
	}
	// Refused only here: inside, the refusal would undo the removal.
	if !code.ExpiresAt.After(now) {
		return model.CodeRecord{}, model.ErrNotFound
	}
	return code, nil
}

// LiveCode returns what SpendCode would.
func (r *records) LiveCode(ctx context.Context, digest model.Digest, purpose model.CodePurpose, now time.Time) (code model.CodeRecord, err error) {
	err = r.read(ctx, "live code", func(q Runner) error {
		return row(ctx, q, liveCode, []any{digest[:], string(purpose), micros(now)}, scanCode(&code)...)
	})
	return code, err
}

// TryCode takes one of the tries of what was mailed for a request.
func (r *records) TryCode(ctx context.Context, try model.DigitsTry) (code model.CodeRecord, err error) {
	err = r.write(ctx, "try code", func(q Runner) error {
		return row(ctx, q, tryCode, []any{try.Request[:], string(try.Purpose), micros(try.Now)}, scanCode(&code)...)
	})
	return code, err
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
