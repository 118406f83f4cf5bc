package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/acme"
)

// reception accepts connections, within bounds, shakes hands and hands each one
// to the server that Serve belongs to: HTTP/2 as it is, HTTP/1 as a strictConn.
// It is a net.Listener.
type reception struct {
	receptionConfig
	inner net.Listener
	crowd *crowd

	ready chan net.Conn
	done  chan struct{}
	once  sync.Once
	err   error // why accepting ended; read after done is closed
}

// receptionConfig says how strangers are received.
type receptionConfig struct {
	tls       *tls.Config // nil: plain HTTP, behind a proxy
	handshake time.Duration
	crowd     crowdLimits
	// unreadable gives the answer to a request that net/http cannot read; where
	// it is nil, net/http has the last word.
	unreadable func(peer net.Addr, status int) []byte
	log        *slog.Logger
}

func newReception(inner net.Listener, cfg receptionConfig) *reception {
	r := &reception{
		receptionConfig: cfg, inner: inner, crowd: newCrowd(cfg.crowd),
		ready: make(chan net.Conn), done: make(chan struct{}),
	}
	go keepUp(context.Background(), r.log, func(context.Context) { r.run() })
	return r
}

func (r *reception) run() {
	for {
		conn, err := r.inner.Accept()
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ECONNABORTED) {
			// Too many open files pass; a listener that gives up does not.
			r.log.Warn("connection not accepted", "error", err)
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if err != nil {
			r.end(err)
			return
		}
		counted, ok := r.crowd.admit(conn)
		if !ok {
			r.decline(conn)
			continue
		}
		go guarded(context.Background(), r.log, func(context.Context) { r.welcomeOrClose(counted) })
	}
}

// decline ends a connection that is one too many. Over TLS it hears nothing,
// since a handshake is what costs.
func (r *reception) decline(conn net.Conn) {
	if r.tls == nil {
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"+
			"Retry-After: 5\r\n"+plainHeaders+"Too many connections.\n")
	}
	_ = conn.Close()
	r.log.Debug("connection declined", "peer", conn.RemoteAddr().String())
	if declined, tell := r.crowd.tell(time.Now()); tell {
		r.log.Warn("too many connections", "declined", declined, "open", r.crowd.size())
	}
}

// plainHeaders end the head of an answer that no handler writes, in clear.
const plainHeaders = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"

// welcomeOrClose keeps no connection open that nobody has any more.
func (r *reception) welcomeOrClose(conn net.Conn) {
	passed := false
	defer func() {
		if !passed {
			_ = conn.Close()
		}
	}()
	r.welcome(conn)
	passed = true
}

// welcome shakes hands, in a goroutine of its own so that nobody waits for a
// slow one.
func (r *reception) welcome(conn net.Conn) {
	if r.tls == nil {
		r.pass(&strictConn{Conn: conn, unreadable: r.unreadable})
		return
	}
	secured := tls.Server(conn, r.tls)
	ctx, cancel := context.WithTimeout(context.Background(), r.handshake)
	defer cancel()
	if err := secured.HandshakeContext(ctx); err != nil {
		r.turnAway(conn, err)
		return
	}
	switch secured.ConnectionState().NegotiatedProtocol {
	case "h2":
		r.pass(secured)
	case acme.ALPNProto: // the handshake was the answer to the challenge
		_ = secured.Close()
	default:
		r.pass(strictTLSConn{strictConn: &strictConn{Conn: secured, unreadable: r.unreadable}, tls: secured})
	}
}

// turnAway ends a connection without a handshake. One that speaks plain HTTP
// hears why; nothing of its request was read but the first five bytes.
func (r *reception) turnAway(conn net.Conn, reason error) {
	var other tls.RecordHeaderError
	if errors.As(reason, &other) && other.Conn != nil && looksLikeHTTP(other.RecordHeader) {
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"+
			plainHeaders+"This port speaks HTTPS only.\n")
	}
	_ = conn.Close()
	// Strangers cause these at will, so they stay out of the log by default.
	r.log.Debug("handshake failed", "peer", conn.RemoteAddr().String(), "error", reason)
}

// looksLikeHTTP knows the beginnings of the methods that are in use.
func looksLikeHTTP(header [5]byte) bool {
	switch string(header[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO", "TRACE", "CONNE":
		return true
	}
	return false
}

func (r *reception) pass(conn net.Conn) {
	select {
	case r.ready <- conn:
	case <-r.done:
		_ = conn.Close()
	}
}

func (r *reception) Accept() (net.Conn, error) {
	select {
	case conn := <-r.ready:
		return conn, nil
	case <-r.done:
		return nil, r.err
	}
}

func (r *reception) Addr() net.Addr { return r.inner.Addr() }

// Close stops accepting. Handshakes that are under way come to nothing.
func (r *reception) Close() error {
	err := r.inner.Close()
	r.end(net.ErrClosed)
	return err
}

func (r *reception) end(reason error) {
	r.once.Do(func() {
		r.err = reason
		close(r.done)
	})
}
