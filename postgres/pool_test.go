package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"gatehouse/model"
	"gatehouse/storetest"
)

func TestOneConnectionIsEnough(t *testing.T) {
	schema := oneSchema(t)
	storetest.Run(t, func(t *testing.T) model.Store {
		connections := "1"
		if strings.HasSuffix(t.Name(), "/a_transaction_sees_its_own_writes_and_nobody_else_does") {
			connections = "2" // it looks from outside while a transaction is open
		}
		return open(t, schema(t)+" pool_max_conns="+connections)
	})
}

func TestAFullPool(t *testing.T) {
	store := open(t, newSchema(t)+" pool_max_conns=1")
	must(t, store.Tx(t.Context(), func(r model.Records) error {
		t.Run("ST-08_is_unavailable_and_does_not_hang", func(t *testing.T) {
			if err := store.Ping(t.Context()); !errors.Is(err, model.ErrStoreUnavailable) {
				t.Errorf("got error %v, want %v", err, model.ErrStoreUnavailable)
			}
		})
		t.Run("ST-15_a_context_that_ends_waiting_is_answered_as_such", func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if err := store.CreateUser(ctx, person("ana"), "hash"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
			}
		})
		return r.Record(t.Context(), model.Event{At: noon, Name: model.EventLoginFail})
	}))
	must(t, store.Ping(t.Context()))
}

func TestACallerWhoLeavesCostsNoConnection(t *testing.T) {
	dsn := newSchema(t)
	store := open(t, dsn+" pool_max_conns=1 application_name=leaving")
	backend := func() int {
		return query[int](t, dsn, `SELECT pid FROM pg_stat_activity WHERE application_name = 'leaving'`)
	}
	before := backend()
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		err := store.Tx(ctx, func(r model.Records) error {
			must(t, r.CreateUser(ctx, person("ana"), "hash"))
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got error %v, want %v", err, context.Canceled)
		}
	}
	if after := backend(); after != before {
		t.Errorf("the connection of backend %d was given up for that of %d", before, after)
	}
	if _, err := store.AccountByUsername(t.Context(), "ana"); !errors.Is(err, model.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, model.ErrNotFound)
	}
}
