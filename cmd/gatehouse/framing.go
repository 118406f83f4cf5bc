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

// maxHeadBytes bounds the request line and the header together.
const maxHeadBytes = 16 << 10

// maxHeadBytesRead is what net/http reads of a head. It is more than is
// answered, so that the refusal comes from a handler also over HTTP/2.
const maxHeadBytesRead = 2 * maxHeadBytes

// strictConn is an HTTP/1 connection on which every request has one possible
// length. net/http lets pass what two readers may understand in two ways:
// Content-Length beside Transfer-Encoding, several equal lengths, bare LF,
// folded lines (RFC 9112 sections 2.2, 5.2, 6.1 and 6.3). Such a request is cut
// off before the end of the offending line and made unreadable, so that
// net/http itself answers 400, in turn, and closes.
//
// What net/http answers by itself passes no handler. Here it gets the form and
// the headers of every other answer.
type strictConn struct {
	net.Conn
	framing framing
	// unreadable is that of receptionConfig.
	unreadable func(peer net.Addr, status int) []byte
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
		c.refused = bytes.Repeat([]byte("x"), maxHeadBytesRead+maxHeadBytes)
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

func (c *strictConn) Write(p []byte) (int, error) {
	status, bare := bareRefusal(p)
	if !bare || c.unreadable == nil {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(c.unreadable(c.RemoteAddr(), status)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// bareHeaders follow the status line of what net/http answers by itself, and of
// nothing else: every answer of a handler has a Date.
const bareHeaders = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// bareRefusal recognises an answer of net/http to what it cannot read, which it
// writes at once and before it closes.
func bareRefusal(p []byte) (status int, ok bool) {
	const version = "HTTP/1.1 "
	if !bytes.HasPrefix(p, []byte(version)) || len(p) < len(version)+3 {
		return 0, false
	}
	end := bytes.IndexByte(p, '\r')
	status, err := strconv.Atoi(string(p[len(version) : len(version)+3]))
	return status, err == nil && end > 0 && bytes.HasPrefix(p[end:], []byte(bareHeaders))
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
	expects    bool
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
	good := 0
	for good < len(p) && !f.untilClose {
		if f.body > 0 {
			skipped := min(f.body, int64(len(p)-good))
			f.body -= skipped
			good += int(skipped)
			continue
		}
		n, v := f.head(p[good:])
		good += n
		if v != fineSoFar {
			return good, v
		}
	}
	return len(p), fineSoFar
}

// head takes what has come of a head up to the end of a line, and returns how
// many of these bytes are good.
func (f *framing) head(p []byte) (int, verdict) {
	end := bytes.IndexByte(p, '\n')
	piece := p[:end+1]
	if end < 0 {
		piece = p
	}
	room := maxHeadBytes - f.size
	if bad := f.ambiguity(piece); bad >= 0 && bad < room {
		return bad, ambiguous
	}
	if len(piece) > room {
		return room, tooLong
	}
	f.size += len(piece)
	if end < 0 {
		f.line = append(f.line, piece...)
		return len(piece), fineSoFar
	}
	line := piece
	if len(f.line) > 0 {
		line = append(f.line, piece...)
		f.line = line[:0]
	}
	if !f.take(line[:len(line)-len("\r\n")]) {
		return end, ambiguous
	}
	return len(piece), fineSoFar
}

// ambiguity is where two readers would begin to see different lines, or -1: at a
// carriage return or a line feed without the other, and at a folded line.
func (f *framing) ambiguity(piece []byte) int {
	afterReturn := len(f.line) > 0 && f.line[len(f.line)-1] == '\r'
	folded := len(f.line) == 0 && f.lines > 0 && (piece[0] == ' ' || piece[0] == '\t')
	if folded || afterReturn != (piece[0] == '\n') {
		return 0
	}
	if piece[0] == '\n' {
		return -1
	}
	at := bytes.IndexByte(piece, '\r')
	last := len(piece) - 1
	switch {
	case at >= 0 && at < last && piece[at+1] != '\n':
		return at + 1
	case at < 0 && piece[last] == '\n':
		return last
	}
	return -1
}

// take looks at a line of the head without its end, and reports whether the
// length of the request is still beyond doubt.
func (f *framing) take(line []byte) bool {
	switch {
	case f.lines == 0 && len(line) == 0: // RFC 9112 section 2.2 lets it pass
		return true
	case f.lines == 0:
		f.http10 = bytes.HasSuffix(line, []byte("HTTP/1.0"))
	case len(line) == 0:
		*f = framing{line: f.line, body: f.length, untilClose: f.hasCoding}
		return true
	}
	f.lines++
	return f.lines == 1 || f.field(line)
}

// field takes a header line and reports the same.
func (f *framing) field(line []byte) bool {
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		value := string(bytes.Trim(value, " \t"))
		length, err := strconv.ParseInt(value, 10, 64)
		if err != nil || f.hasLength || f.hasCoding || strings.Trim(value, "0123456789") != "" {
			return false
		}
		f.hasLength, f.length = true, length
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		if f.hasCoding || f.hasLength || f.http10 || !bytes.EqualFold(bytes.Trim(value, " \t"), []byte("chunked")) {
			return false
		}
		f.hasCoding = true
	case bytes.EqualFold(name, []byte("Expect")):
		// What net/http does not know it answers itself, past every handler.
		if f.expects || !bytes.EqualFold(bytes.Trim(value, " \t"), []byte("100-continue")) {
			return false
		}
		f.expects = true
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
