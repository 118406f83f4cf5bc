package e2e

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// enumerationVariable is the file that BenchmarkEnumeration writes its table to.
const enumerationVariable = "GATEHOUSE_BENCH_ENUMERATION"

const (
	enumerationSamples = 500 // of each class
	triesPerName       = 4   // with a wrong password; from the fifth on a name is slowed down
	backgroundLogins   = 8
	backgroundPause    = 200 * time.Millisecond // of each of them between two, so that the cores are busy and nobody queues for long
	cheapHash          = "m=12288,t=3,p=1"      // the cheapest price there is: a difference is the larger part of it
	otherWord          = "four wrong words here"
)

// surface is one place where a stranger may try to learn who is here: requests
// that must be answered alike. The first class is what the others are compared
// with.
type surface struct {
	name    string
	classes []class
}

// class is what is asked for one kind of person. Requests is as long as there
// are samples.
type class struct {
	name     string
	status   string // of every answer
	requests []string
	// apart says why the answers or their times differ by design; "" where they
	// must not.
	apart string
}

// measured is what was seen of a class.
type measured struct {
	class
	took    []time.Duration
	answers map[string]int // how often each was given, without what is new in every answer
}

// BenchmarkEnumeration asks what must be answered alike for people who are here
// and for nobody, in random order on one connection, at rest and while others log
// in, and writes how far the answers and their times are apart. Run it by
// scripts/bench enumeration.
func BenchmarkEnumeration(b *testing.B) {
	path := os.Getenv(enumerationVariable)
	if path == "" {
		b.Skip(enumerationVariable + " names no file; scripts/bench enumeration sets it")
	}
	for b.Loop() {
		e := newEnumeration(b, enumerationSamples)
		var table strings.Builder
		writeTableHead(&table)
		for _, s := range []func(testing.TB) surface{e.login, e.refresh, e.register, e.rename, e.locked} {
			of := s(b)
			writeTableRows(&table, of.name+", at rest", e.measure(b, of))
		}
		stop := e.logInBeside(b)
		of := e.login(b)
		seen := e.measure(b, surface{of.name, of.classes[:classesBeside]})
		must(b, stop())
		writeTableRows(&table, fmt.Sprintf("%s, beside %d who log in", of.name, backgroundLogins), seen)
		mail := newMailEnumeration(b, enumerationSamples)
		for _, s := range []func(testing.TB) surface{mail.loginUnverified, mail.registerEmail, mail.forgot, mail.changeEmail} {
			of := s(b)
			writeTableRows(&table, of.name+", at rest", mail.measure(b, of))
		}
		writeTableFoot(&table)
		must(b, os.WriteFile(path, []byte(table.String()), 0o600))
	}
}

// measure sends all requests of a surface in random order on one connection.
func (e *enumeration) measure(t testing.TB, s surface) []measured {
	t.Helper()
	type sample struct{ class, request int }
	var order []sample
	seen := make([]measured, len(s.classes))
	for i, c := range s.classes {
		seen[i] = measured{class: c, answers: map[string]int{}}
		for j := range c.requests {
			order = append(order, sample{i, j})
		}
	}
	shuffle(order)
	w := e.server.wire(t)
	for range 20 { // what is slow only once
		_, _, err := w.ask(e.server.head("POST", "/v1/login", "", object("identifier", newName(), "password", otherWord)))
		must(t, err)
	}
	for _, next := range order {
		of := &seen[next.class]
		answer, took, err := w.ask(of.requests[next.request])
		must(t, err)
		if got := strings.TrimPrefix(answer, "HTTP/1.1 ")[:3]; got != of.status {
			t.Fatalf("%s, %s: got status %s, want %s: %s", s.name, of.name, got, of.status, answer)
		}
		of.took = append(of.took, took)
		of.answers[answer]++
	}
	return seen
}

// shuffle puts things into an order that nobody knows, so that nothing that comes
// and goes on the machine falls on one class.
func shuffle[Thing any](things []Thing) {
	for i := len(things) - 1; i > 0; i-- {
		j, err := rand.Int(rand.Reader, big.NewInt(int64(i+1)))
		if err != nil {
			panic(err) // never fails
		}
		k := int(j.Int64())
		things[i], things[k] = things[k], things[i]
	}
}

// ask sends a request and returns the answer as it came, without what is new in
// every answer: the date, the id of the request, and the seconds to wait.
func (w *wire) ask(request string) (answer string, took time.Duration, err error) {
	began := time.Now()
	if _, err = io.WriteString(w.conn, request); err != nil {
		return "", 0, err
	}
	var lines []string
	id, length := "", 0
	for {
		line, err := w.in.ReadLine()
		if err != nil {
			return "", 0, err
		}
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "Content-Length":
			if _, err := fmt.Sscan(value, &length); err != nil {
				return "", 0, err
			}
		case "X-Request-Id":
			id, line = value, name
		case "Date", "Retry-After":
			line = name
		}
		lines = append(lines, line)
	}
	body := make([]byte, length)
	_, err = io.ReadFull(w.buf, body)
	took = time.Since(began)
	if err == nil && id == "" {
		err = errors.New("an answer without X-Request-Id")
	}
	return strings.Join(lines, "\n") + "\n\n" + strings.ReplaceAll(string(body), id, ""), took, err
}

// logInBeside has people log in, each from an address of their own, until stop is
// called.
func (e *enumeration) logInBeside(t testing.TB) (stop func() error) {
	t.Helper()
	done := make(chan struct{})
	failed := make([]error, backgroundLogins)
	var all sync.WaitGroup
	for i := range backgroundLogins {
		name := newName()
		e.server.register(t, name)
		w := e.server.wireFrom(t, fmt.Sprintf("127.0.2.%d", i+1))
		login := e.server.head("POST", "/v1/login", "", object("identifier", name, "password", word))
		all.Go(func() {
			for failed[i] == nil {
				select {
				case <-done:
					return
				case <-time.After(backgroundPause):
				}
				var status string
				if status, _, failed[i] = w.trade(login); failed[i] == nil && status != "200" && status != "503" {
					failed[i] = fmt.Errorf("a login beside: status %s", status)
				}
			}
		})
	}
	return func() error {
		close(done)
		all.Wait()
		return errors.Join(failed...)
	}
}

// TestNobodyLearnsWhoIsHere is the harness with a few samples: times decide
// nothing, and all bytes are compared.
func TestNobodyLearnsWhoIsHere(t *testing.T) {
	t.Parallel()
	e := newEnumeration(t, 2)
	for _, c := range []struct {
		name string
		of   func(testing.TB) surface
	}{
		{"EN-01_EN-10_EN-14_login", e.login},
		{"EN-15_refresh", e.refresh},
		{"LT-15_a_name_that_is_slowed_down", e.locked},
	} {
		t.Run(c.name, func(t *testing.T) { e.wantAlike(t, c.of(t)) })
	}
	t.Run("EN-14_nothing_neutral_is_left_out", func(t *testing.T) {
		answer := e.measure(t, e.login(t))[0].one()
		for _, header := range []string{"ETag", "Last-Modified", "Server-Timing", "Set-Cookie"} {
			if strings.Contains(answer, "\n"+header+":") {
				t.Errorf("the answer has %s", header)
			}
		}
	})
}

// wantAlike compares the bytes of all answers on a surface.
func (e *enumeration) wantAlike(t *testing.T, s surface) {
	t.Helper()
	seen := e.measure(t, s)
	for _, of := range seen[1:] {
		if !of.sameAnswers(seen[0]) {
			t.Errorf("%s is told from %s:\n%s\n%s", of.name, seen[0].name, of.one(), seen[0].one())
		}
	}
}

func (m measured) sameAnswers(other measured) bool {
	return slices.Equal(m.kinds(), other.kinds())
}

// kinds are the different answers, in order.
func (m measured) kinds() []string {
	kinds := make([]string, 0, len(m.answers))
	for answer := range m.answers {
		kinds = append(kinds, answer)
	}
	slices.Sort(kinds)
	return kinds
}

// one is the first of the answers.
func (m measured) one() string { return m.kinds()[0] }
