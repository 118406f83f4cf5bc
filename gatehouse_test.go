package gatehouse_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/argon2id"
	"gatehouse/model"
	"gatehouse/sqlite"
)

// The cheapest hash that is allowed, so that the suite is fast.
var cheap = argon2id.Params{MemoryKiB: 12 * 1024, Passes: 3, Lanes: 1}

const (
	goodPassword  = model.Password("correct horse battery staple")
	otherPassword = model.Password("another horse battery staple")
	wrongPassword = model.Password("incorrect horse battery stap")
)

// clock is the time of a test; it moves only when told.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// house is an Auth over a real SQLite file, with a clock of its own.
type house struct {
	*gatehouse.Auth
	store *sqlite.Store
	clock *clock
	dir   string
	cfg   gatehouse.Config
}

func newHouse(t testing.TB, change ...func(*gatehouse.Config)) *house {
	t.Helper()
	h := &house{dir: t.TempDir(), clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	h.cfg = gatehouse.Config{Issuer: "https://id.example.com", Audience: "shop", HashParams: cheap, Now: h.clock.Now}
	for _, f := range change {
		f(&h.cfg)
	}
	h.open(t)
	return h
}

func (h *house) open(t testing.TB) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(h.dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	auth, err := gatehouse.New(t.Context(), store, h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	h.store, h.Auth = store, auth
}

// reopen is a restart of the process.
func (h *house) reopen(t testing.TB) {
	t.Helper()
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	h.open(t)
}

func (h *house) register(t testing.TB, username string) model.User {
	t.Helper()
	user, err := h.RegisterUser(t.Context(), gatehouse.Registration{
		Username: username, Email: username + "@example.com", Password: goodPassword,
	})
	if err != nil {
		t.Fatalf("register %s: %v", username, err)
	}
	return user
}

func (h *house) login(t testing.TB, identifier string) gatehouse.Grant {
	t.Helper()
	grant, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: identifier, Password: goodPassword})
	if err != nil {
		t.Fatalf("login %s: %v", identifier, err)
	}
	return grant
}

// refused fails the test unless err is this refusal.
func refused(t testing.TB, err error, want *model.Error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want refusal %s", err, want.Code)
	}
}

// fromDevice is a context whose client has this address and user agent.
func fromDevice(t testing.TB, address, agent string) context.Context {
	t.Helper()
	return model.WithClient(t.Context(), model.Client{Address: netip.MustParseAddr(address), UserAgent: agent, RequestID: "r-1"})
}

// together calls f n times at once and returns what each call returned.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

func count(errs []error, want error) int {
	n := 0
	for _, err := range errs {
		if want == nil && err == nil || want != nil && errors.Is(err, want) {
			n++
		}
	}
	return n
}

func TestTheStoryOfTheReadme(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	user := h.register(t, "ana")
	grant := h.login(t, "ana")
	claims, err := h.LoginJWT(ctx, grant.AccessToken)
	if err != nil || claims.Subject != user.ID.String() {
		t.Fatalf("LoginJWT: %v, %v", claims, err)
	}
	if grant, err = h.RefreshJWT(ctx, grant.RefreshToken); err != nil {
		t.Fatal(err)
	}
	change := gatehouse.PasswordChange{UserID: user.ID, SessionID: grant.SessionID, Current: goodPassword, New: otherPassword}
	if err := h.ChangePass(ctx, change); err != nil {
		t.Fatal(err)
	}
	if err := h.DeleteUser(ctx, gatehouse.Deletion{UserID: user.ID, Password: otherPassword}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.LoginUser(ctx, gatehouse.Credentials{Identifier: "ana", Password: otherPassword}); !errors.Is(err, model.ErrWrongCredentials) {
		t.Errorf("login of a deleted user: %v", err)
	}
}

func TestNewNamesTheFieldThatIsWrong(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	good := gatehouse.Config{Issuer: "https://id.example.com", Audience: "shop", HashParams: cheap}
	tests := []struct {
		name, field string
		change      func(*gatehouse.Config)
	}{
		{"no issuer", "Issuer", func(c *gatehouse.Config) { c.Issuer = "" }},
		{"issuer over http", "Issuer", func(c *gatehouse.Config) { c.Issuer = "http://id.example.com" }},
		{"issuer with slash", "Issuer", func(c *gatehouse.Config) { c.Issuer = "https://id.example.com/" }},
		{"issuer with query", "Issuer", func(c *gatehouse.Config) { c.Issuer = "https://id.example.com?a=b" }},
		{"issuer with user", "Issuer", func(c *gatehouse.Config) { c.Issuer = "https://u@id.example.com" }},
		{"no audience", "Audience", func(c *gatehouse.Config) { c.Audience = "" }},
		{"blank audience", "Audience", func(c *gatehouse.Config) { c.Audience = " " }},
		{"audience of two lines", "Audience", func(c *gatehouse.Config) { c.Audience = "shop\nshop" }},
		{"unknown algorithm", "Algorithm", func(c *gatehouse.Config) { c.Algorithm = "none" }},
		{"JW-22 access token above 60 minutes", "AccessTTL", func(c *gatehouse.Config) { c.AccessTTL = 61 * time.Minute }},
		{"PW-01 minimum below 8", "PasswordMin", func(c *gatehouse.Config) { c.PasswordMin = 7 }},
		{"minimum above the maximum", "PasswordMin", func(c *gatehouse.Config) { c.PasswordMin = 257 }},
		{"PW-15 hash below the floor", "HashParams", func(c *gatehouse.Config) { c.HashParams = argon2id.Params{MemoryKiB: 8192, Passes: 1, Lanes: 1} }},
		{"KY-09 HS256 kept elsewhere", "Signer", func(c *gatehouse.Config) { c.Algorithm, c.Signer = "HS256", &distant{} }},
		{"KY-02 master key that is not random", "MasterKey", func(c *gatehouse.Config) { c.MasterKey = model.MasterKey{1, 2, 3} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := good
			tt.change(&cfg)
			_, err := gatehouse.New(t.Context(), store, cfg)
			if err == nil || !strings.Contains(err.Error(), "Config."+tt.field) {
				t.Errorf("got %v, want an error that names Config.%s", err, tt.field)
			}
		})
	}
	if _, err := gatehouse.New(t.Context(), store, good); err != nil {
		t.Errorf("the good configuration: %v", err)
	}
}

func TestTwoAuthsLiveInOneProcess(t *testing.T) {
	a, b := newHouse(t), newHouse(t)
	a.register(t, "ana")
	grant := a.login(t, "ana")
	if _, err := b.LoginJWT(t.Context(), grant.AccessToken); !errors.Is(err, model.ErrInvalidToken) {
		t.Errorf("a token of another house: %v", err)
	}
	if _, err := b.RefreshJWT(t.Context(), grant.RefreshToken); !errors.Is(err, model.ErrInvalidToken) {
		t.Errorf("a refresh token of another house: %v", err)
	}
}

func TestSecretsCannotPrintThemselves(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	grant := h.login(t, "ana")
	page, err := h.LoginSession(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{grant.AccessToken, string(grant.RefreshToken), string(page.Token), string(goodPassword)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T%v"} {
		for _, value := range []any{grant, &grant, page, goodPassword, grant.RefreshToken, page.Token, gatehouse.Credentials{Password: goodPassword}} {
			printed := fmt.Sprintf(verb, value)
			for _, secret := range secrets {
				if strings.Contains(printed, secret) || strings.Contains(printed, fmt.Sprintf("%x", secret)) {
					t.Errorf("LG-06: %s of %T prints a secret", verb, value)
				}
			}
		}
	}
}
