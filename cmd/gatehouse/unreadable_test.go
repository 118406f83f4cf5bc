package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// firstAnswer sends bytes and reads one whole answer.
func firstAnswer(t *testing.T, conn net.Conn, sent string) (answer *http.Response, body string) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, sent); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// wantOurs holds an answer to what every answer of ours carries.
func wantOurs(t *testing.T, answer *http.Response, body string) {
	t.Helper()
	for name, want := range map[string]string{
		"Strict-Transport-Security":  "max-age=63072000; includeSubDomains",
		"Content-Security-Policy":    "default-src 'none'; frame-ancestors 'none'",
		"X-Frame-Options":            "DENY",
		"X-Content-Type-Options":     "nosniff",
		"Referrer-Policy":            "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin",
		"Cache-Control":              "no-store",
		"Content-Type":               "application/problem+json; charset=utf-8",
		"Server":                     "",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	var problem struct {
		Type, Title, Code string
		Status            int
		RequestID         string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(body), &problem); err != nil {
		t.Fatalf("%q is no problem document: %v", body, err)
	}
	if problem.Status != answer.StatusCode || problem.Code != "bad-request" || problem.Type != "/errors/bad-request" ||
		problem.RequestID == "" || problem.RequestID != answer.Header.Get("X-Request-Id") || answer.Header.Get("Date") == "" {
		t.Errorf("the document does not fit the answer: %s", body)
	}
}

func TestAnswersToTheUnreadable(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	host := strings.TrimPrefix(r.url, "https://")
	get := func(fields string) string { return "GET /login HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n" }
	for _, tt := range []struct {
		name, sent string
		want       int
	}{
		{"no_request", "nonsense\r\n\r\n", 400},
		{"broken_target", "GET /%zz HTTP/1.1\r\nHost: " + host + "\r\n\r\n", 400},
		{"no_host", "GET /login HTTP/1.1\r\n\r\n", 400},
		{"two_hosts", get("Host: " + host + "\r\n"), 400},
		{"host_with_a_space", "GET /login HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
		{"broken_name", get("X Note: x\r\n"), 400},
		{"nul_in_value", get("X-Note: a\x00b\r\n"), 400},
		{"nul_in_the_target", "GET /\x00 HTTP/1.1\r\nHost: " + host + "\r\n\r\n", 400},
		{"length_and_coding", get("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400},
		{"bare_line_feed", "GET /login HTTP/1.1\nHost: " + host + "\r\n\r\n", 400},
		{"unknown_expectation", get("Expect: miracle\r\n"), 400},
		{"two_expectations", get("Expect: 100-continue\r\nExpect: 100-continue\r\n"), 400},
		{"version_2_in_words", "GET /login HTTP/2.0\r\nHost: " + host + "\r\n\r\n", 505},
		{"version_3_in_words", "GET /login HTTP/3.0\r\nHost: " + host + "\r\n\r\n", 505},
		{"no_version", "GET /login\r\n\r\n", 400},
		{"17_KiB_of_header", get("X-Large: " + strings.Repeat("a", 17<<10) + "\r\n"), 431},
		{"17_KiB_of_target", "GET /" + strings.Repeat("a", 17<<10) + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n", 431},
		{"preface_of_HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
	} {
		t.Run("PH-01_PH-23_AI-14_AI-24_"+tt.name, func(t *testing.T) {
			t.Parallel()
			conn, err := r.dial(t, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, body := firstAnswer(t, conn, tt.sent)
			if answer.StatusCode != tt.want || !answer.Close {
				t.Fatalf("got %d, closed %t, want %d and closed: %s", answer.StatusCode, answer.Close, tt.want, body)
			}
			wantOurs(t, answer, body)
			// Its line in the log may come a moment after the answer.
			waitFor(t, "the line of the request", func() bool {
				return strings.Contains(r.stderr.String(), answer.Header.Get("X-Request-Id"))
			})
			if strings.Contains(body, "nonsense") || strings.Contains(body, "zz") {
				t.Errorf("PH-26: the answer repeats what was sent: %s", body)
			}
		})
	}
}

func TestAnswersOverHTTP2(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	for name, tt := range map[string]struct {
		fields, want int
	}{"within": {15, 400}, "17_KiB": {17, 431}, "31_KiB": {31, 431}} {
		t.Run("PH-01_PH-23_AI-13_HTTP/2_"+name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/login?a=1&a=2", nil)
			if err != nil {
				t.Fatal(err)
			}
			for range tt.fields {
				request.Header.Add("X-Large", strings.Repeat("a", 1000))
			}
			answer, err := r.client(t).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			if err != nil || answer.ProtoMajor != 2 || answer.StatusCode != tt.want {
				t.Fatalf("got %s %d, want %d: %s, %v", answer.Proto, answer.StatusCode, tt.want, body, err)
			}
			if tt.want == 431 {
				wantOurs(t, answer, string(body))
			}
		})
	}
}

func TestRawRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	host := strings.TrimPrefix(r.url, "https://")
	line := func(text string) string { return text + "\r\nHost: " + host + "\r\nConnection: close\r\n\r\n" }
	for _, tt := range []struct {
		name, sent string
		want       []int
	}{
		{"AI-14_TL-10_http_1.0_without_host", "GET /healthz HTTP/1.0\r\n\r\n", []int{400}},
		{"AI-14_TL-10_absolute_form_of_another_authority", line("GET https://evil.example/healthz HTTP/1.1"), []int{400}},
		{"AI-14_TL-10_absolute_form_in_plain_http", line("GET http://evil.example/healthz HTTP/1.1"), []int{400}},
		{"AI-14_TL-10_absolute_form_with_a_user", line("GET https://" + host + "@evil.example/healthz HTTP/1.1"), []int{400}},
		{"AI-14_authority_without_slashes", line("GET evil.example/healthz HTTP/1.1"), []int{400}},
		{"AI-16_connect", line("CONNECT " + host + " HTTP/1.1"), []int{400, 404, 405}},
		{"AI-16_connect_elsewhere", line("CONNECT evil.example:25 HTTP/1.1"), []int{400, 404, 405}},
		{"AI-16_trace", line("TRACE /healthz HTTP/1.1"), []int{405}},
		{"AI-16_lower_case", line("get /healthz HTTP/1.1"), []int{405}},
		{"AI-16_unknown", line("BREW /healthz HTTP/1.1"), []int{405}},
		{"AI-16_track", line("TRACK /login HTTP/1.1"), []int{405}},
		{"AI-21_dots", line("GET /../../etc/passwd HTTP/1.1"), []int{404}},
		{"AI-21_backslashes", line(`GET /..\..\etc\passwd HTTP/1.1`), []int{404}},
		{"AI-21_encoded_dots", line("GET /static/%2e%2e/%2e%2e/etc/passwd HTTP/1.1"), []int{404}},
		{"AI-21_encoded_twice", line("GET /static/%252e%252e%252fapp.css HTTP/1.1"), []int{404}},
		{"AI-21_overlong_dots", line("GET /static/%c0%ae%c0%ae/app.css HTTP/1.1"), []int{404}},
		{"AI-21_nul", line("GET /static/app.css%00.png HTTP/1.1"), []int{404}},
		{"AI-21_a_listing", line("GET /static/ HTTP/1.1"), []int{404}},
		{"AI-21_the_folder", line("GET /static HTTP/1.1"), []int{404}},
		{"AI-21_a_dot_file", line("GET /.git/HEAD HTTP/1.1"), []int{404}},
		{"AI-21_the_database", line("GET /gatehouse.db HTTP/1.1"), []int{404}},
		{"AI-21_a_file_url", line("GET file:///etc/passwd HTTP/1.1"), []int{404}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn, err := r.dial(t, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, body := firstAnswer(t, conn, tt.sent)
			if !slices.Contains(tt.want, answer.StatusCode) || strings.Contains(body, "root:") {
				t.Errorf("got %d, want %v: %s", answer.StatusCode, tt.want, body)
			}
			if answer.Header.Get("Strict-Transport-Security") == "" || answer.Header.Get("Access-Control-Allow-Methods") != "" {
				t.Errorf("PH-01: headers %v", answer.Header)
			}
		})
	}
}

func TestUpgradesAreRefused(t *testing.T) {
	t.Parallel()
	secured := start(t, nil)
	proxied := start(t, nil, "--tls", "proxy", "--trusted-proxies", "127.0.0.1", "--url", "https://id.example.com")
	_, rest, _ := strings.Cut(proxied.stdout.String(), "plain HTTP on ")
	proxyAddress, _, _ := strings.Cut(rest, " ")
	socket := "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
	h2c := "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
	for name, fields := range map[string]string{
		"websocket": socket, "h2c": h2c, "tls": "Upgrade: TLS/1.2, HTTP/1.1\r\nConnection: Upgrade\r\n", "without_connection": "Upgrade: websocket\r\n",
		"empty": "Upgrade:\r\n",
	} {
		t.Run("V4.4_PH-01_upgrade_to_"+name, func(t *testing.T) {
			conn, err := secured.dial(t, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, body := firstAnswer(t, conn, "GET /healthz HTTP/1.1\r\nHost: "+strings.TrimPrefix(secured.url, "https://")+"\r\n"+fields+"\r\n")
			if answer.StatusCode != 400 || answer.Header.Get("Upgrade") != "" {
				t.Errorf("got %d: %s", answer.StatusCode, body)
			}
			wantOurs(t, answer, body)
			plain, err := net.Dial("tcp", proxyAddress)
			if err != nil {
				t.Fatal(err)
			}
			defer plain.Close()
			answer, body = firstAnswer(t, plain, "GET /healthz HTTP/1.1\r\nHost: id.example.com\r\nX-Forwarded-Proto: https\r\n"+fields+"\r\n")
			if answer.StatusCode != 400 || answer.Header.Get("Upgrade") != "" {
				t.Errorf("behind a proxy: got %d: %s", answer.StatusCode, body)
			}
		})
	}
	t.Run("V4.4_prior_knowledge_of_HTTP/2_in_clear_is_refused", func(t *testing.T) {
		plain, err := net.Dial("tcp", proxyAddress)
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		answer, body := firstAnswer(t, plain, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
		if answer.StatusCode != 403 || !answer.Close {
			t.Errorf("got %d: %s", answer.StatusCode, body)
		}
	})
}
