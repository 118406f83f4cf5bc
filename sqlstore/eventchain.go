package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"gatehouse/model"
)

const (
	eventRowColumns = `id, at, name, user_id, session_id, address, user_agent, request_id, position, mac, commitment, salt`

	eventChain     = `SELECT record, (SELECT coalesce(max(position), 0) FROM events WHERE position IS NOT NULL) FROM event_chain WHERE one = 1`
	lockEventChain = `SELECT one FROM event_chain WHERE one = 1 FOR UPDATE`
	keepEventChain = `INSERT INTO event_chain (one, record) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET record = $1`

	unsealedEvents     = `SELECT ` + eventRowColumns + ` FROM events WHERE position IS NULL ORDER BY id LIMIT $1`
	heldUnsealedEvents = unsealedEvents + passLocked
	sealedEvents       = `SELECT ` + eventRowColumns + ` FROM events WHERE position > $1 ORDER BY position LIMIT $2`
	sealEvent          = `UPDATE events SET position = $2, mac = $3, commitment = $4, salt = $5 WHERE id = $1 AND position IS NULL`

	forgetEvents = `DELETE FROM events WHERE position <= $1`

	// Whoever locks several events locks them in the order of their ids, so that no
	// two wait for each other.
	lockEventsOf    = `SELECT id FROM events WHERE user_id = $1 ORDER BY id FOR UPDATE`
	lockEventsUntil = `SELECT id FROM events WHERE position <= $1 ORDER BY id FOR UPDATE`
)

// errSealedAlready is why no seal was kept.
var errSealedAlready = errors.New("an event is sealed already or gone")

// EventChain returns the record of the chain and the highest position.
func (r *records) EventChain(ctx context.Context) (record []byte, last int64, err error) {
	const what = "event chain"
	if r.tx != nil && r.dialect.LocksRows {
		// A statement of its own: the next one then sees what it waited for.
		err := r.read(ctx, what, func(q Runner) error { return lockRows(ctx, q, lockEventChain) })
		if err != nil {
			return nil, 0, err
		}
	}
	err = r.read(ctx, what, func(q Runner) error {
		return row(ctx, q, eventChain, nil, (*blob)(&record), &last)
	})
	if errors.Is(err, model.ErrNotFound) {
		err = r.read(ctx, what, func(q Runner) error { return row(ctx, q, lastPosition, nil, &last) })
	}
	return record, last, err
}

// lastPosition is for a chain whose record somebody removed.
const lastPosition = `SELECT coalesce(max(position), 0) FROM events WHERE position IS NOT NULL`

// KeepEventChain replaces the record of the chain.
func (r *records) KeepEventChain(ctx context.Context, record []byte) error {
	return r.write(ctx, "keep event chain", func(q Runner) error {
		_, err := exec(ctx, q, keepEventChain, record)
		return err
	})
}

// UnsealedEvents returns events without a position, the lowest id first.
func (r *records) UnsealedEvents(ctx context.Context, limit int) ([]model.EventRow, error) {
	if limit <= 0 {
		return nil, ctx.Err()
	}
	query := unsealedEvents
	if r.tx != nil && r.dialect.LocksRows {
		query = heldUnsealedEvents
	}
	return r.eventRows(ctx, "unsealed events", query, []any{limit})
}

// SealedEvents returns the events after a position.
func (r *records) SealedEvents(ctx context.Context, after int64, limit int) ([]model.EventRow, error) {
	if limit <= 0 {
		return nil, ctx.Err()
	}
	return r.eventRows(ctx, "sealed events", sealedEvents, []any{after, limit})
}

// SealEvents gives events their seals.
func (r *records) SealEvents(ctx context.Context, rows []model.EventRow) error {
	return r.writeAll(ctx, "seal events", func(q Runner) error {
		for _, e := range rows {
			changed, err := exec(ctx, q, sealEvent, e.ID, e.Seal.Position, e.Seal.MAC[:], e.Seal.Commitment[:], saltBytes(e.Seal.Salt))
			if err != nil {
				return err
			}
			if changed != 1 {
				return fmt.Errorf("event %d: %w", e.ID, errSealedAlready)
			}
		}
		return nil
	})
}

// ForgetEvents removes the events up to a position.
func (r *records) ForgetEvents(ctx context.Context, through int64) (forgotten int, err error) {
	err = r.writeAll(ctx, "forget events", func(q Runner) error {
		if r.dialect.LocksRows {
			if err := lockRows(ctx, q, lockEventsUntil, through); err != nil {
				return err
			}
		}
		gone, err := exec(ctx, q, forgetEvents, through)
		forgotten = int(gone)
		return err
	})
	return forgotten, err
}

// lockRows locks what a query finds until the transaction ends.
func lockRows(ctx context.Context, q Runner, query string, args ...any) error {
	return each(ctx, q, query, args, func(*sql.Rows) error { return nil })
}

func (r *records) eventRows(ctx context.Context, what, query string, args []any) (list []model.EventRow, err error) {
	err = r.read(ctx, what, func(q Runner) error {
		return each(ctx, q, query, args, func(rows *sql.Rows) error {
			var (
				e        model.EventRow
				position sql.NullInt64
			)
			err := rows.Scan(&e.ID, (*moment)(&e.At), wordOf(&e.Name), (*id)(&e.UserID), (*id)(&e.SessionID),
				(*addressOf)(&e.Client.Address), wordOf(&e.Client.UserAgent), wordOf(&e.Client.RequestID),
				&position, (*digest)(&e.Seal.MAC), (*digest)(&e.Seal.Commitment), (*id)(&e.Seal.Salt))
			e.Seal.Position = position.Int64
			list = append(list, e)
			return err
		})
	})
	return list, err
}

// saltBytes writes a salt; the zero one is NULL.
func saltBytes(v model.EventSalt) any {
	if v == (model.EventSalt{}) {
		return nil
	}
	return v[:]
}

// blob reads bytes into memory of its own.
type blob []byte

func (b *blob) Scan(src any) error {
	switch from := src.(type) {
	case nil:
		*b = nil
	case []byte:
		*b = append((*b)[:0:0], from...)
	default:
		return fmt.Errorf("bytes are kept as %T", src)
	}
	return nil
}
