package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// maxHeadBytes bounds the request line and the header together (security.md
// N-27).
const maxHeadBytes = 16 << 10

// strictConn is an HTTP/1 connection on which every request has one possible
// length. net/http lets pass what two readers may understand in two ways:
// Content-Length beside Transfer-Encoding, several equal lengths, bare LF,
// folded lines (RFC 9112 sections 2.2, 5.2, 6.1 and 6.3). Such a request is cut
// off before the end of the offending line and made unreadable, so that
// net/http itself answers 400, in turn, and closes.
type strictConn struct {
	net.Conn
	framing framing
	// refused is what is still to be read instead of what was sent; nil while
	// nothing is wrong.
	refused []byte
}

// strictTLSConn tells net/http about the handshake, for Request.TLS.
type strictTLSConn struct {
	*strictConn
	tls *tls.Conn
}

func (c strictTLSConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// unreadable is refused by every state of the HTTP/1 parser: a NUL is part of
// no request line, no name and no value.
const unreadable = "\x00\r\n\r\n"

var errUnreadable = errors.New("request cut off")

func (c *strictConn) Read(p []byte) (int, error) {
	if c.refused != nil {
		return c.readRefused(p)
	}
	n, err := c.Conn.Read(p)
	good, refusal := c.framing.pass(p[:n])
	switch refusal {
	case fineSoFar:
		return n, err
	case tooLong:
		// Past the limit of net/http, which then answers 431.
		c.refused = bytes.Repeat([]byte("x"), 2*maxHeadBytes)
	case ambiguous:
		c.refused = []byte(unreadable)
	}
	if good > 0 {
		return good, nil
	}
	return c.readRefused(p)
}

func (c *strictConn) readRefused(p []byte) (int, error) {
	if len(c.refused) == 0 {
		return 0, errUnreadable
	}
	n := copy(p, c.refused)
	c.refused = c.refused[n:]
	return n, nil
}

// framing follows one connection from request to request. The zero value
// stands before the first.
type framing struct {
	line       []byte // of the head, so far
	size       int    // of the head, so far
	lines      int
	http10     bool
	hasLength  bool
	hasCoding  bool
	length     int64 // of the body, as the head says
	body       int64 // bytes of the body still to come
	untilClose bool  // chunked: nothing else may follow on this connection
}

type verdict int

const (
	fineSoFar verdict = iota
	ambiguous
	tooLong
)

// pass looks at bytes on their way and returns how many of them are good.
func (f *framing) pass(p []byte) (int, verdict) {
	for i := 0; i < len(p); i++ {
		if f.untilClose {
			break
		}
		if f.body > 0 {
			skipped := min(f.body, int64(len(p)-i))
			f.body -= skipped
			i += int(skipped) - 1
			continue
		}
		if v := f.head(p[i]); v != fineSoFar {
			return i, v
		}
	}
	return len(p), fineSoFar
}

// head takes the next byte of a head.
func (f *framing) head(b byte) verdict {
	f.size++
	if f.size > maxHeadBytes {
		return tooLong
	}
	carriageReturn := len(f.line) > 0 && f.line[len(f.line)-1] == '\r'
	folded := len(f.line) == 0 && f.lines > 0 && (b == ' ' || b == '\t')
	if folded || carriageReturn != (b == '\n') {
		return ambiguous
	}
	if b != '\n' {
		f.line = append(f.line, b)
		return fineSoFar
	}
	line := string(f.line[:len(f.line)-1])
	f.line = f.line[:0]
	switch {
	case f.lines == 0 && line == "": // RFC 9112 section 2.2 lets it pass
		return fineSoFar
	case f.lines == 0:
		f.http10 = strings.HasSuffix(line, "HTTP/1.0")
	case line == "":
		*f = framing{line: f.line, body: f.length, untilClose: f.hasCoding}
		return fineSoFar
	}
	f.lines++
	if f.lines > 1 && !f.field(line) {
		return ambiguous
	}
	return fineSoFar
}

// field takes a header line and reports whether the length of the request is
// still beyond doubt.
func (f *framing) field(line string) bool {
	name, value, _ := strings.Cut(line, ":")
	value = strings.Trim(value, " \t")
	switch strings.ToLower(name) {
	case "content-length":
		length, err := strconv.ParseInt(value, 10, 64)
		if err != nil || f.hasLength || f.hasCoding || strings.Trim(value, "0123456789") != "" {
			return false
		}
		f.hasLength, f.length = true, length
	case "transfer-encoding":
		if f.hasCoding || f.hasLength || f.http10 || !strings.EqualFold(value, "chunked") {
			return false
		}
		f.hasCoding = true
	}
	return true
}

// closeAfterChunked ends an HTTP/1 connection after a chunked request, because
// strictConn does not look for the end of one.
func closeAfterChunked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
