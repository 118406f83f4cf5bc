package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestServeWithNothingConfigured(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	client := r.client(t)
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ok"} {
		if status, body := get(t, client, r.url+path); status != 200 || strings.TrimSpace(body) != want {
			t.Errorf("%s: got %d %q", path, status, body)
		}
	}
	for _, want := range []string{r.url, "gatehouse trust", "local-ca.pem", "/register", "gatehouse user add", r.dir} {
		if !strings.Contains(r.stdout.String(), want) {
			t.Errorf("the greeting lacks %q:\n%s", want, r.stdout)
		}
	}
	t.Run("LT-17_nobody_exists", func(t *testing.T) {
		p, stdout, stderr := testProgram()
		if code := p.run(t.Context(), []string{"user", "list", "--json", "--data", r.dir}); code != 0 || strings.TrimSpace(stdout.String()) != "[]" {
			t.Errorf("got %d %s %s, want an empty list", code, stdout, stderr)
		}
	})
	t.Run("the_loopback_address_is_answered_too", func(t *testing.T) {
		if status, _ := get(t, client, "https://"+r.address()+"/healthz"); status != 200 {
			t.Errorf("got %d", status)
		}
	})
	if code := r.stop(); code != exitDone {
		t.Errorf("ended with %d: %s", code, r.stderr)
	}
}

func TestCommandsBesideTheServer(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	client := r.client(t)
	const password = "correct horse battery staple"
	command := func(stdin string, args ...string) (int, string) {
		p, stdout, stderr := testProgram()
		p.stdin = strings.NewReader(stdin)
		code := p.run(t.Context(), append(args, "--data", r.dir, "--url", r.url))
		return code, stdout.String() + stderr.String()
	}
	login := func() int {
		body := strings.NewReader(`{"identifier":"ana","password":"` + password + `"}`)
		answer, err := client.Post(r.url+"/v1/login", "application/json", body)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	for _, step := range []struct {
		name   string
		stdin  string
		args   []string
		status int
	}{
		{"before", "", []string{"user", "list"}, 401},
		{"added", password + "\n", []string{"user", "add", "ana"}, 200},
		{"disabled", "", []string{"user", "disable", "ana"}, 403},
		{"enabled", "", []string{"user", "enable", "ana"}, 200},
		{"deleted", "", []string{"user", "delete", "ana", "--yes"}, 401},
	} {
		if code, said := command(step.stdin, step.args...); code != exitDone {
			t.Fatalf("%s: exit %d: %s", step.name, code, said)
		}
		if got := login(); got != step.status {
			t.Errorf("%s: login answers %d, want %d", step.name, got, step.status)
		}
	}
}

func TestRV06LinksLeadToTheServerThatRuns(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	link := func(args ...string) string {
		t.Helper()
		p, stdout, stderr := testProgram()
		if code := p.run(t.Context(), append([]string{"user", "add", "--link", "--data", r.dir}, args...)); code != exitDone {
			t.Fatalf("got %d: %s", code, stderr)
		}
		return stdout.String()
	}
	if got := link("ana"); !strings.Contains(got, "\n"+r.url+"/reset?code=") {
		t.Errorf("the link does not lead to %s", r.url)
	}
	if got := link("bob", "--url", "https://localhost:1"); !strings.Contains(got, "\nhttps://localhost:1/reset?code=") {
		t.Error("the link does not lead to the address that is set")
	}
}

func TestTokenInspect(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	p, _, stderr := testProgram()
	p.stdin = strings.NewReader("correct horse battery staple\n")
	if code := p.run(t.Context(), []string{"user", "add", "ana", "--data", r.dir, "--url", r.url}); code != exitDone {
		t.Fatalf("user add: %s", stderr)
	}
	answer, err := r.client(t).Post(r.url+"/v1/login", "application/json",
		strings.NewReader(`{"identifier":"ana","password":"correct horse battery staple"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var grant struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&grant); err != nil {
		t.Fatal(err)
	}
	inspect := func(token string) (int, string) {
		p, stdout, stderr := testProgram()
		p.stdin = strings.NewReader(token + "\n")
		code := p.run(t.Context(), []string{"token", "inspect", "-", "--data", r.dir, "--url", r.url})
		return code, stdout.String() + stderr.String()
	}
	code, said := inspect(grant.AccessToken)
	for _, want := range []string{`"typ": "at+jwt"`, `"alg": "EdDSA"`, `"iss": "` + r.url + `"`, "logged in: ", "expires: ", "verdict: valid for ", "session: alive"} {
		if code != exitDone || !strings.Contains(said, want) {
			t.Errorf("exit %d, want 0 and %q in:\n%s", code, want, said)
		}
	}
	dot := strings.LastIndexByte(grant.AccessToken, '.')
	if code, said := inspect(grant.AccessToken[:dot+1] + strings.Repeat("A", len(grant.AccessToken)-dot-1)); code != exitRefused || !strings.Contains(said, "verdict: not valid: ") {
		t.Errorf("forged: exit %d:\n%s", code, said)
	}
	if code := p.run(t.Context(), []string{"user", "sessions", "ana", "--end-all", "--yes", "--data", r.dir, "--url", r.url}); code != exitDone {
		t.Fatalf("user sessions: %s", stderr)
	}
	if code, said := inspect(grant.AccessToken); code != exitRefused || !strings.Contains(said, "verdict: not valid: the session has ended") {
		t.Errorf("ended session: exit %d:\n%s", code, said)
	}
}

func TestSecondServer(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	second := func(args ...string) (int, string) {
		p, _, stderr := testProgram()
		code := p.run(t.Context(), append([]string{"serve"}, args...))
		return code, stderr.String()
	}
	t.Run("ST-14_same_directory", func(t *testing.T) {
		code, said := second("--data", r.dir, "--listen", "127.0.0.1:0")
		if code != exitRefused || strings.Count(said, "\n") != 1 || !strings.Contains(said, "already runs on "+r.dir) {
			t.Errorf("got %d %q", code, said)
		}
	})
	t.Run("port_in_use", func(t *testing.T) {
		code, said := second("--data", filepath.Join(t.TempDir(), "data"), "--listen", r.address())
		if code != exitRefused || strings.Count(said, "\n") != 1 || !strings.Contains(said, "--listen: "+r.address()+" is in use") {
			t.Errorf("got %d %q", code, said)
		}
	})
	t.Run("ST-14_the_first_is_unharmed", func(t *testing.T) {
		if status, _ := get(t, r.client(t), r.url+"/readyz"); status != 200 {
			t.Errorf("got %d", status)
		}
	})
}

func TestOrderlyStop(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	conn, err := r.dial(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(r.url, "https://")
	const body = `{"refresh_token":"ghr_nonsense"}`
	// A request that has begun when the stop comes, and is finished after it.
	head := fmt.Sprintf("POST /v1/token/refresh HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", host, len(body))
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	const goOn = "HTTP/1.1 100 Continue\r\n\r\n"
	if _, err := io.ReadFull(conn, make([]byte, len(goOn))); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() { ended <- r.stop() }()
	waitFor(t, "the end of accepting", func() bool {
		probe, err := net.Dial("tcp", r.address())
		if err == nil {
			_ = probe.Close()
		}
		return err != nil
	})
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 401 ") {
		t.Errorf("got %q, %v; want the answer", answer, err)
	}
	if code := <-ended; code != exitDone {
		t.Errorf("ended with %d: %s", code, r.stderr)
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			command := exec.CommandContext(ctx, "gatehouse", "serve", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "data"))
			stdout := new(output)
			command.Stdout = stdout
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the greeting", func() bool { return strings.Contains(stdout.String(), "ready at") })
			if err := command.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := command.Wait(); err != nil {
				t.Errorf("got %v, want exit code 0", err)
			}
		})
	}
}

func TestEverythingOnDiskIsPrivate(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir := filepath.Join(t.TempDir(), "data")
	command := exec.CommandContext(ctx, "sh", "-c", "umask 000; exec gatehouse serve --listen 127.0.0.1:0 --data "+dir)
	stdout := new(output)
	command.Stdout = stdout
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the greeting", func() bool { return strings.Contains(stdout.String(), "ready at") })
	seen := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		seen++
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(fileMode)
		if entry.IsDir() {
			want = dirMode
		}
		if info.Mode().Perm() != want {
			t.Errorf("KY-13: %s has mode %o, want %o", path, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil || seen < 8 {
		t.Errorf("KY-13: saw %d files, %v", seen, err)
	}
	if err := errors.Join(command.Process.Signal(syscall.SIGTERM), command.Wait()); err != nil {
		t.Error(err)
	}
}

func TestLocalAuthority(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := newLogger(io.Discard, "json")
	local, err := openLocal(dir, "localhost", log)
	if err != nil {
		t.Fatal(err)
	}
	authority, key, err := local.authority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	t.Run("TL-04_vouches_for_this_machine", func(t *testing.T) {
		for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
			if _, err := local.current.Load().Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
				t.Errorf("%s: %v", host, err)
			}
		}
	})
	t.Run("TL-04_vouches_for_nobody_else", func(t *testing.T) {
		for _, host := range []string{"example.com", "192.0.2.1"} {
			elsewhere := &localCertificates{paths: localPathsIn(t.TempDir()), host: host, log: log}
			pair, err := elsewhere.makeLeaf(authority, key, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err == nil {
				t.Errorf("a certificate for %s verifies", host)
			}
		}
	})
	t.Run("TL-07_the_leaf_is_kept_and_renewed_in_time", func(t *testing.T) {
		first := local.current.Load().Leaf
		if life := first.NotAfter.Sub(first.NotBefore); life > 90*24*time.Hour {
			t.Errorf("lives %s", life)
		}
		if err := local.ensure(time.Now().Add(24 * time.Hour)); err != nil {
			t.Fatal(err)
		}
		if local.current.Load().Leaf.SerialNumber.Cmp(first.SerialNumber) != 0 {
			t.Error("a fresh leaf was replaced")
		}
		if err := local.ensure(first.NotAfter.Add(-leafRenewal + time.Hour)); err != nil {
			t.Fatal(err)
		}
		if local.current.Load().Leaf.SerialNumber.Cmp(first.SerialNumber) == 0 {
			t.Error("a leaf near its end was kept")
		}
	})
	t.Run("KY-01_a_key_that_others_can_read_is_refused", func(t *testing.T) {
		if err := os.Chmod(local.paths.authorityKey, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := openLocal(dir, "localhost", log); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("got %v", err)
		}
	})
}

func TestOneNameOfTheProduct(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"of_mails_stands_on_the_pages_too": {[]string{"--smtp", "mailbox", "--mail-from", "Ana's Shop <shop@example.com>"}, "· Ana&#39;s Shop</title>"},
		"is_ours_without_one":              {nil, "· Gatehouse</title>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, nil, test.args...)
			if _, page := get(t, r.client(t), r.url+"/login"); !strings.Contains(page, test.want) {
				t.Errorf("the page does not have %q:\n%.400s", test.want, page)
			}
		})
	}
}
