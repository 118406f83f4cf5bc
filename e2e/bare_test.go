package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// bareVariable makes a process of this test the reference of the benchmarks: a
// net/http handler that writes one body, with the certificate of the data
// directory it names.
const bareVariable = "GATEHOUSE_E2E_BARE"

// serveBare runs until it is killed, and says where it is as gatehouse does.
func serveBare(dir string) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	body, err := os.ReadFile(filepath.Join(dir, "bare.json"))
	if err != nil {
		return fail(err)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "local.pem"), filepath.Join(dir, "local.key"))
	if err != nil {
		return fail(err)
	}
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fail(err)
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			_, _ = w.Write(body)
		}),
		ReadHeaderTimeout: time.Minute,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12,
			CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256}},
	}
	address := port.Addr().String()
	fmt.Printf("Gatehouse is ready at https://localhost:%d\n", port.Addr().(*net.TCPAddr).Port)
	fmt.Fprintf(os.Stderr, `{"msg":"ready","address":"%s"}`+"\n", address)
	return fail(server.ServeTLS(port, "", ""))
}

// bare starts the reference beside a server, with an answer of its size.
func (s *server) bare(b *testing.B, body string) *server {
	b.Helper()
	must(b, os.WriteFile(filepath.Join(s.data, "bare.json"), []byte(body), 0o600))
	self, err := os.Executable()
	must(b, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), bareVariable+"="+s.data)
	return start(b, s.data, cmd)
}

// wire is one HTTP/1.1 connection whose client does as little as it can, so
// that what is measured is the server.
type wire struct {
	conn *tls.Conn
	in   *textproto.Reader
	buf  *bufio.Reader
}

func (s *server) wire(b testing.TB) *wire {
	b.Helper()
	return s.wireFrom(b, "127.0.0.1")
}

// wireFrom comes from an address of this machine, which has all of 127.0.0.0/8.
func (s *server) wireFrom(b testing.TB, address string) *wire {
	b.Helper()
	config := s.tls(b)
	config.NextProtos = []string{"http/1.1"}
	conn, err := tls.DialWithDialer(dialerFrom(address), "tcp", s.port(b), config)
	must(b, err)
	b.Cleanup(func() { _ = conn.Close() })
	buf := bufio.NewReader(conn)
	return &wire{conn: conn, in: textproto.NewReader(buf), buf: buf}
}

// head writes a request as it goes over the wire.
func (s *server) head(method, path, bearer, body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, strings.TrimPrefix(s.url, "https://"))
	if bearer != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", bearer)
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return b.String() + "\r\n" + body
}

// trade sends a request and reads the answer.
func (w *wire) trade(request string) (status, body string, err error) {
	if _, err = io.WriteString(w.conn, request); err != nil {
		return "", "", err
	}
	first, err := w.in.ReadLine()
	if err != nil {
		return "", "", err
	}
	length := -1
	for {
		line, err := w.in.ReadLine()
		if err != nil {
			return "", "", err
		}
		if line == "" {
			break
		}
		if value, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			if length, err = strconv.Atoi(value); err != nil {
				return "", "", err
			}
		}
	}
	if length < 0 {
		return "", "", fmt.Errorf("no length: %s", first)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(w.buf, text); err != nil {
		return "", "", err
	}
	return strings.TrimPrefix(first, "HTTP/1.1 ")[:3], string(text), nil
}
