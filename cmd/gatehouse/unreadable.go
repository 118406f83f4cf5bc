package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"gatehouse/web"
)

// unreadableBy lets the doors answer a request that net/http could not read. The
// connection ends after it.
func unreadableBy(doors http.Handler) func(peer net.Addr, status int) []byte {
	return func(peer net.Addr, status int) []byte {
		r := (&http.Request{
			URL: &url.URL{}, Header: http.Header{}, Body: http.NoBody, RemoteAddr: peer.String(),
		}).WithContext(web.WithUnreadable(context.Background(), status))
		w := &keptAnswer{header: http.Header{}}
		doors.ServeHTTP(w, r)
		w.header.Set("Date", time.Now().UTC().Format(http.TimeFormat)) // RFC 9110 section 6.6.1
		answer := http.Response{
			StatusCode: w.status, ProtoMajor: 1, ProtoMinor: 1, Header: w.header,
			Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Close: true,
		}
		var text bytes.Buffer
		_ = answer.Write(&text) // a buffer takes everything
		return text.Bytes()
	}
}

// keptAnswer is an answer that is written later as a whole.
type keptAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *keptAnswer) Header() http.Header { return w.header }

func (w *keptAnswer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *keptAnswer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}
