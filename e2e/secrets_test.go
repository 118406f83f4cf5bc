package e2e

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse"
	"gatehouse/model"
)

// The markers: each stands in one kind of secret, and nowhere else.
const (
	goodWord    = "zanzibar-marker-good-password"
	changedWord = "zanzibar-marker-changed-password"
	resetWord   = "zanzibar-marker-reset-password"
	wrongWord   = "zanzibar-marker-wrong-password"
	nameMarker  = "zanzibar-marker-in-an-unknown-name"
	strayMarker = "zanzibarmarkerstray"
)

// secrets collects what was handed out or sent and must be found nowhere.
type secrets struct {
	found map[string]string // the text, and what it is
}

func (c *secrets) add(what string, texts ...string) {
	for _, text := range texts {
		if text != "" {
			c.found[text] = what
		}
	}
}

// forms are the spellings in which a text could have been kept.
func forms(text string) []string {
	return []string{
		text, url.QueryEscape(text), url.PathEscape(text),
		base64.StdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)),
		hex.EncodeToString([]byte(text)),
	}
}

// search looks for every secret in every text.
func (c *secrets) search(t *testing.T, places map[string][]byte) {
	t.Helper()
	if len(c.found) < 10 {
		t.Fatalf("only %d secrets to look for", len(c.found))
	}
	for where, content := range places {
		for text, what := range c.found {
			for _, form := range forms(text) {
				if bytes.Contains(content, []byte(form)) {
					t.Errorf("%s holds a secret: %s", where, what)
				}
			}
		}
	}
}

// files reads all files below a directory.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all[path] = content
		return err
	}))
	return all
}

func TestSecretsStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	s, held := serve(t, newData(t)), &secrets{found: map[string]string{}}
	held.add("password", goodWord, changedWord, resetWord, wrongWord)
	held.add("stray credential", strayMarker)
	useWell(t, s, held)
	useBadly(t, s, held)
	said := useCommands(t, s)
	useRawly(t, s, held)
	printed, err := os.ReadFile(s.out)
	must(t, err)
	log := map[string][]byte{s.log: s.logged(t), s.out: printed, "what commands say": []byte(said)}
	if lines := bytes.Count(log[s.log], []byte(`"msg":"request"`)); lines < 20 {
		t.Fatalf("only %d requests were logged, so nothing is proven", lines)
	}
	t.Run("LG-06_log_and_output_hold_no_secret", func(t *testing.T) {
		held.search(t, log)
		if bytes.Contains(log[s.log], []byte(nameMarker)) {
			t.Error("the log holds what was typed as a name: people type passwords there")
		}
	})
	t.Run("LG-02_every_line_has_its_members_and_no_others", func(t *testing.T) { wantMembers(t, log[s.log]) })
	t.Run("SC-03_RF-06_database_and_write-ahead_log_hold_no_secret", func(t *testing.T) {
		s.tryLogin(t, "nobody", otherWord) // the log is cut to nothing whenever something was erased
		kept := files(t, s.data)
		if len(kept[filepath.Join(s.data, "gatehouse.db-wal")]) == 0 {
			t.Error("there is no write-ahead log, so nothing is proven about it")
		}
		held.search(t, kept)
	})
	t.Run("SC-03_nor_after_everything_was_written_back", func(t *testing.T) {
		s.stop(t)
		held.search(t, files(t, s.data))
	})
	t.Run("PW-15_PW-16_one_password_two_salts_two_hashes", func(t *testing.T) { twoHashes(t, s.data) })
}

// form posts a form as a browser on our own page does.
func (s *server) form(t *testing.T, cookie, path string, values url.Values) reply {
	t.Helper()
	return s.ask(t, request{method: "POST", path: path, cookie: cookie, body: values.Encode(),
		kind:   "application/x-www-form-urlencoded",
		header: http.Header{"Origin": {s.url}, "Sec-Fetch-Site": {"same-origin"}}})
}

// useWell does what people do and notes every secret on the way.
func useWell(t *testing.T, s *server, held *secrets) {
	t.Helper()
	for _, name := range []string{"ana", "eva"} { // with the same password
		s.ask(t, request{method: "POST", path: "/v1/register", body: object("username", name, "password", goodWord)}).want(t, 201)
	}
	login := func(password string) grant {
		g := s.ask(t, request{method: "POST", path: "/v1/login", body: object("identifier", "ana", "password", password)}).want(t, 200).grant(t)
		held.add("access token", g.Access, signatureOf(g.Access))
		held.add("refresh token", g.Refresh, strings.TrimPrefix(g.Refresh, "ghr_"))
		return g
	}
	g := login(goodWord)
	status, next, err := s.refresh(g.Refresh)
	must(t, err)
	if status != 200 {
		t.Fatalf("refresh: got %d", status)
	}
	held.add("refresh token", next.Refresh)
	held.add("access token", next.Access)
	s.ask(t, request{method: "POST", path: "/v1/password/change", bearer: next.Access,
		body: object("current_password", goodWord, "new_password", changedWord)}).want(t, 204)

	page := s.ask(t, request{method: "GET", path: "/login"}).want(t, 200)
	visit := cookieOf(page, "__Host-csrf")
	in := s.form(t, visit, "/login", url.Values{"csrf": {csrfOf(t, page)}, "identifier": {"ana"}, "password": {changedWord}}).want(t, 303)
	session := cookieOf(in, "__Host-session")
	account := s.ask(t, request{method: "GET", path: "/account", cookie: session}).want(t, 200)
	held.add("cookie", valueOf(visit), valueOf(session))
	held.add("form token", csrfOf(t, page), csrfOf(t, account))
	if strings.Contains(account.body, valueOf(session)) {
		t.Error("SC-04 the page holds the value of its cookie")
	}
	reset(t, s, held)
}

// reset walks a reset link from the operator to the new password.
func reset(t *testing.T, s *server, held *secrets) {
	t.Helper()
	said := done(t, s.data, "", "user", "reset-link", "ana")
	_, rest, found := strings.Cut(said, "/reset?code=")
	code, _, _ := strings.Cut(strings.Fields(rest + " ")[0], "&")
	if !found || code == "" {
		t.Fatalf("no link in %q", said)
	}
	held.add("code", code)
	landed := s.ask(t, request{method: "GET", path: "/reset?code=" + code}).want(t, 303)
	if at := landed.header.Get("Location"); at != "/reset" {
		t.Errorf("RV-08 the link leads to %q, want /reset", at)
	}
	carried := cookieOf(landed, "__Host-code")
	page := s.ask(t, request{method: "GET", path: "/reset", cookie: carried}).want(t, 200)
	cookies := carried + "; " + cookieOf(page, "__Host-csrf")
	s.form(t, cookies, "/reset", url.Values{"csrf": {csrfOf(t, page)}, "new_password": {resetWord}}).want(t, 303)
}

// useBadly sends secrets to places that refuse them.
func useBadly(t *testing.T, s *server, held *secrets) {
	t.Helper()
	basic := base64.StdEncoding.EncodeToString([]byte("ana:" + wrongWord))
	held.add("basic credentials", basic)
	body := object("identifier", "ana", "password", wrongWord)
	for _, bad := range []request{
		{method: "POST", path: "/v1/login", body: body},
		{method: "POST", path: "/v1/login", body: object("identifier", nameMarker, "password", wrongWord)},
		{method: "POST", path: "/v1/login", body: body[:len(body)-1]},
		{method: "POST", path: "/v1/login", body: body + body},
		{method: "POST", path: "/v1/login", body: object("identifier", "ana", "password", wrongWord, wrongWord, "x")},
		{method: "POST", path: "/v1/login", body: body, header: http.Header{"Authorization": {"Basic " + basic}}},
		{method: "POST", path: "/v1/login", kind: "text/plain", body: body},
		{method: "POST", path: "/v1/login", body: object("identifier", "ana", "password", wrongWord+strings.Repeat("x", 70<<10))},
		{method: "POST", path: "/v1/login?password=" + wrongWord, body: body},
		{method: "GET", path: "/v1/login?identifier=ana&password=" + wrongWord},
		{method: "GET", path: "/login?password=" + wrongWord},
		{method: "GET", path: "/" + wrongWord},
		{method: "GET", path: "/v1/me", bearer: strayMarker},
		{method: "GET", path: "/v1/me?access_token=" + strayMarker},
		{method: "GET", path: "/account", cookie: "__Host-session=" + strayMarker},
		{method: "GET", path: "/reset?code=" + strayMarker},
		{method: "POST", path: "/v1/password/reset", body: object("code", strayMarker, "new_password", wrongWord)},
		{method: "POST", path: "/v1/token/refresh", body: object("refresh_token", "ghr_"+strayMarker)},
		{method: "POST", path: "/v1/token/revoke", body: object("token", strayMarker)},
		{method: strayMarker, path: "/v1/login", body: body},
		{method: "POST", path: "/v1/register", body: object("username", "ana", "email", wrongWord, "password", wrongWord)},
		{method: "GET", path: "/healthz", header: http.Header{"User-Agent": {"curl/8"}, "X-Request-Id": {strayMarker}}},
	} {
		got := s.ask(t, bad)
		if got.status >= 500 {
			t.Errorf("%s %s: got status %d", bad.method, bad.path, got.status)
		}
		if strings.Contains(got.body, wrongWord) || strings.Contains(got.body, strayMarker) {
			t.Errorf("PH-26 %s %s: the answer repeats a secret", bad.method, bad.path)
		}
	}
}

func signatureOf(token string) string { return token[strings.LastIndexByte(token, '.')+1:] }

func valueOf(pair string) string {
	_, value, _ := strings.Cut(pair, "=")
	return value
}

// twoHashes compares what is kept of two users who began with one password: one
// has kept it, so her hash is compared with that of a third who takes it anew.
func twoHashes(t *testing.T, data string) {
	t.Helper()
	done(t, data, goodWord+"\n", "user", "add", "ida")
	db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "gatehouse.db")+"?mode=ro")
	must(t, err)
	defer db.Close()
	hash := func(name string) []string {
		var text string
		must(t, db.QueryRow("SELECT password_hash FROM users WHERE username = ?", name).Scan(&text))
		parts := strings.Split(text, "$")
		if len(parts) != 6 || !strings.HasPrefix(text, "$argon2id$v=19$m=65536,t=3,p=1$") {
			t.Fatalf("%s: not an Argon2id hash at the default price", name)
		}
		return parts
	}
	eva, ida := hash("eva"), hash("ida")
	if eva[4] == ida[4] {
		t.Error("two users have one salt")
	}
	if eva[5] == ida[5] {
		t.Error("two users have one hash")
	}
	if salt, err := base64.RawStdEncoding.DecodeString(eva[4]); err != nil || len(salt) != 16 {
		t.Errorf("the salt has %d bytes, want 16: %v", len(salt), err)
	}
}

func TestSecretsDoNotPrintThemselves(t *testing.T) {
	const secret = "zanzibar-marker-printed-secret"
	password, refresh := model.Password(secret), model.RefreshToken(secret)
	var key model.MasterKey
	copy(key[:], secret)
	values := map[string]any{
		"Password": password, "RefreshToken": refresh, "SessionToken": model.SessionToken(secret),
		"Code": model.Code(secret), "PasswordHash": model.PasswordHash(secret), "MasterKey": key,
		"Registration":   gatehouse.Registration{Username: "ana", Password: password},
		"Credentials":    gatehouse.Credentials{Identifier: "ana", Password: password},
		"PasswordChange": gatehouse.PasswordChange{Current: password, New: password},
		"PasswordReset":  gatehouse.PasswordReset{Code: model.Code(secret), New: password},
		"Deletion":       gatehouse.Deletion{Password: password},
		"Grant":          gatehouse.Grant{AccessToken: secret, RefreshToken: refresh},
		"SessionGrant":   gatehouse.SessionGrant{Token: model.SessionToken(secret)},
		"AccessGrant":    gatehouse.AccessGrant{AccessToken: secret},
		"Config":         gatehouse.Config{MasterKey: key},
		"Account":        model.Account{PasswordHash: model.PasswordHash(secret)},
	}
	for name, value := range values {
		t.Run("LG-06_"+name, func(t *testing.T) {
			for how, text := range printed(value) {
				for _, form := range append(forms(secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%d", []byte(secret))) {
					if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
						t.Errorf("%s shows it", how)
						break
					}
				}
			}
		})
	}
}

// printed gives a value to everything that a careless line would.
func printed(value any) map[string]string {
	texts := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		texts[verb] = fmt.Sprintf(verb, value)
		texts["error with "+verb] = fmt.Errorf("wrapped: "+verb, value).Error()
	}
	var lines bytes.Buffer
	slog.New(slog.NewJSONHandler(&lines, nil)).Info("x", "value", value)
	slog.New(slog.NewTextHandler(&lines, nil)).Info("x", "value", value)
	texts["log"] = lines.String()
	encoded, err := json.Marshal(value)
	texts["JSON"] = string(encoded) + fmt.Sprint(err)
	func() {
		defer func() { texts["panic"] = fmt.Sprint(recover()) }()
		panic(value)
	}()
	return texts
}
