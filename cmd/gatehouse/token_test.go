package main

import (
	"encoding/base64"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
	"gatehouse/sqlite"
)

const inspectedPassword = "four quiet words here"

// inspected is an installation whose tokens are looked at, with nobody serving.
type inspected struct {
	dir   string
	store *sqlite.Store
}

func newInspected(t *testing.T) inspected {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	p, _, stderr := testProgram()
	p.stdin = strings.NewReader(inspectedPassword + "\n")
	if code := p.run(t.Context(), []string{"user", "add", "ana", "--data", dir}); code != exitDone {
		t.Fatalf("user add: %d %s", code, stderr)
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return inspected{dir, store}
}

// auth is the rules over the same store with another configuration. What is
// not set is as the command has it.
func (i inspected) auth(t *testing.T, config gatehouse.Config) *gatehouse.Auth {
	t.Helper()
	if config.Issuer == "" {
		config.Issuer = "https://localhost:8443"
	}
	if config.Audience == "" {
		config.Audience = "https://localhost:8443"
	}
	auth, err := gatehouse.New(t.Context(), i.store, config)
	if err != nil {
		t.Fatal(err)
	}
	auth.TrustClock()
	return auth
}

func login(t *testing.T, auth *gatehouse.Auth) gatehouse.Grant {
	t.Helper()
	grant, err := auth.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: inspectedPassword})
	if err != nil {
		t.Fatal(err)
	}
	return grant
}

func refreshed(t *testing.T, auth *gatehouse.Auth, token model.RefreshToken) gatehouse.Grant {
	t.Helper()
	grant, err := auth.RefreshJWT(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return grant
}

func logout(t *testing.T, auth *gatehouse.Auth, grant gatehouse.Grant) {
	t.Helper()
	if err := auth.LogoutUser(t.Context(), grant.User.ID, grant.SessionID); err != nil {
		t.Fatal(err)
	}
}

// explained is what the command has to say of a token: the exit code, and what
// its output matches.
type explained struct {
	name, token string
	code        int
	want        []string
}

// inspect runs the command. Whatever the token, its output holds no token.
func (i inspected) inspect(t *testing.T, e explained) {
	t.Helper()
	// Some tokens are of a time to come, which the command must not go by.
	if err := i.store.Record(t.Context(), model.Event{At: time.Now(), Name: model.EventLoginSuccess}); err != nil {
		t.Fatal(err)
	}
	p, stdout, stderr := testProgram()
	p.stdin = strings.NewReader(e.token + "\n")
	if code := p.run(t.Context(), []string{"token", "inspect", "-", "--data", i.dir}); code != e.code {
		t.Errorf("exit code %d, want %d: %s", code, e.code, stderr)
	}
	for _, want := range e.want {
		if !regexp.MustCompile(`(?m)` + want).MatchString(stdout.String()) {
			t.Errorf("nothing matches %s in:\n%s", want, stdout)
		}
	}
	secret := e.token[strings.LastIndexByte(e.token, '.')+1:]
	if said := stdout.String() + stderr.String(); len(secret) > 20 && strings.Contains(said, secret) {
		t.Errorf("the token or its signature is printed:\n%s", said)
	}
}

func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func shifted(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }

func TestTokenInspectSaysWhyAnAccessTokenIsRefused(t *testing.T) {
	t.Parallel()
	i := newInspected(t)
	auth := i.auth(t, gatehouse.Config{})
	good := login(t, i.auth(t, gatehouse.Config{AccessTTL: time.Hour}))
	ended := login(t, auth)
	logout(t, auth, ended)
	access := func(config gatehouse.Config) string { return login(t, i.auth(t, config)).AccessToken }
	elsewhere := newInspected(t)
	header, rest, _ := strings.Cut(good.AccessToken, ".")
	claims, signature, _ := strings.Cut(rest, ".")
	kid := regexp.MustCompile(`"kid":"[^"]+"`).FindString(mustDecode(t, header))

	for _, e := range []explained{
		{"valid", good.AccessToken, 0, []string{`"typ": "at\+jwt"`, `^issued: `, `^verdict: valid for \S+ more$`, `^session: alive$`}},
		{"session_ended", ended.AccessToken, 1, []string{`^verdict: not valid: the session has ended`, `^elsewhere: `}},
		{"expired", access(gatehouse.Config{Now: shifted(-time.Hour)}), 1, []string{`^verdict: not valid: expired 5\dm\d+s ago$`}},
		{"not_yet_valid", access(gatehouse.Config{Now: shifted(time.Hour)}), 1, []string{`^verdict: not valid: not yet valid: it begins in (5\dm\d+s|1h0m0s)`}},
		{"wrong_audience", access(gatehouse.Config{Audience: "bank"}), 1, []string{`wrong audience: aud is "bank"; this server's is "https://localhost:8443"$`}},
		{"wrong_issuer", access(gatehouse.Config{Issuer: "https://id.example.org"}), 1, []string{`wrong issuer: iss is "https://id.example.org"; this server is "https://localhost:8443"$`}},
		{"key_of_another_algorithm", access(gatehouse.Config{Algorithm: "ES256"}), 1, []string{`^verdict: not valid: unknown key`, `^key: ours, for ES256`}},
		{"key_of_another_installation", login(t, elsewhere.auth(t, gatehouse.Config{})).AccessToken, 1, []string{`unknown key`, `^key: not in this installation`}},
		{"other_signature", header + "." + claims + "." + strings.Repeat("A", len(signature)), 1, []string{`^verdict: not valid: wrong signature`}},
		{"alg_none", encoded(`{"alg":"NONE",`+kid+`,"typ":"at+jwt"}`) + "." + claims + ".", 1, []string{`^verdict: not valid: alg is "NONE": nobody signed it$`}},
		{"alg_of_another_key", encoded(`{"alg":"HS256",`+kid+`,"typ":"at+jwt"}`) + "." + claims + "." + signature, 1, []string{`wrong algorithm: the header says "HS256"`}},
		{"typ_of_another_token", encoded(`{"alg":"EdDSA",`+kid+`,"typ":"JWT"}`) + "." + claims + "." + signature, 1, []string{`wrong type: typ is "JWT"`}},
		{"no_kid", encoded(`{"alg":"EdDSA","typ":"at+jwt"}`) + "." + claims + "." + signature, 1, []string{`unknown key: kid is missing`}},
		{"five_parts", encoded(`{"alg":"dir","enc":"A256GCM"}`) + "..a.b.c", 1, []string{`^This is a JWE`, `^verdict: not valid: malformed`}},
		{"no_JSON", "!.!." + signature, 1, []string{`^header: not JSON in base64url$`, `^verdict: not valid: malformed`}},
	} {
		t.Run(e.name, func(t *testing.T) { i.inspect(t, e) })
	}
	t.Run("just_expired", func(t *testing.T) {
		token := access(gatehouse.Config{Now: shifted(-10*time.Minute - time.Second)})
		i.inspect(t, explained{"", token, 0, []string{`^verdict: valid; expired \d+s ago, which clocks may differ by$`}})
	})
}

func mustDecode(t *testing.T, text string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestTokenInspectExplainsAStatusList(t *testing.T) {
	t.Parallel()
	i := newInspected(t)
	auth := i.auth(t, gatehouse.Config{})
	logout(t, auth, login(t, auth))
	list := func(config gatehouse.Config) string {
		token, err := i.auth(t, config).StatusList(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for _, e := range []explained{
		{"valid", list(gatehouse.Config{}), 0, []string{`"lst": "\(\d+ bytes\)"`, `^entries: 262144, of which 1 revoked$`, `^verdict: valid for \S+ more$`}},
		{"expired", list(gatehouse.Config{Now: shifted(-time.Hour)}), 1, []string{`^verdict: not valid: expired 5\dm\d+s ago$`}},
		{"of_another_server", list(gatehouse.Config{Issuer: "https://id.example.org"}), 1, []string{`wrong issuer: iss is "https://id.example.org"`}},
		{"of_another_address", list(gatehouse.Config{StatusListURI: "https://localhost:8443/other"}), 1, []string{`wrong claims: sub is not "https://localhost:8443/v1/status-list"`}},
		{"of_an_unknown_key", list(gatehouse.Config{Algorithm: "RS256"}), 1, []string{`^key: ours, for RS256`}},
	} {
		t.Run(e.name, func(t *testing.T) { i.inspect(t, e) })
	}
}

func TestTokenInspectExplainsARefreshToken(t *testing.T) {
	t.Parallel()
	i := newInspected(t)
	auth := i.auth(t, gatehouse.Config{})
	first := login(t, auth)
	second := refreshed(t, auth, first.RefreshToken) // the command has 10 seconds
	ahead := login(t, auth)
	refreshed(t, i.auth(t, gatehouse.Config{Now: shifted(5 * time.Minute)}), ahead.RefreshToken)
	old := login(t, i.auth(t, gatehouse.Config{Now: shifted(-time.Hour)}))
	refreshed(t, i.auth(t, gatehouse.Config{Now: shifted(-30 * time.Minute)}), old.RefreshToken)
	ended := login(t, auth)
	logout(t, auth, ended)
	forged := login(t, newInspected(t).auth(t, gatehouse.Config{}))
	text := func(g gatehouse.Grant) string { return string(g.RefreshToken) }
	for _, e := range []explained{
		{"in_force", text(second), 0, []string{
			`^refresh token: number 1 of session ` + second.SessionID.String() + `$`, `^of: user ana `, `^verdict: in force; it renews the session until 20`}},
		{"just_spent", text(first), 1, []string{`number 0 of session`, `^verdict: spent; until 20\S+Z it gives the same answer again$`}},
		{"spent", text(old), 1, []string{`^verdict: not valid: number 1 is in force; presenting this one ends the session$`}},
		{"spent_by_a_clock_that_ran_ahead", text(ahead), 1, []string{`^verdict: not valid: number 1 is in force; presenting this one ends the session$`}},
		{"session_ended", text(ended), 1, []string{`^verdict: not valid: the session has ended`}},
		{"forged", text(forged), 1, []string{`number 0 of session ` + forged.SessionID.String(), `^verdict: not valid: no master key of this installation made it$`}},
		{"cut_off", text(first)[:40], 1, []string{`^verdict: not valid: it begins as a refresh token and is none`}},
	} {
		t.Run(e.name, func(t *testing.T) { i.inspect(t, e) })
	}
	if _, err := auth.RefreshJWT(t.Context(), second.RefreshToken); err != nil {
		t.Errorf("looking at a token has changed what it is good for: %v", err)
	}
}
