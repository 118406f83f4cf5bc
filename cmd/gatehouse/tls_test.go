package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeCertificate writes a self-signed pair for localhost and returns the
// paths and the serial number.
func writeCertificate(t *testing.T, dir string, useRSA bool) (certFile, keyFile, serial string) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{CommonName: "localhost"},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	var (
		public, private any
		err             error
	)
	if useRSA {
		key, keyErr := rsa.GenerateKey(rand.Reader, 2048)
		public, private, err = key.Public(), key, keyErr
	} else {
		key, keyErr := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		public, private, err = key.Public(), key, keyErr
	}
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeOrFail(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	writeOrFail(t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return certFile, keyFile, template.SerialNumber.String()
}

func writeOrFail(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, fileMode); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyTheNewestVersion(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "--tls-min", "1.3")
	for version, want := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: false, tls.VersionTLS13: true} {
		t.Run("TL-01_switch_"+tls.VersionName(version), func(t *testing.T) {
			_, err := r.dial(t, func(c *tls.Config) { c.MinVersion, c.MaxVersion = version, version })
			if (err == nil) != want {
				t.Errorf("got error %v, want success %t", err, want)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	for _, tt := range []struct {
		name    string
		version uint16
		want    bool
	}{
		{"TLS_1.0", tls.VersionTLS10, false},
		{"TLS_1.1", tls.VersionTLS11, false},
		{"TLS_1.2", tls.VersionTLS12, true},
		{"TLS_1.3", tls.VersionTLS13, true},
	} {
		t.Run("TL-01_"+tt.name, func(t *testing.T) {
			conn, err := r.dial(t, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tt.version, tt.version })
			if (err == nil) != tt.want {
				t.Fatalf("got error %v, want success %t", err, tt.want)
			}
			if err == nil && conn.ConnectionState().Version != tt.version {
				t.Errorf("got %s", tls.VersionName(conn.ConnectionState().Version))
			}
		})
	}
	t.Run("TL-01_default_client_gets_1.3", func(t *testing.T) {
		conn, err := r.dial(t, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.ConnectionState().Version; got != tls.VersionTLS13 {
			t.Errorf("got %s, want TLS 1.3", tls.VersionName(got))
		}
	})
	t.Run("TL-01_SSL_3.0", func(t *testing.T) {
		// A ClientHello of SSL 3.0 with one suite (RFC 6101 section 5.6.1.2).
		hello := append([]byte{3, 0}, bytes.Repeat([]byte{7}, 32)...)
		hello = append(hello, 0, 0, 2, 0, 0x2f, 1, 0)
		message := append([]byte{1, 0, 0, byte(len(hello))}, hello...)
		record := append([]byte{22, 3, 0, 0, byte(len(message))}, message...)
		if got := exchange(t, r.address(), record); len(got) < 7 || got[0] != 21 || got[5] != 2 {
			t.Errorf("got % x, want a fatal alert", got)
		}
	})
}

// exchange sends bytes over TCP and returns everything until the server closes.
func exchange(t *testing.T, address string, sent []byte) []byte {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(sent); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("after %q: %v", got, err)
	}
	return got
}

func TestCipherSuites(t *testing.T) {
	t.Parallel()
	certFile, keyFile, _ := writeCertificate(t, t.TempDir(), true)
	servers := []*running{start(t, nil), start(t, nil, "--tls", "files", "--cert", certFile, "--key", keyFile)}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if suite.SupportedVersions[0] == tls.VersionTLS13 {
			continue // not negotiable one by one, and all of them are fine
		}
		t.Run("TL-02_"+suite.Name, func(t *testing.T) {
			want := strings.HasPrefix(suite.Name, "TLS_ECDHE_") &&
				(strings.Contains(suite.Name, "_GCM_") || strings.Contains(suite.Name, "_CHACHA20_"))
			got := false
			for _, r := range servers {
				_, err := r.dial(t, func(c *tls.Config) {
					c.MinVersion, c.MaxVersion, c.CipherSuites = tls.VersionTLS10, tls.VersionTLS12, []uint16{suite.ID}
				})
				got = got || err == nil
			}
			if got != want {
				t.Errorf("accepted: %t, want %t", got, want)
			}
		})
	}
}

func TestKeyExchanges(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	for curve, want := range map[tls.CurveID]bool{
		tls.X25519MLKEM768: true, tls.X25519: true, tls.CurveP256: true, tls.CurveP384: false, tls.CurveP521: false,
		tls.SecP256r1MLKEM768: false, tls.SecP384r1MLKEM1024: false,
	} {
		t.Run(fmt.Sprintf("TL-13_%s", curve), func(t *testing.T) {
			conn, err := r.dial(t, func(c *tls.Config) { c.MinVersion, c.CurvePreferences = tls.VersionTLS13, []tls.CurveID{curve} })
			if (err == nil) != want {
				t.Fatalf("got error %v, want success %t", err, want)
			}
			if err == nil && conn.ConnectionState().CurveID != curve {
				t.Errorf("got %s", conn.ConnectionState().CurveID)
			}
		})
	}
}

func TestPlainHTTPOnTheTLSPort(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	for _, method := range []string{"GET /healthz", "HEAD /healthz", "POST /v1/login", "PUT /x", "PATCH /v1/me", "DELETE /v1/account", "OPTIONS *"} {
		t.Run("TL-09_"+method[:3], func(t *testing.T) {
			got := string(exchange(t, r.address(), []byte(method+" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")))
			if !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, "HTTPS only") {
				t.Errorf("got %q, want 400 and why", got)
			}
		})
	}
	if strings.Contains(r.stderr.String(), `"route"`) {
		t.Errorf("a request was processed: %s", r.stderr)
	}
}

func TestReplacedCertificateFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile, first := writeCertificate(t, dir, false)
	r := start(t, nil, "--tls", "files", "--cert", certFile, "--key", keyFile)
	serial := func() string {
		conn, err := r.dial(t, nil)
		if err != nil {
			t.Fatal(err)
		}
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	if got := serial(); got != first {
		t.Fatalf("serves %s, want %s", got, first)
	}
	old, err := r.dial(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, second := writeCertificate(t, dir, false)
	t.Run("TL-07_new_files_are_served", func(t *testing.T) {
		waitFor(t, "the new certificate", func() bool { return serial() == second })
	})
	t.Run("TL-07_open_connections_live_on", func(t *testing.T) {
		if _, err := io.WriteString(old, "GET /healthz HTTP/1.1\r\nHost: "+strings.TrimPrefix(r.url, "https://")+"\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(old)
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200 ") {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("TL-07_LG-05_a_broken_pair_changes_nothing_and_is_logged", func(t *testing.T) {
		writeOrFail(t, certFile, []byte("no certificate"))
		waitFor(t, "a log line", func() bool { return strings.Contains(r.stderr.String(), "new certificate not taken") })
		if got := serial(); got != second {
			t.Errorf("serves %s, want %s", got, second)
		}
	})
}

// waitFor waits for something that is bound to come.
func waitFor(t *testing.T, what string, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !there(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
	}
}

func TestPortForPlainHTTP(t *testing.T) {
	t.Parallel()
	p, _, _ := testProgram()
	listener, err := listenOn(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.limits.request = time.Hour // so that waiting for a body shows
	log := newLogger(p.stderr, "json")
	server := newHTTPServer(toHTTPS("https://id.example.com"), p.limits, log)
	server.SetKeepAlivesEnabled(false)
	go func() {
		_ = server.Serve(newReception(listener, receptionConfig{handshake: p.limits.handshake, log: log}))
	}()
	t.Cleanup(func() { _ = server.Close() })
	for _, tt := range []struct{ name, sent, want, location string }{
		{"page", "GET /login?next=%2Faccount HTTP/1.1\r\nHost: evil.example\r\n\r\n", "308", "https://id.example.com/login?next=%2Faccount"},
		{"head_of_a_page", "HEAD /login HTTP/1.1\r\nHost: evil.example\r\n\r\n", "308", "https://id.example.com/login"},
		{"two_slashes", "GET //evil.example/ HTTP/1.1\r\nHost: id.example.com\r\n\r\n", "308", "https://id.example.com//evil.example/"},
		{"another_authority", "GET http://evil.example/login HTTP/1.1\r\nHost: evil.example\r\n\r\n", "308", "https://id.example.com/login"},
		{"api", "GET /v1/me HTTP/1.1\r\nHost: id.example.com\r\n\r\n", "403", ""},
		{"bearer", "GET /login HTTP/1.1\r\nHost: id.example.com\r\nAuthorization: Bearer x\r\n\r\n", "403", ""},
		{"post_whose_body_never_comes", "POST /login HTTP/1.1\r\nHost: id.example.com\r\nContent-Length: 1000\r\n\r\n", "403", ""},
		{"chunked_post_without_end", "POST /login HTTP/1.1\r\nHost: id.example.com\r\nTransfer-Encoding: chunked\r\n\r\n", "403", ""},
		{"upgrade", "GET /login HTTP/1.1\r\nHost: id.example.com\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "403", ""},
		{"options", "OPTIONS * HTTP/1.1\r\nHost: id.example.com\r\n\r\n", "403", ""},
	} {
		t.Run("TL-03_SC-25_"+tt.name, func(t *testing.T) {
			t.Parallel()
			got := string(exchange(t, listener.Addr().String(), []byte(tt.sent)))
			if !strings.HasPrefix(got, "HTTP/1.1 "+tt.want) {
				t.Fatalf("got %q, want %s", got, tt.want)
			}
			if tt.location != "" && !strings.Contains(got, "\r\nLocation: "+tt.location+"\r\n") {
				t.Errorf("got %q, want Location: %s", got, tt.location)
			}
		})
	}
}

func TestBehindProxy(t *testing.T) {
	t.Parallel()
	trusting := start(t, nil, "--tls", "proxy", "--trusted-proxies", "127.0.0.1", "--url", "https://id.example.com")
	strange := start(t, nil, "--tls", "proxy", "--trusted-proxies", "10.0.0.0/8", "--url", "https://id.example.com")
	for _, tt := range []struct {
		name   string
		server *running
		path   string
		header http.Header
		want   int
	}{
		{"https_from_the_proxy", trusting, "/login", http.Header{"X-Forwarded-Proto": {"https"}}, 200},
		{"http_from_the_proxy", trusting, "/login", http.Header{"X-Forwarded-Proto": {"http"}}, 308},
		{"nothing_from_the_proxy", trusting, "/login", nil, 308},
		{"two_values", trusting, "/login", http.Header{"X-Forwarded-Proto": {"https", "http"}}, 308},
		{"a_list", trusting, "/login", http.Header{"X-Forwarded-Proto": {"https, http"}}, 308},
		{"api_over_http", trusting, "/v1/me", http.Header{"X-Forwarded-Proto": {"http"}}, 403},
		{"health_check_of_the_proxy", trusting, "/healthz", nil, 200},
		{"https_from_a_stranger", strange, "/login", http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"10.0.0.1"}}, 403},
		{"health_check_of_a_stranger", strange, "/healthz", nil, 403},
	} {
		t.Run("TL-11_"+tt.name, func(t *testing.T) {
			got := askProxy(t, tt.server, tt.path, tt.header)
			if got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func askProxy(t *testing.T, r *running, path string, header http.Header) int {
	t.Helper()
	_, rest, _ := strings.Cut(r.stdout.String(), "plain HTTP on ")
	address, _, _ := strings.Cut(rest, " ")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "id.example.com"
	request.Header = header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}
