package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/model"
)

// loggedIn is a program that has logged in to a server.
type loggedIn struct {
	*running
	http    *http.Client
	access  string
	refresh string
}

const quietWords = "correct horse battery staple"

func logIn(t *testing.T, r *running) *loggedIn {
	t.Helper()
	l := &loggedIn{running: r, http: r.client(t)}
	if status := l.ask(t, "/v1/login", `{"identifier":"ana","password":"`+quietWords+`"}`); status != 200 {
		t.Fatalf("login answers %d", status)
	}
	return l
}

// renew presents the refresh token.
func (l *loggedIn) renew(t *testing.T) (status int) {
	t.Helper()
	return l.ask(t, "/v1/token/refresh", `{"refresh_token":"`+l.refresh+`"}`)
}

// ask posts and keeps the tokens of the answer.
func (l *loggedIn) ask(t *testing.T, path, body string) (status int) {
	t.Helper()
	answer, err := l.http.Post(l.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var grant struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&grant); err == nil && answer.StatusCode == 200 {
		l.access, l.refresh = grant.Access, grant.Refresh
	}
	return answer.StatusCode
}

// me is the status of a bearer route.
func (l *loggedIn) me(t *testing.T, access string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.url+"/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+access)
	answer, err := l.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode
}

// beside runs a command beside the server and wants it to succeed.
func (r *running) beside(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	p, stdout, stderr := testProgram()
	p.stdin, p.masterKeyPoll = strings.NewReader(stdin), hastyPoll
	if code := p.run(t.Context(), append(args, "--data", r.dir)); code != exitDone {
		t.Fatalf("%v: exit %d: %s", args, code, stderr)
	}
	return stdout.String()
}

func TestKeyCommandsBesideTheServer(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	r.beside(t, quietWords+"\n", "user", "add", "ana")
	l := logIn(t, r)
	old := l.access
	t.Run("JW-24_a_rotation_is_published_with_the_next_request", func(t *testing.T) {
		r.beside(t, "", "keys", "rotate")
		if _, set := get(t, l.http, r.url+"/.well-known/jwks.json"); strings.Count(set, `"kid"`) != 2 {
			t.Errorf("the key set is %s", set)
		}
		if got := l.me(t, old); got != 200 {
			t.Errorf("an access token from before answers %d", got)
		}
	})
	t.Run("JW-24_JW-05_a_replaced_key_is_refused_with_the_next_request", func(t *testing.T) {
		r.beside(t, "", "keys", "rotate", "--now", "--yes")
		if got := l.me(t, old); got != 401 {
			t.Errorf("an access token of the forgotten key answers %d", got)
		}
		if got := l.renew(t); got != 200 || l.me(t, l.access) != 200 {
			t.Errorf("the refresh token answers %d", got)
		}
		if _, set := get(t, l.http, r.url+"/.well-known/jwks.json"); strings.Count(set, `"kid"`) != 1 {
			t.Errorf("the key set is %s", set)
		}
	})
	t.Run("KY-06_the_master_key_changes_while_the_server_runs", func(t *testing.T) {
		r.beside(t, "", "keys", "reseal", "--yes")
		waitFor(t, "the server to notice", func() bool { return strings.Contains(r.stderr.String(), "master keys replaced") })
		if got := l.renew(t); got != 200 || l.me(t, l.access) != 200 {
			t.Errorf("the refresh token of a session from before answers %d", got)
		}
		late := logIn(t, r)
		path := filepath.Join(r.dir, "master.key")
		keys, err := readMasterKeys(path)
		if err != nil || len(keys.Former) != 1 || time.Since(keys.Former[0].ReplacedAt) > time.Hour {
			t.Fatalf("former keys %v (%v)", keys.Former, err)
		}
		if err := writeMasterKeys(path, model.MasterKeys{Current: keys.Current}); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the server to notice", func() bool { return strings.Count(r.stderr.String(), "master keys replaced") == 2 })
		if got := l.renew(t); got != 401 {
			t.Errorf("a session of the key that was removed answers %d", got)
		}
		if got := late.renew(t); got != 200 {
			t.Errorf("a session of the new key answers %d", got)
		}
	})
	t.Run("KY-07_a_file_of_another_installation_is_not_taken", func(t *testing.T) {
		path := filepath.Join(r.dir, "master.key")
		keys, err := readMasterKeys(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := writeMasterKeys(path, model.MasterKeys{Current: model.NewMasterKey()}); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the server to say so", func() bool { return strings.Contains(r.stderr.String(), "new master keys not taken") })
		late := logIn(t, r)
		if err := writeMasterKeys(path, keys); err != nil {
			t.Fatal(err)
		}
		if got := late.renew(t); got != 200 {
			t.Errorf("the refresh token answers %d", got)
		}
	})
}

// TestAKilledResealGoesOn kills the command at many points of its work.
func TestAKilledResealGoesOn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	r := &running{dir: dir}
	r.beside(t, "", "migrate")
	r.beside(t, "", "keys", "rotate")
	r.beside(t, "", "keys", "rotate")
	path := filepath.Join(dir, "master.key")
	begun := 0
	t.Run("KY-06_killed_anywhere", func(t *testing.T) {
		for i := range 7 {
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			command := exec.CommandContext(t.Context(), "hasty-gatehouse", "keys", "reseal", "--yes", "--data", dir)
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				_ = command.Wait()
				close(ended)
			}()
			// Twice hastyPoll lies between the new key in the file and the records: the
			// first kill comes before both, the others spread over what follows.
			waitFor(t, "the new key", func() bool {
				now, _ := os.ReadFile(path)
				return i == 0 || string(now) != string(before) || closed(ended)
			})
			time.Sleep(time.Duration(i) * 2 * hastyPoll / 5)
			_ = command.Process.Kill()
			<-ended
			after, err := os.ReadFile(path)
			for line := range strings.Lines(string(before)) {
				// The one that was the first has a time behind it now.
				if err != nil || !strings.Contains(string(after), strings.TrimSpace(line)) {
					t.Fatalf("a key that was in the file is gone (%v)", err)
				}
			}
			if string(after) != string(before) {
				begun++
			}
			if said := r.beside(t, "", "keys", "list"); strings.Count(said, "EdDSA") != 2 {
				t.Fatalf("kill %d: not every record opens: %s", i, said)
			}
		}
	})
	for range 2 { // the first may only finish the work
		r.beside(t, "", "keys", "reseal", "--yes")
	}
	keys, err := readMasterKeys(path)
	if err != nil || begun == 0 {
		t.Fatalf("%d changes were begun (%v)", begun, err)
	}
	if err := writeMasterKeys(path, model.MasterKeys{Current: keys.Current}); err != nil {
		t.Fatal(err)
	}
	if said := r.beside(t, "", "keys", "list"); strings.Count(said, "EdDSA") != 2 {
		t.Errorf("with the newest key alone: %s", said)
	}
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestTwoResealsDoNotRunAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	r := &running{dir: dir}
	r.beside(t, "", "migrate")
	link := filepath.Join(t.TempDir(), "link.key")
	if err := os.Symlink(filepath.Join(dir, "master.key"), link); err != nil {
		t.Fatal(err)
	}
	release, err := lockFile(behindLinks(filepath.Join(dir, "master.key")) + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{"the file": nil, "a link to it": {"--master-key-file", link}} {
		p, _, stderr := testProgram()
		args = append([]string{"keys", "reseal", "--yes", "--data", dir}, args...)
		if code := p.run(t.Context(), args); code != exitRefused || !strings.Contains(stderr.String(), "another gatehouse keys reseal") {
			t.Errorf("KY-06 by %s: exit %d: %s", name, code, stderr)
		}
	}
	release()
	r.beside(t, "", "keys", "reseal", "--yes", "--master-key-file", link)
	keys, err := readMasterKeys(filepath.Join(dir, "master.key"))
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("KY-06 the link is one no more (%v)", err)
	}
	if err != nil || len(keys.Former) != 1 {
		t.Errorf("KY-06 %d former keys behind the link (%v)", len(keys.Former), err)
	}
}

func TestAResealRemovesWhatAKilledOneLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	r := &running{dir: dir}
	r.beside(t, "", "migrate")
	for name, stays := range map[string]bool{
		".master.key-1234567890": false, ".master.key-": true, ".master.key-backup": true, "master.key-1": true, ".other.key-1": true,
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(model.NewMasterKey().Encode()), 0o600); err != nil {
			t.Fatal(err)
		}
		r.beside(t, "", "keys", "reseal", "--yes")
		if _, err := os.Stat(path); (err == nil) != stays {
			t.Errorf("KY-01 %s: %v", name, err)
		}
	}
}

func TestTheGuideHasTheLivesOfTheKeys(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", "operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	if err := describeKeyLife(&said, "master.key", []string{"0123456789abcdef"}); err != nil {
		t.Fatal(err)
	}
	t.Run("KY-03_the_command_says_what_the_guide_says", func(t *testing.T) {
		page := strings.Join(strings.Fields(string(guide)), " ")
		for _, line := range strings.Split(strings.TrimSpace(said.String()), "\n") {
			if strings.HasPrefix(line, "The master key is ") {
				_, line, _ = strings.Cut(line, ". ")
			}
			if !strings.Contains(page, line) {
				t.Errorf("the guide does not say: %s", line)
			}
		}
	})
}
