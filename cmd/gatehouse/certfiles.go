package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// certificateFiles serves the pair in two files and reads them again when they
// change, so that whoever renews them does not restart the server. A pair that
// does not fit leaves the one before in service.
type certificateFiles struct {
	certFile, keyFile string
	poll              time.Duration
	log               *slog.Logger
}

type servedFiles struct {
	certificateFiles
	current atomic.Pointer[tls.Certificate]
	seen    string // what the files looked like when they were last read
}

func openCertificateFiles(files certificateFiles) (*servedFiles, error) {
	s := &servedFiles{certificateFiles: files}
	seen, err := s.look()
	if err != nil {
		return nil, err
	}
	pair, err := s.load()
	if err != nil {
		return nil, err
	}
	s.seen = seen
	s.current.Store(pair)
	return s, nil
}

// look describes the state of both files.
func (s *servedFiles) look() (string, error) {
	state := ""
	for _, file := range []struct{ setting, path string }{{"cert", s.certFile}, {"key", s.keyFile}} {
		info, err := os.Stat(file.path)
		if err != nil {
			return "", setting{name: file.setting}.wrong("%v", err)
		}
		state += fmt.Sprintf("%d %d;", info.Size(), info.ModTime().UnixNano())
	}
	return state, nil
}

func (s *servedFiles) load() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(s.certFile, s.keyFile)
	if err != nil {
		return nil, fmt.Errorf("--cert and --key: %s and %s are no pair: %w", s.certFile, s.keyFile, err)
	}
	leaf, err := leafOf(&pair)
	if err != nil {
		return nil, fmt.Errorf("--cert: %s: %w", s.certFile, err)
	}
	if time.Now().After(leaf.NotAfter) {
		return nil, fmt.Errorf("--cert: %s has expired on %s", s.certFile, leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	return &pair, nil
}

func (s *servedFiles) keep(ctx context.Context) {
	every(ctx, s.poll, s.log, func(context.Context) { s.reload() })
}

// reload takes a new pair into service. A renewal writes two files, so what
// does not fit at this look may fit at the next; it is reported once for each
// state of the files.
func (s *servedFiles) reload() {
	seen, err := s.look()
	if err != nil {
		seen = err.Error()
	}
	if seen == s.seen {
		return
	}
	s.seen = seen
	if err == nil {
		var pair *tls.Certificate
		if pair, err = s.load(); err == nil {
			s.current.Store(pair)
			s.log.Info("certificate replaced", "file", s.certFile)
			return
		}
	}
	s.log.Error("new certificate not taken; the one before stays in service", "error", err)
}

func (s *servedFiles) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return s.current.Load(), nil
}

func (s *servedFiles) overHTTP(next http.Handler) http.Handler { return next }
func (s *servedFiles) protocols() []string                     { return nil }
