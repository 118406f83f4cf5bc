//go:build failover

package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// How much is asked for. A hash of a password costs a core some 70 ms, so that
// few of them are a load: a registration and a login cost one each, a change of
// the password two.
const (
	refreshers    = 30 // sessions, each refreshed once in refreshEvery
	refreshEvery  = time.Second
	registrars    = 2 // each registers a user once in registerEvery, and logs in as it
	registerEvery = 2 * time.Second
	changers      = 2 // each logs in once in changeEvery, and changes the password
	changeEvery   = 8 * time.Second

	// askTimeout is longer than the server takes to give up, so that what was
	// not answered within it is over.
	askTimeout  = 30 * time.Second
	pause       = 250 * time.Millisecond // before what was not answered is asked again
	perUser     = 10                     // sessions of one user, fewer than the server allows
	kindRefresh = "refresh"
)

// load is the clients: each request goes to the next server, and what is not
// answered is asked again until it is.
type load struct {
	servers []*server
	next    atomic.Int64
	over    chan struct{}
	clients sync.WaitGroup

	mu      sync.Mutex
	told    *history
	samples []sample
	wrong   []string // answers that are wrong whatever the database did
	tooLate int      // sessions refused when a refresh that was not answered was asked again
}

// sample is one request.
type sample struct {
	kind            string
	begun, answered time.Time
	status          int  // 0 when there was no answer
	done            bool // it was answered that it is done
}

func newLoad(servers []*server) *load {
	for _, s := range servers {
		s.client.Timeout = askTimeout
	}
	return &load{servers: servers, over: make(chan struct{}), told: newHistory()}
}

// ask is one try at one server. It reports false when nobody knows what became
// of it: there was no answer, or one that says so.
func (l *load) ask(kind string, in request) (reply, bool) {
	s := l.servers[int(l.next.Add(1))%len(l.servers)]
	begun := time.Now()
	got, err := s.send(in)
	known := err == nil && got.status < 500
	l.mu.Lock()
	defer l.mu.Unlock()
	l.samples = append(l.samples, sample{kind: kind, begun: begun, answered: time.Now(), status: got.status, done: known && got.status < 300})
	return got, known
}

// until asks until there is an answer, and counts the tries that had none.
func (l *load) until(kind string, in request) (got reply, unanswered int) {
	for end := time.Now().Add(2 * patience); time.Now().Before(end); unanswered++ {
		got, known := l.ask(kind, in)
		if known {
			return got, unanswered
		}
		time.Sleep(pause)
	}
	l.complain("%s was not answered in %s", kind, 2*patience)
	return reply{}, unanswered
}

func (l *load) complain(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
}

func (l *load) note(change func(told *history)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l.told)
}

func (l *load) register(name, password string) {
	got, unanswered := l.until("register", request{method: "POST", path: "/v1/register", body: object("username", name, "password", password)})
	if got.status == 201 || got.status == 409 && unanswered > 0 {
		l.note(func(told *history) { told.users[name] = &toldUser{} })
		return
	}
	l.complain("registration of %s: status %d: %s", name, got.status, got.body)
}

// login returns a status beside the grant, for who tries out a password.
func (l *load) login(name, password string) (grant, int) {
	got, unanswered := l.until("login", request{method: "POST", path: "/v1/login", body: object("identifier", name, "password", password)})
	var g grant
	if got.status == 200 && json.Unmarshal([]byte(got.body), &g) != nil {
		l.complain("half a grant for %s", name)
	}
	l.note(func(told *history) {
		told.lostLogins += unanswered
		if g.Session != "" {
			told.sessions[g.Session] = &toldSession{}
		}
	})
	return g, got.status
}

func (l *load) mustLogin(name, password string) grant {
	g, status := l.login(name, password)
	if status != 200 {
		l.complain("login of %s: status %d", name, status)
	}
	return g
}

// refresh steps a session on. It reports false when the session is over: a step
// that was carried out and not answered was asked for again later than 10 s after.
func (l *load) refresh(g grant) (grant, bool) {
	got, unanswered := l.until(kindRefresh, request{method: "POST", path: "/v1/token/refresh", body: object("refresh_token", g.Refresh)})
	switch {
	case got.status == 401 && unanswered > 0:
		l.note(func(told *history) { told.sessions[g.Session].unknown = true; l.tooLate++ })
		return g, false
	case got.status != 200 || json.Unmarshal([]byte(got.body), &g) != nil:
		l.complain("refresh of session %s after %d without answer: status %d: %s", g.Session, unanswered, got.status, got.body)
		return g, false
	}
	l.note(func(told *history) { told.sessions[g.Session].steps++ })
	return g, true
}

// change changes a password and returns the one in force. What was not answered
// is found out by trying the new one, then the old one.
func (l *load) change(name, access, old, new string) string {
	for range 5 {
		got, known := l.ask("change", request{method: "POST", path: "/v1/password/change", bearer: access,
			body: object("current_password", old, "new_password", new)})
		if known && got.status != 204 {
			l.complain("password change of %s: status %d: %s", name, got.status, got.body)
			return old
		}
		if !known {
			if _, status := l.login(name, new); status == 401 {
				if _, status := l.login(name, old); status != 200 {
					l.complain("neither password of %s is right: status %d", name, status)
				}
				continue
			}
		}
		l.note(func(told *history) { told.users[name].changes++ })
		return new
	}
	l.complain("password change of %s was never answered", name)
	return old
}

// every runs one client until the load is over.
func (l *load) every(period time.Duration, do func()) {
	l.clients.Go(func() {
		ticker := time.NewTicker(period)
		defer ticker.Stop()
		for {
			select {
			case <-l.over:
				return
			case <-ticker.C:
				do()
			}
		}
	})
}

// stagger keeps clients of one kind from asking all at once.
func stagger(period time.Duration, clients int) { time.Sleep(period / time.Duration(clients)) }

// start brings all clients up, one after the other.
func (l *load) start() {
	for i := range refreshers {
		name := fmt.Sprintf("refresher%d", i/perUser)
		if i%perUser == 0 {
			l.register(name, word)
		}
		g := l.mustLogin(name, word)
		l.every(refreshEvery, func() {
			alive := false
			if g, alive = l.refresh(g); !alive {
				g = l.mustLogin(name, word)
			}
		})
	}
	for i := range registrars {
		n := 0
		l.every(registerEvery, func() {
			n++
			name := fmt.Sprintf("newcomer%d-%d", i, n)
			l.register(name, word)
			l.mustLogin(name, word)
		})
		stagger(registerEvery, registrars)
	}
	for i := range changers {
		name, password, n := fmt.Sprintf("changer%d", i), word, 0
		l.register(name, password)
		g := l.mustLogin(name, password)
		l.every(changeEvery, func() {
			n++
			g, password = l.changeOnce(name, password, fmt.Sprintf("%s, number %d", word, n), g)
		})
		stagger(changeEvery, changers)
	}
}

// changeOnce changes the password in one session and sees another one die of it.
func (l *load) changeOnce(name, old, new string, g grant) (grant, string) {
	g, alive := l.refresh(g)
	if !alive {
		g = l.mustLogin(name, old)
	}
	other := l.mustLogin(name, old)
	if new = l.change(name, g.Access, old, new); new == old {
		return g, old
	}
	l.note(func(told *history) { told.sessions[other.Session].ended = true })
	got, _ := l.until("revoked", request{method: "POST", path: "/v1/token/refresh", body: object("refresh_token", other.Refresh)})
	if got.status != 401 {
		l.complain("session %s was ended and its refresh token got status %d", other.Session, got.status)
	}
	return g, new
}

// finish lets every client end what it is at.
func (l *load) finish() {
	close(l.over)
	l.clients.Wait()
}

// done returns the times at which something was answered to be done, in order.
func (l *load) done() []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	var times []time.Time
	for _, s := range l.samples {
		if s.done {
			times = append(times, s.answered)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// recovered returns when the first request that began after the kill was
// answered to be done.
func (l *load) recovered(killed time.Time) (at time.Time, yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.samples { // in the order of their answers
		if s.done && s.begun.After(killed) {
			return s.answered, true
		}
	}
	return time.Time{}, false
}

// outage is the longest time around a kill in which nothing was answered to be
// done.
func (l *load) outage(killed time.Time) time.Duration {
	longest, last := time.Duration(0), time.Time{}
	for _, at := range l.done() {
		if at.Before(killed.Add(-time.Second)) {
			continue
		}
		if !last.IsZero() {
			longest = max(longest, at.Sub(last))
		}
		last = at
	}
	return longest
}

// times returns what the requests took that lie between two moments.
func (l *load) times(refresh bool, from, to time.Time) []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var took []time.Duration
	for _, s := range l.samples {
		if (s.kind == kindRefresh) == refresh && s.kind != "revoked" && s.begun.After(from) && s.answered.Before(to) {
			took = append(took, s.answered.Sub(s.begun))
		}
	}
	return took
}
