package gatehouse_test

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"gatehouse"
	"gatehouse/model"
	"gatehouse/postgres"
	"gatehouse/storetest"
)

// walk is one session of the rules over a real store, beside the model of it.
// Whatever is done to both has the same answer.
type walk struct {
	*pair
	clock *clock
	user  model.UserID

	auth    *gatehouse.Auth // one of the pair
	window  time.Duration
	session model.SessionID
	model   storetest.RefreshModel
	tokens  []model.RefreshToken // by their counter
	latest  time.Time
}

// pair is the rules twice over one store: with the window and, for those who ask, without.
type pair struct {
	usual  *gatehouse.Auth
	strict func() *gatehouse.Auth
}

// take has the session answered by one of the pair.
func (w *walk) take(window time.Duration) {
	if w.auth, w.window = w.usual, window; window == 0 {
		w.auth = w.strict()
	}
}

// login begins anew.
func (w *walk) login(t *rapid.T) {
	w.take(rapid.SampledFrom([]time.Duration{10 * time.Second, 10 * time.Second, 10 * time.Second, 0}).Draw(t, "window"))
	grant, err := w.auth.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	w.session, w.model, w.tokens = grant.SessionID, storetest.RefreshModel{}, []model.RefreshToken{grant.RefreshToken}
}

// one draws a token that was handed out, more often a late one.
func (w *walk) one(t *rapid.T) int64 {
	back := rapid.SampledFrom([]int{0, 0, 0, 1, 1, 1, 2, 3}).Draw(t, "back")
	return int64(max(len(w.tokens)-1-back, 0))
}

func (w *walk) refresh(t *rapid.T) { w.present(t, w.one(t)) }

// insist asks for a step and then for its answer again and again.
func (w *walk) insist(t *rapid.T) {
	counter := int64(len(w.tokens) - 1)
	w.present(t, counter)
	for range 3 {
		w.turn(rapid.SampledFrom([]time.Duration{time.Second, 5 * time.Second, 9 * time.Second, -9 * time.Second, 10 * time.Second, -10 * time.Second}).Draw(t, "pause"))
		w.present(t, counter)
	}
}

func (w *walk) present(t *rapid.T, counter int64) {
	grant, err := w.auth.RefreshJWT(t.Context(), w.tokens[counter])
	next, successor, ok := w.model.Present(counter, w.window)
	w.model = next
	switch {
	case !ok:
		if !errors.Is(err, model.ErrInvalidToken) {
			t.Fatalf("token %d: got %v, want invalid-token; the model is now %+v", counter, err, next)
		}
		return
	case err != nil:
		t.Fatalf("token %d: got %v, want token %d; the model is now %+v", counter, err, successor, next)
	case successor == int64(len(w.tokens)):
		w.tokens = append(w.tokens, grant.RefreshToken)
	}
	if grant.RefreshToken != w.tokens[successor] || grant.SessionID != w.session {
		t.Fatalf("token %d: its successor is not token %d", counter, successor)
	}
}

// end is every way to end a session but reuse.
func (w *walk) end(t *rapid.T) {
	var err error
	switch rapid.IntRange(0, 2).Draw(t, "end") {
	case 0:
		err = w.auth.RevokeToken(t.Context(), string(w.tokens[w.one(t)]))
	case 1:
		err = w.auth.LogoutUser(t.Context(), w.user, w.session)
	case 2:
		_, err = w.auth.EndOtherSessions(t.Context(), w.user, model.SessionID{})
	}
	if err != nil {
		t.Fatal(err)
	}
	w.model = w.model.End()
}

func (w *walk) wait(t *rapid.T) {
	const day = 24 * time.Hour
	d := rapid.SampledFrom([]time.Duration{time.Microsecond, time.Second, 5 * time.Second, 9 * time.Second, 10 * time.Second, 11 * time.Second, time.Hour,
		3 * day, 6 * day, 7*day - time.Second, 7 * day, -time.Second, -9 * time.Second, -10 * time.Second, -time.Minute}).Draw(t, "time")
	w.turn(d)
}

// turn moves the clock, and not further back than clocks may differ: beyond that
// the rules go by the later time.
func (w *walk) turn(d time.Duration) {
	now := w.clock.Now()
	if now.After(w.latest) {
		w.latest = now
	}
	if w.latest.Sub(now.Add(d)) > time.Minute {
		d = 0
	}
	w.clock.Add(d)
	w.model = w.model.After(d)
}

func (w *walk) sweep(t *rapid.T) {
	if err := w.auth.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// look asks what may be known without changing anything.
func (w *walk) look(t *rapid.T) {
	counter := w.one(t)
	seen, err := w.auth.IntrospectToken(t.Context(), string(w.tokens[counter]))
	if err != nil {
		t.Fatal(err)
	}
	if want := w.model.Alive() && counter == w.model.Counter; seen.Active != want {
		t.Fatalf("token %d: active is %v, want %v; the model is %+v", counter, seen.Active, want, w.model)
	}
	for late := int64(max(len(w.tokens)-3, 0)); late < int64(len(w.tokens)); late++ {
		explained, err := w.auth.ExplainRefresh(t.Context(), w.tokens[late])
		if err != nil {
			t.Fatal(err)
		}
		if want := w.stateOf(late); explained.State != want {
			t.Fatalf("token %d: %s, want %s; the model is %+v", late, explained.State, want, w.model)
		}
	}
	sessions, err := w.auth.Sessions(t.Context(), w.user)
	if err != nil {
		t.Fatal(err)
	}
	alive := false
	for _, s := range sessions {
		alive = alive || s.ID == w.session
	}
	if want := w.model.Alive(); alive != want {
		t.Fatalf("alive is %v, want %v; the model is %+v", alive, want, w.model)
	}
}

// stateOf is what presenting this token would come to.
func (w *walk) stateOf(counter int64) gatehouse.RefreshState {
	switch _, _, ok := w.model.Present(counter, w.window); {
	case !w.model.Alive():
		return gatehouse.RefreshEnded
	case counter == w.model.Counter:
		return gatehouse.RefreshInForce
	case ok:
		return gatehouse.RefreshRepeats
	}
	return gatehouse.RefreshSpent
}

// newWalk registers the one user.
func newWalk(t *testing.T, p *pair, c *clock) *walk {
	t.Helper()
	user, err := p.usual.RegisterUser(t.Context(), gatehouse.Registration{Username: "ana", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	return &walk{pair: p, clock: c, user: user.ID}
}

// check goes many ways: as many as -rapid.checks says, and 40 where that is 100,
// which nobody has to ask for. A session that is over is walked on: what is dead
// stays so.
func (w *walk) check(t *testing.T, restart func() *pair) {
	if checks := flag.Lookup("rapid.checks").Value; checks.String() == "100" {
		t.Cleanup(func() { _ = checks.Set("100") })
		_ = checks.Set("40")
	}
	rapid.Check(t, func(t *rapid.T) {
		w.login(t)
		t.Repeat(map[string]func(*rapid.T){
			"refresh": w.refresh, "refresh again": w.refresh, "refresh once more": w.refresh, "insist": w.insist,
			"wait": w.wait, "sweep": w.sweep, "": w.look,
			"end or restart": func(t *rapid.T) {
				if rapid.IntRange(0, 2).Draw(t, "restart") > 0 {
					w.end(t)
					return
				}
				w.pair = restart()
				w.take(w.window)
			},
		})
	})
}

func newPair(t *testing.T, store model.Store, cfg gatehouse.Config) *pair {
	t.Helper()
	// The model knows no pace.
	cfg.Limits.Refreshes = gatehouse.Limit{Count: 1_000_000_000, Within: 24 * time.Hour}
	usual, err := gatehouse.New(t.Context(), store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &pair{usual, sync.OnceValue(func() *gatehouse.Auth {
		cfg.StrictRefresh = true
		strict, err := gatehouse.New(t.Context(), store, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return strict
	})}
}

// emptySchema is the DSN of a schema in the server that scripts/postgres starts.
func emptySchema(t *testing.T) string {
	t.Helper()
	dsn := storetest.PostgreSQL(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	schema := "walk_" + strings.ToLower(rand.Text())
	if _, err := conn.Exec(t.Context(), `CREATE SCHEMA `+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background() // that of the test is over by then
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := conn.Exec(ctx, `SET client_min_messages = error; DROP SCHEMA `+schema+` CASCADE`); err != nil {
			t.Error(err)
		}
		_ = conn.Close(ctx)
	})
	c := conn.Config()
	return fmt.Sprintf("host=%s port=%d user=%s password='%s' dbname=%s search_path=%s",
		c.Host, c.Port, c.User, c.Password, c.Database, schema)
}

func TestTheRulesAnswerAsTheModelOfRefreshDoes(t *testing.T) {
	t.Run("RF-01_RF-02_RF-04_RF-05_RF-07_RF-11_on_SQLite", func(t *testing.T) {
		h := newHouse(t)
		newWalk(t, newPair(t, h.store, h.cfg), h.clock).check(t, func() *pair {
			h.reopen(t)
			return newPair(t, h.store, h.cfg)
		})
	})
	t.Run("RF-01_RF-02_RF-04_RF-05_RF-07_RF-11_on_PostgreSQL", func(t *testing.T) {
		h := newHouse(t)
		_, _ = rand.Read(h.cfg.MasterKey[:])
		dsn := emptySchema(t)
		open := func() (*postgres.Store, *pair) {
			store, err := postgres.Open(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			return store, newPair(t, store, h.cfg)
		}
		store, p := open()
		defer func() { _ = store.Close() }()
		newWalk(t, p, h.clock).check(t, func() *pair {
			_ = store.Close()
			store, p = open()
			return p
		})
	})
}
