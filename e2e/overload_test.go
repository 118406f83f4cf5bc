package e2e

import (
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestPW20ManyLoginsAtOnce is 500 logins at the cheapest price. How fast the
// server answers meanwhile is measured by scripts/bench storm.
func TestPW20ManyLoginsAtOnce(t *testing.T) {
	const logins, budgetMiB, besideMiB = 500, 48, 128
	s := serve(t, newData(t), "--hash-memory", strconv.Itoa(budgetMiB)+"MiB", "--hash-params", "m=12288,t=3,p=1")
	for i := range stormUsers + 1 { // a user logs in five times at once, and keeps 20 sessions
		s.register(t, "user"+strconv.Itoa(i))
	}
	g := s.login(t, "user"+strconv.Itoa(stormUsers))
	answers := make([]reply, logins)
	var all sync.WaitGroup
	for i := range answers {
		name, password := stormUser(i), word
		if i%2 == 1 { // nobody is guessed at twice, or guesses would be slowed down
			name, password = newName(), otherWord
		}
		all.Go(func() {
			var err error
			answers[i], err = s.send(request{method: "POST", path: "/v1/login", body: object("identifier", name, "password", password)})
			if err != nil {
				t.Error(err)
			}
		})
	}
	for range 20 {
		s.ask(t, request{method: "GET", path: "/healthz"}).want(t, 200)
		s.ask(t, request{method: "GET", path: "/v1/me", bearer: g.Access}).want(t, 200)
	}
	all.Wait()
	counts := map[int]int{}
	for i, got := range answers {
		counts[got.status]++
		switch got.status {
		case 200:
			if i%2 == 1 {
				t.Error("a wrong password logged in")
			}
		case 401:
			if i%2 == 0 {
				t.Error("the right password was refused")
			}
		case 503:
			if seconds, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 30 {
				t.Errorf("%d with Retry-After %q", got.status, got.header.Get("Retry-After"))
			}
		default:
			t.Errorf("status %d: %s", got.status, got.body)
		}
	}
	if counts[200] == 0 || counts[401] == 0 {
		t.Errorf("nobody came through: %v", counts)
	}
	if used := s.memory(t, "VmHWM") >> 10; used > budgetMiB+besideMiB {
		t.Errorf("%d MiB were resident, want %d of hashes and %d at most", used, budgetMiB, besideMiB)
	}
	t.Run("PW-22_a_megabyte_of_password_is_too_much", func(t *testing.T) {
		long := strings.Repeat("p", 1<<20)
		for _, path := range []string{"/v1/login", "/v1/register"} {
			s.ask(t, request{method: "POST", path: path, body: object("password", long)}).want(t, 413)
		}
	})
}
