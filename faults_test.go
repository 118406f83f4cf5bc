package gatehouse_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"gatehouse"
	"gatehouse/model"
)

var errFault = errors.New("the disk is on fire")

// faultyStore is a real store whose n-th verb inside a transaction fails.
type faultyStore struct {
	model.Store
	n, calls int // n is 0 while nothing fails
}

func (s *faultyStore) Tx(ctx context.Context, fn func(model.Records) error) error {
	return s.Store.Tx(ctx, func(tx model.Records) error { return fn(faultyRecords{tx, s}) })
}

type faultyRecords struct {
	model.Records
	store *faultyStore
}

func (r faultyRecords) fault() error {
	r.store.calls++
	if r.store.calls == r.store.n {
		return errFault
	}
	return nil
}

func (r faultyRecords) Record(ctx context.Context, e model.Event) error {
	return errors.Join(r.fault(), r.Records.Record(ctx, e))
}

// snapshot is every row of every table.
func (h *house) snapshot(t *testing.T) contents {
	t.Helper()
	return contentsOf(t, sqlDB(t, "sqlite", filepath.Join(h.dir, "gatehouse.db")), tablesOfSQLite)
}

// withMasterKey is the configuration for a store that keeps no key of its own.
func withMasterKey(t *testing.T, h *house) gatehouse.Config {
	t.Helper()
	keys, err := h.store.MasterKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cfg := h.cfg
	cfg.MasterKey = keys.Current
	return cfg
}
