package sqlstore

import (
	"context"
	"time"

	"gatehouse/model"
)

// A lease is a next try that lies ahead: who is gone before it is over leaves the
// mail to others, and tries tells whether another has claimed it since.
const (
	mailColumns = `id, user_id, kind, sealed, created_at, expires_at, next_try_at, tries`
	queueMail   = `INSERT INTO outbox (` + mailColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

	dueMail    = `SELECT id FROM outbox WHERE next_try_at <= $1 ORDER BY next_try_at LIMIT 1`
	claimDue   = `UPDATE outbox SET next_try_at = $2, tries = tries + 1 WHERE next_try_at <= $1 AND id = (`
	claimMail  = claimDue + dueMail + `) RETURNING ` + mailColumns
	claimAside = claimDue + dueMail + passLocked + `) RETURNING ` + mailColumns

	putOffMail  = `UPDATE outbox SET next_try_at = $3 WHERE id = $1 AND tries = $2`
	removeMail  = `DELETE FROM outbox WHERE id = $1`
	dropMails   = `DELETE FROM outbox WHERE user_id = $1`
	outboxState = `SELECT count(*), min(created_at) FROM outbox`
)

func scanMail(m *model.OutboxRecord) []any {
	return []any{(*id)(&m.ID), (*id)(&m.UserID), wordOf(&m.Kind), (*blob)(&m.Sealed),
		(*moment)(&m.CreatedAt), (*moment)(&m.ExpiresAt), (*moment)(&m.NextTryAt), &m.Tries}
}

// QueueMail adds a mail.
func (r *records) QueueMail(ctx context.Context, mail model.OutboxRecord) error {
	return r.write(ctx, "queue mail", func(q Runner) error {
		err := undo(ctx, q, func() error {
			_, err := exec(ctx, q, queueMail, mail.ID[:], bytesOf(mail.UserID), string(mail.Kind), mail.Sealed,
				micros(mail.CreatedAt), micros(mail.ExpiresAt), micros(mail.NextTryAt), mail.Tries)
			return err
		})
		if err != nil && r.engine.Fault(err) == FaultForeignKey {
			return model.ErrNotFound
		}
		return err
	})
}

// ClaimMail returns the mail that is due the longest, to one of those who ask.
func (r *records) ClaimMail(ctx context.Context, claim model.MailClaim) (mail model.OutboxRecord, err error) {
	query := claimMail
	if r.dialect.LocksRows {
		query = claimAside
	}
	err = r.write(ctx, "claim mail", func(q Runner) error {
		return row(ctx, q, query, []any{micros(claim.Now), micros(claim.LeaseUntil)}, scanMail(&mail)...)
	})
	return mail, err
}

// PutOffMail moves the next try of a claimed mail.
func (r *records) PutOffMail(ctx context.Context, claimed model.OutboxRecord, nextTryAt time.Time) error {
	return r.write(ctx, "put off mail", func(q Runner) error {
		_, err := exec(ctx, q, putOffMail, claimed.ID[:], claimed.Tries, micros(nextTryAt))
		return err
	})
}

// RemoveMail removes a mail that was sent or given up.
func (r *records) RemoveMail(ctx context.Context, id model.MailID) (removed bool, err error) {
	err = r.write(ctx, "remove mail", func(q Runner) error {
		gone, err := exec(ctx, q, removeMail, id[:])
		removed = gone == 1
		return err
	})
	return removed && err == nil, err
}

// OutboxState returns how many mails wait, and since when.
func (r *records) OutboxState(ctx context.Context) (state model.OutboxState, err error) {
	err = r.read(ctx, "outbox state", func(q Runner) error {
		return row(ctx, q, outboxState, nil, &state.Waiting, (*moment)(&state.Oldest))
	})
	return state, err
}
