package e2e

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

// useCommands runs the commands that look at what happened, and returns what they
// say. Links with a code are for who asked for them, and not among it.
func useCommands(t *testing.T, s *server) string {
	t.Helper()
	var said strings.Builder
	for _, args := range [][]string{
		{"audit", "list"}, {"audit", "list", "--json"}, {"audit", "verify"}, {"audit", "export"}, {"audit", "export", "--format", "csv"},
		{"user", "list", "--json"}, {"user", "show", "ana"}, {"user", "sessions", "ana"}, {"keys", "list"}, {"keys", "rotate"},
	} {
		said.WriteString(done(t, s.data, "", args...))
	}
	for _, event := range []string{"authn_login_success", "authn_login_fail", "authn_password_change", "authn_password_reset", "authn_code_issued"} {
		t.Run("LG-03_"+event, func(t *testing.T) {
			if !strings.Contains(said.String(), event) {
				t.Error("there is none")
			}
		})
	}
	return said.String()
}

// useRawly sends secrets where no request is: before TLS, instead of it, and in
// what net/http refuses.
func useRawly(t *testing.T, s *server, held *secrets) {
	t.Helper()
	const marker = "zanzibar-marker-raw"
	held.add("raw bytes", marker)
	address := strings.TrimPrefix(s.url, "https://")
	plain, err := net.Dial("tcp", address)
	must(t, err)
	must(t, plain.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(plain, "POST /v1/login HTTP/1.1\r\nHost: "+marker+"\r\nAuthorization: Bearer "+marker+"\r\n\r\n"+marker)
	must(t, err)
	_, _ = io.ReadAll(plain)
	must(t, plain.Close())
	for _, text := range []string{
		marker + "\r\n\r\n", "GET /" + marker + " HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nHost: " + address + "\r\n" + marker + "\r\n\r\n",
		"GET /?x=" + marker + " HTTP/1.1\r\nHost: " + address + "\r\nCookie: " + strings.Repeat(marker+"=1; ", 2000) + "\r\n\r\n",
		"POST /v1/login HTTP/1.1\r\nHost: " + address + "\r\nTransfer-Encoding: " + marker + "\r\n\r\n",
		"POST /v1/login HTTP/1.1\r\nHost: " + address + "\r\nContent-Length: " + marker + "\r\n\r\n",
		"POST /v1/login HTTP/1.1\r\nHost: " + address + "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + marker + "\r\n",
		"CONNECT " + marker + ":443 HTTP/1.1\r\nHost: " + marker + "\r\n\r\n",
	} {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}) //nolint:gosec // the server is not what is checked
		must(t, err)
		must(t, conn.SetDeadline(time.Now().Add(patience)))
		_, _ = io.WriteString(conn, text)
		_ = conn.CloseWrite()
		answer, _ := io.ReadAll(conn)
		if bytes.Contains(answer, []byte(marker)) {
			t.Errorf("PH-26 the answer to %.40q repeats it", text)
		}
		_ = conn.Close()
	}
	_, _ = tls.Dial("tcp", address, &tls.Config{ServerName: marker + ".example", InsecureSkipVerify: true}) //nolint:gosec // the same
}

// wantMembers checks every line of a log of JSON.
func wantMembers(t *testing.T, log []byte) {
	t.Helper()
	utc := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)
	id := regexp.MustCompile(`^[0-9a-f]{32}$`)
	for line := range bytes.Lines(log) {
		var got map[string]any
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		at, _ := got["time"].(string)
		level, _ := got["level"].(string)
		if message, _ := got["msg"].(string); !utc.MatchString(at) || message == "" || !strings.Contains(" INFO WARN ERROR ", " "+level+" ") {
			t.Errorf("time, level or message is wrong: %s", line)
		}
		if got["msg"] != "request" {
			continue
		}
		request, _ := got["request_id"].(string)
		place, _ := got["ip"].(string)
		status, _ := got["status"].(float64)
		method, _ := got["method"].(string)
		if _, isText := got["route"].(string); !isText || !id.MatchString(request) || net.ParseIP(place) == nil || status < 200 || status > 599 || method == "" {
			t.Errorf("a member is missing or wrong: %s", line)
		}
		if _, refused := got["code"]; refused != (status >= 400) && status != 303 && status != 200 {
			t.Errorf("the result is not told: %s", line)
		}
		for _, known := range []string{"time", "level", "msg", "request_id", "method", "route", "status", "duration_ms", "ip", "code", "user_id"} {
			delete(got, known)
		}
		if len(got) > 0 {
			t.Errorf("there are other members, %v: %s", got, line)
		}
	}
}
