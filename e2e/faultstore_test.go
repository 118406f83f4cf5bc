package e2e

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// cable is a way to the PostgreSQL of a farm that can be cut: then nothing goes
// through, and nobody is told.
type cable struct {
	dir, target string
	mu          sync.Mutex
	cut         chan struct{} // closed when what was cut is joined; nil while it is whole
}

func newCable(t *testing.T, f *farm) *cable {
	t.Helper()
	dir, err := os.MkdirTemp("", "wire") // a short path, as sockets need one
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	config := f.admin.Config()
	socket := fmt.Sprintf(".s.PGSQL.%d", config.Port)
	w := &cable{dir: dir, target: filepath.Join(config.Host, socket)}
	listener, err := net.Listen("unix", filepath.Join(dir, socket))
	must(t, err)
	t.Cleanup(func() {
		w.join()
		_ = listener.Close()
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go w.carry(conn)
		}
	}()
	return w
}

// carry passes on what two sides say to each other.
func (w *cable) carry(client net.Conn) {
	defer client.Close()
	w.wait()
	server, err := net.Dial("unix", w.target)
	if err != nil {
		return
	}
	defer server.Close()
	ended := make(chan struct{}, 2)
	pass := func(to io.Writer, from io.Reader) {
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer)
			w.wait()
			if n > 0 {
				if _, err := to.Write(buffer[:n]); err != nil {
					break
				}
			}
			if err != nil {
				break
			}
		}
		ended <- struct{}{}
	}
	go pass(server, client)
	go pass(client, server)
	<-ended
}

func (w *cable) wait() {
	w.mu.Lock()
	cut := w.cut
	w.mu.Unlock()
	if cut != nil {
		<-cut
	}
}

func (w *cable) sever() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut == nil {
		w.cut = make(chan struct{})
	}
}

func (w *cable) join() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut != nil {
		close(w.cut)
		w.cut = nil
	}
}

// startOver adds a process that reaches the database over a cable, with so many
// connections.
func (f *farm) startOver(t *testing.T, w *cable, connections int) *server {
	t.Helper()
	config := f.admin.Config()
	words := url.Values{"host": {w.dir}, "port": {fmt.Sprint(config.Port)}, "user": {config.User}, "pool_max_conns": {fmt.Sprint(connections)}}
	data := newData(t)
	cmd := exec.Command(os.Getenv(binaryVariable), "serve", "--listen", "127.0.0.1:0", "--url", f.url, "--data", data, "--master-key-file", f.keyFile)
	cmd.Env = append(os.Environ(), "GATEHOUSE_DATABASE=postgres:///"+f.database+"?"+words.Encode())
	return start(t, data, cmd)
}

// outageVariable says how long the database does not answer, as in 60s; a moment
// by default.
const outageVariable = "GATEHOUSE_OUTAGE"

func outage(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv(outageVariable)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	must(t, err)
	return d
}

// crowdOf sends one request by each of so many clients at once, and counts the
// answers by their status.
func crowdOf(s *server, clients int, in request) map[int]int {
	var mu sync.Mutex
	var all sync.WaitGroup
	counted := map[int]int{}
	for range clients {
		all.Go(func() {
			got, err := s.send(in)
			if err != nil {
				got.status = -1
			}
			mu.Lock()
			defer mu.Unlock()
			counted[got.status]++
		})
	}
	all.Wait()
	return counted
}

func TestADatabaseThatDoesNotAnswer(t *testing.T) {
	f := newFarm(t)
	w := newCable(t, f)
	s := f.startOver(t, w, 4)
	s.register(t, "ana")
	g := s.login(t, "ana")
	me := request{method: "GET", path: "/v1/me", bearer: g.Access}
	s.ask(t, me).want(t, 200)

	w.sever()
	t.Run("LG-10_503_until_it_does", func(t *testing.T) {
		for until := time.Now().Add(outage(t)); ; {
			s.ask(t, me).want(t, 503)
			s.ask(t, request{method: "GET", path: "/readyz"}).want(t, 503)
			s.ask(t, request{method: "GET", path: "/healthz"}).want(t, 200)
			got := s.ask(t, request{method: "POST", path: "/v1/token/revoke", body: object("token", g.Refresh)}).want(t, 503)
			if !strings.Contains(got.body, `"unavailable"`) || got.header.Get("Retry-After") == "" {
				t.Errorf("RF-08 a revocation got %s", got.body)
			}
			if time.Now().After(until) {
				return
			}
		}
	})
	t.Run("ST-08_200_clients_on_4_connections_get_503_and_do_not_hang", func(t *testing.T) {
		if got := crowdOf(s, 200, me); got[503] != 200 {
			t.Errorf("answers by status: %v, want 200 of 503", got)
		}
		s.ask(t, request{method: "GET", path: "/healthz"}).want(t, 200)
	})
	w.join()
	t.Run("LG-10_then_as_before_without_a_restart", func(t *testing.T) {
		await(t, "an answer", func() bool {
			got, err := s.send(me)
			return err == nil && got.status == 200
		})
		s.ask(t, request{method: "GET", path: "/readyz"}).want(t, 200)
		s.login(t, "ana")
	})
	t.Run("ST-08_200_clients_on_4_connections_are_served_in_turn", func(t *testing.T) {
		got := crowdOf(s, 200, me)
		if got[200] == 0 || got[200]+got[503] != 200 {
			t.Errorf("answers by status: %v, want 200 or 503 for each", got)
		}
	})
}
