package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"

	"gatehouse/model"
)

const (
	recordEvent = `INSERT INTO events (at, name, user_id, session_id, address, user_agent, request_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`
	userStays     = `SELECT 1 FROM users WHERE id = $1`
	lockUserStays = userStays + ` FOR SHARE`
	eventsOf      = `SELECT at, name, user_id, session_id, address, user_agent, request_id FROM events
		WHERE user_id = $1 ORDER BY at DESC, id DESC LIMIT $2`
	// A bound that was not given is one that every time keeps.
	findEvents = `SELECT ` + eventRowColumns + ` FROM events
		WHERE at >= $1 AND at < $2 AND ($3 = '' OR name = $3) ORDER BY at DESC, id DESC LIMIT $4`
	findEventsOf = `SELECT ` + eventRowColumns + ` FROM events
		WHERE user_id = $1 AND at >= $2 AND at < $3 AND ($4 = '' OR name = $4) ORDER BY at DESC, id DESC LIMIT $5`

	// passLocked is for writers that run side by side: what one of them is at
	// work on, the others pass by when they sweep.
	passLocked = ` FOR UPDATE SKIP LOCKED`

	// forgetAtOnce bounds one step of forgetting, in rows, so that a long one
	// does not keep other writers waiting.
	forgetAtOnce = 1000
)

// Record adds one event. One about a user who was deleted while it came about
// keeps the id only.
func (r *records) Record(ctx context.Context, event model.Event) error {
	stays := userStays
	if r.dialect.LocksRows {
		stays = lockUserStays
	}
	return r.writeAll(ctx, "record", func(q Runner) error {
		// Nobody is looked for as well: what it costs must not tell who is a user.
		if event.Client != (model.Client{}) {
			var one int
			err := row(ctx, q, stays, []any{event.UserID[:]}, &one)
			if err != nil && !errors.Is(err, model.ErrNotFound) {
				return err
			}
			if err != nil && !event.UserID.IsZero() {
				event.Client = model.Client{}
			}
		}
		_, err := exec(ctx, q, recordEvent, micros(event.At), string(event.Name), bytesOf(event.UserID), bytesOf(event.SessionID),
			address(event.Client.Address), raw(event.Client.UserAgent), raw(event.Client.RequestID))
		return err
	})
}

// EventsOf returns the newest events about a user, the newest first; of two at
// the same time, the one recorded last.
func (r *records) EventsOf(ctx context.Context, user model.UserID, limit int) (events []model.Event, err error) {
	if limit <= 0 || user.IsZero() {
		return nil, ctx.Err()
	}
	err = r.read(ctx, "events", func(q Runner) error {
		return each(ctx, q, eventsOf, []any{user[:], limit}, func(rows *sql.Rows) error {
			var e model.Event
			if err := rows.Scan((*moment)(&e.At), wordOf(&e.Name), (*id)(&e.UserID), (*id)(&e.SessionID),
				(*addressOf)(&e.Client.Address), wordOf(&e.Client.UserAgent), wordOf(&e.Client.RequestID)); err != nil {
				return err
			}
			events = append(events, e)
			return nil
		})
	})
	return events, err
}

// FindEvents returns the newest events that the filter asks for.
func (r *records) FindEvents(ctx context.Context, filter model.EventFilter) ([]model.EventRow, error) {
	if filter.Limit <= 0 || checkText([]any{string(filter.Name)}) != nil {
		return nil, ctx.Err()
	}
	since, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !filter.Since.IsZero() {
		since = filter.Since.UnixMicro()
	}
	if !filter.Until.IsZero() {
		until = filter.Until.UnixMicro()
	}
	if filter.UserID.IsZero() {
		return r.eventRows(ctx, "find events", findEvents, []any{since, until, string(filter.Name), filter.Limit})
	}
	return r.eventRows(ctx, "find events", findEventsOf, []any{filter.UserID[:], since, until, string(filter.Name), filter.Limit})
}

// forget removes what is over in steps, each one a transaction of its own on
// the store itself, and reports how much it removed, also when it fails half way.
func (r *records) forget(ctx context.Context, what, query string, before time.Time) (total int, err error) {
	for {
		var gone int64
		err = r.write(ctx, what, func(q Runner) (err error) {
			gone, err = exec(ctx, q, query, micros(before), forgetAtOnce)
			return err
		})
		if err != nil {
			return total, err
		}
		total += int(gone)
		if gone < forgetAtOnce {
			return total, nil
		}
	}
}
