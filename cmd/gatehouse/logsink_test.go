package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTheServerOutlivesWhoReadsItsLog runs a real process: only there does a closed
// pipe send a signal.
func TestTheServerOutlivesWhoReadsItsLog(t *testing.T) {
	t.Parallel()
	for _, closed := range []bool{true, false} {
		name := map[bool]string{true: "LG-09_a_closed_pipe", false: "LG-09_a_pipe_that_nobody_reads"}[closed]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			reader, writer, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			r := &running{dir: filepath.Join(t.TempDir(), "data"), stdout: new(output)}
			command := exec.CommandContext(ctx, "gatehouse", "serve", "--listen", "127.0.0.1:0", "--data", r.dir)
			command.Stdout, command.Stderr = r.stdout, writer
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			if err := writer.Close(); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the greeting", func() bool { return strings.Contains(r.stdout.String(), "ready at") })
			if closed {
				if err := reader.Close(); err != nil {
					t.Fatal(err)
				}
			}
			_, rest, _ := strings.Cut(r.stdout.String(), "ready at ")
			r.url, _, _ = strings.Cut(rest, "\n")
			client := r.client(t)
			p, _, stderr := testProgram()
			p.stdin = strings.NewReader("correct horse battery staple\n")
			if code := p.run(ctx, []string{"user", "add", "ana", "--data", r.dir}); code != exitDone {
				t.Fatal(stderr)
			}
			for n := 0; n < 3000 && !strings.Contains(r.stdout.String(), "the log cannot be written"); n++ {
				if status, _ := get(t, client, r.url+"/healthz"); status != http.StatusOK {
					t.Fatalf("request %d: got %d", n, status)
				}
			}
			if status := loginStatus(t, client, r.url); status != http.StatusOK {
				t.Errorf("login: got %d", status)
			}
			if got := strings.Count(r.stdout.String(), "gatehouse: the log cannot be written"); got != 1 {
				t.Errorf("it was said %d times, want once:\n%s", got, r.stdout)
			}
			if err := command.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := command.Wait(); err != nil {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

// loginStatus logs ana in.
func loginStatus(t *testing.T, client *http.Client, url string) int {
	t.Helper()
	answer, err := client.Post(url+"/v1/login", "application/json", strings.NewReader(`{"identifier":"ana","password":"correct horse battery staple"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}
