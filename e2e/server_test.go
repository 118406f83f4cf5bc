// Package e2e proves the binary from outside: a real process, real TLS, a real
// browser, real signals. It holds tests only.
package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binaryVariable names a gatehouse that is there already. Without it the tests
// build the one of this checkout, once.
const binaryVariable = "GATEHOUSE_E2E_BINARY"

func TestMain(m *testing.M) { os.Exit(runAll(m)) }

func runAll(m *testing.M) int {
	flag.Parse()
	if most := flag.Lookup("test.parallel").Value; most.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = most.Set(strconv.Itoa(4 * runtime.GOMAXPROCS(0))) // most of them only wait
	}
	if dir := os.Getenv(bareVariable); dir != "" {
		return serveBare(dir)
	}
	if os.Getenv(binaryVariable) != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "gatehouse-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "gatehouse")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, "gatehouse/cmd/gatehouse")
	if said, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, said)
		return 1
	}
	if err := os.Setenv(binaryVariable, path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// patience is how long anything may take before a test gives up on it. Nothing
// here is measured; a slow machine only takes longer.
const patience = 90 * time.Second

// server is a running gatehouse serve.
type server struct {
	url    string
	at     string // where it listens, if a test started it
	data   string
	client *http.Client // trusts the authority of the data directory and follows no redirect
	cmd    *exec.Cmd
	out    string // file with all it printed
	log    string // file with all it logged
	exited chan struct{}
	count  *census // nil where nobody counts
}

// newData is the path of a data directory that does not exist yet.
func newData(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "gatehouse-data")
}

// serve starts a server on a free port and waits until it is healthy. It is
// killed at the end of the test.
func serve(t testing.TB, data string, settings ...string) *server {
	t.Helper()
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--data", data}, settings...)
	return start(t, data, exec.Command(os.Getenv(binaryVariable), args...))
}

// serveLimited is serve with the limits that everybody has who sets none. What
// start starts otherwise has limits so wide that a test from one address meets none.
func serveLimited(t testing.TB, data string, settings ...string) *server {
	t.Helper()
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--data", data, "--hash-params", cheapHash}, settings...)
	cmd := exec.Command(os.Getenv(binaryVariable), args...)
	cmd.Env = append(os.Environ(), "GATEHOUSE_LIMITS=")
	return start(t, data, cmd)
}

// again starts a server on the data of one that has ended, under the same
// public address, so that its tokens stay good.
func (s *server) again(t testing.TB) *server {
	t.Helper()
	return serve(t, s.data, "--url", s.url)
}

func start(t testing.TB, data string, cmd *exec.Cmd) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{data: data, cmd: cmd, exited: make(chan struct{})}
	s.out, s.log = filepath.Join(dir, "stdout"), filepath.Join(dir, "stderr")
	out, err := os.Create(s.out)
	must(t, err)
	defer out.Close()
	log, err := os.Create(s.log)
	must(t, err)
	defer log.Close()
	cmd.Stdout, cmd.Stderr = out, log
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append([]string{"GATEHOUSE_LIMITS=" + wideLimits}, cmd.Env...) // the last one counts
	must(t, cmd.Start())
	go func() {
		_ = cmd.Wait()
		close(s.exited)
	}()
	t.Cleanup(s.kill)
	address := s.address(t)
	s.at = address
	s.trust(t, address)
	await(t, "healthy", func() bool {
		answer, err := s.client.Get(s.url + "/healthz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return s
}

var (
	readyLine   = regexp.MustCompile(`(?m)^Gatehouse is ready at (https://\S+)$`)
	addressLine = regexp.MustCompile(`"msg":"ready".*"address":"([^"]+)"`)
)

// address waits for the server to say where it is, and returns where it
// listens, which --url does not change.
func (s *server) address(t testing.TB) string {
	t.Helper()
	var address string
	await(t, "the line with the address", func() bool {
		s.failIfExited(t)
		log, _ := os.ReadFile(s.log)
		if found := addressLine.FindSubmatch(log); found != nil {
			address = string(found[1])
		}
		return address != ""
	})
	printed, err := os.ReadFile(s.out)
	must(t, err)
	found := readyLine.FindSubmatch(printed)
	if found == nil {
		t.Fatalf("serve printed no address: %s", printed)
	}
	s.url = string(found[1])
	return address
}

func (s *server) failIfExited(t testing.TB) {
	t.Helper()
	select {
	case <-s.exited:
		log, _ := os.ReadFile(s.log)
		t.Fatalf("serve ended: %v\n%s", s.cmd.ProcessState, log)
	default:
	}
}

// trust makes the client: it knows one authority, and finds the server under
// its public name wherever it listens.
func (s *server) trust(t testing.TB, address string) {
	t.Helper()
	s.client = &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: s.tls(t), ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 32,
			DialContext: dialOnly(address),
		},
	}
	t.Cleanup(s.client.CloseIdleConnections)
}

// tls trusts the authority of the data directory and nothing else.
func (s *server) tls(t testing.TB) *tls.Config {
	t.Helper()
	authority, err := os.ReadFile(filepath.Join(s.data, "local-ca.pem"))
	must(t, err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		t.Fatal("local-ca.pem holds no certificate")
	}
	return &tls.Config{RootCAs: roots, ServerName: "localhost"}
}

// logged is the log with the lines of all requests so far. A busy server writes
// many at once, a moment later and in order, so that one last request tells.
func (s *server) logged(t testing.TB) []byte {
	t.Helper()
	last := s.ask(t, request{method: "GET", path: "/healthz"}).want(t, 200).header.Get("X-Request-Id")
	var log []byte
	await(t, "the line of the last request", func() bool {
		var err error
		log, err = os.ReadFile(s.log)
		must(t, err)
		return bytes.Contains(log, []byte(last)) && bytes.HasSuffix(log, []byte("\n"))
	})
	return log
}

// kill ends the process as a loss of power would, and waits for its end.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// stop asks the server to end and returns its exit code.
func (s *server) stop(t testing.TB) int {
	t.Helper()
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	return s.exit(t)
}

func (s *server) exit(t testing.TB) int {
	t.Helper()
	select {
	case <-s.exited:
	case <-time.After(patience):
		t.Fatal("serve does not end")
	}
	return s.cmd.ProcessState.ExitCode()
}

// ran is what a command left behind.
type ran struct {
	code        int
	out, stderr string
}

// command runs a command of gatehouse on a data directory, with one line of input.
func command(t testing.TB, data, input string, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Getenv(binaryVariable), append(args, "--data", data)...)
	var out, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return ran{code: cmd.ProcessState.ExitCode(), out: out.String(), stderr: stderr.String()}
}

// done runs a command that has to succeed and returns what it printed.
func done(t testing.TB, data, input string, args ...string) string {
	t.Helper()
	got := command(t, data, input, args...)
	if got.code != 0 {
		t.Fatalf("gatehouse %s: exit code %d, %s%s", strings.Join(args, " "), got.code, got.out, got.stderr)
	}
	return got.out
}

// users is what the store holds of users, as the operator sees it.
func users(t testing.TB, data string) string {
	t.Helper()
	return done(t, data, "", "user", "list", "--json")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// await asks until the answer is yes.
func await(t testing.TB, what string, yes func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !yes(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}
