package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/model"
)

const (
	// verifyAtOnce is how many events are read together.
	verifyAtOnce = 500
	// maxEventFaults is how many faults are told one by one.
	maxEventFaults = 100
	// verifyTries is how often the chain is read anew because events were forgotten
	// meanwhile.
	verifyTries = 3
)

// EventReport is what VerifyEvents found.
type EventReport struct {
	Begin  int64     // the position before the first event that is kept
	Head   EventHead // the end of the chain
	Events int64     // how many were looked at
	Faults int       // how much is wrong
	First  []EventFault
}

// EventFault is one thing that is wrong with the audit chain.
type EventFault struct {
	Position int64
	Row      model.EventRow // without an ID where the event is missing
	What     string         // a sentence without its end
}

// What can be wrong.
const (
	faultMissing  = "missing: it was removed"
	faultCutOff   = "missing: the chain was cut off here"
	faultChanged  = "the event or its MAC was changed"
	faultPlace    = "the address, User-Agent or request id was changed"
	faultEmptied  = "the address, User-Agent and request id were removed, and no user_deleted event follows, or one of a user who is there"
	faultBefore   = "it stands before the beginning of the chain"
	faultBehind   = "it stands behind the end of the chain"
	faultEnd      = "it is not the event with which the chain ends"
	faultBroken   = "the record of the chain was missing or false when this was written, and the chain was begun anew"
	faultHead     = "the MAC is not that of the head that was given"
	faultHeadCut  = "the head that was given lies behind the end of the chain: the end was cut off"
	faultHeadGone = "the head that was given is older than the events that are kept, so it cannot be checked"
)

// VerifyEvents seals what is not sealed, walks the audit chain and reports every
// event that was changed, removed or put in. A head that was kept elsewhere, unless
// it is zero, must be in the chain; without one, it cannot be seen that the end was
// put back to what it was at an earlier time, together with its record. Users who
// are deleted meanwhile, and other processes that seal and forget, do no harm.
func (a *Auth) VerifyEvents(ctx context.Context, known EventHead) (EventReport, error) {
	for try := 1; ; try++ {
		c, err := a.sealedChain(ctx)
		if err != nil {
			return EventReport{}, err
		}
		w := &eventWalk{auth: a, chain: c, head: known, before: c.begin, unbroken: true, emptied: map[model.UserID]EventFault{}, deleted: map[model.UserID]EventFault{}}
		if err := w.walk(ctx); err != nil {
			return EventReport{}, fmt.Errorf("gatehouse: verify events: %w", err)
		}
		if w.report.Faults == 0 || try == verifyTries {
			return w.report, nil
		}
		now, err := a.chainNow(ctx)
		if err != nil {
			return EventReport{}, err
		}
		if now.begin == c.begin {
			return w.report, nil
		}
	}
}

// eventWalk goes along the chain.
type eventWalk struct {
	auth     *Auth
	chain    *chain
	head     EventHead
	before   place
	unbroken bool // the MAC of before is what the next one is made with
	// emptied holds, for each user whose events lost their Client, the first one
	// for as long as no user_deleted event was seen.
	emptied map[model.UserID]EventFault
	// deleted holds those for whom one was seen.
	deleted map[model.UserID]EventFault
	report  EventReport
}

func (w *eventWalk) walk(ctx context.Context) error {
	w.checkHead(w.chain.begin)
	for after := int64(0); ; {
		rows, err := w.auth.store.SealedEvents(ctx, after, verifyAtOnce)
		if err != nil {
			return err
		}
		for i := range rows {
			if rows[i].Seal.Position > w.chain.end.position {
				if err := w.renew(ctx); err != nil {
					return err
				}
			}
			w.check(&rows[i])
			after = rows[i].Seal.Position
		}
		if len(rows) == verifyAtOnce {
			continue
		}
		// Who was deleted a moment ago has an event that nobody has sealed yet.
		end := w.chain.end
		if len(w.emptied) > 0 {
			if _, err := w.auth.SealEvents(ctx); err != nil {
				return err
			}
			if err := w.renew(ctx); err != nil {
				return err
			}
		}
		if w.chain.end == end {
			if err := w.checkDeleted(ctx); err != nil {
				return err
			}
			w.finish()
			return nil
		}
	}
}

// renew reads the chain again, because others have sealed meanwhile. Its beginning
// stays the one of this walk.
func (w *eventWalk) renew(ctx context.Context) error {
	now, err := w.auth.chainNow(ctx)
	if err == nil {
		now.begin = w.chain.begin
		w.chain = now
	}
	return err
}

func (w *eventWalk) fault(position int64, row *model.EventRow, what string) {
	w.report.Faults++
	if len(w.report.First) < maxEventFaults {
		found := EventFault{Position: position, What: what}
		if row != nil {
			found.Row = *row
		}
		w.report.First = append(w.report.First, found)
	}
}

// check looks at one event. A fault in it is no fault of those that follow.
func (w *eventWalk) check(row *model.EventRow) {
	position := row.Seal.Position
	w.report.Events++
	switch {
	case position <= w.chain.begin.position:
		w.fault(position, row, faultBefore)
		return
	case position > w.chain.end.position:
		w.fault(position, row, faultBehind)
		return
	}
	w.missing(position, faultMissing)
	key := w.chain.keyAt(position)
	genuine := w.unbroken && sameMAC(key.macOf(w.before, row), row.Seal.MAC)
	if w.unbroken && !genuine {
		w.fault(position, row, faultChanged)
	}
	w.checkClient(row)
	switch {
	case row.Name == model.EventUserDeleted && genuine:
		if first, found := w.emptied[row.UserID]; found {
			w.deleted[row.UserID] = first
			delete(w.emptied, row.UserID)
		}
	case row.Name == model.EventChainBroken:
		w.fault(position, row, faultBroken)
	}
	w.before, w.unbroken = place{position, row.Seal.MAC}, true
	w.checkHead(w.before)
}

// missing reports the positions before this one that nobody has.
func (w *eventWalk) missing(position int64, what string) {
	for gap := w.before.position + 1; gap < position; gap++ {
		w.fault(gap, nil, what)
		w.unbroken = false
		if w.report.Faults > maxEventFaults { // the rest is only counted
			w.report.Faults += int(position - gap - 1)
			return
		}
	}
}

func (w *eventWalk) checkClient(row *model.EventRow) {
	switch {
	case row.Seal.Salt != (model.EventSalt{}):
		if commitment(row) != row.Seal.Commitment {
			w.fault(row.Seal.Position, row, faultPlace)
		}
	case row.Client != (model.Client{}):
		w.fault(row.Seal.Position, row, faultPlace)
	case row.UserID.IsZero():
		w.fault(row.Seal.Position, row, faultEmptied)
	default:
		if _, seen := w.emptied[row.UserID]; !seen {
			w.emptied[row.UserID] = EventFault{Position: row.Seal.Position, Row: *row}
		}
	}
}

func (w *eventWalk) checkHead(at place) {
	if w.head.Position == at.position && w.head.Position > 0 && !sameMAC(w.head.MAC, at.mac) {
		w.fault(at.position, nil, faultHead)
	}
}

// checkDeleted believes no user_deleted event of somebody who is there: whoever can
// write to the store can have one sealed. No id is given out again.
func (w *eventWalk) checkDeleted(ctx context.Context) error {
	for id, first := range w.deleted {
		_, err := w.auth.store.User(ctx, id)
		switch {
		case err == nil:
			w.emptied[id] = first
		case !errors.Is(err, model.ErrNotFound):
			return err
		}
	}
	return nil
}

// finish looks at what can only be seen at the end.
func (w *eventWalk) finish() {
	w.missing(w.chain.end.position+1, faultCutOff)
	if w.before.position == w.chain.end.position && !sameMAC(w.before.mac, w.chain.end.mac) {
		w.fault(w.before.position, nil, faultEnd)
	}
	for _, first := range w.emptied {
		w.fault(first.Position, &first.Row, faultEmptied)
	}
	switch {
	case w.head.Position > w.chain.end.position:
		w.fault(w.head.Position, nil, faultHeadCut)
	case w.head.Position > 0 && w.head.Position < w.chain.begin.position:
		w.fault(w.head.Position, nil, faultHeadGone)
	}
	w.report.Begin = w.chain.begin.position
	w.report.Head = EventHead{w.chain.end.position, w.chain.end.mac}
}
