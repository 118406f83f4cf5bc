package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"gatehouse/model"
	"gatehouse/sqlstore"
)

// hold keeps the writer busy until the returned function is called, which
// returns what became of the write that held it.
func hold(t *testing.T, store *Store) (release func() error) {
	t.Helper()
	inside, leave, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- store.Tx(context.Background(), func(model.Records) error {
			close(inside)
			<-leave
			return nil
		})
	}()
	<-inside
	return sync.OnceValue(func() error {
		close(leave)
		return <-done
	})
}

// queued waits until n writes are in the queue.
func queued(store *Store, n int) {
	w := store.engine.writer
	for {
		w.mu.Lock()
		waiting := len(w.waiting)
		w.mu.Unlock()
		if waiting == n {
			return
		}
	}
}

func TestGroupCommit(t *testing.T) {
	t.Run("writes_that_wait_share_commits", sharedCommits)
	t.Run("ST-08_a_full_queue_refuses_at_once", fullQueue)
	t.Run("a_batch_that_cannot_commit_is_answered_to_nobody", lostBatch)
	t.Run("a_verb_that_fails_half_way_is_taken_back", halfVerb)
	t.Run("ST-15_a_context_that_ends_inside_a_verb_costs_nobody_anything", contextInsideVerb)
	t.Run("a_refusal_that_rests_on_a_lost_batch_is_not_passed_on", lostRefusal)
	t.Run("a_panic_in_a_verb_reaches_its_own_caller", verbPanic)
	t.Run("Close_answers_those_who_wait", closeWithWaiters)
	t.Run("whoever_leaves_the_queue_takes_nobody_along", leaveQueue)
}

func sharedCommits(t *testing.T) {
	store := openTest(t)
	release := hold(t, store)
	const n = 3 * maxBatch
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- store.CreateUser(t.Context(), newUser(i), "hash") }()
	}
	queued(store, n)
	frames := func() (pages int) {
		var busy, moved int
		if err := store.engine.reader.db.QueryRow(`PRAGMA wal_checkpoint(NOOP)`).Scan(&busy, &pages, &moved); err != nil {
			t.Fatal(err)
		}
		return pages
	}
	before := frames()
	if err := release(); err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	// Each commit writes at least the four pages that a new user touches.
	if written := frames() - before; written >= n*4 {
		t.Errorf("%d pages were written for %d users: nothing was shared", written, n)
	}
}

func fullQueue(t *testing.T) {
	store := openTest(t)
	release := hold(t, store)
	errs := make(chan error, maxWaiting)
	for range maxWaiting {
		go func() { errs <- store.DropCodes(t.Context(), model.UserID{}) }()
	}
	queued(store, maxWaiting)
	wantUnavailable(t, store.DropCodes(t.Context(), model.UserID{}))
	if err := release(); err != nil {
		t.Error(err)
	}
	for range maxWaiting {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// waiters starts writes while the writer is held and returns their errors.
func waiters(t *testing.T, store *Store, writes ...func() error) []error {
	t.Helper()
	release := hold(t, store)
	errs := make([]error, len(writes))
	var all sync.WaitGroup
	for i, write := range writes {
		all.Go(func() { errs[i] = write() })
		queued(store, i+1)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	return errs
}

// losing is a verb after whose first statement SQLite has no transaction left,
// as after a full disk.
func losing(t *testing.T, store *Store) func() error {
	return func() error {
		return store.engine.Write(t.Context(), func(q sqlstore.Runner) error {
			if _, err := q.ExecContext(t.Context(), `ROLLBACK`); err != nil {
				return err
			}
			return fmt.Errorf("lost")
		})
	}
}

func lostBatch(t *testing.T) {
	store := openTest(t)
	users := []model.User{newUser(0), newUser(1), newUser(2)}
	errs := waiters(t, store,
		func() error { return store.CreateUser(t.Context(), users[0], "hash") },
		func() error {
			return store.Tx(t.Context(), func(r model.Records) error { return r.CreateUser(t.Context(), users[1], "hash") })
		},
		losing(t, store),
		func() error { return store.CreateUser(t.Context(), users[2], "hash") },
	)
	for i, err := range errs {
		if err == nil {
			t.Errorf("write %d was answered", i)
		}
	}
	for i, user := range users {
		if _, err := store.User(t.Context(), user.ID); !errors.Is(err, model.ErrNotFound) {
			t.Errorf("user %d is there, or error %v", i, err)
		}
		if err := store.CreateUser(t.Context(), user, "hash"); err != nil {
			t.Errorf("the store does not go on: %v", err)
		}
	}
}

func halfVerb(t *testing.T) {
	store := openTest(t)
	user := newUser(0)
	half := func() error {
		return store.engine.Write(t.Context(), func(q sqlstore.Runner) error {
			if _, err := q.ExecContext(t.Context(), `INSERT INTO events (at, name) VALUES (1, 'half')`); err != nil {
				return err
			}
			return errors.New("on purpose")
		})
	}
	errs := waiters(t, store, half, func() error { return store.CreateUser(t.Context(), user, "hash") })
	if errs[0] == nil {
		t.Error("the verb was answered")
	}
	wantUnavailable(t, errs[1])
	if err := half(); err == nil || err.Error() != "on purpose" {
		t.Errorf("alone: got error %v, want its own", err)
	}
	var events int
	if err := store.engine.reader.db.QueryRow(`SELECT count(*) FROM events`).Scan(&events); err != nil || events != 0 {
		t.Errorf("%d events are there (error %v), want none", events, err)
	}
}

func contextInsideVerb(t *testing.T) {
	store := openTest(t)
	user := newUser(0)
	ctx, cancel := context.WithCancel(t.Context())
	errs := waiters(t, store,
		func() error { return store.CreateUser(t.Context(), user, "hash") },
		func() error {
			return store.engine.Write(ctx, func(q sqlstore.Runner) error {
				for range 2 {
					if _, err := q.ExecContext(ctx, `INSERT INTO events (at, name) VALUES (1, 'x')`); err != nil {
						return err
					}
					cancel()
				}
				return nil
			})
		},
	)
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

func lostRefusal(t *testing.T) {
	store := openTest(t)
	first, second := newUser(0), newUser(0)
	errs := waiters(t, store,
		func() error { return store.CreateUser(t.Context(), first, "hash") },
		func() error { return store.CreateUser(t.Context(), second, "hash") },
		func() error {
			return store.Tx(t.Context(), func(r model.Records) error { return r.CreateUser(t.Context(), second, "hash") })
		},
		losing(t, store),
	)
	for i, err := range errs[:3] {
		if errors.Is(err, model.ErrUsernameTaken) {
			t.Errorf("write %d was told that a name is taken which nobody has", i)
		}
		wantUnavailable(t, err)
	}
}

func verbPanic(t *testing.T) {
	store := openTest(t)
	user := newUser(0)
	var panicked any
	errs := waiters(t, store,
		func() error { return store.CreateUser(t.Context(), user, "hash") },
		func() error {
			defer func() { panicked = recover() }()
			return store.engine.Write(t.Context(), func(sqlstore.Runner) error { panic("on purpose") })
		},
	)
	if panicked != "on purpose" {
		t.Errorf("got panic %v, want its own", panicked)
	}
	if errs[0] != nil {
		t.Errorf("somebody else got error %v", errs[0])
	}
}

func closeWithWaiters(t *testing.T) {
	store := openTest(t)
	release := hold(t, store)
	errs := make(chan error, 10)
	for i := range cap(errs) {
		go func() { errs <- store.CreateUser(t.Context(), newUser(i), "hash") }()
	}
	queued(store, cap(errs))
	closed := make(chan error, 1)
	go func() { closed <- store.engine.writer.close() }()
	w := store.engine.writer
	for isClosed := false; !isClosed; {
		w.mu.Lock()
		isClosed = w.closed
		w.mu.Unlock()
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	for range cap(errs) {
		wantUnavailable(t, <-errs)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func leaveQueue(t *testing.T) {
	store := openTest(t)
	release := hold(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	left, stayed := make(chan error, 5), make(chan error, 5)
	for i := range cap(left) {
		go func() { left <- store.CreateUser(ctx, newUser(i), "hash") }()
		go func() { stayed <- store.CreateUser(t.Context(), newUser(100+i), "hash") }()
	}
	queued(store, cap(left)+cap(stayed))
	cancel()
	for range cap(left) {
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want %v", err, context.Canceled)
		}
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	for range cap(stayed) {
		if err := <-stayed; err != nil {
			t.Error(err)
		}
	}
	if users, err := store.Accounts(t.Context(), model.UserID{}, 100); err != nil || len(users) != cap(stayed) {
		t.Errorf("%d users are there (error %v), want those who stayed", len(users), err)
	}
}
