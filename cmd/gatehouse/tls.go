package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
)

// certificates is where certificates come from.
type certificates interface {
	// certificate answers a handshake.
	certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error)
	// keep watches and renews until ctx is cancelled.
	keep(ctx context.Context)
	// overHTTP wraps the handler of port 80 where that has to answer an
	// authority.
	overHTTP(next http.Handler) http.Handler
	// protocols are further names for ALPN.
	protocols() []string
}

// openCertificates makes the source that --tls names; nil for proxy.
func (p *program) openCertificates(cfg config, publicURL string, log *slog.Logger) (certificates, error) {
	switch cfg.tls.kind {
	case tlsFiles:
		return openCertificateFiles(certificateFiles{
			certFile: cfg.tls.certFile, keyFile: cfg.tls.keyFile, poll: p.certificatePoll, log: log,
		})
	case tlsACME:
		return p.openACME(cfg, publicURL, log)
	case tlsProxy:
		return nil, nil
	default:
		parsed, err := url.Parse(publicURL)
		if err != nil {
			return nil, fmt.Errorf("--url: %w", err)
		}
		return openLocal(cfg.dataDir, parsed.Hostname(), log)
	}
}

// parseTLSMin reads the oldest version that is spoken.
func parseTLSMin(cfg *config, values map[string]setting) error {
	value := values["tls-min"]
	switch {
	case value.text != "" && cfg.tls.kind == tlsProxy:
		return value.wrong("it is not read with --tls=proxy, where the proxy speaks TLS")
	case value.text == "" || value.text == "1.2":
		cfg.tls.minVersion = tls.VersionTLS12
	case value.text == "1.3":
		cfg.tls.minVersion = tls.VersionTLS13
	default:
		return value.wrong("%q is neither 1.2 nor 1.3", value.text)
	}
	return nil
}

// serverTLS is the one configuration of the server.
func serverTLS(source certificates, minVersion uint16) *tls.Config {
	return tlsFor(source, minVersion, append([]string{"h2", "http/1.1"}, source.protocols()...)...)
}

// tlsFor returns a configuration for a listener that speaks these protocols. It
// never changes: what changes is behind GetCertificate.
func tlsFor(source certificates, minVersion uint16, protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: minVersion,
		MaxVersion: tls.VersionTLS13,
		// Go's own list for 1.2 still has CBC with SHA-1.
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256},
		NextProtos:       protocols,
		GetCertificate:   source.certificate,
	}
}

// leafOf returns the first certificate of a chain, which tls has parsed.
func leafOf(pair *tls.Certificate) (*x509.Certificate, error) {
	if pair.Leaf != nil {
		return pair.Leaf, nil
	}
	return x509.ParseCertificate(pair.Certificate[0])
}
