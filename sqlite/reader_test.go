package sqlite

import (
	"errors"
	"testing"

	"gatehouse/model"
	"gatehouse/sqlstore"
)

func TestReader(t *testing.T) {
	t.Run("a_read_uses_the_connection_of_the_one_before", func(t *testing.T) {
		store := openTest(t)
		for range 3 {
			if err := store.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		wantIdle(t, store, 1)
	})
	t.Run("ST-10_a_read_that_fails_costs_its_connection_and_nothing_else", func(t *testing.T) {
		store := openTest(t)
		broken := errors.New("broken")
		for range 2 * readers {
			err := store.engine.Read(t.Context(), func(sqlstore.Runner) error { return broken })
			if !errors.Is(err, broken) {
				t.Fatalf("got %v, want %v", err, broken)
			}
		}
		wantIdle(t, store, 0)
		if err := store.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("a_refusal_costs_nothing", func(t *testing.T) {
		store := openTest(t)
		if _, err := store.User(t.Context(), model.NewID[model.User]()); !errors.Is(err, model.ErrNotFound) {
			t.Errorf("got %v, want %v", err, model.ErrNotFound)
		}
		wantIdle(t, store, 1)
	})
	t.Run("a_panic_gives_its_place_back", func(t *testing.T) {
		store := openTest(t)
		for range 2 * readers {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic was swallowed")
					}
				}()
				_ = store.engine.Read(t.Context(), func(sqlstore.Runner) error { panic("on purpose") })
			}()
		}
		if err := store.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("Close_waits_for_a_read_and_refuses_those_after_it", closeDuringRead)
}

func wantIdle(t *testing.T, store *Store, want int) {
	t.Helper()
	if got := len(store.engine.reader.idle); got != want {
		t.Errorf("%d connections are idle, want %d", got, want)
	}
}

func closeDuringRead(t *testing.T) {
	store := openTest(t)
	user := newUser(1)
	if err := store.CreateUser(t.Context(), user, "hash"); err != nil {
		t.Fatal(err)
	}
	inside, leave, read, closed := make(chan struct{}), make(chan struct{}), make(chan error, 1), make(chan error, 1)
	go func() {
		read <- store.engine.Read(t.Context(), func(q sqlstore.Runner) error {
			close(inside)
			<-leave
			rows, err := q.QueryContext(t.Context(), `SELECT 1 FROM users`)
			if err != nil {
				return err
			}
			return rows.Close()
		})
	}()
	<-inside
	go func() { closed <- store.Close() }()
	for refused := false; !refused; {
		err := store.Ping(t.Context()) // until Close has begun
		refused = err != nil
		if refused {
			wantUnavailable(t, err)
		}
	}
	select {
	case err := <-closed:
		t.Errorf("Close returned %v during a read", err)
	default:
	}
	close(leave)
	if err := errors.Join(<-read, <-closed); err != nil {
		t.Error(err)
	}
	wantUnavailable(t, store.Ping(t.Context()))
	if err := store.engine.reader.close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}
