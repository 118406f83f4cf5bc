package e2e

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to look into the file when nobody serves it
)

// killsVariable says how often the server is killed at random moments; 25 times by
// default, which fits into the time of a suite.
const killsVariable = "GATEHOUSE_KILLS"

const (
	chains = 6
	// retryWindow is a little less than the 10 seconds in which the parent of
	// a refresh token still gets the same successor. What a slow machine takes
	// longer than this for proves nothing.
	retryWindow = 9 * time.Second
)

// chain is one session that is refreshed again and again by two callers at
// once, and remembers every answer that was given.
type chain struct {
	spent  map[string]string // refresh token to the successor it was answered with
	tokens []string          // all that were in force, the oldest first
	wrong  []string
}

func newChain(t *testing.T, s *server) *chain {
	t.Helper()
	return &chain{spent: map[string]string{}, tokens: []string{s.login(t, "ana").Refresh}}
}

func (c *chain) last() string { return c.tokens[len(c.tokens)-1] }

// answered notes a successor that the server gave. Two for one token are the
// failure this test is about.
func (c *chain) answered(parent, successor string) {
	if known, ok := c.spent[parent]; ok && known != successor {
		c.wrong = append(c.wrong, "one refresh token got two successors")
	}
	if c.spent[parent] == "" {
		c.spent[parent] = successor
	}
	if c.last() == parent {
		c.tokens = append(c.tokens, successor)
	}
}

// step presents the token in force twice at the same time, and reports whether
// there was any answer.
func (c *chain) step(s *server) bool {
	began, parent := time.Now(), c.last()
	var answers [2]struct {
		status int
		next   grant
		err    error
	}
	var both sync.WaitGroup
	for i := range answers {
		both.Go(func() {
			a := &answers[i]
			a.status, a.next, a.err = s.refresh(parent)
		})
	}
	both.Wait()
	alive := true
	for _, a := range answers {
		switch {
		case a.err != nil:
			alive = false
		case a.status == 200:
			c.answered(parent, a.next.Refresh)
		case time.Since(began) < retryWindow:
			c.wrong = append(c.wrong, fmt.Sprintf("a token in force got status %d", a.status))
			alive = false
		}
	}
	return alive
}

// resume presents the last token that was acknowledged, after a crash: its step
// may have reached the disk or not, and either way there is one successor. The
// window is counted from before the crash.
func (c *chain) resume(t *testing.T, s *server, crashed time.Time) {
	t.Helper()
	parent := c.last()
	for range 2 {
		status, next, err := s.refresh(parent)
		if err != nil {
			t.Fatal(err)
		}
		if status == 401 && time.Since(crashed) > retryWindow {
			t.Log("the restart took longer than the retry window; the session begins anew")
			*c = *newChain(t, s)
			return
		}
		if status != 200 {
			t.Fatalf("an acknowledged refresh token got status %d after the restart", status)
		}
		c.answered(parent, next.Refresh)
	}
}

// enrolment registers users one after the other and remembers each that was
// acknowledged.
type enrolment struct {
	acknowledged []string
	asked        int
}

func (e *enrolment) step(s *server) bool {
	e.asked++
	name := fmt.Sprintf("user%d", e.asked)
	got, err := s.send(request{method: "POST", path: "/v1/register", body: object("username", name, "password", word)})
	if err == nil && got.status == 201 {
		e.acknowledged = append(e.acknowledged, name)
	}
	return err == nil
}

// check finds every acknowledged user in the store.
func (e *enrolment) check(t *testing.T, s *server) {
	t.Helper()
	var listed []struct {
		Username string `json:"username"`
	}
	must(t, json.Unmarshal([]byte(users(t, s.data)), &listed))
	there := map[string]bool{}
	for _, user := range listed {
		there[user.Username] = true
	}
	for _, name := range e.acknowledged {
		if !there[name] {
			t.Errorf("ST-03 %s was acknowledged and is gone", name)
		}
	}
}

// shortWhile is a random time that a crash may come after.
func shortWhile(t *testing.T) time.Duration {
	t.Helper()
	n, err := rand.Int(rand.Reader, big.NewInt(int64(400*time.Millisecond)))
	must(t, err)
	return time.Duration(n.Int64())
}

// crashUnderLoad lets everybody work on the server and kills it somewhere in
// the middle. It returns a moment before the crash.
func crashUnderLoad(t *testing.T, s *server, steps ...func(*server) bool) time.Time {
	t.Helper()
	var load sync.WaitGroup
	for _, step := range steps {
		load.Go(func() {
			for step(s) {
			}
		})
	}
	time.Sleep(shortWhile(t)) // the moment of the crash, nothing is measured by it
	crashed := time.Now()
	s.kill()
	load.Wait()
	return crashed
}

func TestCrash(t *testing.T) {
	t.Parallel()
	s := serve(t, newData(t), "--hash-params", cheapHash)
	s.register(t, "ana")
	all := make([]*chain, chains)
	for i := range all {
		all[i] = newChain(t, s)
	}
	s.kill()
	// Each part below starts a process of its own on the same data.
	t.Run("ST-03_RF-03_RF-10_kill_at_random_moments", func(t *testing.T) { killAtRandom(t, s.again(t), all) })
	t.Run("RF-11_reuse_is_noticed_after_a_crash", func(t *testing.T) {
		s := s.again(t)
		c := all[0]
		for range 3 {
			if !c.step(s) {
				t.Fatalf("no refresh: %v", c.wrong)
			}
		}
		s.kill()
		s = s.again(t)
		reuse(t, s, c.tokens[len(c.tokens)-3], c.last())
		s.kill()
		s = s.again(t)
		reuse(t, s, c.last())
	})
	t.Run("ST-02_what_was_acknowledged_just_before_the_crash_stays", func(t *testing.T) { acknowledged(t, s.again(t)) })
	t.Run("ST-03_the_file_is_whole", func(t *testing.T) {
		s.again(t).stop(t)
		checkFile(t, s.data)
	})
}

// killsWanted is how often.
func killsWanted(t *testing.T) int {
	t.Helper()
	text := os.Getenv(killsVariable)
	if text == "" {
		return 25
	}
	n, err := strconv.Atoi(text)
	must(t, err)
	return n
}

// killAtRandom kills the server again and again, under refreshes or under
// registrations, and holds it to every answer it gave.
func killAtRandom(t *testing.T, s *server, all []*chain) {
	t.Helper()
	kills := killsWanted(t)
	enrolled, refreshing := &enrolment{}, make([]func(*server) bool, len(all))
	for i, c := range all {
		refreshing[i] = c.step
	}
	for i := range kills {
		steps, hashing := refreshing, i%3 == 0
		if hashing { // a hash takes long, so one is waited for and the next ones run into the crash
			steps = []func(*server) bool{enrolled.step}
			enrolled.step(s)
		}
		crashed := crashUnderLoad(t, s, steps...)
		s = s.again(t)
		for _, c := range all {
			c.resume(t, s, crashed)
			for _, wrong := range c.wrong {
				t.Error(wrong)
			}
		}
		if hashing {
			enrolled.check(t, s)
		}
		s.ask(t, request{method: "GET", path: "/readyz"}).want(t, 200)
		if t.Failed() {
			t.Fatal("the first crash that did harm is enough")
		}
	}
	refreshed := 0
	for _, c := range all {
		refreshed += len(c.spent)
	}
	t.Logf("%d kills, %d refreshes and %d registrations acknowledged, of %d asked for",
		kills, refreshed, len(enrolled.acknowledged), enrolled.asked)
	if refreshed < kills || len(enrolled.acknowledged) == 0 {
		t.Fatal("there was too little load to prove anything")
	}
	s.login(t, enrolled.acknowledged[len(enrolled.acknowledged)-1])
}

// reuse presents tokens of a session that is over by the first of them.
func reuse(t *testing.T, s *server, tokens ...string) {
	t.Helper()
	for i, token := range tokens {
		status, _, err := s.refresh(token)
		must(t, err)
		if status != 401 {
			t.Errorf("token %d: got status %d, want 401", i+1, status)
		}
	}
}

// acknowledged kills the server right after each answer that promises
// something, and looks whether the promise is kept.
func acknowledged(t *testing.T, s *server) {
	t.Helper()
	crash := func() {
		s.kill()
		s = s.again(t)
	}
	s.register(t, "eva")
	g := s.login(t, "eva")
	s.ask(t, request{method: "POST", path: "/v1/logout", bearer: g.Access}).want(t, 204)
	crash()
	reuse(t, s, g.Refresh)
	s.ask(t, request{method: "GET", path: "/v1/me", bearer: g.Access}).want(t, 401)

	g = s.login(t, "eva")
	s.ask(t, request{method: "POST", path: "/v1/password/change", bearer: g.Access,
		body: object("current_password", word, "new_password", "five other quiet words here")}).want(t, 204)
	crash()
	s.ask(t, request{method: "POST", path: "/v1/login", body: object("identifier", "eva", "password", word)}).want(t, 401)
	_, code, _ := strings.Cut(strings.Fields(done(t, s.data, "", "user", "reset-link", "eva"))[0], "code=")
	spend := request{method: "POST", path: "/v1/password/reset", body: object("code", code, "new_password", resetsWord)}
	s.ask(t, spend).want(t, 204)
	crash()
	s.ask(t, spend).want(t, 400)
	g = s.ask(t, request{method: "POST", path: "/v1/login", body: object("identifier", "eva", "password", resetsWord)}).want(t, 200).grant(t)
	s.ask(t, request{method: "DELETE", path: "/v1/account", bearer: g.Access, body: object("password", resetsWord)}).want(t, 204)
	crash()
	reuse(t, s, g.Refresh)
	if got := command(t, s.data, "", "user", "show", "eva"); got.code != 1 {
		t.Errorf("the deleted user is there again: %s", got.out)
	}
}

// checkFile asks the database for what must not be in it.
func checkFile(t *testing.T, data string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "gatehouse.db")+"?mode=ro")
	must(t, err)
	defer db.Close()
	var verdict string
	must(t, db.QueryRow("PRAGMA integrity_check").Scan(&verdict))
	if verdict != "ok" {
		t.Errorf("integrity_check: %s", verdict)
	}
	for question, query := range map[string]string{
		"references that lead nowhere":        "SELECT count(*) FROM pragma_foreign_key_check",
		"users without a password":            "SELECT count(*) FROM users WHERE password_hash = ''",
		"users whose creation has no event":   "SELECT count(*) FROM users WHERE id NOT IN (SELECT user_id FROM events WHERE user_id IS NOT NULL)",
		"live sessions of nobody":             "SELECT count(*) FROM sessions WHERE ended_at IS NULL AND user_id IS NULL",
		"sessions that share a status":        "SELECT count(*) - count(DISTINCT status_index) FROM sessions",
		"sessions whose opening has no event": "SELECT count(*) FROM sessions WHERE id NOT IN (SELECT session_id FROM events WHERE session_id IS NOT NULL)",
	} {
		var count int
		must(t, db.QueryRow(query).Scan(&count))
		if count != 0 {
			t.Errorf("%d %s", count, question)
		}
	}
}
