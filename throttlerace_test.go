package gatehouse_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/argon2id"
	"gatehouse/model"
	"gatehouse/postgres"
	"gatehouse/sqlite"
)

// onStores runs a test on two stores over the same data, as two processes have
// them.
func onStores(t *testing.T, test func(t *testing.T, stores [2]model.Store)) {
	t.Run("on_SQLite", func(t *testing.T) {
		var stores [2]model.Store
		path := filepath.Join(t.TempDir(), "gatehouse.db")
		for i := range stores {
			store, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			stores[i] = store
		}
		test(t, stores)
	})
	t.Run("on_PostgreSQL", func(t *testing.T) {
		var stores [2]model.Store
		dsn := emptySchema(t)
		for i := range stores {
			store, err := postgres.Open(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			stores[i] = store
		}
		test(t, stores)
	})
}

// processes are the rules over each of the stores, with one master key and one
// clock.
func processes(t *testing.T, stores [2]model.Store) (auths [2]*gatehouse.Auth, now *clock) {
	t.Helper()
	now = &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	master := model.NewMasterKey()
	for i, store := range stores {
		auth, err := gatehouse.New(t.Context(), store, gatehouse.Config{
			Issuer: "https://id.example.com", Audience: "shop", HashParams: cheap, Now: now.Now, MasterKey: master,
		})
		if err != nil {
			t.Fatal(err)
		}
		auths[i] = auth
	}
	return auths, now
}

func evaluations(auths [2]*gatehouse.Auth) uint64 {
	return gatehouse.EvaluationsOf(auths[0]) + gatehouse.EvaluationsOf(auths[1])
}

func TestLT05_ParallelGuesses(t *testing.T) {
	const par = 200
	onStores(t, func(t *testing.T, stores [2]model.Store) {
		auths, now := processes(t, stores)
		if _, err := auths[0].RegisterUser(t.Context(), gatehouse.Registration{Username: "ana", Password: goodPassword}); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			name, who   string
			many, count int
		}{
			{"LT-05_of_200_at_a_user_5_are_evaluated", "ana", 1, 5},
			{"LT-05_and_after_the_delay_1", "ana", 1, 1},
			{"LT-05_of_200_at_nobody_5_are_evaluated", "nobody", 1, 5},
			{"LT-05_by_two_processes_too", "nobody at all", 2, 5},
			{"LT-05_by_two_processes_at_a_user_after_the_delay_1", "ana", 2, 1},
		} {
			t.Run(test.name, func(t *testing.T) {
				before := evaluations(auths)
				errs := together(par, func(i int) error {
					return try(t.Context(), auths[i%test.many], test.who, wrongPassword)
				})
				if wrong, many := count(errs, model.ErrWrongCredentials), count(errs, model.ErrTooManyAttempts); wrong != test.count || many != par-test.count {
					t.Errorf("%d wrong and %d too many, want %d and %d: %v", wrong, many, test.count, par-test.count, errors.Join(errs...))
				}
				if n := evaluations(auths) - before; n != uint64(test.count) {
					t.Errorf("%d passwords were hashed, want %d", n, test.count)
				}
				now.Add(2 * time.Minute)
			})
		}
		if n := gatehouse.GatesOpen(auths[0]) + gatehouse.GatesOpen(auths[1]); n != 0 {
			t.Errorf("%d gates are open", n)
		}
	})
}

func TestLT05_ParallelGuessesOfOneSource(t *testing.T) {
	const par = 200
	h := newHouse(t)
	for _, address := range []string{"192.0.2.1", "2001:db8::1"} {
		t.Run("LT-05_over_200_names_from_"+address, func(t *testing.T) {
			before := gatehouse.EvaluationsOf(h.Auth)
			errs := together(par, func(i int) error {
				return try(from(t, address), h.Auth, fmt.Sprintf("nobody%d", i), wrongPassword)
			})
			if wrong, many := count(errs, model.ErrWrongCredentials), count(errs, model.ErrTooManyAttempts); wrong != 20 || many != par-20 {
				t.Errorf("%d wrong and %d too many, want 20 and %d: %v", wrong, many, par-20, errors.Join(errs...))
			}
			if n := gatehouse.EvaluationsOf(h.Auth) - before; n != 20 {
				t.Errorf("%d passwords were hashed, want 20", n)
			}
		})
	}
	if n := gatehouse.GatesOpen(h.Auth); n != 0 {
		t.Errorf("%d gates are open", n)
	}
}

func TestRightLoginsDoNotRefuseEachOther(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	for failures, logins := range map[int]int{0: 64, 4: 16} {
		for range failures {
			refused(t, try(from(t, "192.0.2.1"), h.Auth, "ana", wrongPassword), model.ErrWrongCredentials)
		}
		errs := together(logins, func(int) error { return try(from(t, "192.0.2.1"), h.Auth, "ana", goodPassword) })
		if n := count(errs, nil); n != len(errs) {
			t.Errorf("after %d failures %d of %d came in: %v", failures, n, len(errs), errors.Join(errs...))
		}
	}
}

func TestWhatWasNotEvaluatedIsGivenBack(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	engine := gatehouse.EngineOf(h.Auth)
	running, done := make(chan struct{}), make(chan struct{})
	finished := make(chan error, 1)
	go func() {
		demand := argon2id.Demand{MemoryKiB: uint32(engine.MemoryBudgetKiB()), Lanes: 255}
		finished <- engine.Run(context.WithoutCancel(t.Context()), demand, func() { close(running); <-done })
	}()
	<-running
	for range 6 {
		ctx, hangUp := context.WithCancel(t.Context())
		answered := make(chan error, 1)
		go func() { answered <- try(ctx, h.Auth, "ana", wrongPassword) }()
		for h.failures(t) == 0 { // until it is charged, and waits for its hash
			time.Sleep(time.Millisecond)
		}
		hangUp()
		if err := <-answered; !errors.Is(err, context.Canceled) {
			t.Errorf("who hangs up is answered %v", err)
		}
		if n := h.failures(t); n != 0 {
			t.Errorf("%d failures are left of one that was not evaluated", n)
		}
	}
	close(done)
	if err := <-finished; err != nil {
		t.Error(err)
	}
	h.login(t, "ana")
}

// failures is how many there are in all lanes.
func (h *house) failures(t *testing.T) (n int) {
	t.Helper()
	db := sqlDB(t, "sqlite", filepath.Join(h.dir, "gatehouse.db"))
	defer func() { _ = db.Close() }()
	if err := db.QueryRowContext(t.Context(), `SELECT coalesce(sum(failures), 0) FROM attempts`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A refusal in a storm costs the store neither a read nor a write.
func TestOverloadIsToldBeforeTheStoreIsAsked(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tappedStore) {
		auth, _ := store.auth(t)
		engine := gatehouse.EngineOf(auth)
		running, done, ctx := make(chan struct{}), make(chan struct{}), context.WithoutCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			demand := argon2id.Demand{MemoryKiB: uint32(engine.MemoryBudgetKiB()), Lanes: 255}
			_ = engine.Run(ctx, demand, func() { close(running); <-done })
		})
		<-running
		ctx, hangUp := context.WithCancel(ctx)
		defer all.Wait()
		defer close(done)
		defer hangUp()
		for range 64 * runtime.GOMAXPROCS(0) {
			all.Go(func() { _ = engine.VerifyAbsent(ctx, []byte("x")) })
		}
		for engine.Crowded(ctx) == nil {
			time.Sleep(time.Millisecond)
		}
		store.tap.at(1, func() error { t.Error("the store was asked"); return nil })
		for name, act := range map[string]func() error{
			"login":   func() error { return try(t.Context(), auth, "ana", goodPassword) },
			"confirm": func() error { return auth.ConfirmPassword(t.Context(), model.NewID[model.User](), goodPassword) },
			"reset": func() error {
				return auth.ResetPass(t.Context(), gatehouse.PasswordReset{Code: "ghc_x", New: goodPassword})
			},
			"register": func() error {
				_, err := auth.RegisterUser(t.Context(), gatehouse.Registration{Username: "ana", Password: goodPassword})
				return err
			},
		} {
			if err := act(); !errors.Is(err, model.ErrOverloaded) {
				t.Errorf("%s: got %v, want %v", name, err, model.ErrOverloaded)
			}
		}
		store.tap.at(0, nil)
	})
}

// Whatever fails while a wrong password is answered, what was evaluated counts.
func TestLT03_AFailureIsCountedWhateverFailsAfter(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tappedStore) {
		auth, _ := store.auth(t)
		counted := 0
		for n := 1; ; n++ {
			name := fmt.Sprintf("user%d", n)
			if _, err := auth.RegisterUser(t.Context(), gatehouse.Registration{Username: name, Password: goodPassword}); err != nil {
				t.Fatal(err)
			}
			before := gatehouse.EvaluationsOf(auth)
			lanes := len(store.rows(t, `SELECT lane FROM attempts WHERE failures = 1`))
			store.tap.at(n, func() error { return errFault })
			err := try(t.Context(), auth, name, wrongPassword)
			over := !store.tap.reached()
			store.tap.at(0, nil)
			evaluated := int(gatehouse.EvaluationsOf(auth) - before)
			if left := len(store.rows(t, `SELECT lane FROM attempts WHERE failures = 1`)) - lanes; left < evaluated {
				t.Errorf("LT-03: fault %d: %d passwords were evaluated and %d counted", n, evaluated, left)
			}
			counted += evaluated
			if over {
				refused(t, err, model.ErrWrongCredentials)
				break
			}
			if errors.Is(err, model.ErrWrongCredentials) {
				t.Errorf("LT-03: fault %d was answered as if all was kept", n)
			}
		}
		if counted < 3 {
			t.Errorf("only %d faults came after the password was evaluated", counted-1)
		}
	})
}

// A store that panics leaves no gate shut behind it.
func TestAPanicLeavesNoGateBehind(t *testing.T) {
	h := newHouse(t)
	store := &panickyStore{Store: h.store}
	auth, err := gatehouse.New(t.Context(), store, withMasterKey(t, h))
	if err != nil {
		t.Fatal(err)
	}
	h.register(t, "ana")
	for n := range 3 {
		for _, password := range []model.Password{goodPassword, wrongPassword} {
			func() {
				defer func() { _ = recover() }()
				store.left = n + 1
				_ = try(from(t, "2001:db8::1"), auth, "ana", password)
			}()
			store.left = 0
			if open := gatehouse.GatesOpen(auth); open != 0 {
				t.Fatalf("after a panic at %d %d gates are open", n, open)
			}
		}
	}
}

// panickyStore panics at the verb before which so many are left.
type panickyStore struct {
	model.Store
	left int
}

func (s *panickyStore) panics() {
	if s.left--; s.left == 0 {
		panic(errFault)
	}
}

func (s *panickyStore) Tallies(ctx context.Context, keys [3]model.Digest) ([3]model.Tally, error) {
	s.panics()
	return s.Store.Tallies(ctx, keys)
}

func (s *panickyStore) ChargeAttempt(ctx context.Context, attempt model.Attempt) (model.Tally, bool, error) {
	s.panics()
	return s.Store.ChargeAttempt(ctx, attempt)
}

func (s *panickyStore) Tx(ctx context.Context, fn func(model.Records) error) error {
	s.panics()
	return s.Store.Tx(ctx, fn)
}
