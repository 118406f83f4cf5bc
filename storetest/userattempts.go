package storetest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"gatehouse/model"
)

func lanesLifted(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	lanes := []model.Attempt{ofUser(attemptAt(1, ladder, noon), ana), ofUser(attemptAt(2, ladder, noon), ana),
		ofUser(attemptAt(3, ladder, noon), bob), attemptAt(4, ladder, noon)}
	for _, lane := range lanes {
		for range 5 {
			charged(t, store, lane)
		}
	}
	must(t, store.LiftLanesOf(t.Context(), ana.ID))
	must(t, store.LiftLanesOf(t.Context(), model.NewID[model.User]()))
	for i, lane := range lanes {
		tally, ok, err := store.ChargeAttempt(t.Context(), lane)
		must(t, err)
		lifted := i < 2
		if ok != lifted || lifted && (tally.Failures != 1 || tally.Total != 6 || !tally.BlockedUntil.IsZero()) {
			t.Errorf("lane %d: charged %v, %+v", i+1, ok, tally)
		}
	}
	must(t, store.Tx(t.Context(), func(tx model.Records) error { return tx.LiftLanesOf(t.Context(), bob.ID) }))
	if tally := charged(t, store, lanes[2]); tally.Failures != 1 || tally.Total != 6 {
		t.Errorf("in a transaction: %+v", tally)
	}
}

func lanesFound(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	charged(t, store, ofUser(attemptAt(3, ladder, noon), bob))
	charged(t, store, attemptAt(4, ladder, noon))
	if found := got(store.TalliesOf(t.Context(), ana.ID))(t); len(found) != 0 {
		t.Errorf("nobody has tried: %v", found)
	}
	for range 5 {
		charged(t, store, ofUser(attemptAt(1, ladder, noon), ana))
	}
	charged(t, store, ofUser(attemptAt(2, tenAnHour, noon), ana))
	found := got(store.TalliesOf(t.Context(), ana.ID))(t)
	slices.SortFunc(found, func(a, b model.Tally) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	same(t, found, []model.Tally{
		{Key: attemptAt(1, ladder, noon).Lane.Key, Failures: 5, Total: 5, At: noon, BlockedUntil: noon.Add(30 * time.Second)},
		{Key: attemptAt(2, ladder, noon).Lane.Key, Failures: 1, Total: 1, At: noon},
	})
}
