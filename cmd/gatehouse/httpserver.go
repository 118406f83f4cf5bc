package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// limits is how long strangers may take, and how many of them there may be.
type limits struct {
	header    time.Duration // to send the header
	request   time.Duration // to send all of a request
	answer    time.Duration // to take the answer, from the end of the header
	idle      time.Duration // between two requests
	handshake time.Duration
	// farewell is how long requests may take to finish when the server stops.
	farewell time.Duration
	// connections is how many may be open at once. One source has a part of them.
	connections int
}

func defaultLimits() limits {
	return limits{
		header:    5 * time.Second,
		request:   15 * time.Second,
		answer:    30 * time.Second,
		idle:      60 * time.Second,
		handshake: 5 * time.Second,
		farewell:  10 * time.Second,
		// Of some 30 KiB each. A browser has one.
		connections: 8192,
	}
}

// newHTTPServer returns a server with every limit set; net/http sets none by
// itself.
func newHTTPServer(handler http.Handler, l limits, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: l.header,
		ReadTimeout:       l.request,
		WriteTimeout:      l.answer,
		IdleTimeout:       l.idle,
		MaxHeaderBytes:    maxHeadBytesRead,
		// OPTIONS * is for the handler too, which knows the methods.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          100,
			MaxReadFrameSize:              16 << 10,
			MaxReceiveBufferPerStream:     128 << 10, // a body is 64 KiB at most
			MaxReceiveBufferPerConnection: 1 << 20,
			SendPingTimeout:               l.request,
			PingTimeout:                   l.request,
			WriteByteTimeout:              l.answer,
		},
	}
}

// listenOn opens a port for --listen.
func listenOn(ctx context.Context, address string) (net.Listener, error) {
	return listenFor(ctx, "--listen", address)
}

// listenFor opens the port of a setting. The error is a sentence that names it.
func listenFor(ctx context.Context, setting, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %s is in use by another program; choose another port, as in %s 127.0.0.1:8444", setting, address, setting)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: %s needs more rights; choose a port above 1023, or give the program CAP_NET_BIND_SERVICE", setting, address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s: this machine does not have the address %s", setting, address)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return listener, nil
}

// serveUntil serves until ctx is cancelled, then stops accepting and lets
// requests finish. It returns nil after an orderly end.
func serveUntil(ctx context.Context, server *http.Server, listener net.Listener, farewell time.Duration) error {
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		// Whoever still holds a connection after that has had its time.
		_ = server.Close()
	}
	<-ended
	return nil
}
