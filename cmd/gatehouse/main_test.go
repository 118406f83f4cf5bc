package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary answer to the name gatehouse, for the plays
// and for tests that need a process of its own. Under the name hasty-gatehouse
// it waits less for the server that may run beside it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gatehouse": main, "hasty-gatehouse": func() {
		p := newProgram()
		p.masterKeyPoll = hastyPoll
		os.Exit(p.run(context.Background(), os.Args[1:]))
	}})
}

// hastyPoll is the masterKeyPoll of a command beside a server that looks more
// often than this.
const hastyPoll = 100 * time.Millisecond

func TestPlays(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for _, setting := range settingNames() {
				env.Setenv("GATEHOUSE_"+strings.ToUpper(strings.ReplaceAll(setting, "-", "_")), "")
			}
			// Hashes are cheap, but in a play that shows the default.
			env.Setenv("GATEHOUSE_HASH_PARAMS", cheapHash)
			return nil
		},
	})
}

// running is a server in this process, as gatehouse serve starts it.
type running struct {
	url    string
	dir    string
	stdout *output
	stderr *output
	stop   func() int // ends it and returns the exit code
}

// output is a buffer that can be read while it is written.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

// cheapHash is the least that a password may cost.
const cheapHash = "m=12288,t=3,p=1"

// testProgram is a program of its own, with an environment in which hashes are cheap
// and nothing else is set.
func testProgram() (p *program, stdout, stderr *output) {
	p = newProgram()
	stdout, stderr = new(output), new(output)
	p.stdin, p.stdout, p.stderr = strings.NewReader(""), stdout, stderr
	p.environment = func(name string) (string, bool) {
		if name == "GATEHOUSE_HASH_PARAMS" {
			return cheapHash, true
		}
		return "", false
	}
	p.certificatePoll = 20 * time.Millisecond
	p.masterKeyPoll = 20 * time.Millisecond
	return p, stdout, stderr
}

// start runs gatehouse serve on a free port and waits until it is ready. change
// may alter the program first.
func start(t *testing.T, change func(*program), args ...string) *running {
	t.Helper()
	p, stdout, stderr := testProgram()
	if change != nil {
		change(p)
	}
	dir := filepath.Join(t.TempDir(), "data")
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--data", dir}, args...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() { ended <- p.run(ctx, args) }()
	r := &running{dir: dir, stdout: stdout, stderr: stderr}
	r.stop = sync.OnceValue(func() int {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { r.stop() })
	for {
		if _, rest, ok := strings.Cut(stdout.String(), "ready at "); ok && strings.Contains(rest, "\n") {
			r.url, _, _ = strings.Cut(rest, "\n")
			return r
		}
		select {
		case code := <-ended:
			ended <- code
			t.Fatalf("gatehouse %s ended with %d: %s", strings.Join(args, " "), code, stderr)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// address is where the server listens.
func (r *running) address() string {
	return strings.Replace(strings.TrimPrefix(r.url, "https://"), "localhost", "127.0.0.1", 1)
}

// roots holds the local authority.
func (r *running) roots(t *testing.T) *x509.CertPool {
	t.Helper()
	content, err := os.ReadFile(localPathsIn(r.dir).authority)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(content) {
		t.Fatal("the authority is not PEM")
	}
	return roots
}

// client trusts the local authority and nothing else.
func (r *running) client(t *testing.T) *http.Client {
	t.Helper()
	return r.clientBy(t, new(net.Dialer))
}

// clientBy is client for connections that a dialer makes, to the IPv4 address.
func (r *running) clientBy(t *testing.T, dialer *net.Dialer) *http.Client {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: r.roots(t)},
		ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, r.address())
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// dial opens a TLS connection that speaks HTTP/1.
func (r *running) dial(t *testing.T, change func(*tls.Config)) (*tls.Conn, error) {
	t.Helper()
	config := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"} //nolint:gosec // what is checked is the server's side
	if change != nil {
		change(config)
	}
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: 20 * time.Second}, Config: config}
	conn, err := dialer.DialContext(t.Context(), "tcp", r.address())
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*tls.Conn), nil
}

// get returns status and body.
func get(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	answer, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}
