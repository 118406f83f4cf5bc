package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestNumbersInSettingsHaveRanges(t *testing.T) {
	for name, wrong := range map[string][]string{
		"password-min": {"0", "-1", "7", "257", "2147483648", "9223372036854775808", "1e3", "15.0", "0x10", " 15", "15 ", "+-15", "NaN"},
		"access-ttl":   {"0", "0s", "-1s", "-10m", "61m", "1e3s", "9223372036854775808s", "500ms", "1", "10", "NaN", "Inf"},
		"hash-memory":  {"0", "-1", "0MiB", "-1MiB", "1e3MiB", "256.5.5MiB", "9223372036854775808MiB", "NaN"},
		"hash-params":  {"m=0,t=0,p=0", "m=-1,t=3,p=1", "m=65536,t=0,p=1", "m=65536,t=3,p=0", "m=4294967296,t=3,p=1", "m=1e6,t=3,p=1", "m=65536,t=3,p=256", "m=65536.0,t=3,p=1"},
		"limits": {"failures=0/5m", "failures=-1/5m", "failures=1e3/5m", "failures=2147483648/5m", "failures=1.5/5m", "failures=20/0s", "failures=20/-5m", "failures=20/25h",
			"failures=20/1500ms", "failures=20", "failures=/5m", "failures=NaN/5m"},
		"audit-retention": {"0", "0d", "-1d", "23h", "1e3d", "9223372036854775808d", "1", "NaN"},
		"listen":          {"127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:1e3", "127.0.0.1:2147483648", "127.0.0.1:0x50", "127.0.0.1:"},
	} {
		for _, text := range wrong {
			t.Run(fmt.Sprintf("AI-27_%s_%q", name, text), func(t *testing.T) {
				_, err := parseConfig(map[string]setting{name: {name: name, text: text, from: "--" + name}})
				if err == nil || !strings.HasPrefix(err.Error(), "--"+name) {
					t.Errorf("got %v, want a sentence about --%s", err, name)
				}
			})
		}
	}
}

// loginHead is the beginning of a login, without its length.
func loginHead(r *running) string {
	return "POST /v1/login HTTP/1.1\r\nHost: " + strings.TrimPrefix(r.url, "https://") + "\r\nContent-Type: application/json\r\n"
}

// TestBodiesThroughTheListener is what the doors do, behind the connection that
// looks at the framing.
func TestBodiesThroughTheListener(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	head := loginHead(r)
	t.Run("AI-09_chunked_without_end", func(t *testing.T) {
		conn, err := r.dial(t, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, head+"Transfer-Encoding: chunked\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		stopped := make(chan struct{})
		go func() { // until the server closes
			defer close(stopped)
			for chunk := fmt.Sprintf("%x\r\n%s\r\n", 8192, strings.Repeat(" ", 8192)); ; {
				if _, err := io.WriteString(conn, chunk); err != nil {
					return
				}
			}
		}()
		answer, body := firstAnswer(t, conn, "")
		if answer.StatusCode != 413 || !answer.Close {
			t.Errorf("got %d, closed %t: %s", answer.StatusCode, answer.Close, body)
		}
		_ = conn.Close()
		<-stopped
	})
	t.Run("AI-09_expect_100-continue_is_refused_before_the_body", func(t *testing.T) {
		conn, err := r.dial(t, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, body := firstAnswer(t, conn, head+"Expect: 100-continue\r\nContent-Length: "+strconv.Itoa(64<<10+1)+"\r\n\r\n")
		if answer.StatusCode != 413 {
			t.Errorf("got %d: %s", answer.StatusCode, body)
		}
	})
}

func TestExpectationsThroughTheListener(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	head := loginHead(r)
	t.Run("AI-09_expect_100-continue_is_heard_where_the_body_is_fine", func(t *testing.T) {
		conn, err := r.dial(t, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, head+"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		reader := bufio.NewReader(conn)
		if line, err := reader.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
			t.Fatalf("got %q, %v", line, err)
		}
		if _, err := reader.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "{}"); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(reader, nil)
		if err != nil || answer.StatusCode != 400 {
			t.Errorf("got %v, %v", answer, err)
		}
	})
	t.Run("AI-09_less_than_was_said", func(t *testing.T) {
		conn, err := r.dial(t, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, head+"Content-Length: 100\r\n\r\n{}"); err != nil {
			t.Fatal(err)
		}
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != 400 {
			t.Errorf("got %d", answer.StatusCode)
		}
	})
}
