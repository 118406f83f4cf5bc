// Package storetest is the contract of model.Store as a test suite. An engine
// keeps the contract when Run and RunShared pass on it:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) model.Store { return openEmpty(t) })
//	}
//
// Names of tests that prove a requirement begin with its key.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/model"
)

// contract is one promise and its test on an empty store.
type contract struct {
	name  string
	prove func(t *testing.T, store model.Store)
}

// Run proves every promise of model.Store on stores that open gives: empty ones
// of their own, closed by open's own cleanup.
func Run(t *testing.T, open func(t *testing.T) model.Store) {
	t.Helper()
	for _, part := range [...]struct {
		name      string
		contracts []contract
	}{
		{"Users", users}, {"Deletion", deletion}, {"Accounts", accounts},
		{"Holds", holds}, {"Sessions", sessions}, {"Steps", steps}, {"SessionEnds", sessionEnds},
		{"SigningKeys", signingKeys}, {"Codes", codes}, {"Emails", emails}, {"Outbox", outbox}, {"Attempts", attempts}, {"Events", events}, {"EventChain", eventChain},
		{"Tx", transactions}, {"Contexts", contexts}, {"Races", races},
	} {
		t.Run(part.name, func(t *testing.T) {
			for _, c := range part.contracts {
				t.Run(c.name, func(t *testing.T) { c.prove(t, open(t)) })
			}
		})
	}
}

// RunShared proves that two stores over the same data, as two processes have
// them, keep the promises together. open gives two that see one empty database.
func RunShared(t *testing.T, open func(t *testing.T) (first, second model.Store)) {
	t.Helper()
	for _, c := range shared {
		t.Run(c.name, func(t *testing.T) {
			first, second := open(t)
			c.prove(t, first, second)
		})
	}
}

// noon is when the tests take place: to the microsecond, which is what is kept.
var noon = time.Date(2026, time.March, 14, 12, 0, 0, 535_897_000, time.UTC)

const (
	idle    = 7 * 24 * time.Hour
	longest = 30 * 24 * time.Hour
	window  = 10 * time.Second
)

// person is a user with every field set.
func person(name string) model.User {
	return model.User{
		ID:              model.NewID[model.User](),
		Username:        model.Username(name),
		Email:           model.Email(name + "@example.com"),
		EmailVerifiedAt: noon.Add(-3 * time.Microsecond),
		Roles:           []string{"admin", "shop:write"},
		DisabledAt:      time.Time{},
		CreatedAt:       noon.Add(-2 * time.Microsecond),
		UpdatedAt:       noon.Add(-1 * time.Microsecond),
	}
}

const firstHash model.PasswordHash = "$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$Zmlyc3Q"

// added creates a user with the first hash; its password version is 1 or
// whatever Account says.
func added(t *testing.T, store model.Records, name string) model.User {
	t.Helper()
	user := person(name)
	must(t, store.CreateUser(t.Context(), user, firstHash))
	return user
}

// login is a session with every field set, opened at the given time.
func login(user model.UserID, at time.Time) model.Session {
	var cookie model.Digest
	id := model.NewID[model.Session]()
	copy(cookie[:], id[:])
	cookie[31] = 1
	return model.Session{
		ID: id, UserID: user, TokenDigest: cookie,
		Counter: 1, SteppedAt: at.Add(-time.Microsecond),
		AuthenticatedAt: at.Add(-3 * time.Microsecond), CreatedAt: at, LastUsedAt: at.Add(time.Microsecond),
		IdleExpiresAt: at.Add(idle), ExpiresAt: at.Add(longest),
		Client: model.Client{Address: netip.MustParseAddr("2001:db8::7"), UserAgent: "Browser/1 \xff ä", RequestID: "request-1"},
	}
}

// loginOverAPI is login without a session token: of those that have refresh tokens.
func loginOverAPI(user model.UserID, at time.Time) model.Session {
	session := login(user, at)
	session.TokenDigest = model.Digest{}
	return session
}

// opened opens a session and returns it as it must be read again.
func opened(t *testing.T, store model.Store, user model.UserID, at time.Time) model.Session {
	t.Helper()
	return openedAs(t, store, login(user, at))
}

// openedOverAPI is opened without a session token.
func openedOverAPI(t *testing.T, store model.Store, user model.UserID, at time.Time) model.Session {
	t.Helper()
	return openedAs(t, store, loginOverAPI(user, at))
}

func openedAs(t *testing.T, store model.Store, session model.Session) model.Session {
	t.Helper()
	user := session.UserID
	account := got(store.Account(t.Context(), user))(t)
	session.StatusIndex = got(store.OpenSession(t.Context(), session, account.PasswordVersion))(t)
	return session
}

// step is the refresh of a session from a counter, now.
func step(session model.Session, counter int64, now time.Time) model.Step {
	return model.Step{SessionID: session.ID, Counter: counter, Now: now, RetryWindow: window, IdleExpiresAt: now.Add(idle)}
}

// alive reports whether the session can still be used at that time.
func alive(t *testing.T, store model.Records, id model.SessionID, now time.Time) bool {
	t.Helper()
	_, err := store.Presence(t.Context(), id, now)
	if err != nil {
		refused(t, err, model.ErrNotFound)
	}
	return err == nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got is must for a call that also returns a value.
func got[V any](value V, err error) func(*testing.T) V {
	return func(t *testing.T) V {
		t.Helper()
		must(t, err)
		return value
	}
}

// refused wants exactly this refusal.
func refused(t *testing.T, err, want error) {
	t.Helper()
	var refusal *model.Error
	if !errors.As(err, &refusal) || !errors.Is(err, want) {
		t.Fatalf("got error %v, want the refusal %v", err, want)
	}
}

// same wants two values to be equal, times as instants and in UTC.
func same[V any](t *testing.T, got, want V) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("differs (- want, + got):\n%s", diff)
	}
}

// together runs fn in n goroutines at once and returns their errors.
func together(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// winners counts those without an error; all others must have the refusal.
func winners(t *testing.T, errs []error, refusal error) int {
	t.Helper()
	n := 0
	for _, err := range errs {
		if err == nil {
			n++
			continue
		}
		if !errors.Is(err, refusal) {
			t.Errorf("got error %v, want the refusal %v", err, refusal)
		}
	}
	return n
}

// errOnPurpose is what the functions of these tests fail with.
var errOnPurpose = errors.New("on purpose")

func sprint(values ...any) string { return fmt.Sprintf("%+v", values) }

func numbered(name string, i int) string { return fmt.Sprintf("%s%03d", name, i) }

// canceled returns a context that has ended.
func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
