package e2e

import (
	"math"
	"testing"

	"golang.org/x/sys/unix"
)

// fill lets no file of the server grow beyond so many bytes, as a full disk does;
// make room with math.MaxUint64.
func (s *server) fill(t *testing.T, bytes uint64) {
	t.Helper()
	must(t, unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: math.MaxUint64}, nil))
}

func TestAFullDisk(t *testing.T) {
	t.Parallel()
	s := serve(t, newData(t))
	s.register(t, "ana")
	g, told := s.login(t, "ana"), 0
	last := g.Refresh
	s.fill(t, 32<<10)
	login := request{method: "POST", path: "/v1/login", body: object("identifier", "ana", "password", word)}
	t.Run("ST-10_denies_with_503", func(t *testing.T) {
		full := false
		for i := 0; i < 200 && !full; i++ { // what fits into the log of the database is still kept
			switch status, next, err := s.refresh(last); {
			case err != nil:
				t.Fatal(err)
			case status == 200:
				last, told = next.Refresh, told+1
			case status == 503:
				full = true
			default:
				t.Fatalf("a refresh got %d", status)
			}
		}
		if !full {
			t.Fatal("the disk was never full")
		}
		for range 3 {
			got := s.ask(t, login).want(t, 503)
			if got.header.Get("Set-Cookie") != "" || got.header.Get("Retry-After") == "" {
				t.Errorf("headers %v", got.header)
			}
		}
		s.ask(t, request{method: "POST", path: "/v1/register", body: object("username", "bob", "password", word)}).want(t, 503)
		s.ask(t, request{method: "POST", path: "/v1/logout", bearer: g.Access, body: "{}"}).want(t, 503)
	})
	t.Run("ST-10_reads_go_on", func(t *testing.T) {
		s.ask(t, request{method: "GET", path: "/v1/me", bearer: g.Access}).want(t, 200)
		s.ask(t, request{method: "GET", path: "/healthz"}).want(t, 200)
	})
	t.Run("ST-10_LG-05_the_log_says_so", func(t *testing.T) {
		if !s.said(t, `"level":"ERROR"`) {
			t.Error("no line of an error")
		}
	})
	t.Run("ST-10_with_room_again_it_goes_on_without_a_restart", func(t *testing.T) {
		s.fill(t, math.MaxUint64)
		s.ask(t, login).want(t, 200)
		// Twice, since the answer to the last one was lost: it was kept or not, and
		// there is one successor.
		status, next, err := s.refresh(last)
		must(t, err)
		_, again, err := s.refresh(last)
		must(t, err)
		if status != 200 || next.Refresh != again.Refresh {
			t.Errorf("after %d steps: %d, and the successor is one: %v", told, status, next.Refresh == again.Refresh)
		}
		s.register(t, "bob")
		s.stop(t)
		checkFile(t, s.data)
	})
}
