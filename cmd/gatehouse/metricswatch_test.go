package main

import (
	"context"
	"errors"
	"testing"

	"gatehouse/model"
)

// twiceTx is an engine whose first transaction did not come through.
type twiceTx struct{ model.Store }

func (twiceTx) Tx(_ context.Context, fn func(model.Records) error) error {
	_ = fn(deafRecords{})
	return fn(deafRecords{})
}

type deafRecords struct{ model.Records }

func (deafRecords) Record(context.Context, model.Event) error { return nil }

func TestWhatIsDoneAnewIsCountedOnce(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	_ = m.watchStore(twiceTx{}).Tx(t.Context(), func(tx model.Records) error {
		return tx.Record(t.Context(), model.Event{Name: model.EventTokenReuse})
	})
	if got := m.events.of[string(model.EventTokenReuse)].Load(); got != 1 {
		t.Errorf("counted %d times", got)
	}
}

func TestWhatIsNotKeptIsNotCounted(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	store := m.watchStore(brokenTx{})
	_ = store.Tx(t.Context(), func(tx model.Records) error { return tx.Record(t.Context(), model.Event{Name: model.EventTokenReuse}) })
	if got := m.events.of[string(model.EventTokenReuse)].Load(); got != 0 {
		t.Errorf("%d events of a transaction that came to nothing are counted", got)
	}
}

// brokenTx is a store that cannot commit.
type brokenTx struct{ model.Store }

func (brokenTx) Tx(_ context.Context, fn func(model.Records) error) error {
	return errors.Join(fn(brokenTx{}), errors.New("not kept"))
}
func (brokenTx) Record(context.Context, model.Event) error { return nil }
