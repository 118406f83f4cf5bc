package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNoMetricsByDefault(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"AD-11_off": nil, "AD-11_PH-22_never_where_everybody_is": {"--admin-listen", "127.0.0.1:0"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, nil, args...)
			for _, path := range []string{"/metrics", "/metrics/", "/admin", "/debug/pprof/", "/debug/vars"} {
				if status, _ := get(t, r.client(t), r.url+path); status != 404 {
					t.Errorf("%s answers %d where everybody is", path, status)
				}
			}
			if args == nil && (strings.Contains(r.stdout.String(), "metrics") || strings.Contains(r.stderr.String(), "metrics")) {
				t.Errorf("the server speaks of metrics:\n%s%s", r.stdout, r.stderr)
			}
		})
	}
}

// askAdmin asks for a path under a Host.
func askAdmin(t *testing.T, method, url, host string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	request.Header.Set("Origin", "https://evil.example")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func TestWhoReadsMetrics(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "--admin-listen", "127.0.0.1:0", "--url", "https://id.localhost")
	metrics := r.metricsURL(t)
	at := strings.TrimSuffix(metrics, "/metrics")
	if !strings.HasPrefix(at, "http://127.0.0.1:") {
		t.Fatalf("metrics are at %s", metrics)
	}
	for _, tt := range []struct {
		name, method, path, host string
		want                     int
	}{
		{"AD-11_by_address", "GET", "/metrics", "", 200},
		{"AD-11_by_another_address", "GET", "/metrics", "192.0.2.7:1", 200},
		{"AD-11_by_IPv6", "GET", "/metrics", "[::1]:9", 200},
		{"AD-11_by_IPv6_without_port", "GET", "/metrics", "[::1]", 200},
		{"AD-11_as_localhost", "GET", "/metrics", "LocalHost:8445", 200},
		{"AD-11_by_our_name", "GET", "/metrics", "id.localhost", 200},
		{"AD-11_a_name_that_leads_here", "GET", "/metrics", "evil.example", 400},
		{"AD-11_a_name_that_leads_here_with_a_port", "GET", "/metrics", "evil.example:8445", 400},
		{"AD-11_a_name_that_begins_like_an_address", "GET", "/metrics", "127.0.0.1.evil.example", 400},
		{"AD-11_a_name_that_ends_like_ours", "GET", "/metrics", "evil.id.localhost", 400},
		{"AD-11_a_name_behind_an_address", "GET", "/metrics", "fe80::1%evil.example", 400},
		{"healthz", "GET", "/healthz", "", 200},
		{"without_body", "HEAD", "/metrics", "", 200},
		{"PH-22_nothing_else", "GET", "/", "", 404},
		{"PH-22_no_login", "GET", "/login", "", 404},
		{"PH-22_no_api", "GET", "/v1/me", "", 404},
		{"PH-22_no_pprof", "GET", "/debug/pprof/", "", 404},
		{"PH-22_no_spelling", "GET", "/%6detrics", "", 404},
		{"PH-22_no_dots", "GET", "/x/../metrics", "", 404},
		{"no_post", "POST", "/metrics", "", 405},
		{"no_options", "OPTIONS", "/metrics", "", 405},
		{"no_trace", "TRACE", "/metrics", "", 405},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer, body := askAdmin(t, tt.method, at+tt.path, tt.host)
			if answer.StatusCode != tt.want || (tt.want == 200 && tt.path == "/metrics" && tt.method == "GET") != strings.Contains(body, "gatehouse_") {
				t.Errorf("got %d %.80q, want %d", answer.StatusCode, body, tt.want)
			}
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
				"Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
				"Access-Control-Allow-Origin": "", "Server": "", "Strict-Transport-Security": "",
			} {
				if got := answer.Header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
	if code := r.stop(); code != exitDone {
		t.Errorf("ended with %d: %s", code, r.stderr)
	}
	if !strings.Contains(r.stderr.String(), metrics) || strings.Contains(r.stderr.String(), "evil.example") {
		t.Errorf("the log is:\n%s", r.stderr)
	}
}

func TestMetricsForOthersAreEncrypted(t *testing.T) {
	t.Parallel()
	certFile, keyFile, _ := writeCertificate(t, t.TempDir(), false)
	r := start(t, nil, "--tls", "files", "--cert", certFile, "--key", keyFile, "--admin-listen", "0.0.0.0:0")
	shown := r.metricsURL(t)
	_, port, _ := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(shown, "https://"), "/metrics"))
	if !strings.HasPrefix(shown, "https://") || port == "" {
		t.Fatalf("metrics are at %s", shown)
	}
	content, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(content)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
	t.Run("AD-11_TL-01_https_with_the_certificate_of_the_server", func(t *testing.T) {
		answer, err := client.Get("https://127.0.0.1:" + port + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != 200 || readFigures(t, string(body))["gatehouse_store_up"] != 1 {
			t.Errorf("got %d, %v", answer.StatusCode, err)
		}
		if answer.ProtoMajor != 1 || answer.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("got %s %v", answer.Proto, answer.Header)
		}
	})
	t.Run("AD-11_TL-09_nothing_in_clear", func(t *testing.T) {
		status, body := get(t, http.DefaultClient, "http://127.0.0.1:"+port+"/metrics")
		if status != 400 || strings.Contains(body, "gatehouse_") {
			t.Errorf("got %d %.80q", status, body)
		}
	})
	t.Run("TL-01_no_old_TLS", func(t *testing.T) {
		conn, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}) //nolint:gosec // must fail
		if err == nil {
			_ = conn.Close()
			t.Error("TLS 1.1 is spoken")
		}
	})
}

func TestAPortForMetricsThatIsTaken(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "--admin-listen", "127.0.0.1:0")
	taken := strings.TrimSuffix(strings.TrimPrefix(r.metricsURL(t), "http://"), "/metrics")
	p, stdout, stderr := testProgram()
	dir := filepath.Join(t.TempDir(), "data")
	code := p.run(t.Context(), []string{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--admin-listen", taken})
	said := stderr.String()
	if code != exitRefused || strings.Count(said, "\n") != 1 || !strings.Contains(said, "--admin-listen: "+taken+" is in use") || stdout.String() != "" {
		t.Errorf("got %d %q %q", code, said, stdout)
	}
	if exists(filepath.Join(dir, "gatehouse.db")) {
		t.Error("a database was made all the same")
	}
}

func TestAStoreThatIsGoneShowsInFigures(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "--admin-listen", "127.0.0.1:0")
	open, err := sqliteBeside(t, r)
	if err != nil {
		t.Fatal(err)
	}
	asker := &storeAsker{installation: open}
	if got := asker.figures(t.Context()); !got.up {
		t.Fatalf("got %+v", got)
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
	if got := asker.figures(t.Context()); !got.up {
		t.Error("the store was asked twice in a moment")
	}
	asker.asked = asker.asked.Add(-storeAskPeriod)
	got := asker.figures(t.Context())
	e := new(exposition)
	got.writeTo(e)
	if text := string(e.text); got.up || !strings.HasSuffix(text, "gatehouse_store_up 0\n") {
		t.Errorf("got %+v:\n%s", got, text)
	}
}

// sqliteBeside opens the store of a server a second time.
func sqliteBeside(t *testing.T, r *running) (*installation, error) {
	t.Helper()
	p, _, _ := testProgram()
	cfg, err := p.configure(map[string]string{"data": r.dir})
	if err != nil {
		return nil, err
	}
	return openExisting(t.Context(), cfg, p.quietLog())
}
