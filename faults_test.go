package gatehouse_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
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
func (h *house) snapshot(t *testing.T) string {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var all strings.Builder
	for _, table := range []string{"users", "sessions", "codes", "signing_keys", "events"} {
		rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			for i, value := range values {
				fmt.Fprintf(&all, "%s.%s=%v ", table, columns[i], *value.(*any))
			}
			all.WriteByte('\n')
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
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
