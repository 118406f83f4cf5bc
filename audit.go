package gatehouse

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gatehouse/model"
)

const (
	// sealAtOnce is how many events one transaction seals, so that other writers
	// do not wait long for it.
	sealAtOnce = 250
	// sweptAtOnce is how many events Sweep seals, so that a long log of an older
	// version does not keep a server from starting.
	sweptAtOnce = 40 * sealAtOnce
	// forgetEventsAtOnce bounds one step of forgetting.
	forgetEventsAtOnce = 1000
	// agedAtMost is how much older events get from one round of forgetting to the next.
	agedAtMost = 24 * time.Hour
	// agedEvery is how often it is kept how old they got.
	agedEvery = time.Hour
)

// EventHead is the end of the audit chain at some time. Whoever keeps it somewhere
// else can tell that nothing up to it was removed or changed.
type EventHead struct {
	Position int64 // how many events there ever were
	MAC      model.Digest
}

// String returns the form that ParseEventHead reads.
func (h EventHead) String() string {
	return strconv.FormatInt(h.Position, 10) + ":" + hex.EncodeToString(h.MAC[:])
}

// ParseEventHead reads a position, a colon and 64 hexadecimal digits.
func ParseEventHead(text string) (head EventHead, err error) {
	position, mac, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(mac)
	if err == nil && len(raw) == len(head.MAC) {
		copy(head.MAC[:], raw)
		head.Position, err = strconv.ParseInt(position, 10, 64)
	}
	if err != nil || len(raw) != len(head.MAC) || head.Position <= 0 {
		return EventHead{}, errors.New("a head is a position, a colon and 64 hexadecimal digits")
	}
	return head, nil
}

// SealEvents gives every event that has none its place in the audit chain, and
// reports how many it sealed. Events are sealed after they were written, so that
// writers never wait for each other. Any number of processes may do so at once; one
// look at an index is all it takes when there is nothing to seal. Whoever serves
// calls it every second; Sweep calls it too.
func (a *Auth) SealEvents(ctx context.Context) (sealed int, err error) {
	return a.sealEvents(ctx, -1)
}

// sealEvents is SealEvents up to a number of events, where it is not negative.
func (a *Auth) sealEvents(ctx context.Context, limit int) (sealed int, err error) {
	for limit < 0 || sealed < limit {
		waiting, err := a.store.UnsealedEvents(ctx, 1)
		if err != nil {
			return sealed, fmt.Errorf("gatehouse: seal events: %w", err)
		}
		if len(waiting) == 0 {
			return sealed, nil
		}
		n, err := a.sealSome(ctx)
		if err != nil {
			return sealed, fmt.Errorf("gatehouse: seal events: %w", err)
		}
		if sealed += n; n == 0 {
			return sealed, nil // others are at work on what is left
		}
	}
	return sealed, nil
}

// sealSome is one transaction: it holds the record of the chain, so that no other
// process can seal from the same place.
func (a *Auth) sealSome(ctx context.Context) (sealed int, err error) {
	masters := a.masters.Load()
	err = a.store.Tx(ctx, func(tx model.Records) error {
		c, err := a.heldChain(ctx, tx, masters)
		if err != nil {
			return err
		}
		rows, err := tx.UnsealedEvents(ctx, sealAtOnce)
		if err != nil {
			return err
		}
		if moved := masters.moveChain(c); len(rows) == 0 && !moved {
			return nil
		}
		for i := range rows {
			c.seal(&rows[i])
		}
		if err := tx.SealEvents(ctx, rows); err != nil {
			return err
		}
		sealed = len(rows)
		return tx.KeepEventChain(ctx, c.record())
	})
	if err != nil {
		return 0, err
	}
	return sealed, nil
}

// heldChain returns the chain as it is, or a new one. Where events are sealed and
// the record of the chain is missing or false, somebody else was at it: sealing goes
// on behind the last event, beginning with one that says so.
func (a *Auth) heldChain(ctx context.Context, tx model.Records, masters *masterKeys) (*chain, error) {
	record, last, err := tx.EventChain(ctx)
	if err != nil {
		return nil, err
	}
	if len(record) == 0 && last == 0 {
		return masters.newChain(0, a.now()), nil
	}
	c, err := masters.openChain(record)
	if !errors.Is(err, errChainFalse) {
		return c, err
	}
	a.log.ErrorContext(ctx, "audit chain broken", "position", last, "error", err)
	return masters.newChain(last, a.now()), tx.Record(ctx, model.Event{At: a.now(), Name: model.EventChainBroken})
}

// EventHead seals what is not sealed and returns the end of the chain; zero when
// nothing ever happened.
func (a *Auth) EventHead(ctx context.Context) (EventHead, error) {
	c, err := a.sealedChain(ctx)
	if err != nil {
		return EventHead{}, err
	}
	return EventHead{c.end.position, c.end.mac}, nil
}

func (a *Auth) sealedChain(ctx context.Context) (*chain, error) {
	if _, err := a.SealEvents(ctx); err != nil {
		return nil, err
	}
	c, err := a.chainNow(ctx)
	if !errors.Is(err, errChainFalse) {
		return c, err
	}
	if _, err := a.sealSome(ctx); err != nil {
		return nil, fmt.Errorf("gatehouse: seal events: %w", err)
	}
	return a.chainNow(ctx)
}

// chainNow reads the chain; an empty one where none was begun.
func (a *Auth) chainNow(ctx context.Context) (*chain, error) {
	record, last, err := a.store.EventChain(ctx)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: event chain: %w", err)
	}
	masters := a.masters.Load()
	if len(record) == 0 && last == 0 {
		return masters.newChain(0, a.now()), nil
	}
	return masters.openChain(record)
}

// FindEvents returns the newest events that the filter asks for, the newest first.
func (a *Auth) FindEvents(ctx context.Context, filter model.EventFilter) ([]model.EventRow, error) {
	rows, err := a.store.FindEvents(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: find events: %w", err)
	}
	return rows, nil
}

// EachEvent seals what is not sealed and calls do for every event in the order of
// the chain, until do returns an error.
func (a *Auth) EachEvent(ctx context.Context, do func(model.EventRow) error) error {
	if _, err := a.SealEvents(ctx); err != nil {
		return err
	}
	for after := int64(0); ; {
		rows, err := a.store.SealedEvents(ctx, after, verifyAtOnce)
		if err != nil {
			return fmt.Errorf("gatehouse: each event: %w", err)
		}
		for _, row := range rows {
			if err := do(row); err != nil {
				return err
			}
			after = row.Seal.Position
		}
		if len(rows) < verifyAtOnce {
			return nil
		}
	}
}

// Activity returns the newest events about a user, the newest first.
func (a *Auth) Activity(ctx context.Context, id model.UserID, limit int) ([]model.Event, error) {
	events, err := a.store.EventsOf(ctx, id, limit)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: activity: %w", err)
	}
	return events, nil
}

// forgetEvents removes the oldest events of the chain while their time is over.
// One that is younger keeps those behind it, whatever their time, so that the
// chain has one beginning. So does one that was tampered with: nobody gets rid of
// events by making them old.
func (a *Auth) forgetEvents(ctx context.Context) error {
	aged, err := a.ageEvents(ctx, a.now())
	switch {
	case errors.Is(err, errChainFalse) || errors.Is(err, errChainForeign):
		return nil // whoever seals sees to it
	case err != nil:
		return err
	}
	before := aged.Add(-a.cfg.EventRetention)
	for {
		oldest, err := a.store.SealedEvents(ctx, 0, 1)
		if err != nil || len(oldest) == 0 || !oldest[0].At.Before(before) {
			return err
		}
		done, err := a.forgetSomeEvents(ctx, before)
		if err != nil || done {
			return err
		}
	}
}

func (a *Auth) forgetSomeEvents(ctx context.Context, before time.Time) (done bool, err error) {
	masters := a.masters.Load()
	err = a.store.Tx(ctx, func(tx model.Records) error {
		c, err := masters.begunChain(ctx, tx)
		if err != nil {
			return err // whoever seals sees to it
		}
		rows, err := tx.SealedEvents(ctx, c.begin.position, forgetEventsAtOnce)
		if err != nil {
			return err
		}
		begin, genuine := c.expired(rows, before)
		if !genuine {
			a.log.ErrorContext(ctx, "audit chain broken", "position", begin.position+1, "error", errEventFalse)
		}
		done = begin.position < c.begin.position+forgetEventsAtOnce
		if begin == c.begin {
			return nil
		}
		masters.moveChain(c)
		c.begin = begin
		c.keepStretches(masters.current().seal)
		if _, err := tx.ForgetEvents(ctx, begin.position); err != nil {
			return err
		}
		return tx.KeepEventChain(ctx, c.record())
	})
	return done, err
}

// ageEvents returns the time by which events are forgotten: now, but at most a day
// later than the last time. A clock that is ahead for a minute costs a day of events
// and not all of them, also where processes start anew meanwhile.
func (a *Auth) ageEvents(ctx context.Context, now time.Time) (aged time.Time, err error) {
	c, err := a.chainNow(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if now.Sub(c.aged).Abs() < agedEvery {
		return now, nil
	}
	if ahead := now.Sub(c.aged); ahead > agedAtMost {
		a.log.WarnContext(ctx, "the clock is far ahead of when events were forgotten last; a day of them goes each time",
			"clock", now, "ahead", ahead.Round(time.Second).String())
	}
	masters := a.masters.Load()
	err = a.store.Tx(ctx, func(tx model.Records) error {
		c, err := masters.begunChain(ctx, tx)
		if err != nil {
			return err
		}
		if aged = c.aged.Add(agedAtMost); now.Before(aged) {
			aged = now
		}
		masters.moveChain(c)
		c.aged = aged
		return tx.KeepEventChain(ctx, c.record())
	})
	return aged, err
}
