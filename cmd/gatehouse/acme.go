package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// acmeCertificates obtains and renews a certificate for the one host of --url
// (RFC 8555), by TLS-ALPN-01 on the HTTPS port or HTTP-01 on port 80.
type acmeCertificates struct {
	manager *autocert.Manager
	host    string
	log     *slog.Logger
}

func (p *program) openACME(cfg config, publicURL string, log *slog.Logger) (*acmeCertificates, error) {
	parsed, err := url.Parse(publicURL)
	if err != nil {
		return nil, fmt.Errorf("--url: %w", err)
	}
	dir := filepath.Join(cfg.dataDir, "acme")
	if err := makeDataDir(dir); err != nil {
		return nil, err
	}
	return &acmeCertificates{host: parsed.Hostname(), log: log, manager: &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(dir),
		HostPolicy: onlyHost(parsed.Hostname()),
		Email:      cfg.tls.acmeEmail,
		Client:     &acme.Client{DirectoryURL: p.acmeDirectory},
	}}, nil
}

// onlyHost lets the authority ask about one host. On port 80 the name may come
// with the port.
func onlyHost(name string) autocert.HostPolicy {
	allow := autocert.HostWhitelist(name)
	return func(ctx context.Context, host string) error {
		return allow(ctx, strings.TrimSuffix(host, ":80"))
	}
}

func (a *acmeCertificates) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return a.manager.GetCertificate(hello)
}

// keep asks for the certificate at once, since the first visitor would not wait
// for it, and looks after it from then on. The manager renews it by itself at a
// third of its lifetime.
func (a *acmeCertificates) keep(ctx context.Context) {
	look := func(context.Context) {
		// What an up-to-date browser says, so that the key is ECDSA.
		_, err := a.manager.GetCertificate(&tls.ClientHelloInfo{
			ServerName:       a.host,
			CipherSuites:     []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
			SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
			SupportedCurves:  []tls.CurveID{tls.CurveP256},
		})
		if err != nil {
			a.log.Error("no certificate from the authority", "host", a.host, "error", err)
		}
	}
	guarded(ctx, a.log, look)
	every(ctx, acmeCheck, a.log, look)
}

// acmeCheck is the time between two looks at whether there is a certificate.
const acmeCheck = 10 * time.Minute

func (a *acmeCertificates) overHTTP(next http.Handler) http.Handler {
	return a.manager.HTTPHandler(next)
}

func (a *acmeCertificates) protocols() []string { return []string{acme.ALPNProto} }
