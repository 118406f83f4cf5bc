package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// flood is one HTTP/2 connection that does what no browser does.
type flood struct {
	*http2.Framer
	conn    *tls.Conn
	block   bytes.Buffer
	encoder *hpack.Encoder
	ended   chan struct{} // closed when the server has closed, or went away
}

func openFlood(t *testing.T, r *running) *flood {
	t.Helper()
	conn, err := r.dial(t, func(c *tls.Config) { c.NextProtos = []string{"h2"} })
	if err != nil {
		t.Fatal(err)
	}
	f := &flood{Framer: http2.NewFramer(conn, conn), conn: conn, ended: make(chan struct{})}
	f.encoder = hpack.NewEncoder(&f.block)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	go func() { // or the server could not write
		defer close(f.ended)
		reader := http2.NewFramer(io.Discard, conn)
		for {
			frame, err := reader.ReadFrame()
			if _, away := frame.(*http2.GoAwayFrame); away || err != nil {
				return
			}
		}
	}()
	return f
}

// head is the block of a request.
func (f *flood) head(fields ...hpack.HeaderField) []byte {
	f.block.Reset()
	for _, field := range fields {
		_ = f.encoder.WriteField(field) // a buffer takes everything
	}
	return bytes.Clone(f.block.Bytes())
}

// until calls step with odd stream numbers until the server ends the connection,
// at most so many times.
func (f *flood) until(times int, step func(stream uint32) error) (ended bool) {
	for i := range times {
		if step(uint32(2*i+1)) != nil {
			return true
		}
		select {
		case <-f.ended:
			return true
		default:
		}
	}
	return false
}

// waitingRequest is the head of a request that is answered when its body has come.
func waitingRequest(r *running) []hpack.HeaderField {
	return append([]hpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":path", Value: "/v1/login"},
	}, append(healthRequest(r)[1:3], hpack.HeaderField{Name: "content-type", Value: "application/json"})...)
}

// floods are what is done; each reports what the server has to have done
// against it.
func floods(r *running) map[string]func(t *testing.T, f *flood) {
	request, waiting := healthRequest(r), waitingRequest(r)
	return map[string]func(*testing.T, *flood){
		"rapid_reset": func(_ *testing.T, f *flood) {
			f.until(5000, func(stream uint32) error {
				return errors.Join(
					f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: f.head(request...), EndStream: true, EndHeaders: true}),
					f.WriteRSTStream(stream, http2.ErrCodeCancel))
			})
		},
		"endless_continuation": func(t *testing.T, f *flood) {
			junk := f.head(hpack.HeaderField{Name: "x-junk", Value: strings.Repeat("j", 8<<10), Sensitive: true})
			err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: f.head(request...)})
			if err != nil {
				t.Error(err)
			}
			if !f.until(10000, func(uint32) error { return f.WriteContinuation(1, false, junk) }) {
				t.Error("80 MiB of header were read")
			}
		},
		"header_that_unfolds": func(_ *testing.T, f *flood) {
			big := hpack.HeaderField{Name: "x-big", Value: strings.Repeat("b", 3000)}
			fields := append(request[:len(request):len(request)], big)
			for range 2000 { // each but the first is one byte, and 3 KiB in memory
				fields = append(fields, big)
			}
			f.until(50, func(stream uint32) error {
				return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: f.head(fields...), EndStream: true, EndHeaders: true})
			})
		},
		"streams_that_never_end": func(t *testing.T, f *flood) {
			f.until(1000, func(stream uint32) error {
				return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: f.head(waiting...), EndHeaders: true})
			})
		},
		"pings": func(_ *testing.T, f *flood) {
			f.until(20000, func(uint32) error { return f.WritePing(false, [8]byte{1}) })
		},
		"settings": func(_ *testing.T, f *flood) {
			f.until(20000, func(uint32) error { return f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1}) })
		},
		"empty_data": func(t *testing.T, f *flood) {
			err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: f.head(waiting...), EndHeaders: true})
			if err != nil {
				t.Error(err)
			}
			f.until(20000, func(uint32) error { return f.WriteData(1, false, nil) })
		},
		"priorities": func(_ *testing.T, f *flood) {
			f.until(20000, func(stream uint32) error {
				return f.WritePriority(stream, http2.PriorityParam{StreamDep: stream + 2, Weight: 255})
			})
		},
	}
}

func TestHTTP2Floods(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	for name, run := range floods(r) {
		t.Run("TL-12_"+name+"_starves_nobody", func(t *testing.T) {
			f, done := openFlood(t, r), make(chan struct{})
			go func() {
				defer close(done)
				run(t, f)
			}()
			client := r.client(t)
			for during := true; during; {
				select {
				case <-done:
					during = false // once more, when it is over
				default:
				}
				if status, _ := get(t, client, r.url+"/healthz"); status != 200 {
					t.Fatalf("got %d", status)
				}
			}
		})
	}
	if strings.Contains(r.stderr.String(), "panic") {
		t.Errorf("AI-25: %s", r.stderr)
	}
}

// TestHTTP2StreamsAreBounded asks one connection for more streams than it may
// have.
func TestHTTP2StreamsAreBounded(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
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
	framer := http2.NewFramer(conn, conn)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	sent := framer.WriteSettings()
	for i := range 101 {
		block.Reset()
		for _, field := range waitingRequest(r) {
			sent = errors.Join(sent, encoder.WriteField(field))
		}
		sent = errors.Join(sent, framer.WriteHeaders(http2.HeadersFrameParam{
			StreamID: uint32(2*i + 1), BlockFragment: block.Bytes(), EndHeaders: true,
		}))
	}
	if sent != nil {
		t.Fatal(sent)
	}
	t.Run("TL-12_the_101st_stream_is_refused", func(t *testing.T) {
		for {
			frame, err := framer.ReadFrame()
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() || err != nil {
				t.Fatalf("the 101st was not refused: %v", err)
			}
			if reset, ok := frame.(*http2.RSTStreamFrame); ok {
				if reset.StreamID != 201 {
					t.Errorf("stream %d was refused, want 201", reset.StreamID)
				}
				return
			}
		}
	})
}
