package e2e

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	loadLasts = 5 * time.Second // with the crashes in it
	crashes   = 3
	fifty     = 50 // who present one token at once
	tabsEach  = 3  // of one client
)

// stage is the processes under test. The crashes replace them one by one.
type stage struct {
	slots   []atomic.Pointer[server]
	restart func(t *testing.T, old *server) *server
	// alone is for processes with which everything ends: what they were asked
	// and did not answer has no effect after their death. A database server may
	// still carry out a commit that it was sent.
	alone bool
}

func (s *stage) any() *server { return s.slots[upTo(len(s.slots))].Load() }

// crash kills one process and starts another in its place.
func (s *stage) crash(t *testing.T, w *witness) {
	t.Helper()
	slot := &s.slots[upTo(len(s.slots))]
	old := slot.Load()
	old.kill()
	w.buried(old)
	slot.Store(s.restart(t, old))
}

func upTo(n int) int {
	var b [1]byte
	_, _ = rand.Read(b[:])
	return int(b[0]) % n
}

// witness writes the history down.
type witness struct {
	*stage
	began time.Time

	mu      sync.Mutex
	acts    []seen
	burials map[*server]time.Duration
	texts   map[string]string // session and counter to the token
	wrong   []string
}

// seen is an act and what is known of it while the history goes on.
type seen struct {
	act
	told
	by *server
}

// ask makes one request that concerns a session and writes down how it went.
func (w *witness) ask(a act, in request) (reply, told) {
	got, s, asked := w.try(a, in)
	if asked {
		w.note(s)
	}
	if s.successor != 0 {
		w.named(s, got.next())
	}
	return got, s.told
}

// try makes the request. It was never asked when there was no connection.
func (w *witness) try(a act, in request) (got reply, s seen, asked bool) {
	by := w.any()
	a.called = time.Since(w.began)
	got, err := by.send(in)
	a.returned = time.Since(w.began)
	s = seen{a, told{answered: err == nil && got.status < 500, refused: got.status == 401}, by}
	if s.answered && !s.refused && a.verb == refreshing {
		s.successor, err = counterOf(got.next())
	}
	if s.answered && (err != nil || got.status >= 300 && !s.refused) {
		w.complain(fmt.Sprintf("%s: status %d: %v", a.verb, got.status, err))
	}
	var wire *net.OpError
	return got, s, !errors.As(err, &wire) || wire.Op != "dial"
}

func (w *witness) note(acts ...seen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acts = append(w.acts, acts...)
}

func (w *witness) complain(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, what)
}

// named holds every token to be the only one of its counter.
func (w *witness) named(s seen, token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := fmt.Sprint(s.session, s.successor)
	if known := w.texts[name]; known != "" && known != token {
		w.wrong = append(w.wrong, "one counter has two tokens")
	}
	w.texts[name] = token
}

// next is the refresh token in a grant.
func (r reply) next() string {
	_, rest, _ := strings.Cut(r.body, `"refresh_token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	return token
}

// buried notes that a process is gone.
func (w *witness) buried(s *server) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.burials[s] = time.Since(w.began)
}

// history is what porcupine wants. What was not answered may have taken effect
// until its process was gone, or the history was over.
func (w *witness) history() (all []porcupine.Operation, unanswered int) {
	over := time.Since(w.began)
	for i, s := range w.acts {
		if !s.answered {
			unanswered++
			s.returned = max(s.returned, over)
			if gone, ok := w.burials[s.by]; ok && w.alone {
				s.returned = max(s.called, gone)
			}
		}
		all = append(all, operation(i, s.act, s.told))
	}
	return all, unanswered
}

// player is one session and those who hold its tokens.
type player struct {
	*witness
	grant

	mu     sync.Mutex
	tokens []string // by counter, as far as they were answered in a row
	dead   atomic.Bool
}

func (w *witness) login(t *testing.T, name string) *player {
	t.Helper()
	g := w.any().login(t, name)
	return &player{witness: w, grant: g, tokens: []string{g.Refresh}}
}

// back is the token so many steps before the newest, and its counter.
func (p *player) back(steps int) (counter int64, token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := max(len(p.tokens)-1-steps, 0)
	return int64(i), p.tokens[i]
}

func (p *player) refresh(steps int) told {
	counter, token := p.back(steps)
	got, t := p.ask(act{session: p.Session, verb: refreshing, counter: counter},
		request{method: "POST", path: "/v1/token/refresh", body: object("refresh_token", token)})
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.answered && !t.refused && t.successor == int64(len(p.tokens)) {
		p.tokens = append(p.tokens, got.next())
	}
	return t
}

func (p *player) look() {
	p.ask(act{session: p.Session, verb: looking}, request{method: "GET", path: "/v1/me", bearer: p.Access})
}

func (p *player) logOut() {
	p.ask(act{session: p.Session, verb: ending}, request{method: "POST", path: "/v1/logout", bearer: p.Access})
}

func (p *player) revoke() {
	_, token := p.back(upTo(3))
	p.ask(act{session: p.Session, verb: ending}, request{method: "POST", path: "/v1/token/revoke", body: object("token", token)})
}

// endOthers ends every session of the user but this one: an act in the history
// of each.
func (p *player) endOthers(others []*player) {
	_, s, _ := p.try(act{verb: ending}, request{method: "DELETE", path: "/v1/sessions", bearer: p.Access})
	for _, other := range others {
		s.session = other.Session
		p.note(s)
	}
}

// orderly is a client as docs/refresh.md asks it to be, with several tabs: the
// next step is asked for when the older calls are over. It ends with the session.
func (p *player) orderly(over <-chan struct{}) {
	for steps := 0; p.pause(over); steps = upTo(2) {
		var tabs sync.WaitGroup
		for range tabsEach {
			tabs.Go(func() { p.refreshOrDie(steps) })
		}
		tabs.Go(p.look)
		tabs.Wait()
	}
}

// wild is a client that does not wait, and loses its session by it sooner or later.
func (p *player) wild(over <-chan struct{}) {
	for p.pause(over) {
		p.refreshOrDie(upTo(2))
	}
}

func (p *player) refreshOrDie(steps int) {
	if p.refresh(steps).refused {
		p.dead.Store(true)
	}
}

// pause reports false when there is nothing more to do.
func (p *player) pause(over <-chan struct{}) bool {
	select {
	case <-over:
		return false
	case <-time.After(time.Duration(upTo(30)) * time.Millisecond):
		return !p.dead.Load()
	}
}
