package main

import (
	"context"
	"sync"
	"time"

	"gatehouse/model"
)

const (
	// storeAskPeriod is how long what the store said is good for, however often the
	// figures are asked for.
	storeAskPeriod = 5 * time.Second
	// storePatience is less than that of collectors, which give up after 10 s.
	storePatience = 2 * time.Second
)

// storeFigures are what the store is asked for.
type storeFigures struct {
	up       bool // false: nothing else is known
	outbox   model.OutboxState
	unsealed time.Time // when the oldest event was that is not sealed; zero for none
}

// storeAsker asks the store seldom, and one question at a time.
type storeAsker struct {
	*installation
	mu    sync.Mutex
	asked time.Time
	last  storeFigures
}

func (a *storeAsker) figures(ctx context.Context) storeFigures {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.asked.IsZero() && time.Since(a.asked) < storeAskPeriod {
		return a.last
	}
	// A collector that goes away says nothing about the store.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
	defer cancel()
	outbox, err := a.auth.OutboxState(ctx)
	var unsealed []model.EventRow
	if err == nil {
		unsealed, err = a.store.UnsealedEvents(ctx, 1)
	}
	a.last = storeFigures{up: err == nil, outbox: outbox}
	if len(unsealed) > 0 {
		a.last.unsealed = unsealed[0].At
	}
	a.asked = time.Now()
	return a.last
}

func (f storeFigures) writeTo(e *exposition) {
	up := 0.0
	if f.up {
		up = 1
	}
	e.one("gatehouse_store_up", kindGauge, "Whether the store answered when it was asked last.", up)
	if !f.up {
		return
	}
	e.one("gatehouse_mails_waiting", kindGauge, "Mails in the outbox, of all processes.", float64(f.outbox.Waiting))
	e.one("gatehouse_mails_oldest_seconds", kindGauge, "How long the oldest of them has waited; 0 when none waits.", secondsSince(f.outbox.Oldest))
	e.one("gatehouse_events_unsealed_oldest_seconds", kindGauge, "How long the oldest event has waited for its place in the audit chain; 0 when none waits.", secondsSince(f.unsealed))
}

// secondsSince is never below 0; the clock of another process may be ahead.
func secondsSince(at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return max(0, time.Since(at).Seconds())
}
