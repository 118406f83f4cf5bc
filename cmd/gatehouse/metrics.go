package main

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse"
	"gatehouse/model"
	"gatehouse/web"
)

// metrics counts what this process does. No figure names a user, an address, a
// path or anything else that was sent: what strangers do changes numbers, and
// never how many of them there are. It is safe for concurrent use.
type metrics struct {
	began     time.Time
	refusals  counts
	logins    counts
	refreshes counts
	events    counts
	mails     counts

	mu       sync.RWMutex
	requests map[requestKind]*requestCounts
}

// requestKind is what requests are told apart by. Both are from the table of
// routes, or fixed.
type requestKind struct{ route, method string }

// requestCounts are those of one kind.
type requestCounts struct {
	statuses [6]atomic.Uint64 // by the first digit; 0 is none that there is
	took     durations
}

// resultSuccess is the result of a login or refresh that was not refused.
const resultSuccess = "success"

func newMetrics() *metrics {
	var codes, events []string
	for _, refusal := range model.Refusals() {
		codes = append(codes, refusal.Code)
	}
	for _, name := range model.EventNames() {
		events = append(events, string(name))
	}
	results := []string{
		resultSuccess, otherCount, model.ErrTooManyAttempts.Code, model.ErrOverloaded.Code, model.ErrUnavailable.Code, model.ErrInternal.Code,
	}
	return &metrics{
		began:     time.Now(),
		refusals:  newCounts(codes...),
		logins:    newCounts(append([]string{model.ErrWrongCredentials.Code, model.ErrUserDisabled.Code, model.ErrEmailUnverified.Code}, results...)...),
		refreshes: newCounts(append([]string{model.ErrInvalidToken.Code}, results...)...),
		events:    newCounts(events...),
		mails:     newCounts(mailSent, mailRefused, mailDeferred, mailFailed),
		requests:  map[requestKind]*requestCounts{},
	}
}

// answered counts a request.
func (m *metrics) answered(a web.Answered) {
	of := m.requestsOf(requestKind{route: or(a.Route, noRoute), method: a.Method})
	if class := a.Status / 100; class < len(of.statuses) {
		of.statuses[class].Add(1)
	}
	of.took.add(a.Took)
	if a.Code != "" {
		m.refusals.add(a.Code)
	}
	if a.Method != http.MethodPost {
		return
	}
	switch a.Route {
	case "/v1/login", "/login":
		m.logins.add(or(a.Code, resultSuccess))
	case "/v1/token/refresh":
		m.refreshes.add(or(a.Code, resultSuccess))
	}
}

// noRoute stands for every path that no route has.
const noRoute = "none"

func (m *metrics) requestsOf(kind requestKind) *requestCounts {
	m.mu.RLock()
	of := m.requests[kind]
	m.mu.RUnlock()
	if of != nil {
		return of
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if of = m.requests[kind]; of == nil {
		of = new(requestCounts)
		m.requests[kind] = of
	}
	return of
}

// writeTo writes what is counted here.
func (m *metrics) writeTo(e *exposition) {
	version, commit := builtFrom()
	e.family("gatehouse_build_info", kindGauge, "What runs; always 1.")
	e.add(1, "version", version, "commit", commit, "go", runtime.Version())
	m.writeRequests(e)
	for _, c := range []struct {
		name, label, help string
		counts            counts
	}{
		{"gatehouse_refusals_total", "code", "Requests that were refused, by the code of the refusal.", m.refusals},
		{"gatehouse_logins_total", "result", "Logins, by page and API: success or the code of the refusal.", m.logins},
		{"gatehouse_refreshes_total", "result", "Refreshes of tokens: success or the code of the refusal.", m.refreshes},
		{"gatehouse_events_total", "event", "Audit events that this process recorded.", m.events},
		{"gatehouse_mail_tries_total", "result", "Tries to send a mail: sent, refused for good, deferred for this mail, or failed for all.", m.mails},
	} {
		e.family(c.name, kindCounter, c.help)
		c.counts.writeTo(e, c.label)
	}
}

func (m *metrics) writeRequests(e *exposition) {
	m.mu.RLock()
	kinds := make([]requestKind, 0, len(m.requests))
	for kind := range m.requests {
		kinds = append(kinds, kind)
	}
	m.mu.RUnlock()
	slices.SortFunc(kinds, func(a, b requestKind) int {
		return strings.Compare(a.route+" "+a.method, b.route+" "+b.method)
	})
	e.family("gatehouse_http_requests_total", kindCounter, "Requests that were answered.")
	for _, kind := range kinds {
		statuses := &m.requestsOf(kind).statuses
		for class := range statuses {
			if n := statuses[class].Load(); n > 0 {
				e.add(float64(n), "route", kind.route, "method", kind.method, "status", fmt.Sprintf("%dxx", class))
			}
		}
	}
	e.family("gatehouse_http_request_duration_seconds", kindHistogram, "From the end of the header to the end of the answer.")
	for _, kind := range kinds {
		m.requestsOf(kind).took.writeTo(e, "route", kind.route, "method", kind.method)
	}
}

// writeHashes writes how busy the password hashes keep the machine.
func writeHashes(e *exposition, auth *gatehouse.Auth) {
	load := auth.HashLoad()
	e.one("gatehouse_password_hashes_total", kindCounter, "Passwords that were hashed or checked.", float64(load.Done))
	e.one("gatehouse_password_hashes_refused_total", kindCounter, "Passwords that were turned away since too many waited.", float64(load.Refused))
	e.one("gatehouse_password_hashes_waiting", kindGauge, "Passwords that wait to be hashed.", float64(load.Waiting))
	e.one("gatehouse_password_hash_memory_bytes", kindGauge, "Memory that the hashes at work may have.", float64(load.RunningKiB<<10))
	e.one("gatehouse_password_hash_memory_limit_bytes", kindGauge, "The bound on that memory.", float64(auth.HashMemoryKiB()<<10))
}
