// Notes is a small service that accepts the access tokens of a Gatehouse
// server: every user has notes, and a user with the role editor sees those of
// all. It is meant to be copied; README.md beside it says how to try it.
package main

import (
	"context"
	"crypto/x509"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gatehouse/verify"
)

// settings are the flags. Their defaults suit a Gatehouse server that runs in
// the same directory with nothing configured.
type settings struct{ listen, issuer, audience, cert, key, authority string }

func main() {
	var s settings
	flag.StringVar(&s.listen, "listen", "127.0.0.1:8444", "where to listen")
	flag.StringVar(&s.issuer, "issuer", "https://localhost:8443", "URL of the Gatehouse server")
	flag.StringVar(&s.audience, "audience", "https://localhost:8443", "its --audience, which is its URL where none is set")
	flag.StringVar(&s.cert, "cert", "gatehouse-data/local.pem", "certificate of this service")
	flag.StringVar(&s.key, "key", "gatehouse-data/local.key", "its private key")
	flag.StringVar(&s.authority, "ca", "gatehouse-data/local-ca.pem", "authority that vouches for the Gatehouse server")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(ctx, s, log); err != nil {
		log.Error("notes has ended", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and then finishes what is under way.
func run(ctx context.Context, s settings, log *slog.Logger) error {
	roots, err := readAuthority(s.authority)
	if err != nil {
		return err
	}
	tokens, err := verify.New(verify.Config{Issuer: s.issuer, Audience: s.audience, RootCAs: roots, Logger: log})
	if err != nil {
		return err
	}
	defer tokens.Close()
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:  routes(tokens, new(notebook)),
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// Who is slow keeps nobody else waiting.
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ServeTLS(listener, s.cert, s.key) }()
	log.Info("ready", "address", listener.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(ending)
}

// readAuthority returns the certificates in the file.
func readAuthority(file string) (*x509.CertPool, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w; gatehouse serve makes it in this directory", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return roots, nil
}
