package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	stormUsers       = 64                     // who the clients log in as, in turn
	floodConnections = 64                     // of the one client who floods
	arrival          = 5 * time.Second        // within which all others have come
	floodPause       = 100 * time.Millisecond // after each answer, whatever it says
	probePause       = 20 * time.Millisecond
	memoryPause      = 100 * time.Millisecond
	stormBudgetMiB   = 256 // of hashes, set for it
	stormMarginMiB   = 64  // for everything else
)

// answered is one answer to a request of the storm.
type answered struct {
	client int // 0 is the flooder
	status string
	at     time.Duration // since the storm began
	took   time.Duration
}

// storm is many clients who log in at once, each from an address of its own, and
// one of whom floods. They share the machine with the server.
type storm struct {
	server  *server
	clients int
	tokens  string // bearer of the probes
	began   time.Time
	end     context.Context

	mu       sync.Mutex
	logins   []answered
	probes   map[string][]answered // by path
	resident []stormSample
	failed   error
}

type stormSample struct {
	at  time.Duration
	MiB float64
}

// BenchmarkLoginStorm is 256 and 2,000 clients who log in for as long as
// GATEHOUSE_BENCH_STORM says, beside the rate of bare hashes on all cores just
// before and just after. GATEHOUSE_STORM_PLOTS names a directory for pictures.
func BenchmarkLoginStorm(b *testing.B) {
	lasts, err := time.ParseDuration(os.Getenv("GATEHOUSE_BENCH_STORM"))
	if err != nil {
		b.Skip("GATEHOUSE_BENCH_STORM says no time; scripts/bench storm sets it")
	}
	for _, clients := range []int{256, 2000} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			for b.Loop() {
				s := newStorm(b, clients)
				before := bareHashes(b)
				took := s.run(b, lasts)
				found := s.find(took, before.mean(bareHashes(b)))
				found.report(b)
				if dir := os.Getenv("GATEHOUSE_STORM_PLOTS"); dir != "" {
					must(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("storm-%d.svg", clients)), []byte(found.picture()), 0o644))
				}
			}
		})
	}
}

func newStorm(b *testing.B, clients int) *storm {
	b.Helper()
	s := &storm{server: serve(b, newData(b), "--hash-memory", fmt.Sprintf("%dMiB", stormBudgetMiB)), clients: clients, probes: map[string][]answered{}}
	for i := range stormUsers {
		s.server.register(b, stormUser(i))
	}
	s.server.register(b, "probe")
	s.tokens = s.server.login(b, "probe").Access
	return s
}

func stormUser(i int) string { return "user" + strconv.Itoa(i%stormUsers) }

// run has everybody connected before it begins.
func (s *storm) run(b *testing.B, lasts time.Duration) stormTook {
	b.Helper()
	flood, others := make([]*stormWire, floodConnections), make([]*stormWire, s.clients-1)
	for i := range flood {
		flood[i] = s.connect(b, 0)
	}
	for i := range others {
		others[i] = s.connect(b, i+1)
	}
	probes := map[string]*stormWire{"/v1/me": s.connect(b, s.clients), "/healthz": s.connect(b, s.clients+1)}
	ctx, cancel := context.WithTimeout(b.Context(), lasts)
	defer cancel()
	// One processor is plenty for them; with more, each answer has a thread woken to
	// look for work, at the cost of the server.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	used, stretch := processorTime(), beginStretch()
	s.began, s.end = time.Now(), ctx
	var all sync.WaitGroup
	for _, w := range flood {
		all.Go(func() { s.logIn(w, flooding) })
	}
	for i, w := range others {
		all.Go(func() {
			s.sleep(arrival * time.Duration(i) / time.Duration(len(others)))
			s.logIn(w, asTold)
		})
	}
	for path, w := range probes {
		all.Go(func() { s.probe(path, w) })
	}
	all.Go(func() { s.watchMemory(b) })
	<-ctx.Done()
	took := stormTook{lasts, (processorTime() - used).Seconds() / lasts.Seconds(), stretch.given()}
	all.Wait()
	must(b, s.failed)
	return took
}

// asTold logs in again at once, and after a refusal when the answer says.
func asTold(retry time.Duration) time.Duration { return retry }

func flooding(time.Duration) time.Duration { return floodPause }

// logIn logs in again and again.
func (s *storm) logIn(w *stormWire, pause func(retry time.Duration) time.Duration) {
	request := s.server.head("POST", "/v1/login", "", object("identifier", stormUser(w.client), "password", word))
	for s.end.Err() == nil {
		got, retry, err := s.trade(w, request, time.Now())
		if err != nil {
			s.fail(fmt.Errorf("client %d: %w", w.client, err))
			return
		}
		s.mu.Lock()
		s.logins = append(s.logins, got)
		s.mu.Unlock()
		s.sleep(pause(retry))
	}
}

// probe asks at fixed times, and counts from them: what comes late because of the
// answer before is late all the same.
func (s *storm) probe(path string, w *stormWire) {
	request := s.server.head("GET", path, s.tokens, "")
	for due := s.began; s.end.Err() == nil; due = due.Add(probePause) {
		s.sleep(time.Until(due))
		got, _, err := s.trade(w, request, due)
		if err == nil && got.status != "200" {
			err = fmt.Errorf("status %s", got.status)
		}
		if err != nil {
			s.fail(fmt.Errorf("%s: %w", path, err))
			return
		}
		s.mu.Lock()
		s.probes[path] = append(s.probes[path], got)
		s.mu.Unlock()
	}
}

func (s *storm) watchMemory(b *testing.B) {
	for s.end.Err() == nil {
		now := stormSample{time.Since(s.began), float64(s.server.memory(b, "VmRSS")) / 1024}
		s.mu.Lock()
		s.resident = append(s.resident, now)
		s.mu.Unlock()
		s.sleep(memoryPause)
	}
}

func (s *storm) sleep(pause time.Duration) {
	if pause <= 0 {
		return
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.end.Done():
	}
}

func (s *storm) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = err
	}
}

// stormWire is a connection from the address of a client.
type stormWire struct {
	wire
	client int
}

// connect comes from an address that only this client has: all of 127.0.0.0/8 is
// this machine.
func (s *storm) connect(b *testing.B, client int) *stormWire {
	b.Helper()
	config := s.server.tls(b)
	config.NextProtos = []string{"http/1.1"}
	number := client + 256
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(number>>8), byte(number))}}
	conn, err := tls.DialWithDialer(dialer, "tcp", s.server.port(b), config)
	must(b, err)
	b.Cleanup(func() { _ = conn.Close() })
	buf := bufio.NewReader(conn)
	w := &stormWire{wire{conn: conn, in: textproto.NewReader(buf), buf: buf}, client}
	// A connection on which nothing was ever asked is closed sooner than one at rest.
	_, _, err = s.trade(w, s.server.head("GET", "/healthz", "", ""), time.Now())
	must(b, err)
	return w
}

// trade sends a request and reads the answer, with when to come back.
func (s *storm) trade(w *stormWire, request string, since time.Time) (got answered, retry time.Duration, err error) {
	if _, err = io.WriteString(w.conn, request); err != nil {
		return got, 0, err
	}
	status, length, seconds, err := w.head()
	if err != nil {
		return got, 0, err
	}
	if _, err := w.buf.Discard(length); err != nil {
		return got, 0, err
	}
	now := time.Now()
	got = answered{client: w.client, status: status, at: now.Sub(s.began), took: now.Sub(since)}
	if (status == "503" || status == "429") && seconds < 1 {
		return got, 0, fmt.Errorf("status %s without Retry-After", status)
	}
	return got, time.Duration(seconds) * time.Second, nil
}

// head reads the head of an answer, and keeps nothing of it but what is asked for.
func (w *stormWire) head() (status string, length, retrySeconds int, err error) {
	for length = -1; ; {
		line, err := w.buf.ReadSlice('\n')
		if err != nil {
			return "", 0, 0, err
		}
		name, value, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(" "))
		switch string(name) {
		case "HTTP/1.1":
			status, _, _ = strings.Cut(string(value), " ")
		case "Content-Length:":
			length, err = strconv.Atoi(string(value))
		case "Retry-After:":
			retrySeconds, err = strconv.Atoi(string(value))
		case "":
			if length < 0 || status == "" {
				err = fmt.Errorf("status %q without a length", status)
			}
			return status, length, retrySeconds, err
		}
		if err != nil {
			return "", 0, 0, err
		}
	}
}
