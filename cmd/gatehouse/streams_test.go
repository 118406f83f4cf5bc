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

// openWaiting opens one connection with so many requests whose body does not come,
// and returns it with a channel of the answers: a status, or "reset".
func openWaiting(t *testing.T, r *running, streams int) (framer *http2.Framer, answers chan string) {
	t.Helper()
	conn, err := r.dial(t, func(c *tls.Config) { c.NextProtos = []string{"h2"} })
	if err != nil {
		t.Fatal(err)
	}
	framer, answers = http2.NewFramer(conn, conn), make(chan string, 1000)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	_, err = io.WriteString(conn, http2.ClientPreface)
	err = errors.Join(err, framer.WriteSettings())
	for i := range streams {
		block.Reset()
		for _, field := range waitingRequest(r) {
			err = errors.Join(err, encoder.WriteField(field))
		}
		err = errors.Join(err, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: block.Bytes(), EndHeaders: true}))
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(answers)
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				return
			}
			if head, ok := frame.(*http2.MetaHeadersFrame); ok {
				answers <- head.PseudoValue("status")
			}
		}
	}()
	return framer, answers
}

func TestOneSourceCannotTakeAllStreams(t *testing.T) {
	t.Parallel()
	r := start(t, func(p *program) {
		p.limits.connections = 32 // eight for each source, and four streams
		p.limits.request, p.limits.answer = time.Minute, time.Minute
	})
	get(t, r.client(t), r.url+"/v1/nothing") // what a refusal looks like is worked out at the first one
	framer, answers := openWaiting(t, r, 8)
	t.Run("AI-12_TL-12_one_too_many_hears_503_before_its_body_is_read", func(t *testing.T) {
		for range 4 {
			if status := <-answers; status != "503" {
				t.Errorf("got %q, want 503", status)
			}
		}
		select {
		case status := <-answers:
			t.Errorf("a fifth is answered with %q", status)
		default:
		}
		waitFor(t, "a line in the log", func() bool { return strings.Contains(r.stdout.String()+r.stderr.String(), `"status":503`) })
	})
	t.Run("AI-12_another_source_is_served", func(t *testing.T) {
		client := r.clientBy(t, &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}})
		if status, _ := get(t, client, r.url+"/healthz"); status != 200 {
			t.Errorf("got %d", status)
		}
	})
	t.Run("AI-12_who_leaves_makes_room", func(t *testing.T) {
		for i := range 8 {
			if err := framer.WriteRSTStream(uint32(2*i+1), http2.ErrCodeCancel); err != nil {
				t.Fatal(err)
			}
		}
		waitFor(t, "an answer", func() bool {
			status, _ := get(t, r.client(t), r.url+"/healthz")
			return status == 200
		})
	})
}

func TestManyOpenStreams(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	get(t, r.client(t), r.url+"/v1/nothing") // what a refusal looks like is worked out at the first one
	t.Run("TL-12_1000_open_streams_starve_nobody", func(t *testing.T) {
		for range 10 {
			openWaiting(t, r, 100)
		}
		for range 10 {
			if status, _ := get(t, r.client(t), r.url+"/healthz"); status != 200 {
				t.Errorf("got %d", status)
			}
		}
	})
}
