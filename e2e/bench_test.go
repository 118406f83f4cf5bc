package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"gatehouse/argon2id"
)

// The benchmarks of the whole server. Each takes turns with its reference in
// one run, so that the ratio means something on any machine: 1.00 is as fast as
// the reference. Of both the faster quarter counts, since what else the machine
// does can only add.

// turns is what each of the two took, round by round.
type turns struct {
	reference, ours []time.Duration
}

func (t *turns) round(reference, ours func()) {
	began := time.Now()
	reference()
	between := time.Now()
	ours()
	t.ours = append(t.ours, time.Since(between))
	t.reference = append(t.reference, between.Sub(began))
}

func (t *turns) report(b *testing.B, perRound int) {
	b.Helper()
	reference, ours := quarter(t.reference), quarter(t.ours)
	b.ReportMetric(micros(reference)/float64(perRound), "bare-µs")
	b.ReportMetric(micros(ours)/float64(perRound), "gatehouse-µs")
	b.ReportMetric(float64(reference)/float64(ours), "rate")
	b.ReportMetric(0, "ns/op")
}

// quarter is the time that a quarter of all took at most.
func quarter(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/4]
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// each does something on every connection at once.
func each(b *testing.B, wires []*wire, do func(i int, w *wire) error) {
	b.Helper()
	var all sync.WaitGroup
	for i, w := range wires {
		all.Go(func() {
			if err := do(i, w); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
}

func wires(b *testing.B, s *server, n int) []*wire {
	b.Helper()
	all := make([]*wire, n)
	for i := range all {
		all[i] = s.wire(b)
	}
	return all
}

// benchUser registers and logs in without a *testing.T.
func benchUser(b *testing.B, s *server, name string) grant {
	b.Helper()
	s.register(b, name)
	return s.login(b, name)
}

// BenchmarkMe is GET /v1/me beside a bare handler with the same certificate
// and an answer of the same size, eight connections each.
func BenchmarkMe(b *testing.B) {
	const connections, requests = 8, 50
	s := serve(b, newData(b))
	g := benchUser(b, s, "ana")
	body := s.ask(b, request{method: "GET", path: "/v1/me", bearer: g.Access}).want(b, 200).body
	bare := s.bare(b, body)
	ours, theirs := wires(b, s, connections), wires(b, bare, connections)
	load := func(all []*wire, request string) func() {
		return func() {
			each(b, all, func(_ int, w *wire) error {
				for range requests {
					if status, _, err := w.trade(request); err != nil || status != "200" {
						return fmt.Errorf("status %s: %w", status, err)
					}
				}
				return nil
			})
		}
	}
	reference := load(theirs, bare.head("GET", "/v1/me", g.Access, ""))
	subject := load(ours, s.head("GET", "/v1/me", g.Access, ""))
	var t turns
	for b.Loop() {
		t.round(reference, subject)
	}
	t.report(b, connections*requests)
}

// BenchmarkLogin is POST /v1/login at the default price beside as many bare
// hashes of the same engine, twice as many at once as there are cores.
func BenchmarkLogin(b *testing.B) {
	atOnce := 2 * runtime.NumCPU()
	s := serve(b, newData(b))
	all, logins := wires(b, s, atOnce), make([]string, atOnce)
	for i := range logins { // one user has no more than 5 at once
		benchUser(b, s, stormUser(i))
		logins[i] = s.head("POST", "/v1/login", "", object("identifier", stormUser(i), "password", word))
	}
	engine, err := argon2id.NewEngine(argon2id.Config{})
	must(b, err)
	var t turns
	for b.Loop() {
		t.round(func() {
			var hashes sync.WaitGroup
			for range runtime.NumCPU() {
				hashes.Go(func() {
					for range 2 {
						if err := engine.VerifyAbsent(b.Context(), []byte(word)); err != nil {
							b.Error(err)
						}
					}
				})
			}
			hashes.Wait()
		}, func() {
			each(b, all, func(i int, w *wire) error {
				if status, _, err := w.trade(logins[i]); err != nil || status != "200" {
					return fmt.Errorf("status %s: %w", status, err)
				}
				return nil
			})
		})
	}
	t.report(b, atOnce)
}

// BenchmarkRefresh is POST /v1/token/refresh for 32 sessions at once beside as
// many bare commits of one row, one after the other, on the same disk.
func BenchmarkRefresh(b *testing.B) {
	const sessions = 32
	s := serve(b, newData(b))
	tokens := make([]string, sessions)
	for i := range tokens {
		name := "user" + strconv.Itoa(i/16) // a user may have 20 sessions
		if i%16 == 0 {
			s.register(b, name)
		}
		tokens[i] = s.login(b, name).Refresh
	}
	all, commit := wires(b, s, sessions), bareCommit(b)
	var t turns
	for b.Loop() {
		t.round(func() {
			for range sessions {
				commit()
			}
		}, func() {
			each(b, all, func(i int, w *wire) error {
				status, body, err := w.trade(s.head("POST", "/v1/token/refresh", "", object("refresh_token", tokens[i])))
				if err != nil || status != "200" {
					return fmt.Errorf("status %s: %w", status, err)
				}
				var next grant
				err = json.Unmarshal([]byte(body), &next)
				tokens[i] = next.Refresh
				return err
			})
		})
	}
	t.report(b, sessions)
}

// bareCommit returns a function that commits the update of one row.
func bareCommit(b *testing.B) func() {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "bare.db")+"?_journal_mode=WAL&_synchronous=FULL")
	must(b, err)
	b.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, x BLOB); INSERT INTO t VALUES (1, 0, zeroblob(150))`)
	must(b, err)
	update, err := db.Prepare(`UPDATE t SET n = n + 1 WHERE id = 1`)
	must(b, err)
	return func() {
		if _, err := update.Exec(); err != nil {
			b.Error(err)
		}
	}
}

// BenchmarkStart is the time from the start of the process to the first
// healthy answer, on data that is there, and the memory a second later.
func BenchmarkStart(b *testing.B) {
	first := serve(b, newData(b))
	benchUser(b, first, "ana")
	first.stop(b)
	var took []time.Duration
	var resident, private []int
	for b.Loop() {
		began := time.Now()
		s := serve(b, first.data)
		took = append(took, time.Since(began))
		time.Sleep(time.Second) // at rest
		resident = append(resident, s.memory(b, "VmRSS"))
		private = append(private, s.memory(b, "RssAnon"))
		s.kill()
	}
	slices.Sort(resident)
	slices.Sort(private)
	b.ReportMetric(micros(median(took))/1e3, "start-ms")
	b.ReportMetric(float64(resident[len(resident)/2])/1024, "resident-MiB")
	b.ReportMetric(float64(private[len(private)/2])/1024, "private-MiB")
	b.ReportMetric(0, "ns/op")
}

// memory reads a line of /proc/PID/status, in KiB.
func (s *server) memory(b testing.TB, line string) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		b.Skipf("memory is read from /proc: %v", err)
	}
	found := regexp.MustCompile(`(?m)^` + line + `:\s+(\d+) kB$`).FindSubmatch(status)
	if found == nil {
		b.Fatalf("no %s", line)
	}
	size, err := strconv.Atoi(string(found[1]))
	must(b, err)
	return size
}

// BenchmarkStorm is 256 logins at once: how many get in, how many are told to
// come back, and the most memory the server ever had. Run it once.
func BenchmarkStorm(b *testing.B) {
	const logins = 256
	s := serve(b, newData(b))
	for i := range stormUsers {
		s.register(b, stormUser(i))
	}
	all := wires(b, s, logins)
	statuses := map[string]int{}
	var mu sync.Mutex
	for b.Loop() {
		each(b, all, func(i int, w *wire) error {
			status, _, err := w.trade(s.head("POST", "/v1/login", "", object("identifier", stormUser(i), "password", word)))
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
			return err
		})
	}
	if statuses["200"]+statuses["503"] != b.N*logins {
		b.Errorf("statuses %v, want 200 and 503 only", statuses)
	}
	b.ReportMetric(float64(s.memory(b, "VmHWM"))/1024, "peak-MiB")
	b.ReportMetric(float64(statuses["200"])/float64(b.N), "in")
	b.ReportMetric(float64(statuses["503"])/float64(b.N), "come-back")
	b.ReportMetric(0, "ns/op")
}
