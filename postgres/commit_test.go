package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"gatehouse/model"
)

// TestACommitWithAWarningIsNotAcknowledged: the wait for a synchronous standby
// was given up, so the transaction may go with the leader. A later write that
// was answered carries it along.
func TestACommitWithAWarningIsNotAcknowledged(t *testing.T) {
	dsn := newSchema(t)
	w, through := newWire(t, dsn)
	store, direct := open(t, through), open(t, dsn)
	t.Run("it_is_answered_when_a_write_after_it_was", func(t *testing.T) {
		w.warnCommits(1)
		ana := person("ana")
		must(t, store.CreateUser(t.Context(), ana, "hash"))
	})
	t.Run("it_is_unavailable_when_none_was", func(t *testing.T) {
		w.warnCommits(1000)
		defer w.warnCommits(0)
		bob := person("bob")
		if err := store.CreateUser(t.Context(), bob, "hash"); !errors.Is(err, model.ErrStoreUnavailable) {
			t.Errorf("got error %v, want %v", err, model.ErrStoreUnavailable)
		}
		if _, err := direct.User(t.Context(), bob.ID); err != nil {
			t.Errorf("the test proves nothing: %v", err)
		}
	})
	t.Run("what_cannot_be_looked_for_is_unavailable", func(t *testing.T) {
		w.warnCommits(1)
		err := store.Record(t.Context(), model.Event{At: noon, Name: model.EventLoginFail})
		if !errors.Is(err, model.ErrStoreUnavailable) {
			t.Errorf("got error %v, want %v", err, model.ErrStoreUnavailable)
		}
	})
}

// TestAWaitForAStandbyThatIsGivenUp makes the server itself wait for a standby
// that is not there and has the wait ended as an administrator can.
func TestAWaitForAStandbyThatIsGivenUp(t *testing.T) {
	dsn := newSchema(t)
	store := open(t, dsn+" application_name=standby")
	local := dsn + " synchronous_commit=local"
	noWait := []string{`ALTER SYSTEM RESET synchronous_standby_names`, `SELECT pg_reload_conf()`}
	t.Cleanup(func() { superuser(t, noWait...) })
	for _, end := range []string{"pg_cancel_backend", "pg_terminate_backend"} {
		t.Run(end+"_is_no_answer_and_a_later_write_is", func(t *testing.T) {
			execute(t, local, `ALTER SYSTEM SET synchronous_standby_names = 'nobody'`, `SELECT pg_reload_conf()`)
			var user model.User
			var answer chan error
			var began int64
			for i := 0; began == 0; i++ { // the server reads its configuration when it comes to it
				user, answer = person(fmt.Sprint(end, i)), make(chan error, 1)
				go func(user model.User, answer chan<- error) { answer <- store.CreateUser(t.Context(), user, "hash") }(user, answer)
				began = commitWaiting(t, local, 0, answer)
			}
			if query[int](t, local, `SELECT count(`+end+`(pid)) FROM pg_stat_activity WHERE application_name = 'standby' AND wait_event = 'SyncRep'`) != 1 {
				t.Error("nothing was ended")
			}
			if commitWaiting(t, local, began, answer) == 0 {
				t.Error("it was answered before any standby had it")
			}
			execute(t, local, noWait...)
			must(t, <-answer)
			must(t, second(store.User(t.Context(), user.ID)))
		})
	}
}

// commitWaiting finds a transaction that waits for a standby and began after the
// given time, in microseconds, and returns when; or 0 once there is an answer.
func commitWaiting(t *testing.T, dsn string, after int64, answer chan error) (began int64) {
	t.Helper()
	conn, ctx := connect(t, dsn)
	for began == 0 && len(answer) == 0 {
		must(t, conn.QueryRow(ctx, `SELECT coalesce(max(CAST(extract(epoch FROM xact_start) * 1000000 AS BIGINT)), 0) FROM pg_stat_activity
			WHERE application_name = 'standby' AND wait_event = 'SyncRep' AND CAST(extract(epoch FROM xact_start) * 1000000 AS BIGINT) > $1`,
			after).Scan(&began))
	}
	return began
}

func TestTheServerGoesAwayAndComesBack(t *testing.T) {
	dsn := newSchema(t)
	w, through := newWire(t, dsn)
	store := open(t, through)
	ana := person("ana")
	must(t, store.CreateUser(t.Context(), ana, "hash"))
	t.Run("LG-10_without_a_server_everything_is_unavailable", func(t *testing.T) {
		w.setDown(true)
		for what, err := range map[string]error{
			"Ping":       store.Ping(t.Context()),
			"User":       second(store.User(t.Context(), ana.ID)),
			"CreateUser": store.CreateUser(t.Context(), person("bob"), "hash"),
			"Tx":         store.Tx(t.Context(), func(model.Records) error { return errors.New("it ran") }),
		} {
			if !errors.Is(err, model.ErrStoreUnavailable) {
				t.Errorf("%s: got error %v, want %v", what, err, model.ErrStoreUnavailable)
			}
		}
	})
	t.Run("LG-10_with_one_everything_works_again", func(t *testing.T) {
		w.setDown(false)
		must(t, store.Ping(t.Context()))
		must(t, second(store.User(t.Context(), ana.ID)))
		must(t, store.CreateUser(t.Context(), person("bob"), "hash"))
	})
	t.Run("connections_that_were_lost_in_the_pool_are_not_noticed", func(t *testing.T) {
		for range 5 {
			w.breakAll()
			must(t, second(store.User(t.Context(), ana.ID)))
			w.breakAll()
			must(t, store.SetDisabled(t.Context(), ana.ID, time.Time{}, noon))
		}
	})
}

func second[V any](_ V, err error) error { return err }

// TestKilledBackends ends backends as an administrator or a failover does, while
// writers are at work: whoever was answered finds what was written.
func TestKilledBackends(t *testing.T) {
	dsn := newSchema(t)
	store := open(t, dsn+" application_name=killed")
	const writers, each = 6, 25
	var answered, gone sync.Map
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for j := range each {
				user := person(fmt.Sprintf("user%d-%d", i, j))
				err := store.Tx(t.Context(), func(r model.Records) error {
					if err := r.CreateUser(t.Context(), user, "hash"); err != nil {
						return err
					}
					return second(r.OpenSession(t.Context(), login(user.ID, noon), 1))
				})
				switch {
				case err == nil:
					answered.Store(user.ID, true)
				case errors.Is(err, model.ErrStoreUnavailable):
					gone.Store(user.ID, err)
				default:
					t.Errorf("got error %v", err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		all.Wait()
	}()
	killed := 0
	killer, ctx := connect(t, dsn)
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
			var n int
			must(t, killer.QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity
				WHERE application_name = 'killed' AND state <> 'idle' LIMIT 1) AS victim`).Scan(&n))
			killed += n
		}
	}
	if killed == 0 {
		t.Error("nobody was killed")
	}
	whatWasAnsweredIsThere(t, store, &answered, &gone)
}

// whatWasAnsweredIsThere looks for users with a session each: those whose makers
// were answered, and those whose were not, of which there may be any, but whole.
func whatWasAnsweredIsThere(t *testing.T, store model.Store, answered, gone *sync.Map) {
	t.Helper()
	lost, kept := 0, 0
	answered.Range(func(id, _ any) bool {
		kept++
		sessions, err := store.SessionsOf(t.Context(), id.(model.UserID), noon)
		if _, missing := store.User(t.Context(), id.(model.UserID)); missing != nil || err != nil || len(sessions) != 1 {
			lost++
		}
		return true
	})
	gone.Range(func(id, _ any) bool {
		sessions, err := store.SessionsOf(t.Context(), id.(model.UserID), noon)
		_, missing := store.User(t.Context(), id.(model.UserID))
		if err != nil || (missing == nil) != (len(sessions) == 1) {
			t.Errorf("half a transaction was kept: user %v, %d sessions", missing, len(sessions))
		}
		return true
	})
	if lost > 0 || kept == 0 {
		t.Errorf("%d of %d answered writes were lost", lost, kept)
	}
}

func TestWritersInEachOthersWay(t *testing.T) {
	dsn := newSchema(t) + " application_name=waiting"
	store := open(t, dsn)
	ana, bob := person("ana"), person("bob")
	must(t, store.CreateUser(t.Context(), ana, "hash"))
	must(t, store.CreateUser(t.Context(), bob, "hash"))
	t.Run("a_deadlock_ends_with_one_winner_and_one_that_may_try_again", func(t *testing.T) {
		var both sync.WaitGroup
		both.Add(2)
		rename := func(first, then model.User) error {
			return store.Tx(t.Context(), func(r model.Records) error {
				if err := r.SetDisabled(t.Context(), first.ID, time.Time{}, noon); err != nil {
					return err
				}
				both.Done()
				both.Wait()
				return r.SetDisabled(t.Context(), then.ID, time.Time{}, noon)
			})
		}
		other := make(chan error, 1)
		go func() { other <- rename(bob, ana) }()
		one, two := rename(ana, bob), <-other
		if (one == nil) == (two == nil) || !errors.Is(errors.Join(one, two), model.ErrStoreUnavailable) {
			t.Errorf("got errors %v and %v", one, two)
		}
	})
	t.Run("a_row_that_another_holds_too_long_is_unavailable", func(t *testing.T) {
		impatient := open(t, dsn+" lock_timeout=50ms")
		must(t, store.Tx(t.Context(), func(r model.Records) error {
			if err := r.SetDisabled(t.Context(), ana.ID, time.Time{}, noon); err != nil {
				return err
			}
			if err := impatient.SetDisabled(t.Context(), ana.ID, noon, noon); !errors.Is(err, model.ErrStoreUnavailable) {
				t.Errorf("got error %v, want %v", err, model.ErrStoreUnavailable)
			}
			return nil
		}))
	})
	t.Run("SC-17_logins_side_by_side_keep_the_limit_of_sessions", func(t *testing.T) { loginsSideBySide(t, dsn, store, bob) })
}

func loginsSideBySide(t *testing.T, dsn string, store model.Store, bob model.User) {
	t.Helper()
	loggingIn := func(at time.Time, opened, counted func()) error {
		return store.Tx(t.Context(), func(r model.Records) error {
			if _, err := r.OpenSession(t.Context(), login(bob.ID, at), 1); err != nil {
				return err
			}
			opened()
			if _, err := r.EndOldestSessions(t.Context(), bob.ID, 1, noon.Add(time.Minute)); err != nil {
				return err
			}
			counted()
			return nil
		})
	}
	firstCounted, secondCounted, secondAnswer := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	must(t, loggingIn(noon, func() {
		go func() {
			secondAnswer <- loggingIn(noon.Add(time.Second), func() {}, func() {
				close(secondCounted)
				<-firstCounted
			})
		}()
		waitForLock(t, dsn, secondCounted)
	}, func() { close(firstCounted) }))
	must(t, <-secondAnswer)
	if sessions, err := store.SessionsOf(t.Context(), bob.ID, noon.Add(time.Minute)); err != nil || len(sessions) != 1 {
		t.Errorf("%d sessions are open, want 1 (error %v)", len(sessions), err)
	}
}

// waitForLock returns when one of the store's transactions waits for another, or
// when it is known by other means that it does not.
func waitForLock(t *testing.T, dsn string, other <-chan struct{}) {
	t.Helper()
	conn, ctx := connect(t, dsn)
	for waiting := 0; waiting == 0; {
		select {
		case <-other:
			return
		default:
		}
		must(t, conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'waiting' AND wait_event_type = 'Lock'`).Scan(&waiting))
	}
}

// TestRefusalsInsideATransaction: the function of a Tx judges a refusal and goes
// on, although PostgreSQL would refuse everything after some of them.
func TestRefusalsInsideATransaction(t *testing.T) {
	store := open(t, newSchema(t))
	ana, bob := person("ana"), person("bob")
	must(t, store.CreateUser(t.Context(), ana, "hash"))
	must(t, store.Tx(t.Context(), func(r model.Records) error {
		ctx := context.WithoutCancel(t.Context())
		must(t, r.CreateUser(ctx, bob, "hash"))
		if _, err := r.RenameUser(ctx, bob.ID, "ana", noon); !errors.Is(err, model.ErrUsernameTaken) {
			t.Errorf("got error %v, want %v", err, model.ErrUsernameTaken)
		}
		if err := r.CreateUser(ctx, person("ana"), "hash"); !errors.Is(err, model.ErrUsernameTaken) {
			t.Errorf("got error %v, want %v", err, model.ErrUsernameTaken)
		}
		code := model.CodeRecord{Digest: model.Digest{1}, Purpose: model.PurposeReset, UserID: model.NewID[model.User](), CreatedAt: noon, ExpiresAt: noon}
		if err := r.IssueCode(ctx, code); !errors.Is(err, model.ErrNotFound) {
			t.Errorf("got error %v, want %v", err, model.ErrNotFound)
		}
		return second(r.RenameUser(ctx, bob.ID, "bobby", noon))
	}))
	if user, err := store.User(t.Context(), bob.ID); err != nil || user.Username != "bobby" {
		t.Errorf("got %q and error %v, want bobby", user.Username, err)
	}
}

func TestACodeForAUserWhoIsBeingDeleted(t *testing.T) {
	dsn := newSchema(t) + " application_name=waiting"
	store := open(t, dsn)
	ana, bob := person("ana"), person("bob")
	must(t, store.CreateUser(t.Context(), ana, "hash"))
	must(t, store.CreateUser(t.Context(), bob, "hash"))
	deleted := make(chan struct{})
	issued := make(chan error, 1)
	go func() {
		issued <- store.Tx(t.Context(), func(r model.Records) error {
			<-deleted
			code := model.CodeRecord{Digest: model.Digest{1}, Purpose: model.PurposeReset, UserID: ana.ID, CreatedAt: noon, ExpiresAt: noon}
			if err := r.IssueCode(t.Context(), code); !errors.Is(err, model.ErrNotFound) {
				t.Errorf("got error %v, want %v", err, model.ErrNotFound)
			}
			return r.SetDisabled(t.Context(), bob.ID, noon, noon)
		})
	}()
	must(t, store.Tx(t.Context(), func(r model.Records) error {
		err := r.DeleteUser(t.Context(), ana.ID, noon)
		close(deleted)
		waitForLock(t, dsn, nil)
		return err
	}))
	must(t, <-issued)
	if user, err := store.User(t.Context(), bob.ID); err != nil || !user.Disabled() {
		t.Errorf("what came after the refusal was not kept (error %v)", err)
	}
}
