package gatehouse_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatehouse"
	"gatehouse/model"
)

// newScene is a user of that name, logged in over the API and on a page, who has
// refreshed twice and holds a code.
func newScene(t *testing.T, store *tappedStore, auth *gatehouse.Auth, c *clock, name string) *scene {
	t.Helper()
	store.empty(t)
	s := &scene{Auth: auth, store: store, clock: c, mailed: &mailbag{last: map[model.Email]model.Message{}}}
	s.mail = store.rules(t, c, s.mailed)
	var err error
	s.user, err = s.RegisterUser(t.Context(), gatehouse.Registration{Username: name, Email: name + "@example.com", Password: goodPassword})
	done(t, err)
	s.grant, err = s.LoginUser(t.Context(), credentials(s))
	done(t, err)
	s.page, err = s.LoginSession(t.Context(), credentials(s))
	done(t, err)
	s.spent = s.grant.RefreshToken
	for range 2 {
		s.grant, err = s.RefreshJWT(t.Context(), s.grant.RefreshToken)
		done(t, err)
	}
	s.code, err = s.IssueResetCode(t.Context(), s.user.ID)
	done(t, err)
	return s
}

// whole wants nothing of a verb that failed to be there.
func (w writing) whole(t *testing.T, s *scene, before contents, when string) {
	t.Helper()
	_, kept := s.store.tap.written()
	changed := before.differ(s.store.contents(t), w.keeps)
	if len(changed) == 0 || w.steps || w.readsAfter && kept == 1 {
		return
	}
	t.Errorf("%s: left half a state in %v", when, changed)
}

// fails lets the verb fail at the n-th point and wants nothing of it to be there.
// It reports whether there was such a point.
func (w writing) fails(t *testing.T, s *scene, n int) bool {
	t.Helper()
	s.store.forgetAttempts(t)
	before := s.store.contents(t)
	s.store.tap.at(n, func() error { return errFault })
	defer s.store.tap.at(0, nil)
	answer, err := w.do(fromDevice(t, "192.0.2.7", "Browser/1"), s)
	if !s.store.tap.reached() {
		w.succeeded(t, err)
		return false
	}
	if _, kept := s.store.tap.written(); err == nil && w.tidies && kept > 0 {
		return false // the scene is spent
	}
	if !errors.Is(err, errFault) {
		t.Errorf("fault %d: answered %v", n, err)
	}
	var refusal *model.Error
	if errors.As(err, &refusal) {
		t.Errorf("fault %d: came as the refusal %s", n, refusal.Code)
	}
	if !w.steps { // those say how far they came
		nothing(t, answer)
	}
	w.whole(t, s, before, fmt.Sprintf("fault %d", n))
	return true
}

// canceled lets the caller hang up at the n-th point and wants all of the verb to
// be there or nothing of it.
func (w writing) canceled(t *testing.T, s *scene, n int) (reached, all bool) {
	t.Helper()
	s.store.forgetAttempts(t)
	before := s.store.contents(t)
	ctx, hangUp := context.WithCancel(fromDevice(t, "192.0.2.7", "Browser/1"))
	defer hangUp()
	s.store.tap.at(n, func() error { hangUp(); return nil })
	defer s.store.tap.at(0, nil)
	answer, err := w.do(ctx, s)
	if !s.store.tap.reached() {
		w.succeeded(t, err)
		return false, true
	}
	if err == nil || w.refused != nil && errors.Is(err, w.refused) {
		return true, true
	}
	if !w.steps { // those say how far they came
		nothing(t, answer)
	}
	w.whole(t, s, before, fmt.Sprintf("hung up at point %d, answered %v", n, err))
	return true, false
}

// nothing wants no grant, no cookie and no code beside an error.
func nothing(t *testing.T, answer any) {
	t.Helper()
	if answer == nil {
		return
	}
	v := reflect.ValueOf(answer)
	if v.Kind() == reflect.Array {
		for i := range v.Len() {
			nothing(t, v.Index(i).Interface())
		}
		return
	}
	if !v.IsZero() {
		t.Errorf("a %T came with the error", answer)
	}
}

func (w writing) succeeded(t *testing.T, err error) {
	t.Helper()
	if w.refused == nil && err != nil || w.refused != nil && !errors.Is(err, w.refused) {
		t.Errorf("without a fault it says %v", err)
	}
}

// scene is a scene for one case, prepared.
func (w writing) scene(t *testing.T, store *tappedStore, auth *gatehouse.Auth, c *clock, name string) *scene {
	t.Helper()
	s := newScene(t, store, auth, c, name)
	if w.prepare != nil {
		w.prepare(t, s)
	}
	return s
}

// eachPoint calls try for the first point, the second and so on, until it reports
// that there was no such point, and wants there to be some.
func eachPoint(t *testing.T, try func(n int) (reached bool)) {
	t.Helper()
	n := 1
	for try(n) && !t.Failed() {
		n++
	}
	if n < 3 {
		t.Errorf("%d points were tried", n-1)
	}
}

func TestAFaultAtEachStatement(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, store *tappedStore) {
		auth, c := store.auth(t)
		for i, w := range writings {
			rows := "ST-01_AI-28_LG-14_"
			if strings.HasPrefix(w.name, "Login") {
				rows = "LT-21_ST-01_AI-28_LG-14_"
			}
			t.Run(rows+w.name, func(t *testing.T) {
				s := w.scene(t, store, auth, c, fmt.Sprintf("faulty%d", i))
				eachPoint(t, func(n int) bool { return w.fails(t, s, n) })
			})
		}
	})
}

// A guess that was looked at is counted, whatever fails next.
func TestLT21_NoFaultLosesAFailure(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, store *tappedStore) {
		auth, c := store.auth(t)
		s, looked := newScene(t, store, auth, c, "ana"), 0
		eachPoint(t, func(n int) bool {
			store.forgetAttempts(t)
			before := gatehouse.EvaluationsOf(auth)
			store.tap.at(n, func() error { return errFault })
			err := try(t.Context(), auth, s.user.Username.String(), wrongPassword)
			reached := store.tap.reached()
			store.tap.at(0, nil)
			if err == nil {
				t.Fatalf("fault %d: a wrong password came in", n)
			}
			if gatehouse.EvaluationsOf(auth) == before {
				return reached
			}
			looked++
			if counted := store.rows(t, `SELECT failures FROM attempts WHERE user_id IS NOT NULL`); !slices.Equal(counted, []string{" 1"}) {
				t.Errorf("fault %d: failures %q, want one", n, counted)
			}
			return reached
		})
		if looked < 2 { // the last has met no fault
			t.Errorf("%d guesses were looked at", looked)
		}
	})
}

func TestACallerWhoHangsUpAtEachStatement(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, store *tappedStore) {
		auth, c := store.auth(t)
		for i, w := range writings {
			t.Run("ST-15_"+w.name, func(t *testing.T) {
				s := w.scene(t, store, auth, c, fmt.Sprintf("gone%d", i))
				eachPoint(t, func(n int) bool {
					reached, all := w.canceled(t, s, n)
					if reached && all { // the scene is spent
						s = w.scene(t, store, auth, c, fmt.Sprintf("gone%d.%d", i, n))
					}
					return reached
				})
			})
		}
	})
}

func TestVerbsThatOnlyRead(t *testing.T) {
	onBothEngines(t, func(t *testing.T, store *tappedStore) {
		auth, c := store.auth(t)
		s := newScene(t, store, auth, c, "ana")
		for name, read := range readings {
			t.Run("ST-01_AI-28_"+name, func(t *testing.T) {
				before := store.contents(t)
				store.tap.at(0, nil)
				if err := read(t.Context(), s); err != nil {
					t.Error(err)
				}
				if n, _ := store.tap.written(); n > 0 {
					t.Errorf("%d transactions write; give it a line in writings", n)
				}
				if changed := before.differ(store.contents(t), nil); len(changed) > 0 {
					t.Errorf("%v changed", changed)
				}
			})
		}
	})
}

// panicking are verbs of every kind: whatever panics, it is the store that undoes.
var panicking = []string{"RegisterUser", "LoginUser", "RefreshJWT", "ChangePass", "DeleteUser", "ForgotPass", "Sweep", "DeliverMail"}

// panics lets the n-th point panic, and wants what fails wants.
func (w writing) panics(t *testing.T, s *scene, n int) (reached bool) {
	t.Helper()
	s.store.forgetAttempts(t)
	before := s.store.contents(t)
	s.store.tap.at(n, func() error { panic(errFault) })
	defer s.store.tap.at(0, nil)
	defer func() {
		if cause := recover(); cause != nil {
			reached = true
			w.whole(t, s, before, fmt.Sprintf("panic at point %d", n))
		}
	}()
	_, err := w.do(fromDevice(t, "192.0.2.7", "Browser/1"), s)
	w.succeeded(t, err)
	return false
}

func TestAPanicAtEachStatement(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, store *tappedStore) {
		auth, c := store.auth(t)
		for i, w := range writings {
			if !slices.Contains(panicking, w.name) {
				continue
			}
			t.Run("AI-25_"+w.name, func(t *testing.T) {
				s := w.scene(t, store, auth, c, fmt.Sprintf("panicking%d", i))
				eachPoint(t, func(n int) bool { return w.panics(t, s, n) })
			})
		}
	})
}
