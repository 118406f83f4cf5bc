package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// port is where the server listens on the loopback.
func (s *server) port(t testing.TB) string {
	t.Helper()
	if s.at != "" {
		return s.at
	}
	u, err := url.Parse(s.url)
	must(t, err)
	return net.JoinHostPort("127.0.0.1", u.Port())
}

// halfRequest sends the head of a login and waits until a handler asks for the
// body: from then on the request is under way.
func halfRequest(t testing.TB, s *server, body string) (*tls.Conn, *bufio.Reader) {
	t.Helper()
	config := s.tls(t)
	config.NextProtos = []string{"http/1.1"}
	conn, err := tls.Dial("tcp", s.port(t), config)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	host := strings.TrimPrefix(s.url, "https://")
	_, err = fmt.Fprintf(conn, "POST /v1/login HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", host, len(body))
	must(t, err)
	in := bufio.NewReader(conn)
	line, err := in.ReadString('\n')
	must(t, err)
	if !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("got %q, want the server to ask for the body", line)
	}
	_, err = in.ReadString('\n')
	must(t, err)
	return conn, in
}

// waitUntilClosed waits until nobody new comes in.
func waitUntilClosed(t testing.TB, s *server) {
	t.Helper()
	await(t, "the port to close", func() bool {
		conn, err := net.Dial("tcp", s.port(t))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

func TestSIGTERMFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	s := serve(t, newData(t))
	s.register(t, "ana")
	body := object("identifier", "ana", "password", word)
	conn, in := halfRequest(t, s, body)
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	waitUntilClosed(t, s)
	_, err := io.WriteString(conn, body)
	must(t, err)
	answer, err := http.ReadResponse(in, nil)
	must(t, err)
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the request under way got %d %s, want 200", answer.StatusCode, text)
	}
	if code := s.exit(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	grant := reply{body: string(text)}.grant(t)
	next := s.again(t)
	next.ask(t, request{method: "GET", path: "/v1/me", bearer: grant.Access}).want(t, 200)
}

func TestSIGTERMDoesNotWaitForThoseWhoNeverFinish(t *testing.T) {
	t.Parallel()
	s := serve(t, newData(t))
	halfRequest(t, s, object("identifier", "ana", "password", word))
	if code := s.stop(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

func TestASecondServerOnTheSameDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, newData(t))
	t.Run("ST-14_refused_with_one_sentence", func(t *testing.T) {
		got := command(t, s.data, "", "serve", "--listen", "127.0.0.1:0")
		if got.code != 1 || got.out != "" {
			t.Errorf("exit code %d and output %q, want 1 and none", got.code, got.out)
		}
		if strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, s.data) {
			t.Errorf("got %q, want one sentence that names %s", got.stderr, s.data)
		}
		s.ask(t, request{method: "GET", path: "/readyz"}).want(t, 200)
	})
	t.Run("ST-14_the_lock_goes_with_the_process", func(t *testing.T) {
		s.kill()
		s.again(t).ask(t, request{method: "GET", path: "/readyz"}).want(t, 200)
	})
}

func TestWhatACommandChangesTheServerSeesWithTheNextRequest(t *testing.T) {
	t.Parallel()
	s := serve(t, newData(t))
	s.register(t, "ana")
	grant, cookie := s.login(t, "ana"), s.pageLogin(t, "ana")
	login := func(password string) reply {
		return s.ask(t, request{method: "POST", path: "/v1/login", body: object("identifier", "ana", "password", password)})
	}
	dead := func(t *testing.T) {
		t.Helper()
		s.ask(t, request{method: "GET", path: "/v1/me", bearer: grant.Access}).want(t, 401)
		page := s.ask(t, request{method: "GET", path: "/account", cookie: cookie}).want(t, 303)
		if at := page.header.Get("Location"); at != "/login" {
			t.Errorf("the cookie leads to %q, want /login", at)
		}
		if status, _, err := s.refresh(grant.Refresh); err != nil || status != 401 {
			t.Errorf("refresh: got %d %v, want 401", status, err)
		}
	}
	s.ask(t, request{method: "GET", path: "/v1/me", bearer: grant.Access}).want(t, 200)
	s.ask(t, request{method: "GET", path: "/account", cookie: cookie}).want(t, 200)

	done(t, s.data, "", "user", "disable", "ana")
	t.Run("SC-10_disabling_ends_every_session_at_once", dead)
	t.Run("EN-10_disabled_is_told_only_after_the_right_password", func(t *testing.T) {
		if got := login("four other words here").want(t, 401); !strings.Contains(got.body, `"wrong-credentials"`) {
			t.Errorf("wrong password: got %s", got.body)
		}
		if got := login(word).want(t, 403); !strings.Contains(got.body, `"user-disabled"`) {
			t.Errorf("right password: got %s", got.body)
		}
	})
	done(t, s.data, "", "user", "enable", "ana")
	t.Run("SC-10_enabling_revives_nothing", dead)

	login(word).want(t, 200)
	before := command(t, s.data, "", "user", "show", "ana", "--json")
	done(t, s.data, "", "user", "delete", "ana", "--yes")
	login(word).want(t, 401)
	t.Run("JW-18_the_same_name_again_is_another_user", func(t *testing.T) {
		s.register(t, "ana")
		after := done(t, s.data, "", "user", "show", "ana", "--json")
		if idOf(t, before.out) == idOf(t, after) {
			t.Error("the id was given out again")
		}
		dead(t)
	})
}

// idOf is the id of the one user in a piece of JSON.
func idOf(t testing.TB, text string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, `"id":`)
	if !found {
		t.Fatalf("no id in %s", text)
	}
	return strings.Trim(strings.SplitN(rest, ",", 2)[0], ` "`)
}

func TestNothingOnDiskIsOpenToOthers(t *testing.T) {
	t.Parallel()
	data := newData(t)
	s := start(t, data, exec.Command("sh", "-c", `umask 000; exec "$0" serve --listen 127.0.0.1:0 --data "$1"`,
		os.Getenv(binaryVariable), data))
	s.register(t, "ana")
	t.Run("KY-13_while_it_runs", func(t *testing.T) { checkModes(t, data) })
	if code := s.stop(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	t.Run("KY-13_after_it_ran", func(t *testing.T) { checkModes(t, data) })
}

func checkModes(t *testing.T, data string) {
	t.Helper()
	seen := map[string]bool{}
	must(t, filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %04o, want %04o", path, got, want)
		}
		seen[entry.Name()] = true
		return nil
	}))
	for _, name := range []string{"gatehouse.db", "master.key", "local-ca.pem"} {
		if !seen[name] {
			t.Errorf("%s is missing, so nothing was proven", name)
		}
	}
}

func TestAFreshInstallationHasNoWayIn(t *testing.T) {
	t.Parallel()
	s := serve(t, newData(t))
	t.Run("LT-17_no_user_and_no_known_password", func(t *testing.T) {
		if got := users(t, s.data); got != "[]\n" {
			t.Errorf("users of a fresh database: %s", got)
		}
		for _, pair := range [][2]string{{"admin", "admin"}, {"root", "root"}, {"gatehouse", "gatehouse"}} {
			s.ask(t, request{method: "POST", path: "/v1/login", body: object("identifier", pair[0], "password", pair[1])}).want(t, 401)
		}
	})
}
