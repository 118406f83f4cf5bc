package sqlstore

import (
	"context"
	"errors"
	"time"

	"gatehouse/model"
)

const (
	newestEvent = `SELECT id, at FROM events WHERE id = (SELECT max(id) FROM events)`
	eventTime   = `SELECT at FROM events WHERE id = $1`

	// Ending everything goes through the table in the order of its key, a page in
	// each transaction, so that a large one keeps nobody waiting.
	pageEnd = `SELECT id FROM sessions WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2`
	endPage = `UPDATE sessions SET ended_at = $3, sweep_at = CASE WHEN sweep_at < $3 THEN sweep_at ELSE $3 END
		WHERE id > $1 AND id <= $2 AND ended_at IS NULL`

	dropEveryCode = `DELETE FROM codes`
	dropEveryMail = `DELETE FROM outbox`
)

// NewestEvent returns the event with the highest number.
func (r *records) NewestEvent(ctx context.Context) (newest model.EventMark, err error) {
	err = r.read(ctx, "newest event", func(q Runner) error {
		return row(ctx, q, newestEvent, nil, &newest.Number, (*moment)(&newest.At))
	})
	if errors.Is(err, model.ErrNotFound) {
		return model.EventMark{}, nil
	}
	return newest, err
}

// EventTime returns when an event was.
func (r *records) EventTime(ctx context.Context, number int64) (at time.Time, err error) {
	err = r.read(ctx, "event time", func(q Runner) error {
		return row(ctx, q, eventTime, []any{number}, (*moment)(&at))
	})
	return at, err
}

// EndEverySession ends all sessions of everybody.
func (r *records) EndEverySession(ctx context.Context, now time.Time) (total int, err error) {
	// Ids have 16 bytes, so that one of 17 is above all of them.
	end := make([]byte, 17)
	for i := range end {
		end[i] = 0xff
	}
	var last id
	for more := true; more; {
		var ended int64
		from, to := last, end
		err := r.writeAll(ctx, "end every session", func(q Runner) error {
			err := row(ctx, q, pageEnd, []any{from[:], forgetAtOnce - 1}, &last)
			more = err == nil
			if more {
				to = last[:]
			} else if !errors.Is(err, model.ErrNotFound) {
				return err
			}
			ended, err = exec(ctx, q, endPage, from[:], to, micros(now))
			return err
		})
		if err != nil {
			return total, err
		}
		total += int(ended)
	}
	return total, nil
}

// DropEveryCode removes all codes of everybody.
func (r *records) DropEveryCode(ctx context.Context) (int, error) {
	return r.end(ctx, "drop every code", dropEveryCode)
}

// DropEveryMail removes all mails that wait.
func (r *records) DropEveryMail(ctx context.Context) (int, error) {
	return r.end(ctx, "drop every mail", dropEveryMail)
}
