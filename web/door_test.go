package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/argon2id"
	"gatehouse/model"
	"gatehouse/sqlite"
)

const (
	goodPassword  = "seven green hills at dawn"
	otherPassword = "eleven quiet boats at dusk"
	wrongPassword = "seven green hills at noon"
	introSecret   = "MARKER-introspection-secret-of-the-tests"
)

// site is a real server over TLS on a real store, with a clock to turn.
type site struct {
	t     testing.TB
	auth  *gatehouse.Auth
	store *brokenStore
	door  *door
	srv   *httptest.Server
	url   string
	host  string
	logs  *logBook
	box   *model.Mailbox // of openEverything: emails are proven at once
	file  string         // of the database
	ahead atomic.Int64   // how far the clock is turned on
	stood atomic.Int64   // when the clock was stopped, in nanoseconds; 0 while it goes
}

// now is the clock of the rules.
func (s *site) now() time.Time {
	now := time.Now()
	if stood := s.stood.Load(); stood != 0 {
		now = time.Unix(0, stood)
	}
	return now.Add(time.Duration(s.ahead.Load()))
}

func (s *site) stopClock() { s.stood.Store(time.Now().UnixNano()) }

// manyFromHere are limits for tests, which all come from one address.
func manyFromHere() gatehouse.Limits {
	many := gatehouse.Limit{Count: 1_000_000, Within: time.Hour}
	return gatehouse.Limits{SourceFailures: many, NetworkFailures: many, Registrations: many, CodeSubmits: many, MailRequests: many}
}

// brokenStore is the real store until it is told not to answer.
type brokenStore struct {
	model.Store
	broken atomic.Bool
}

func (s *brokenStore) trouble() error {
	if s.broken.Load() {
		return model.ErrStoreUnavailable
	}
	return nil
}

func (s *brokenStore) Presence(ctx context.Context, id model.SessionID, now time.Time) (model.Presence, error) {
	if err := s.trouble(); err != nil {
		return model.Presence{}, err
	}
	return s.Store.Presence(ctx, id, now)
}

func (s *brokenStore) PresenceByToken(ctx context.Context, digest model.Digest, now time.Time) (model.Presence, error) {
	if err := s.trouble(); err != nil {
		return model.Presence{}, err
	}
	return s.Store.PresenceByToken(ctx, digest, now)
}

func (s *brokenStore) Ping(ctx context.Context) error {
	if err := s.trouble(); err != nil {
		return err
	}
	return s.Store.Ping(ctx)
}

// logBook keeps what was logged, at every level.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func open(t testing.TB, changes ...func(*Config)) *site {
	t.Helper()
	return openLimited(t, manyFromHere(), changes...)
}

func openLimited(t testing.TB, limits gatehouse.Limits, changes ...func(*Config)) *site {
	t.Helper()
	return openRules(t, func(cfg *gatehouse.Config) { cfg.Limits = limits }, changes...)
}

// openRules is open with other rules.
func openRules(t testing.TB, rules func(*gatehouse.Config), changes ...func(*Config)) *site {
	t.Helper()
	ctx := t.Context()
	file := filepath.Join(t.TempDir(), "gatehouse.db")
	kept, err := sqlite.Open(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := kept.MasterKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, logs: &logBook{}, store: &brokenStore{Store: kept}, file: file}
	s.srv = httptest.NewUnstartedServer(nil)
	s.host = s.srv.Listener.Addr().String()
	s.url = "https://" + s.host
	logger := slog.New(slog.NewJSONHandler(s.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	how := gatehouse.Config{
		Issuer: s.url, Audience: "shop", MasterKey: keys.Current, Logger: logger,
		HashParams: argon2id.Params{MemoryKiB: 12 << 10, Passes: 3, Lanes: 1}, Now: s.now,
	}
	rules(&how)
	if s.auth, err = gatehouse.New(ctx, s.store, how); err != nil {
		t.Fatal(err)
	}
	cfg := Config{IntrospectionSecret: introSecret, Logger: logger}
	for _, change := range changes {
		change(&cfg)
	}
	s.door = New(s.auth, cfg).(*door)
	s.srv.Config.Handler = s.door
	s.srv.Config.DisableGeneralOptionsHandler = true // as gatehouse serve does
	s.srv.Config.ErrorLog = slog.NewLogLogger(logger.Handler(), slog.LevelWarn)
	s.srv.StartTLS()
	t.Cleanup(func() {
		s.srv.Close()
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *site) turn(by time.Duration) { s.ahead.Add(int64(by)) }

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) code() string {
	var p problem
	_ = json.Unmarshal([]byte(r.body), &p)
	return p.Code
}

func (r reply) member(t testing.TB, path string) string {
	t.Helper()
	var at any
	if err := json.Unmarshal([]byte(r.body), &at); err != nil {
		t.Fatalf("answer %q: %v", r.body, err)
	}
	for name := range strings.SplitSeq(path, ".") {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	text, ok := at.(string)
	if !ok {
		t.Fatalf("answer %s has no %s", r.body, path)
	}
	return text
}

// asking changes a request before it is sent.
type asking func(*http.Request)

func header(name string, values ...string) asking {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
}

func bearing(token string) asking { return header("Authorization", "Bearer "+token) }

func withJSON(r *http.Request) { r.Header.Set("Content-Type", "application/json") }

func withForm(r *http.Request) {
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
}

// ask sends one request as it is: no jar, no redirects followed.
func (s *site) ask(method, path, body string, how ...asking) reply {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, change := range how {
		change(req)
	}
	transport := s.srv.Client().Transport
	res, err := transport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	return read(s.t, res)
}

func read(t testing.TB, res *http.Response) reply {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	for _, line := range res.Header["Set-Cookie"] {
		wantCookie(t, line)
	}
	return reply{status: res.StatusCode, header: res.Header, body: string(body)}
}

// json sends a JSON body.
func (s *site) json(method, path, body string, how ...asking) reply {
	s.t.Helper()
	return s.ask(method, path, body, append([]asking{withJSON}, how...)...)
}

// person is a user with a grant from the API.
type person struct{ id, name, access, refresh, session string }

func (s *site) register(name string) model.User {
	s.t.Helper()
	user, err := s.auth.RegisterUser(s.t.Context(), gatehouse.Registration{Username: name, Email: name + "@example.com", Password: goodPassword})
	if err != nil {
		s.t.Fatal(err)
	}
	if s.auth.SendsMail() { // before what is queued next, which may overtake it
		if _, err := s.auth.DeliverMail(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
	if s.box != nil {
		s.verify(user.Email.String())
		if user, err = s.auth.FindUser(s.t.Context(), name); err != nil {
			s.t.Fatal(err)
		}
	}
	return user
}

func (s *site) login(name string) person {
	s.t.Helper()
	r := s.json("POST", "/v1/login", `{"identifier":"`+name+`","password":"`+goodPassword+`"}`)
	if r.status != 200 {
		s.t.Fatalf("login: %d %s", r.status, r.body)
	}
	return person{
		id: r.member(s.t, "user.id"), name: name, access: r.member(s.t, "access_token"),
		refresh: r.member(s.t, "refresh_token"), session: r.member(s.t, "session_id"),
	}
}

// bare is a TLS connection for requests that no client library would send.
func (s *site) bare() *tls.Conn {
	s.t.Helper()
	config := s.srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos = []string{"http/1.1"}
	conn, err := tls.Dial("tcp", s.host, config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

var csrfInput = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

func csrfIn(t testing.TB, page string) string {
	t.Helper()
	found := csrfInput.FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("no csrf field in %s", page)
	}
	return found[1]
}
