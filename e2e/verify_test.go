package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/verify"
)

// annex is a service of somebody else that accepts the tokens of a server. It
// listens on a port of its own.
type annex struct {
	verifier *verify.Verifier
	url      string
}

func newAnnex(t testing.TB, s *server, change func(*verify.Config)) *annex {
	t.Helper()
	config := verify.Config{Issuer: s.url, Audience: s.url, RootCAs: s.tls(t).RootCAs}
	change(&config)
	v, err := verify.New(config)
	must(t, err)
	t.Cleanup(v.Close)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must(t, v.Ready(ctx))
	service := httptest.NewServer(v.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := verify.FromContext(r.Context())
		fmt.Fprint(w, claims.SessionID)
	})))
	t.Cleanup(service.Close)
	return &annex{verifier: v, url: service.URL}
}

// ask sends a token to the service and returns the status.
func (a *annex) ask(token string) (int, error) {
	request, err := http.NewRequest(http.MethodGet, a.url, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// knock is ask for a test that needs the answer.
func (a *annex) knock(t testing.TB, token string) int {
	t.Helper()
	status, err := a.ask(token)
	must(t, err)
	return status
}

// untilRefused logs out at the server and returns how long the service went on
// accepting the token. More than 10 seconds are an error.
func (a *annex) untilRefused(s *server, token string) (time.Duration, error) {
	if status, err := a.ask(token); err != nil || status != http.StatusOK {
		return 0, fmt.Errorf("before the logout: status %d, %w", status, err)
	}
	got, err := s.send(request{method: "POST", path: "/v1/logout", bearer: token})
	if err != nil || got.status != http.StatusNoContent {
		return 0, fmt.Errorf("logout: status %d, %w", got.status, err)
	}
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		status, err := a.ask(token)
		switch took := time.Since(start); {
		case err != nil:
			return 0, err
		case status == http.StatusUnauthorized:
			return took, nil
		case status != http.StatusOK || took > 10*time.Second:
			return 0, fmt.Errorf("status %d, %s after the logout", status, took)
		}
	}
}

// logins opens sessions of several users, since one may have no more than 20.
func logins(t testing.TB, s *server, count int) []grant {
	t.Helper()
	grants := make([]grant, count)
	for i := range grants {
		user := fmt.Sprintf("user-%d", i/10)
		if i%10 == 0 {
			s.register(t, user)
		}
		grants[i] = s.login(t, user)
	}
	return grants
}

// untilAllRefused logs sessions out, all within two seconds so that they meet
// each phase of the polls, and returns how long each was accepted elsewhere, the
// shortest first.
func untilAllRefused(t testing.TB, sessions int) (took []time.Duration) {
	t.Helper()
	s := serve(t, newData(t))
	a := newAnnex(t, s, func(*verify.Config) {})
	grants := logins(t, s, sessions)
	stays := s.login(t, "user-0")
	var all sync.WaitGroup
	took = make([]time.Duration, sessions)
	for i, g := range grants {
		all.Go(func() {
			time.Sleep(2 * time.Second * time.Duration(i) / time.Duration(sessions))
			until, err := a.untilRefused(s, g.Access)
			if err != nil {
				t.Error(err)
			}
			took[i] = until
		})
	}
	all.Wait()
	for _, g := range grants {
		if got := a.knock(t, g.Access); got != http.StatusUnauthorized {
			t.Errorf("a refused token came back: status %d", got)
		}
	}
	if got := a.knock(t, stays.Access); got != http.StatusOK {
		t.Errorf("a session that nobody ended: got status %d", got)
	}
	slices.Sort(took)
	return took
}

func TestALogoutReachesAnotherService(t *testing.T) {
	t.Parallel()
	took := untilAllRefused(t, 16)
	t.Logf("from the answer to the logout to the first refusal elsewhere: %s", took)
}

// BenchmarkLogoutElsewhere is from the answer to a logout to the first refusal in
// another service.
func BenchmarkLogoutElsewhere(b *testing.B) {
	for range b.N {
		took := untilAllRefused(b, 50)
		b.ReportMetric(median(took).Seconds(), "p50-s")
		b.ReportMetric(took[len(took)*99/100].Seconds(), "p99-s")
	}
	b.ReportMetric(0, "ns/op")
}

func TestWithoutTheServerNothingIsAccepted(t *testing.T) {
	t.Parallel()
	s := serve(t, newData(t))
	a := newAnnex(t, s, func(c *verify.Config) { c.StatusMaxAge = 2 * time.Second })
	s.register(t, "ana")
	g := s.login(t, "ana")
	if got := a.knock(t, g.Access); got != http.StatusOK {
		t.Fatalf("got status %d", got)
	}
	s.kill()
	await(t, "the service to refuse", func() bool { return a.knock(t, g.Access) == http.StatusServiceUnavailable })
	for range 100 {
		if got := a.knock(t, g.Access); got != http.StatusServiceUnavailable {
			t.Fatalf("got status %d without a fresh list", got)
		}
	}
	// At the same place: the service knows no other.
	start(t, s.data, exec.Command(os.Getenv(binaryVariable), "serve", "--listen", s.port(t), "--data", s.data, "--url", s.url))
	await(t, "the service to accept again", func() bool { return a.knock(t, g.Access) == http.StatusOK })
}

func TestKeysChangeUnderAnotherService(t *testing.T) {
	t.Parallel()
	s := serve(t, newData(t))
	a := newAnnex(t, s, func(*verify.Config) {})
	s.register(t, "ana")
	before := s.login(t, "ana")
	t.Run("JW-24_a_rotation_refuses_no_token", func(t *testing.T) {
		done(t, s.data, "", "keys", "rotate")
		for range 3 {
			if got := a.knock(t, before.Access); got != http.StatusOK {
				t.Errorf("a token of before: got status %d", got)
			}
			if got := a.knock(t, s.login(t, "ana").Access); got != http.StatusOK {
				t.Errorf("a token of after: got status %d", got)
			}
		}
	})
	t.Run("JW-31_a_key_that_leaked_is_gone_before_the_key_set_is_due", func(t *testing.T) {
		done(t, s.data, "", "keys", "rotate", "--now", "--yes")
		await(t, "the old token to be refused", func() bool { return a.knock(t, before.Access) == http.StatusUnauthorized })
		status, after, err := s.refresh(before.Refresh)
		if err != nil || status != http.StatusOK {
			t.Fatalf("refresh: got status %d, %v", status, err)
		}
		if got := a.knock(t, after.Access); got != http.StatusOK {
			t.Errorf("a token of the new key: got status %d", got)
		}
		if got := a.knock(t, before.Access); got != http.StatusUnauthorized {
			t.Errorf("the old token came back: status %d", got)
		}
	})
}

// TestServerAndVerifierAgreeOnAges holds together what the two say by themselves:
// how long something is published, and how long it is relied on.
func TestServerAndVerifierAgreeOnAges(t *testing.T) {
	t.Parallel()
	s := serve(t, newData(t))
	// refuses says whether a verifier may not be made like this, for this field.
	refuses := func(field string, config verify.Config) bool {
		config.Issuer, config.Audience, config.RootCAs = s.url, s.url, s.tls(t).RootCAs
		v, err := verify.New(config)
		v.Close()
		return err != nil && strings.Contains(err.Error(), "Config."+field+" ")
	}
	t.Run("JW-24_keys_are_not_relied_on_for_longer_than_the_next_is_published_ahead", func(t *testing.T) {
		if !refuses("KeySetMaxAge", verify.Config{KeySetMaxAge: gatehouse.KeyPublishedAhead + 1}) {
			t.Error("a key may sign before a verifier has it")
		}
	})
	t.Run("JW-24_keys_are_not_looked_at_again_before_a_cache_does", func(t *testing.T) {
		want := fmt.Sprintf("public, max-age=%d", int(gatehouse.KeySetAge.Seconds()))
		if got := s.ask(t, request{method: "GET", path: "/.well-known/jwks.json"}).header.Get("Cache-Control"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		// The age is at least twice the interval, and so says what the interval is.
		if !refuses("KeySetMaxAge", verify.Config{KeySetMaxAge: 2*gatehouse.KeySetAge - 1}) {
			t.Error("the default of Config.KeySetInterval is shorter than a key set is kept")
		}
	})
	list := s.ask(t, request{method: "GET", path: "/v1/status-list"})
	_, payload, _ := parts(t, list.body)
	said, err := base64.RawURLEncoding.DecodeString(payload)
	must(t, err)
	var claims struct{ Iat, Exp, TTL int64 }
	must(t, json.Unmarshal(said, &claims))
	life, age := time.Duration(claims.Exp-claims.Iat)*time.Second, time.Duration(claims.TTL)*time.Second
	t.Run("a_list_is_not_relied_on_for_longer_than_it_lasts", func(t *testing.T) {
		if !refuses("StatusMaxAge", verify.Config{StatusMaxAge: life + 1}) {
			t.Errorf("a verifier may rely on a list for longer than %s", life)
		}
		// A list that is answered may be half over.
		if interval := life / 5; !refuses("StatusMaxAge", verify.Config{StatusInterval: interval}) {
			t.Errorf("the default of Config.StatusMaxAge is %s or more, and a list may last %s", 2*interval, life/2)
		}
	})
	t.Run("a_list_is_not_looked_at_again_before_a_cache_does", func(t *testing.T) {
		if got, want := list.header.Get("Cache-Control"), fmt.Sprintf("public, max-age=%d", claims.TTL); got != want || age != gatehouse.StatusListAge {
			t.Errorf("got %q and a ttl of %s, want %q and %s", got, age, want, gatehouse.StatusListAge)
		}
		if !refuses("StatusMaxAge", verify.Config{StatusMaxAge: 2*age - 1}) {
			t.Error("the default of Config.StatusInterval is shorter than a list is kept")
		}
	})
}
