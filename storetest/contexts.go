package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"gatehouse/model"
)

var contexts = []contract{
	{"ST-15_a_context_that_has_ended_runs_nothing", endedContext},
	{"ST-15_a_context_that_ends_inside_keeps_all_or_nothing", contextEndsInside},
	{"ST-15_a_context_that_ends_in_the_queue_leaves_it", contextEndsWaiting},
	{"ST-15_racing_cancellations_keep_all_or_nothing", racingCancellations},
	{"ST-15_reads_that_are_left_answer_nobody_else", cancelledReads},
}

func endedContext(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session := openedOverAPI(t, store, ana.ID, noon)
	before := look(t, store, ana, codeFor(ana.ID, 1))
	ctx := canceled(t)
	for name, err := range map[string]error{
		"User":        second(store.User(ctx, ana.ID)),
		"Accounts":    second(store.Accounts(ctx, model.UserID{}, 10)),
		"PepperIDs":   second(store.PepperIDs(ctx)),
		"Presence":    second(store.Presence(ctx, session.ID, noon)),
		"CreateUser":  store.CreateUser(ctx, person("bob"), firstHash),
		"DeleteUser":  store.DeleteUser(ctx, ana.ID, noon),
		"StepSession": second(store.StepSession(ctx, step(session, 1, noon))),
		"Record":      store.Record(ctx, model.Event{At: noon, Name: model.EventLoginFail, UserID: ana.ID}),
		"Ping":        store.Ping(ctx),
		"Tx": store.Tx(ctx, func(model.Records) error {
			t.Error("the function ran")
			return nil
		}),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got error %v, want %v", name, err, context.Canceled)
		}
	}
	same(t, look(t, store, ana, codeFor(ana.ID, 1)), before)
}

func contextEndsInside(t *testing.T, store model.Store) {
	for i, statements := range []int{0, 1, 2} {
		ctx, cancel := context.WithCancel(t.Context())
		first, last := person(numbered("first", i)), person(numbered("last", i))
		err := store.Tx(ctx, func(r model.Records) error {
			if statements > 0 {
				must(t, r.CreateUser(ctx, first, firstHash))
			}
			cancel()
			if statements < 2 {
				return nil
			}
			return r.CreateUser(ctx, last, firstHash)
		})
		_, missing := store.User(t.Context(), first.ID)
		kept := missing == nil
		if err == nil && !kept && statements > 0 {
			t.Errorf("%d statements: answered, and not kept", statements)
		}
		if err != nil && kept {
			t.Errorf("%d statements: kept, and the answer was %v", statements, err)
		}
		if _, missing := store.User(t.Context(), last.ID); missing == nil && !kept {
			t.Errorf("%d statements: half of it was kept", statements)
		}
	}
	added(t, store, "ana") // the store goes on
}

func contextEndsWaiting(t *testing.T, store model.Store) {
	ana := person("ana")
	inside, leave := make(chan struct{}), make(chan struct{})
	holder := make(chan error, 1)
	go func() {
		holder <- store.Tx(t.Context(), func(r model.Records) error {
			close(inside)
			<-leave
			return r.CreateUser(t.Context(), person("holder"), firstHash)
		})
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	// Where writers run side by side this need not wait, so both are right: an
	// answer that holds, or none and nothing kept.
	err := store.CreateUser(ctx, ana, firstHash)
	close(leave)
	must(t, <-holder)
	_, missing := store.User(t.Context(), ana.ID)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
	}
	if (err == nil) != (missing == nil) {
		t.Errorf("the answer was %v, then the user is found with %v", err, missing)
	}
}

func racingCancellations(t *testing.T, store model.Store) {
	const n = 64
	users := make([]model.User, n)
	errs := together(n, func(i int) error {
		users[i] = person(numbered("user", i))
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*50*time.Microsecond)
		defer cancel()
		return store.Tx(ctx, func(r model.Records) error {
			if err := r.CreateUser(ctx, users[i], firstHash); err != nil {
				return err
			}
			_, err := r.OpenSession(ctx, login(users[i].ID, noon), 1)
			return err
		})
	})
	for i, err := range errs {
		_, missing := store.User(t.Context(), users[i].ID)
		if (err == nil) != (missing == nil) {
			t.Errorf("user %d: the answer was %v, then the user is found with %v", i, err, missing)
		}
		if sessions := got(store.SessionsOf(t.Context(), users[i].ID, noon))(t); (len(sessions) == 1) != (err == nil) {
			t.Errorf("user %d: the answer was %v, then there are %d sessions", i, err, len(sessions))
		}
	}
	added(t, store, "ana") // the store goes on
}
