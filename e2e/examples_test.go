package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// notes is a running examples/notes beside a gatehouse serve.
type notes struct {
	*server // the client that both share, for requests to this service
	id      *server
}

var notesReady = regexp.MustCompile(`msg=ready address=127\.0\.0\.1:(\d+)`)

// serveNotes builds the example, starts it and waits until it knows the keys.
func serveNotes(t *testing.T, id *server) notes {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "notes")
	if said, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "gatehouse/examples/notes").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	cmd := exec.Command(binary, "-listen", "127.0.0.1:0", "-issuer", id.url, "-audience", id.url)
	cmd.Dir = filepath.Dir(id.data) // the files of gatehouse-data are found by default
	n := notes{id: id, server: &server{cmd: cmd, client: id.client, exited: make(chan struct{}), log: filepath.Join(dir, "stderr")}}
	log, err := os.Create(n.log)
	must(t, err)
	defer log.Close()
	cmd.Stderr = log
	must(t, cmd.Start())
	go func() {
		_ = cmd.Wait()
		close(n.exited)
	}()
	t.Cleanup(n.kill)
	await(t, "the line with the address", func() bool {
		n.failIfExited(t)
		said, _ := os.ReadFile(n.log)
		if found := notesReady.FindSubmatch(said); found != nil {
			n.url = "https://localhost:" + string(found[1])
			n.client = &http.Client{Timeout: patience, Transport: &http.Transport{
				TLSClientConfig: id.tls(t), DialContext: dialOnly("127.0.0.1:" + string(found[1])),
			}}
		}
		return n.url != ""
	})
	t.Cleanup(n.client.CloseIdleConnections)
	id.register(t, "first")
	first := id.login(t, "first").Access
	await(t, "the keys to be known", func() bool { return n.status(t, "GET", "/notes", first) == http.StatusOK })
	return n
}

func (n notes) status(t testing.TB, method, path, bearer string) int {
	t.Helper()
	return n.ask(t, request{method: method, path: path, bearer: bearer}).status
}

// walk runs a block of bash in the directory of a server and returns the lines
// that it printed.
func walk(t *testing.T, s *server, block string, environment ...string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", block)
	cmd.Dir = filepath.Dir(s.data)
	cmd.Env = append(os.Environ(), environment...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func TestTheWalkThroughOfTheNotesExampleRunsAsItStands(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "examples", "notes", "README.md"))
	must(t, err)
	commands := blocks(t, string(page), "sh")
	if got, want := commands[0], "go run ./cmd/gatehouse serve\ngo run ./examples/notes\n"; got != want {
		t.Errorf("the README starts the two by %q, want %q", got, want)
	}
	s := serve(t, newData(t))
	n := serveNotes(t, s)
	got := walk(t, s, blocks(t, string(page), "bash")[0], "ID="+s.url, "NOTES="+n.url, "GATEHOUSE="+os.Getenv(binaryVariable))
	want := []string{`"username":"ana"`, `"text":"water the plants"`, "401", "403", "Added ", `"text":"water the plants"`, "404", "204", "401"}
	if len(got) != len(want) {
		t.Fatalf("got %d lines, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("line %d is %q, want %q in it", i+1, got[i], want[i])
		}
	}
}

func TestNotesAreForWhoMayUseThem(t *testing.T) {
	t.Parallel()
	s := serve(t, newData(t))
	n := serveNotes(t, s)
	s.register(t, "ana")
	s.register(t, "eve")
	done(t, s.data, word+"\n", "user", "add", "bo", "--role", "editor")
	ana, eve, bo := s.login(t, "ana"), s.login(t, "eve"), s.login(t, "bo")
	written := n.ask(t, request{method: "POST", path: "/notes", bearer: ana.Access, body: object("text", "mine")}).want(t, 201)
	var answer struct{ Note struct{ ID string } }
	must(t, json.Unmarshal([]byte(written.body), &answer))
	mine := "/notes/" + answer.Note.ID
	for _, step := range []struct {
		name, method, path, bearer string
		want                       int
	}{
		{"JW-34_no_token", "GET", "/notes", "", 401},
		{"JW-34_token_in_the_address", "GET", "/notes?access_token=" + ana.Access, "", 401},
		{"a_refresh_token", "GET", "/notes", ana.Refresh, 401},
		{"JW-37_without_the_role", "GET", "/admin/notes", ana.Access, 403},
		{"JW-37_with_the_role", "GET", "/admin/notes", bo.Access, 200},
		{"somebody_elses_note", "DELETE", mine, eve.Access, 404},
		{"not_even_with_the_role", "DELETE", mine, bo.Access, 404},
		{"no_such_note", "DELETE", "/notes/x", ana.Access, 404},
		{"no_such_route", "GET", "/", ana.Access, 404},
		{"ones_own_note", "DELETE", mine, ana.Access, 204},
		{"not_twice", "DELETE", mine, ana.Access, 404},
	} {
		t.Run(step.name, func(t *testing.T) {
			if got := n.status(t, step.method, step.path, step.bearer); got != step.want {
				t.Errorf("%s %s: got %d, want %d", step.method, step.path, got, step.want)
			}
		})
	}
	s.ask(t, request{method: "POST", path: "/v1/logout", bearer: ana.Access}).want(t, 204)
	await(t, "the logout to be heard of", func() bool { return n.status(t, "GET", "/notes", ana.Access) == 401 })
	if got := n.status(t, "GET", "/notes", eve.Access); got != 200 {
		t.Errorf("somebody else after the logout: got %d, want 200", got)
	}
	n.endsWithoutSecrets(t, ana, eve, bo)
}

// endsWithoutSecrets stops the service and looks through its log.
func (n notes) endsWithoutSecrets(t *testing.T, grants ...grant) {
	t.Helper()
	must(t, n.cmd.Process.Signal(syscall.SIGTERM))
	if code := n.exit(t); code != 0 {
		t.Errorf("SIGTERM: exit code %d, want 0", code)
	}
	log, err := os.ReadFile(n.log)
	must(t, err)
	for _, g := range grants {
		if strings.Contains(string(log), g.Access) || strings.Contains(string(log), g.Refresh) {
			t.Errorf("the log holds a token:\n%s", log)
		}
	}
}

func TestNotesAreBoundedAndWellFormed(t *testing.T) {
	t.Parallel()
	s := serve(t, newData(t))
	n := serveNotes(t, s)
	s.register(t, "ana")
	ana := s.login(t, "ana").Access
	write := func(body string) int {
		return n.ask(t, request{method: "POST", path: "/notes", bearer: ana, body: body}).status
	}
	for name, body := range map[string]string{
		"nothing":   "",
		"no text":   `{"text":""}`,
		"too long":  object("text", strings.Repeat("a", 4097)),
		"too large": object("text", strings.Repeat("a", 64<<10)),
		"a list":    `["text"]`,
		"unknown":   `{"text":"a","author":"eve"}`,
		"trailing":  `{"text":"a"} {}`,
	} {
		if got := write(body); got != 400 {
			t.Errorf("%s: got %d, want 400", name, got)
		}
	}
	for range 100 {
		if got := write(object("text", strings.Repeat("a", 4096))); got != 201 {
			t.Fatalf("within the bounds: got %d, want 201", got)
		}
	}
	if got := write(`{"text":"one more"}`); got != 409 {
		t.Errorf("one note too many: got %d, want 409", got)
	}
}
