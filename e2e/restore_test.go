package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// copyOf is a copy of the database of a server that has ended.
func copyOf(t *testing.T, data string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(data, "gatehouse.db"))
	must(t, err)
	return content
}

// putBack does what an operator does who restores a copy and reads no guide.
func putBack(t *testing.T, data string, content []byte) {
	t.Helper()
	for _, side := range []string{"-wal", "-shm"} {
		if err := os.Remove(filepath.Join(data, "gatehouse.db"+side)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	must(t, os.WriteFile(filepath.Join(data, "gatehouse.db"), content, 0o600))
}

func (s *server) said(t *testing.T, words string) bool {
	t.Helper()
	log, err := os.ReadFile(s.log)
	must(t, err)
	return strings.Contains(string(log), words)
}

const putBackLine = "put back to an older state"

func TestAnOldDatabaseThatIsCopiedBack(t *testing.T) {
	t.Parallel()
	s := serve(t, newData(t))
	s.register(t, "ana")
	kept, ended, cookie := s.login(t, "ana"), s.login(t, "ana"), s.pageLogin(t, "ana")
	s.stop(t)
	old := copyOf(t, s.data)
	s = s.again(t)
	t.Run("ST-05_a_restart_alone_ends_nothing", func(t *testing.T) {
		s.ask(t, request{method: "GET", path: "/v1/me", bearer: kept.Access}).want(t, 200)
		if s.said(t, putBackLine) {
			t.Error("a restart was taken for a restore")
		}
	})
	s.ask(t, request{method: "POST", path: "/v1/logout", bearer: ended.Access, body: "{}"}).want(t, 204)
	dead := func(t *testing.T, s *server) {
		t.Helper()
		if !s.said(t, putBackLine) {
			t.Error("the log does not say so")
		}
		for _, g := range []grant{kept, ended} {
			s.ask(t, request{method: "GET", path: "/v1/me", bearer: g.Access}).want(t, 401)
			if status, _, err := s.refresh(g.Refresh); err != nil || status != 401 {
				t.Errorf("refresh: %d %v", status, err)
			}
		}
		s.ask(t, request{method: "GET", path: "/account", cookie: cookie}).want(t, 303)
		fresh := s.login(t, "ana")
		s.ask(t, request{method: "GET", path: "/v1/me", bearer: fresh.Access}).want(t, 200)
	}
	t.Run("ST-05_after_an_orderly_end", func(t *testing.T) {
		s.stop(t)
		putBack(t, s.data, old)
		s = s.again(t)
		dead(t, s)
	})
	t.Run("ST-05_after_a_kill", func(t *testing.T) {
		s.kill()
		s.again(t).kill() // it has seen what was done before it began
		putBack(t, s.data, old)
		s = s.again(t)
		dead(t, s)
	})
	t.Run("ST-05_where_the_directory_remembers_nothing_the_command_does_it", func(t *testing.T) {
		s.kill()
		putBack(t, s.data, old)
		must(t, os.Remove(filepath.Join(s.data, "store.memory")))
		done(t, s.data, "", "restore", "--yes")
		s = s.again(t)
		s.ask(t, request{method: "GET", path: "/v1/me", bearer: ended.Access}).want(t, 401)
		if status, _, err := s.refresh(ended.Refresh); err != nil || status != 401 {
			t.Errorf("refresh: %d %v", status, err)
		}
	})
}
