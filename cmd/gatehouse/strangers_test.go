package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// slowLimits are short, so that slowness is soon too slow.
func slowLimits(p *program) {
	p.limits = limits{
		header: 300 * time.Millisecond, request: 600 * time.Millisecond, answer: 900 * time.Millisecond,
		idle: 300 * time.Millisecond, handshake: 300 * time.Millisecond, farewell: time.Second, connections: 1024,
	}
}

func TestSlowClients(t *testing.T) {
	t.Parallel()
	r := start(t, slowLimits)
	host := strings.TrimPrefix(r.url, "https://")
	for _, tt := range []struct{ name, sent string }{
		{"slow_header", "GET /healthz HTTP/1.1\r\nHost: " + host + "\r\nX-Slow"},
		{"slow_body", "POST /v1/login HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"},
		{"idle", "GET /healthz HTTP/1.1\r\nHost: " + host + "\r\n\r\n"},
		{"slow_second_header", "GET /healthz HTTP/1.1\r\nHost: " + host + "\r\n\r\nGET /healthz HTTP/1.1\r\nHost"},
		{"silence", ""},
	} {
		t.Run("AI-12_"+tt.name, func(t *testing.T) {
			t.Parallel()
			conn, err := r.dial(t, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, tt.sent); err != nil {
				t.Fatal(err)
			}
			wantClosed(t, conn)
		})
	}
	t.Run("AI-12_no_handshake", func(t *testing.T) {
		t.Parallel()
		conn, err := net.Dial("tcp", r.address())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		wantClosed(t, conn)
	})
}

func TestSlowReader(t *testing.T) {
	t.Parallel()
	p, _, _ := testProgram()
	slowLimits(p)
	ended := make(chan error, 1)
	endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var err error
		for err == nil {
			_, err = w.Write(make([]byte, 64<<10))
		}
		ended <- err
	})
	listener, err := listenOn(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := newLogger(p.stderr, "json")
	server := newHTTPServer(endless, p.limits, log)
	go func() {
		_ = server.Serve(newReception(listener, receptionConfig{handshake: p.limits.handshake, log: log}))
	}()
	t.Cleanup(func() { _ = server.Close() })
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(60 * time.Second):
		t.Error("AI-12: the server waits for a client that does not read")
	}
}

// wantClosed waits for the server to close; without limits it never does.
func wantClosed(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, conn)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the server keeps the connection open")
	}
}

func TestManySlowClients(t *testing.T) {
	t.Parallel()
	r := start(t, func(p *program) {
		p.limits.handshake, p.limits.header, p.limits.request = time.Minute, time.Minute, time.Minute
	})
	var slow []net.Conn
	for range 800 { // before the handshake
		conn, err := net.Dial("tcp", r.address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		slow = append(slow, conn)
	}
	host := strings.TrimPrefix(r.url, "https://")
	for _, sent := range []string{"POST /v1/login HTTP/1.1\r\n", "POST /v1/login HTTP/1.1\r\nHost: " + host +
		"\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"} {
		for range 100 {
			conn, err := r.dial(t, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, sent); err != nil {
				t.Fatal(err)
			}
			slow = append(slow, conn)
		}
	}
	t.Run("AI-12_1000_slow_clients_leave_the_others_alone", func(t *testing.T) {
		for range 5 {
			if status, _ := get(t, r.client(t), r.url+"/healthz"); status != 200 {
				t.Errorf("got %d", status)
			}
		}
		for i := 0; i < len(slow); i += 10 { // or nothing was proven
			conn := slow[i]
			if err := conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			_, err := conn.Read(make([]byte, 1))
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Fatalf("slow client %d is gone: %v", i, err)
			}
		}
	})
}

func TestLargeHeaders(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	host := strings.TrimPrefix(r.url, "https://")
	for _, tt := range []struct {
		name, field, value string
		times, want        int
	}{
		{"15_KiB", "x-large", strings.Repeat("a", 900), 15, 200},
		{"17_KiB", "x-large", strings.Repeat("a", 1024), 17, 431},
		{"51_cookies", "cookie", strings.TrimSuffix(strings.Repeat("a=b; ", 51), "; "), 1, 400},
	} {
		t.Run("AI-13_HTTP/1_"+tt.name, func(t *testing.T) {
			t.Parallel()
			header := strings.Repeat(tt.field+": "+tt.value+"\r\n", tt.times)
			statuses, _ := ask(t, r, "GET /healthz HTTP/1.1\r\nHost: "+host+"\r\n"+header+"\r\n", 1)
			if !slices.Equal(statuses, []int{tt.want}) {
				t.Errorf("got %v, want %d", statuses, tt.want)
			}
		})
		t.Run("AI-13_HTTP/2_"+tt.name, func(t *testing.T) {
			t.Parallel()
			fields := append(healthRequest(r), slices.Repeat([]hpack.HeaderField{{Name: tt.field, Value: tt.value, Sensitive: true}}, tt.times)...)
			if got := askHTTP2(t, r, fields); got != strconv.Itoa(tt.want) {
				t.Errorf("got %s, want %d", got, tt.want)
			}
		})
	}
	t.Run("AI-13_HTTP/1_one_line_of_17_KiB", func(t *testing.T) {
		t.Parallel()
		statuses, _ := ask(t, r, "GET /healthz HTTP/1.1\r\nHost: "+host+"\r\nX-Large: "+strings.Repeat("a", 17<<10)+"\r\n\r\n", 1)
		if !slices.Equal(statuses, []int{431}) {
			t.Errorf("got %v, want 431", statuses)
		}
	})
}

// healthRequest is a request over HTTP/2 that is answered with 200.
func healthRequest(r *running) []hpack.HeaderField {
	return []hpack.HeaderField{
		{Name: ":method", Value: "GET"},
		{Name: ":scheme", Value: "https"},
		{Name: ":authority", Value: strings.TrimPrefix(r.url, "https://")},
		{Name: ":path", Value: "/healthz"},
	}
}

func TestHTTP2Fields(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	for _, tt := range []struct {
		name, field, value string
		want               bool // answered
	}{
		{"plain", "x-note", "fine", true},
		{"connection", "connection", "keep-alive", false},
		{"transfer-encoding", "transfer-encoding", "chunked", false},
		{"upgrade", "upgrade", "websocket", false},
		{"carriage_return", "x-note", "a\rb", false},
		{"line_feed", "x-note", "a\nb", false},
		{"nul", "x-note", "a\x00b", false},
		{"upper_case_name", "X-Note", "a", false},
		{"colon_in_name", "x:note", "a", false},
		{"second_method", ":method", "POST", false},
	} {
		t.Run("AI-15_"+tt.name, func(t *testing.T) {
			t.Parallel()
			got := askHTTP2(t, r, append(healthRequest(r), hpack.HeaderField{Name: tt.field, Value: tt.value}))
			if (got == "200") != tt.want {
				t.Errorf("got %s, want an answer: %t", got, tt.want)
			}
		})
	}
}

// askHTTP2 sends one request field by field and returns the status of the
// answer, or "error" for a stream or connection that was ended instead.
func askHTTP2(t *testing.T, r *running, fields []hpack.HeaderField) string {
	t.Helper()
	conn, err := r.dial(t, func(c *tls.Config) { c.NextProtos = []string{"h2"} })
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range fields {
		if err := encoder.WriteField(field); err != nil {
			t.Fatal(err)
		}
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	const frameBytes = 16 << 10 // what every server takes, RFC 9113 section 4.2
	first := block.Next(frameBytes)
	err = errors.Join(framer.WriteSettings(), framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: first, EndStream: true, EndHeaders: block.Len() == 0,
	}))
	for err == nil && block.Len() > 0 {
		next := block.Next(frameBytes)
		err = framer.WriteContinuation(1, block.Len() == 0, next)
	}
	if err != nil {
		t.Fatal(err)
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			return frame.PseudoValue("status")
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return "error"
		}
	}
}
