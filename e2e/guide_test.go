package e2e

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/sqlite"
)

// The tests of this file run the snippets of docs/guides/verify-tokens.md as
// they stand. Put in are the names of the two servers, and two seconds for the
// thirty that lie between two looks for a key that is not known.

// blocks returns the fenced blocks of a language.
func blocks(t *testing.T, page, language string) (found []string) {
	t.Helper()
	for _, rest := range strings.Split("\n"+page, "\n```"+language+"\n")[1:] {
		block, _, closed := strings.Cut(rest, "\n```")
		if !closed {
			t.Fatalf("a block in %s has no end", language)
		}
		found = append(found, block+"\n")
	}
	if found == nil {
		t.Fatalf("there is no block in %s", language)
	}
	return found
}

// snippets returns the blocks of a language under a heading of the guide, for
// this server.
func snippets(t *testing.T, s *server, heading, language string) []string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "docs", "guides", "verify-tokens.md"))
	must(t, err)
	_, section, found := strings.Cut(string(page), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("the guide has no section %s", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	return blocks(t, strings.ReplaceAll(section, "https://id.example.com", s.url), language)
}

// hasty is a program of the snippets that looks for unknown keys more often.
func hasty(t *testing.T, snippets []string, often, more string) []byte {
	t.Helper()
	program := strings.Join(snippets, "\n")
	if strings.Count(program, often) != 1 {
		t.Fatalf("the guide does not say %s once", often)
	}
	return []byte(strings.Replace(program, often, more, 1))
}

// serveShop starts a server whose tokens are for the audience of the guide.
func serveShop(t *testing.T) *server {
	t.Helper()
	s := serve(t, newData(t), "--audience", "shop")
	s.register(t, "ana")
	return s
}

// foreign returns tokens that must not be accepted, by what is wrong with them
// and the requirement that says so.
// good is one that is, of the user ana.
func foreign(t *testing.T, s *server, good string) map[string]string {
	t.Helper()
	header, payload, signature := parts(t, good)
	tokens := map[string]string{
		"JW-13_no_token":           "x",
		"JW-13_three_parts":        "a.b.c",
		"JW-13_refresh_token":      s.login(t, "ana").Refresh,
		"JW-01_no_signature":       header + "." + payload + ".",
		"JW-01_other_signature":    header + "." + payload + "." + flipped(signature),
		"JW-01_other_claims":       header + "." + encode(`{"iss":"`+s.url+`","aud":"shop","sub":"eve"}`) + "." + signature,
		"JW-07_status_list":        s.ask(t, request{method: "GET", path: "/v1/status-list"}).want(t, 200).body,
		"JW-03_public_key_as_HMAC": hmacToken(t, s, good),
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE"} {
		tokens["JW-02_alg_"+alg] = encode(`{"alg":"`+alg+`","typ":"at+jwt"}`) + "." + payload + "."
	}
	for name, config := range map[string]gatehouse.Config{
		"JW-11_expired":           {Issuer: s.url, Audience: "shop", Now: shifted(-30 * time.Minute)},
		"JW-11_of_the_future":     {Issuer: s.url, Audience: "shop", Now: shifted(30 * time.Minute)},
		"JW-09_another_audience":  {Issuer: s.url, Audience: "bank"},
		"JW-08_another_issuer":    {Issuer: "https://id.example.org", Audience: "shop"},
		"JW-05_another_algorithm": {Issuer: s.url, Audience: "shop", Algorithm: "ES256"},
	} {
		tokens[name] = signedWith(t, s, config)
	}
	return tokens
}

func shifted(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }

// signedWith returns a token that the server itself could have signed, had it
// this configuration: the signing keys are those of its store.
func signedWith(t *testing.T, s *server, config gatehouse.Config) string {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(s.data, "gatehouse.db"))
	must(t, err)
	defer store.Close()
	auth, err := gatehouse.New(t.Context(), store, config)
	must(t, err)
	auth.TrustClock() // it is shifted on purpose
	grant, err := auth.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: word})
	must(t, err)
	return grant.AccessToken
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func parts(t *testing.T, token string) (header, payload, signature string) {
	t.Helper()
	three := strings.Split(token, ".")
	if len(three) != 3 {
		t.Fatal("the server issued no JWT")
	}
	return three[0], three[1], three[2]
}

// flipped changes the first six bits of a signature.
func flipped(signature string) string {
	if signature[0] == 'A' {
		return "B" + signature[1:]
	}
	return "A" + signature[1:]
}

// hmacToken signs with the public key as if it were a secret (RFC 8725 section 2.1).
func hmacToken(t *testing.T, s *server, good string) string {
	t.Helper()
	var set struct{ Keys []struct{ Kid, X string } }
	must(t, json.Unmarshal([]byte(s.ask(t, request{method: "GET", path: "/.well-known/jwks.json"}).body), &set))
	secret, err := base64.RawURLEncoding.DecodeString(set.Keys[0].X)
	must(t, err)
	_, payload, _ := parts(t, good)
	input := encode(`{"alg":"HS256","kid":"`+set.Keys[0].Kid+`","typ":"at+jwt"}`) + "." + payload
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// tokenJudge is a process that judges tokens, one a line.
type tokenJudge struct {
	in  io.Writer
	out *bufio.Scanner
	log string
}

// startJudge starts one. It trusts the local authority of the server alone.
func startJudge(t *testing.T, s *server, name string, arguments ...string) *tokenJudge {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	cmd := exec.CommandContext(ctx, name, arguments...)
	authority := filepath.Join(s.data, "local-ca.pem")
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+authority, "SSL_CERT_FILE="+authority)
	a := &tokenJudge{log: filepath.Join(t.TempDir(), "stderr")}
	log, err := os.Create(a.log)
	must(t, err)
	cmd.Stderr = log
	a.in, err = cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	a.out = bufio.NewScanner(out)
	must(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		_ = log.Close()
	})
	return a
}

// says asks about one token.
func (a *tokenJudge) says(t *testing.T, verb, token string) (answer string) {
	t.Helper()
	_, err := fmt.Fprintf(a.in, "%s %s\n", verb, token)
	if err != nil || !a.out.Scan() {
		log, _ := os.ReadFile(a.log)
		t.Fatalf("no answer: %v\n%s", err, log)
	}
	return a.out.Text()
}

// judgesRight walks through a life with one judge: good and foreign tokens, a
// logout, a change of the keys at once, and the end of the server.
func judgesRight(t *testing.T, s *server, a *tokenJudge) {
	t.Helper()
	good := s.login(t, "ana").Access
	bad := foreign(t, s, good)
	for _, verb := range []string{"check", "live"} {
		if got := a.says(t, verb, good); !strings.HasPrefix(got, "yes ") || len(got) != len("yes ")+36 {
			t.Fatalf("%s of a good token: %s", verb, got)
		}
		for name, token := range bad {
			t.Run(verb+"/"+name, func(t *testing.T) {
				if got := a.says(t, verb, token); !strings.HasPrefix(got, "no ") {
					t.Errorf("got %s, want no", got)
				}
			})
		}
	}
	ended := s.login(t, "ana").Access
	s.ask(t, request{method: "POST", path: "/v1/logout", bearer: ended}).want(t, 204)
	await(t, "the logout to be heard of", func() bool { return strings.HasPrefix(a.says(t, "live", ended), "no ") })
	if got := a.says(t, "check", ended); !strings.HasPrefix(got, "yes ") {
		t.Errorf("the check that knows no status list refuses after a logout: %s", got)
	}
	done(t, s.data, "", "keys", "rotate", "--now", "--yes")
	fresh := s.login(t, "ana").Access
	await(t, "the new key to be accepted", func() bool { return strings.HasPrefix(a.says(t, "live", fresh), "yes ") })
	for _, verb := range []string{"check", "live"} {
		if got := a.says(t, verb, good); !strings.HasPrefix(got, "no ") {
			t.Errorf("%s of a token under a key that was given up: %s", verb, got)
		}
	}
	s.kill()
	await(t, "nobody to come in without the server", func() bool { return strings.HasPrefix(a.says(t, "live", fresh), "no ") })
}

func TestTheSnippetsForNodeJudgeRight(t *testing.T) {
	t.Parallel()
	packages, err := filepath.Abs(filepath.Join("testdata", "node", "node_modules"))
	must(t, err)
	if _, err := os.Stat(packages); err != nil {
		t.Fatalf("%v; scripts/setup installs it", err)
	}
	s := serveShop(t)
	dir := t.TempDir()
	must(t, os.Symlink(packages, filepath.Join(dir, "node_modules")))
	file := filepath.Join(dir, "verify.mjs")
	must(t, os.WriteFile(file, hasty(t, snippets(t, s, "Node", "js"), "cacheMaxAge: 300_000}", "cacheMaxAge: 300_000, cooldownDuration: 2000}"), 0o600))
	judgesRight(t, s, startJudge(t, s, "node", filepath.Join("testdata", "node", "ask.mjs"), file))
}

func TestTheSnippetsForPythonJudgeRight(t *testing.T) {
	t.Parallel()
	s := serveShop(t)
	file := filepath.Join(t.TempDir(), "verify.py")
	must(t, os.WriteFile(file, hasty(t, snippets(t, s, "Python", "python"), "self.tried > 30:", "self.tried > 2:"), 0o600))
	judgesRight(t, s, startJudge(t, s, "/usr/bin/python3", filepath.Join("testdata", "python", "ask.py"), file))
}

// short is what the guide leaves out around its lines for Go.
const short = `package main

import (
	"net/http"

	"gatehouse/verify"
)

func serve(mux *http.ServeMux, notes, admin http.Handler) error {
%s	return http.ListenAndServe("127.0.0.1:0", mux)
}

var _ = serve
`

// nginxConfiguration is what the guide leaves out around its locations.
const nginxConfiguration = `daemon off;
master_process off;
pid %[1]s/pid;
events {}
http {
    access_log off;
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;
    server {
        listen %[2]s;
%[3]s
    }
}
`

func TestTheGateAndItsNginxJudgeRight(t *testing.T) {
	t.Parallel()
	s := serveShop(t)
	gate, front := freeAddress(t), freeAddress(t)
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "user=%s roles=%s token=%s", r.Header.Get("X-User"), r.Header.Get("X-Roles"), r.Header.Get("Authorization"))
	}))
	t.Cleanup(application.Close)
	place := strings.NewReplacer("127.0.0.1:8081", gate, "127.0.0.1:3000", application.Listener.Addr().String())

	dir := module(t, place.Replace(snippets(t, s, "nginx", "go")[0]))
	must(t, os.WriteFile(filepath.Join(dir, "short.go"), fmt.Appendf(nil, short, snippets(t, s, "Go", "go")[0]), 0o600))
	build := exec.Command("go", "build", "-mod=mod", "-o", "gate", ".")
	build.Dir, build.Env = dir, append(os.Environ(), "GOWORK=off")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	file := filepath.Join(t.TempDir(), "nginx.conf")
	must(t, os.WriteFile(file, fmt.Appendf(nil, nginxConfiguration, filepath.Dir(file), front, place.Replace(snippets(t, s, "nginx", "nginx")[0])), 0o600))
	startJudge(t, s, "/usr/sbin/nginx", "-p", filepath.Dir(file), "-e", "stderr", "-c", file)
	get := func(token string) reply { return getFrom(t, "http://"+front+"/notes", token) }

	done(t, s.data, word+"\n", "user", "add", "bo", "--role", "editor", "--role", "reader")
	good := s.login(t, "bo").Access
	await(t, "nginx to be ready, and to let nobody in without the gate", func() bool {
		return get(good).status == http.StatusInternalServerError
	})
	startJudge(t, s, filepath.Join(dir, "gate"))
	await(t, "the gate to be ready", func() bool { return get(good).status == http.StatusOK })
	var me struct{ User struct{ ID string } }
	must(t, json.Unmarshal([]byte(s.ask(t, request{method: "GET", path: "/v1/me", bearer: good}).body), &me))
	if got, want := get(good).body, "user="+me.User.ID+" roles=editor reader token="; got != want {
		t.Errorf("the application hears %q, want %q", got, want)
	}
	for name, token := range foreign(t, s, good) {
		t.Run(name, func(t *testing.T) {
			if got := get(token); got.status != http.StatusUnauthorized || !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("got %d and %q, want 401", got.status, got.header.Get("WWW-Authenticate"))
			}
		})
	}
	if got := get(""); got.status != http.StatusUnauthorized {
		t.Errorf("without a token: got %d, want 401", got.status)
	}
	s.ask(t, request{method: "POST", path: "/v1/logout", bearer: good}).want(t, 204)
	await(t, "the logout to be heard of", func() bool { return get(good).status == http.StatusUnauthorized })
}

// getFrom asks without TLS, with the name of a user that is not to be believed.
func getFrom(t *testing.T, address, token string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	must(t, err)
	r.Header.Set("X-User", "eve")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{}
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	return reply{status: answer.StatusCode, header: answer.Header, body: string(body)}
}

// freeAddress is a place on the loopback where nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
