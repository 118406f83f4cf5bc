package verify

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"gatehouse/jwt"
)

const audience = "shop"

// places is how many entries the lists of the tests have.
const places = 1024

// world is a server that publishes keys and a status list, over real TLS, and
// a clock that only the test moves.
type world struct {
	t      testing.TB
	server *httptest.Server
	roots  *x509.CertPool

	mu       sync.Mutex
	now      time.Time
	signer   *jwt.SigningKey   // signs the lists
	keys     []*jwt.SigningKey // published
	revoked  []int64
	keysDoor http.HandlerFunc // answers instead, when not nil
	listDoor http.HandlerFunc
	asked    map[string]int // requests by path
	tags     []string       // what If-None-Match said
}

func newWorld(t testing.TB) *world {
	t.Helper()
	key := newKey(t, jwt.EdDSA)
	w := &world{
		t: t, now: time.Unix(1_790_000_000, 0).UTC(), signer: key, keys: []*jwt.SigningKey{key}, asked: map[string]int{},
	}
	w.server = httptest.NewUnstartedServer(http.HandlerFunc(w.serve))
	w.server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail on purpose
	w.server.StartTLS()
	t.Cleanup(w.server.Close)
	w.roots = x509.NewCertPool()
	w.roots.AddCert(w.server.Certificate())
	return w
}

func newKey(t testing.TB, alg jwt.Algorithm) *jwt.SigningKey {
	t.Helper()
	key, err := jwt.GenerateKey(alg)
	must(t, err)
	return key
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// set changes the world.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) sleep(d time.Duration) { w.set(func() { w.now = w.now.Add(d) }) }

func (w *world) count(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[path]
}

const (
	keysPath = "/.well-known/jwks.json"
	listPath = "/v1/status-list"
)

func (w *world) serve(out http.ResponseWriter, in *http.Request) {
	w.mu.Lock()
	w.asked[in.URL.Path]++
	door := map[string]http.HandlerFunc{keysPath: w.keysDoor, listPath: w.listDoor}[in.URL.Path]
	w.mu.Unlock()
	switch {
	case door != nil:
		door(out, in)
	case in.URL.Path == keysPath:
		out.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(out, w.keySet())
	case in.URL.Path == listPath:
		w.serveList(out, in)
	default:
		http.NotFound(out, in)
	}
}

// serveList has a tag for each set of revoked tokens and each signer, as long as the
// list lasts.
func (w *world) serveList(out http.ResponseWriter, in *http.Request) {
	token := w.list(listChange{})
	tag := `"` + token[len(token)-20:] + `"`
	out.Header().Set("ETag", tag)
	out.Header().Set("Content-Type", "application/statuslist+jwt")
	w.set(func() { w.tags = append(w.tags, in.Header.Get("If-None-Match")) })
	if in.Header.Get("If-None-Match") == tag {
		out.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = io.WriteString(out, token)
}

func (w *world) keySet() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return keySetOf(w.t, w.keys...)
}

func keySetOf(t testing.TB, keys ...*jwt.SigningKey) string {
	var public []jwt.VerifyKey
	for _, key := range keys {
		public = append(public, key.VerifyKey())
	}
	set, err := jwt.NewKeySet(public...)
	must(t, err)
	text, err := set.MarshalJSON()
	must(t, err)
	return string(text)
}

// listChange is what is different about a list; the zero value changes nothing.
type listChange struct {
	issuer, uri string
	signer      *jwt.SigningKey
	revoked     []int64
	issuedAt    time.Time
	size        int
}

// list is a status list token that is issued now and lasts 5 minutes.
func (w *world) list(c listChange) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	claims := jwt.StatusListClaims{
		Issuer: w.server.URL, URI: w.server.URL + listPath, IssuedAt: w.now, TTL: time.Second,
		List: jwt.NewStatusList(max(places, c.size)),
	}
	signer := w.signer
	for _, index := range append(c.revoked, w.revoked...) {
		claims.List.Revoke(index)
	}
	if c.issuer != "" {
		claims.Issuer = c.issuer
	}
	if c.uri != "" {
		claims.URI = c.uri
	}
	if c.signer != nil {
		signer = c.signer
	}
	if !c.issuedAt.IsZero() {
		claims.IssuedAt = c.issuedAt
	}
	claims.ExpiresAt = claims.IssuedAt.Add(5 * time.Minute)
	token, err := signer.SignStatusList(claims)
	must(w.t, err)
	return token
}

// token is an access token of a session, valid for 10 minutes.
func (w *world) token(index int64, changes ...func(*jwt.Claims)) string {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	claims := &jwt.Claims{
		Issuer: w.server.URL, Subject: "user-1", Audience: []string{audience}, IssuedAt: w.now,
		ExpiresAt: w.now.Add(10 * time.Minute), TokenID: jwt.NewTokenID(), ClientID: audience,
		SessionID: "session-1", AMR: []string{"pwd"}, Roles: []string{"editor"}, Scope: "notes:read notes:write",
		Status: jwt.StatusReference{Index: index, URI: w.server.URL + listPath},
	}
	for _, change := range changes {
		change(claims)
	}
	token, err := w.keys[len(w.keys)-1].SignAccessToken(claims)
	must(w.t, err)
	return token
}

// still is a verifier of this world that fetches only when the test says so.
func (w *world) still(changes ...func(*Config)) *Verifier {
	w.t.Helper()
	config := Config{Issuer: w.server.URL, Audience: audience, RootCAs: w.roots, Now: w.clock}
	for _, change := range changes {
		change(&config)
	}
	v, err := build(config, patience)
	must(w.t, err)
	w.t.Cleanup(v.Close)
	return v
}

// patience is how long anything may take before a test gives up on it.
const patience = 30 * time.Second

// renewed is a still verifier that has keys and list.
func (w *world) renewed(changes ...func(*Config)) *Verifier {
	w.t.Helper()
	v := w.still(changes...)
	must(w.t, v.keys.renew(context.Background()))
	must(w.t, v.list.renew(context.Background()))
	return v
}

// live is a verifier that works by itself, ten times a second, and is ready.
func (w *world) live(changes ...func(*Config)) *Verifier {
	w.t.Helper()
	config := Config{
		Issuer: w.server.URL, Audience: audience, RootCAs: w.roots, Now: w.clock, StatusInterval: 100 * time.Millisecond,
	}
	for _, change := range changes {
		change(&config)
	}
	v, err := New(config)
	must(w.t, err)
	w.t.Cleanup(v.Close)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must(w.t, v.Ready(ctx))
	return v
}

// await asks until the answer is yes.
func await(t testing.TB, what string, yes func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !yes(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// wantCheck fails unless Check answers with this error, and with claims only
// when there is none.
func wantCheck(t testing.TB, v *Verifier, token string, want error, demands ...Demand) {
	t.Helper()
	claims, err := v.Check(context.Background(), token, demands...)
	if !errors.Is(err, want) || (claims != nil) != (want == nil) {
		t.Errorf("got %v, %v; want error %v", claims, err, want)
	}
	for _, other := range []error{ErrInvalidToken, ErrForbidden, ErrUnavailable} {
		if errors.Is(err, other) != (other == want) {
			t.Errorf("the error %v is also %v", err, other)
		}
	}
}

// answerWith is a door that says one thing.
func answerWith(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}
